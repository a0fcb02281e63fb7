"""Convolutions with a given weight in ONNX, where the weight is an operand all the same."""

from __future__ import annotations

from tercet.backends.onnx.builder import Context, lower
from tercet.backends.onnx.conv import attributes
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


def _operands(c: Context) -> tuple[str, ...]:
    bias = c.operand(2)
    return (c[0], c[1]) if bias is None else (c[0], c[1], bias)


@lower(Convolve1d, Convolve2d, Convolve3d)
def _convolve(op: Convolving, c: Context) -> str:
    shape = tuple(size for size in c.type_of(1).shape if isinstance(size, int))
    return c.node("Conv", *_operands(c), **attributes(op.as_layer(shape), c))


@lower(ConvolveTranspose1d, ConvolveTranspose2d, ConvolveTranspose3d)
def _convolve_transpose(op: ConvolvingTranspose, c: Context) -> str:
    shape = tuple(size for size in c.type_of(1).shape if isinstance(size, int))
    settings = attributes(op.as_layer(shape), c)
    extra = list(op.output_padding)
    return c.node("ConvTranspose", *_operands(c), **settings, output_padding=extra)
