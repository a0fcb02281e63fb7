"""Joining, cutting and repeating tensors in PyTorch."""

from __future__ import annotations

from tercet.backends.pytorch.conv import pad_widths
from tercet.backends.pytorch.target import F, lower, torch
from tercet.codegen.expr import Expr, Helper, default
from tercet.codegen.target import Application
from tercet.compiler.ops import joining as ops
from tercet.compiler.ops.joining import Roll
from tercet.compiler.types import DType


@lower(ops.Concat)
def _concat(op: ops.Concat, at: Application, *tensors: Expr) -> Expr:
    return torch.cat(list(tensors), dim=op.axis)


@lower(ops.Stack)
def _stack(op: ops.Stack, at: Application, *tensors: Expr) -> Expr:
    return torch.stack(list(tensors), dim=default(op.axis, 0))


@lower(ops.Split, ops.Chunk)
def _split(op: ops.Split | ops.Chunk, at: Application, x: Expr) -> Expr:
    if isinstance(op, ops.Split) and not isinstance(op.sections, int):
        return x.split(list(op.sections), dim=op.axis)
    sizes = [output.type.shape[op.axis] for output in at.item.outputs]
    if any(size != sizes[0] for size in sizes):
        return x.split(sizes, dim=op.axis)
    return x.chunk(len(sizes), dim=op.axis)


@lower(ops.Pad)
def _pad(op: ops.Pad, at: Application, x: Expr) -> Expr:
    pads = pad_widths(op.pads)
    while pads and pads[-2:] == (0, 0):
        pads = pads[:-2]
    if op.mode == "constant":
        return F.pad(x, pads, value=default(op.value, 0))
    mode = {"reflect": "reflect", "edge": "replicate"}[op.mode]
    rank, padded = at.type(0).rank, max(len(pads) // 2, at.type(0).rank - 2)
    pads += (0,) * (2 * padded - len(pads))  # these modes want all axes but one or two
    if padded > 3:  # PyTorch pads so along three at most
        return Helper("pad_axes")(x, op.pads, mode)
    if at.type(0).dtype is DType.BOOL:  # these modes take numbers
        return _padded(x.byte(), pads, mode, padded == rank).bool()
    return _padded(x, pads, mode, padded == rank)


def _padded(x: Expr, pads: tuple[object, ...], mode: str, whole: bool) -> Expr:
    """`whole`: all axes are padded, where PyTorch wants one before them."""
    if whole:
        return F.pad(x[None], pads, mode=mode)[0]
    return F.pad(x, pads, mode=mode)


@lower(ops.Tile)
def _tile(op: ops.Tile, at: Application, x: Expr) -> Expr:
    return x.repeat(*op.repeats)


@lower(ops.Repeat)
def _repeat(op: ops.Repeat, at: Application, x: Expr) -> Expr:
    return x.repeat_interleave(op.count, dim=op.axis)


@lower(ops.Flip)
def _flip(op: ops.Flip, at: Application, x: Expr) -> Expr:
    match op.axis:
        case None:
            axes = tuple(range(at.type(0).rank))
        case int(axis):
            axes = (axis,)
        case several:
            axes = several
    return x.flip(*axes)


@lower(Roll)
def _roll(op: Roll, at: Application, x: Expr) -> Expr:
    turns = op.turns(at.type(0).shape)
    match [*turns], [*turns.values()]:
        case [], _:
            return x
        case [axis], [shift]:
            return x.roll(shift, axis)
        case axes, shifts:
            return x.roll(tuple(shifts), tuple(axes))


@lower(ops.Unbind)
def _unbind(op: ops.Unbind, at: Application, x: Expr) -> Expr:
    return x.unbind(op.axis)
