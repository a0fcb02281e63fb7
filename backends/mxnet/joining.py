"""Joining, cutting and repeating tensors in MXNet."""

from __future__ import annotations

from itertools import accumulate

from backends.base import Unsupported
from backends.mxnet.symbolic_shape import in_front
from backends.mxnet.target import F, lower, require_axes
from compiler.codegen.axes import one_or_all
from compiler.codegen.expr import Expr, default
from compiler.codegen.expr import Sequence as SequenceExpr
from compiler.codegen.target import Application
from compiler.dims import Dim
from compiler.ops import joining as ops


@lower(ops.Concat)
def _concat(op: ops.Concat, at: Application, *tensors: Expr) -> Expr:
    return F.concat(*tensors, dim=op.axis % at.result.rank)


@lower(ops.Stack)
def _stack(op: ops.Stack, at: Application, *tensors: Expr) -> Expr:
    if at.result.rank == 1:  # of tensors without axes, which MXNet holds with one of size 1
        return F.concat(*tensors, dim=0)
    return F.stack(*tensors, axis=default(op.axis % at.result.rank, 0))


@lower(ops.Split, ops.Chunk)
def _split(op: ops.Split | ops.Chunk, at: Application, x: Expr) -> Expr:
    axis = op.axis % at.type(0).rank
    sizes = [output.type.shape[axis] for output in at.item.outputs]
    if len(sizes) == 1:
        return SequenceExpr((x,))
    if all(size == sizes[0] for size in sizes):
        return F.split(x, num_outputs=len(sizes), axis=default(axis, 1))
    places = tuple(accumulate(sizes[:-1], lambda a, b: a + b))
    if any(isinstance(place, Dim) for place in places):
        raise Unsupported("a part other than the last has a symbolic size")
    return F.split_v2(x, indices_or_sections=places, axis=axis)


@lower(ops.Pad)
def _pad(op: ops.Pad, at: Application, x: Expr) -> Expr:
    """MXNet pads the axes after the second of tensors with four or five."""
    rank = at.type(0).rank
    if not at.type(0).dtype.is_float:
        raise Unsupported("MXNet pads floating-point numbers only")
    require_axes(at.type(0))
    front = 0 if rank > 3 and not any(map(any, op.pads[:2])) else max(2, 4 - rank)
    if rank + front > 5:
        raise Unsupported(f"padding the first two of {rank} axes", "use `concat` with zeros")
    widths = (0, 0) * front + tuple(n for pair in op.pads for n in pair)
    settings = {"constant_value": default(op.value, 0)} if op.mode == "constant" else {}
    return _narrow(F.pad(in_front(x, front), mode=op.mode, pad_width=widths, **settings), front)


def _narrow(x: Expr, front: int) -> Expr:
    return F.squeeze(x, axis=tuple(range(front))) if front else x


@lower(ops.Tile)
def _tile(op: ops.Tile, at: Application, x: Expr) -> Expr:
    if any(isinstance(n, Dim) for n in op.repeats):
        raise Unsupported("it repeats as often as a symbolic size says")
    return F.tile(x, reps=op.repeats)


@lower(ops.Repeat)
def _repeat(op: ops.Repeat, at: Application, x: Expr) -> Expr:
    if isinstance(op.count, Dim):
        raise Unsupported("it repeats as often as a symbolic size says")
    return F.repeat(x, repeats=op.count, axis=op.axis)


@lower(ops.Flip)
def _flip(op: ops.Flip, at: Application, x: Expr) -> Expr:
    require_axes(at.type(0))
    axes = op.axes(at.type(0).rank)
    return F.flip(x, axis=one_or_all(axes))
