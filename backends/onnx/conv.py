"""Convolutions in ONNX, with their padding as numbers."""

from __future__ import annotations

from typing import Any

from tercet.backends.onnx.builder import Context, lower
from tercet.compiler.ops.conv import (
    AnyConvolution,
    Conv1d,
    Conv2d,
    Conv3d,
    Convolution,
    ConvTranspose,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from tercet.compiler.ops.windows import Pads


def onnx_pads(pads: Pads) -> list[int]:
    """All beginnings, then all ends."""
    return [begin for begin, _ in pads] + [end for _, end in pads]


def attributes(op: AnyConvolution, c: Context) -> dict[str, Any]:
    return {
        "kernel_shape": list(op.kernel),
        "strides": list(op.stride),
        "pads": onnx_pads(op.pads(c.type.shape[2:])),
        "dilations": list(op.dilation),
        "group": op.groups,
    }


def _operands(op: AnyConvolution, c: Context) -> list[str]:
    names = [c.x, c.parameter("weight")]
    return [*names, c.parameter("bias")] if op.bias else names


@lower(Conv1d, Conv2d, Conv3d)
def _conv(op: Convolution, c: Context) -> str:
    return c.node("Conv", *_operands(op, c), **attributes(op, c))


@lower(ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
def _conv_transpose(op: ConvTranspose, c: Context) -> str:
    extra = list(op.output_padding)
    return c.node("ConvTranspose", *_operands(op, c), **attributes(op, c), output_padding=extra)
