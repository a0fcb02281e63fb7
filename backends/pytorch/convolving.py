"""Convolutions with a given weight in PyTorch: the functions behind its modules."""

from __future__ import annotations

from tercet.backends.pytorch.conv import pad_widths
from tercet.backends.pytorch.target import F, lower
from tercet.codegen.axes import collapse
from tercet.codegen.expr import Expr, default
from tercet.codegen.target import Application
from tercet.compiler.ops.convolving import (
    Convolve1d,
    Convolve2d,
    Convolve3d,
    ConvolveTranspose1d,
    ConvolveTranspose2d,
    ConvolveTranspose3d,
    Convolving,
    ConvolvingTranspose,
)
from tercet.compiler.ops.windows import Pads


def pads_of(op: Convolving, at: Application) -> Pads:
    """The padding as numbers."""
    shape = tuple(size for size in at.type(1).shape if isinstance(size, int))
    return op.as_layer(shape).pads(at.type(0).shape[2:])


def _settings(op: Convolving, own: object) -> dict[str, object]:
    return {
        "stride": default(collapse(op.stride), 1),
        "padding": default(own, 0),
        "dilation": default(collapse(op.dilation), 1),
        "groups": default(op.groups, 1),
    }


def _bias(bias: Expr | None) -> dict[str, object]:
    return {} if bias is None else {"bias": bias}


def _own(pads: Pads) -> object:
    """The padding that the function itself does; None where the ends differ."""
    alike = all(begin == end for begin, end in pads)
    return collapse(tuple(begin for begin, _ in pads)) if alike else None


@lower(Convolve1d, Convolve2d, Convolve3d)
def _convolve(
    op: Convolving, at: Application, x: Expr, weight: Expr, bias: Expr | None = None
) -> Expr:
    function = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[op.rank]
    pads = pads_of(op, at)
    own = _own(pads)
    if own is None:
        x = F.pad(x, pad_widths(pads))
    return function(x, weight, **_bias(bias), **_settings(op, own or 0))


@lower(ConvolveTranspose1d, ConvolveTranspose2d, ConvolveTranspose3d)
def _convolve_transpose(
    op: ConvolvingTranspose, at: Application, x: Expr, weight: Expr, bias: Expr | None = None
) -> Expr:
    functions = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
    pads = pads_of(op, at)
    own = _own(pads)
    settings = _settings(op, own or 0)
    settings["output_padding"] = default(collapse(op.output_padding), 0)
    y = functions[op.rank](x, weight, **_bias(bias), **settings)
    return y if own is not None else y[(..., *(slice(b, -e or None) for b, e in pads))]
