"""Convolutions with a given weight in TensorFlow, which wants it [*kernel, in, out]."""

from __future__ import annotations

from tercet.backends.tensorflow.conv import pad_widths
from tercet.backends.tensorflow.target import Placed, lower, tf
from tercet.codegen.axes import collapse
from tercet.codegen.expr import Expr, Helper, default
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


def _pads(op: Convolving, at: Placed) -> Pads:
    shape = tuple(size for size in at.type(1).shape if isinstance(size, int))
    return op.as_layer(shape).pads(at.type(0).shape[2:])


def _kernel(op: Convolving, weight: Expr) -> Expr:
    return tf.transpose(weight, (*range(2, 2 + op.rank), 1, 0))


@lower(Convolve1d, Convolve2d, Convolve3d)
def _convolve(op: Convolving, at: Placed, x: Expr, weight: Expr, bias: Expr | None = None) -> Expr:
    pads = _pads(op, at)
    x = tf.pad(x, pad_widths(pads)) if any(map(any, pads)) else x
    skips = max(op.stride) > 1 and max(op.dilation) > 1  # TensorFlow refuses both
    settings = {
        "strides": default(1 if skips else collapse(op.stride), 1),
        "dilations": default(collapse(op.dilation), 1),
    }
    kernel = _kernel(op, weight)
    if op.groups > 1:
        y = Helper("convolution_of_groups")(x, kernel, op.groups, **settings)
    else:
        y = tf.nn.convolution(x, kernel, **settings)
    if skips:
        y = y[(slice(None), *(slice(None, None, s) for s in op.stride))]
    return y if bias is None else y + bias


@lower(ConvolveTranspose1d, ConvolveTranspose2d, ConvolveTranspose3d)
def _convolve_transpose(
    op: ConvolvingTranspose, at: Placed, x: Expr, weight: Expr, bias: Expr | None = None
) -> Expr:
    kernel = _kernel(op, weight)
    if max(op.dilation) > 1:
        kernel = Helper("dilated")(kernel, op.dilation)
    grown = {"output_padding": default(op.output_padding, (0,) * op.rank)}
    groups = {"groups": default(op.groups, 1)}
    y = Helper("transposed_convolution")(x, kernel, op.stride, **grown, **groups)
    pads = _pads(op, at)
    if any(map(any, pads)):
        y = y[(slice(None), *(slice(b or None, -e if e else None) for b, e in pads))]
    return y if bias is None else y + bias
