"""Convolutions in MXNet: its stock layers, with what they cannot pad padded before."""

from __future__ import annotations

from tercet.backends.mxnet.initial import initial
from tercet.backends.mxnet.target import F, construct, construct_shared, lower, nn
from tercet.codegen.axes import collapse
from tercet.codegen.expr import Expr, Helper, Made, default
from tercet.codegen.target import Application
from tercet.compiler.graph.ir import Layer
from tercet.compiler.ops.conv import (
    AnyConvolution,
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from tercet.compiler.ops.windows import Pads
from tercet.compiler.types import DType


@construct(Conv1d, Conv2d, Conv3d)
def _conv(op: AnyConvolution, layer: Layer) -> Expr:
    block = {1: nn.Conv1D, 2: nn.Conv2D, 3: nn.Conv3D}[op.rank]
    return block(
        op.channels,
        collapse(op.kernel),
        strides=default(collapse(op.stride), 1),
        padding=default(_own_padding(op), 0),
        dilation=default(collapse(op.dilation), 1),
        groups=default(op.groups, 1),
        use_bias=default(op.bias, True),
        **initial(layer, weight="weight_initializer", bias="bias_initializer"),
    )


def _has_none(op: ConvTranspose, layer: Layer) -> bool:
    """Whether MXNet has no such transposed convolution, or one that is wrong in float64."""
    dilated = max(op.dilation) > 1
    if layer.parameter("weight").type.dtype is not DType.F64:
        return op.rank == 3 and dilated
    return op.rank == 3 or (dilated and max(op.stride) > 1)


@construct(ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
def _conv_transpose(op: ConvTranspose, layer: Layer) -> Expr:
    """With one channel out of each group, the block that oneDNN has a gradient for."""
    inputs = layer.parameter("weight").type.shape[0]
    if op.channels == op.groups < inputs:
        return _transposed(op, layer, Helper(f"Conv{op.rank}DTransposeToOne"))
    stock = {1: nn.Conv1DTranspose, 2: nn.Conv2DTranspose, 3: nn.Conv3DTranspose}[op.rank]
    return _transposed(op, layer, stock)


@construct_shared(ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
def _shared_conv_transpose(op: ConvTranspose, layer: Layer) -> Expr:
    return _transposed(op, layer, Helper(f"Conv{op.rank}DTransposeShared"))


def _transposed(op: ConvTranspose, layer: Layer, block: Expr) -> Expr:
    if _has_none(op, layer):
        block = Helper(f"Conv{op.rank}DTransposeConvolved")
    inputs = layer.parameter("weight").type.shape[0]
    return block(
        op.channels,
        collapse(op.kernel),
        strides=default(collapse(op.stride), 1),
        padding=default(_own_padding(op), 0),
        output_padding=default(collapse(op.output_padding), 0),
        dilation=default(collapse(op.dilation), 1),
        groups=default(op.groups, 1),
        in_channels=default(inputs if op.groups > 1 or isinstance(block, Helper) else 0, 0),
        use_bias=default(op.bias, True),
        **initial(layer, weight="weight_initializer", bias="bias_initializer"),
    )


def _own_padding(op: AnyConvolution) -> int | tuple[int, ...]:
    """The symmetric part that the layer itself can pad; 0 where it has to be done before."""
    pads = op.padding
    if isinstance(pads, str) or any(begin != end for begin, end in pads):
        return 0
    return collapse(tuple(begin for begin, _ in pads))


@lower(Conv1d, Conv2d, Conv3d)
def _apply_conv(op: AnyConvolution, at: Application, x: Expr) -> Expr:
    pads = op.pads(at.type(0).shape[2:])
    if _own_padding(op) or not any(map(any, pads)):
        return Made()(x)
    return Made()(padded(x, pads))


def padded(x: Expr, pads: Pads, value: float = 0.0) -> Expr:
    """Spatial axes padded; MXNet's `pad` knows tensors of four and five axes only."""
    widths = [n for pair in ((0, 0), (0, 0), *pads) for n in pair]
    fill = {"constant_value": default(value, 0.0)}
    if len(pads) > 1:
        return F.pad(x, mode="constant", pad_width=tuple(widths), **fill)
    wide = F.pad(F.expand_dims(x, axis=3), mode="constant", pad_width=(*widths, 0, 0), **fill)
    return F.squeeze(wide, axis=3)


@lower(ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
def _apply_conv_transpose(op: AnyConvolution, at: Application, x: Expr) -> Expr:
    pads = op.pads(at.type(0).shape[2:])
    if _own_padding(op) or not any(map(any, pads)):
        return Made()(x)
    begin = (None, None, *(start for start, _ in pads))
    end = (None, None, *(-stop or None for _, stop in pads))
    return F.slice(Made()(x), begin=begin, end=end)
