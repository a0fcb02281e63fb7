"""Convolutions with a given weight in MXNet: the operators behind its layers."""

from __future__ import annotations

from tercet.backends.mxnet.conv import padded
from tercet.backends.mxnet.target import F, lower
from tercet.codegen.expr import Expr, Helper, default
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


def _pads(op: Convolving, at: Application) -> Pads:
    return op.as_layer(_shape(at)).pads(at.type(0).shape[2:])


def _shape(at: Application) -> tuple[int, ...]:
    return tuple(size for size in at.type(1).shape if isinstance(size, int))


def _settings(op: Convolving, at: Application, own: tuple[int, ...]) -> dict[str, object]:
    ones, zeros = (1,) * op.rank, (0,) * op.rank
    return {
        "kernel": _shape(at)[2:],
        "num_filter": op.as_layer(_shape(at)).channels,
        "stride": default(op.stride, ones),
        "dilate": default(op.dilation, ones),
        "pad": default(own, zeros),
        "num_group": default(op.groups, 1),
    }


@lower(Convolve1d, Convolve2d, Convolve3d)
def _convolve(
    op: Convolving, at: Application, x: Expr, weight: Expr, bias: Expr | None = None
) -> Expr:
    pads = _pads(op, at)
    own = tuple(begin for begin, _ in pads)
    if any(begin != end for begin, end in pads):
        x, own = padded(x, pads), (0,) * op.rank
    operands = (x, weight) if bias is None else (x, weight, bias)
    return F.Convolution(*operands, **_settings(op, at, own), no_bias=default(bias is None, False))


@lower(ConvolveTranspose1d, ConvolveTranspose2d, ConvolveTranspose3d)
def _convolve_transpose(
    op: ConvolvingTranspose, at: Application, x: Expr, weight: Expr, bias: Expr | None = None
) -> Expr:
    """All that windows cover, without what is cut off, and with `output_padding`."""
    whole = tuple(n - 1 for n in op.as_layer(_shape(at)).extents)
    settings = {name: value for name, value in _settings(op, at, whole).items() if name != "stride"}
    y = Helper("transposed_convolution")(F, x, weight, op.stride, **settings)
    ends = [
        (begin, end - extra)
        for (begin, end), extra in zip(_pads(op, at), op.output_padding, strict=True)
    ]
    if any(begin > 0 or end > 0 for begin, end in ends):
        begins = (None, None, *(begin or None for begin, _ in ends))
        stops = (None, None, *(-end if end > 0 else None for _, end in ends))
        y = F.slice(y, begin=begins, end=stops)
    if any(end < 0 for _, end in ends):
        y = padded(y, tuple((0, max(0, -end)) for _, end in ends))
    if bias is None:
        return y
    return F.broadcast_add(y, F.reshape(bias, shape=(1, -1, *(1,) * op.rank)))
