"""Convolutions in PyTorch: its stock modules, with what they cannot pad padded before."""

from __future__ import annotations

from collections.abc import Iterable

from tercet.backends.pytorch.target import F, construct, lower, nn
from tercet.codegen.axes import collapse
from tercet.codegen.expr import Expr, Made, default
from tercet.codegen.target import Application
from tercet.compiler.graph.ir import Layer
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


def pad_widths(pads: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    """(begin, end) of axes as `F.pad` takes them: flat, the last axis first."""
    return tuple(n for pair in reversed(tuple(pads)) for n in pair)


@construct(Conv1d, Conv2d, Conv3d)
def _conv(op: AnyConvolution, layer: Layer) -> Expr:
    inputs = layer.parameter("weight").type.shape[1] * op.groups
    module = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[op.rank]
    return module(
        inputs,
        op.channels,
        collapse(op.kernel),
        stride=default(collapse(op.stride), 1),
        padding=default(_own_padding(op), 0),
        dilation=default(collapse(op.dilation), 1),
        groups=default(op.groups, 1),
        bias=default(op.bias, True),
    )


@construct(ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
def _conv_transpose(op: ConvTranspose, layer: Layer) -> Expr:
    inputs = layer.parameter("weight").type.shape[0]
    module = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}[op.rank]
    return module(
        inputs,
        op.channels,
        collapse(op.kernel),
        stride=default(collapse(op.stride), 1),
        padding=default(_own_padding(op), 0),
        output_padding=default(collapse(op.output_padding), 0),
        groups=default(op.groups, 1),
        bias=default(op.bias, True),
        dilation=default(collapse(op.dilation), 1),
    )


def _own_padding(op: AnyConvolution) -> int | tuple[int, ...]:
    """The symmetric part that the module itself can pad; 0 where `F.pad` has to do it."""
    if isinstance(op.padding, str):
        extents = op.extents if isinstance(op, Convolution) and set(op.stride) == {1} else ()
        pads = tuple(((n - 1) // 2, n // 2) for n in extents)
    else:
        pads = op.padding
    symmetric = all(begin == end for begin, end in pads)
    return collapse(tuple(begin for begin, _ in pads)) if pads and symmetric else 0


@lower(Conv1d, Conv2d, Conv3d)
def _apply_conv(op: AnyConvolution, at: Application, x: Expr) -> Expr:
    pads = op.pads(at.type(0).shape[2:])
    if _own_padding(op) or not any(map(any, pads)):
        return Made()(x)
    return Made()(F.pad(x, pad_widths(pads)))


@lower(ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
def _apply_conv_transpose(op: AnyConvolution, at: Application, x: Expr) -> Expr:
    pads = op.pads(at.type(0).shape[2:])
    if _own_padding(op) or not any(map(any, pads)):
        return Made()(x)
    whole = Made()(x)
    return whole[(..., *(slice(begin, -end or None) for begin, end in pads))]
