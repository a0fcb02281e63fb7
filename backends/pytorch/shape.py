"""Changes of shape in PyTorch."""

from __future__ import annotations

from tercet.backends.pytorch.target import F, lower
from tercet.codegen.expr import Expr
from tercet.codegen.target import Application
from tercet.compiler.ops import shape as ops


@lower(ops.Reshape)
def _reshape(op: ops.Reshape, at: Application, x: Expr) -> Expr:
    return x.reshape(*op.shape) if op.shape else x.reshape(())


@lower(ops.Flatten)
def _flatten(op: ops.Flatten, at: Application, x: Expr) -> Expr:
    return x.flatten(op.start_axis, *(() if op.end_axis == -1 else (op.end_axis,)))


@lower(ops.Transpose, ops.Permute)
def _transpose(op: ops.Transpose | ops.Permute, at: Application, x: Expr) -> Expr:
    rank = at.type(0).rank
    order = op.permutation if op.permutation is not None else tuple(reversed(range(rank)))
    moved = [axis for axis in range(rank) if order[axis] % rank != axis]
    if rank == len(moved) == 2:
        return x.T
    if len(moved) == 2:
        last = moved == [rank - 2, rank - 1]
        return x.transpose(-2, -1) if last else x.transpose(*moved)
    return x.permute(*order)


@lower(ops.Squeeze)
def _squeeze(op: ops.Squeeze, at: Application, x: Expr) -> Expr:
    if op.axis is None:
        axes = tuple(k for k, n in enumerate(at.type(0).shape) if n == 1)
    elif isinstance(op.axis, int):
        return x.squeeze(op.axis)
    else:
        axes = tuple(sorted(a % at.type(0).rank for a in op.axis))
    for axis in reversed(axes):  # one by one: the exporter takes no tuple
        x = x.squeeze(axis)
    return x


@lower(ops.Unsqueeze)
def _unsqueeze(op: ops.Unsqueeze, at: Application, x: Expr) -> Expr:
    axes = (op.axis,) if isinstance(op.axis, int) else op.axis
    rank = at.result.rank
    for axis in sorted(a % rank for a in axes):
        x = x.unsqueeze(axis)
    return x


@lower(ops.Expand, ops.BroadcastTo)
def _expand(op: ops.Expand | ops.BroadcastTo, at: Application, x: Expr) -> Expr:
    return x.expand(*at.result.shape)


@lower(ops.PixelShuffle)
def _pixel_shuffle(op: ops.PixelShuffle, at: Application, x: Expr) -> Expr:
    return F.pixel_shuffle(x, op.factor)


@lower(ops.PixelUnshuffle)
def _pixel_unshuffle(op: ops.PixelUnshuffle, at: Application, x: Expr) -> Expr:
    return F.pixel_unshuffle(x, op.factor)
