"""Joining, cutting and repeating tensors in MXNet."""

from __future__ import annotations

from itertools import accumulate

from tercet.backends.mxnet.slicing import part
from tercet.backends.mxnet.symbolic_shape import in_front, witness
from tercet.backends.mxnet.target import F, convolves, held_as, is_eager, lower
from tercet.codegen.axes import one_or_all
from tercet.codegen.expr import Expr, Helper, default
from tercet.codegen.expr import Sequence as SequenceExpr
from tercet.codegen.target import Application
from tercet.compiler.dims import Dim
from tercet.compiler.ops import joining as ops
from tercet.compiler.ops.joining import Roll
from tercet.compiler.ops.windows import Pads


@lower(ops.Concat)
def _concat(op: ops.Concat, at: Application, *tensors: Expr) -> Expr:
    axis = op.axis % at.result.rank
    if axis == 1 and at.result.rank == 4 and len(tensors) > 1 and convolves(at):
        return Helper("concat_channels")(F, *tensors)
    return F.concat(*tensors, dim=axis)


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
    if is_eager(at) or not any(isinstance(place, Dim) for place in places):
        return F.split_v2(x, indices_or_sections=places, axis=axis)
    size = at.type(0).shape[axis]
    ends = zip((0, *places), sizes, strict=True)
    return SequenceExpr(tuple(part(at, x, axis, size, start, length) for start, length in ends))


@lower(ops.Pad)
def _pad(op: ops.Pad, at: Application, x: Expr) -> Expr:
    """MXNet pads floating-point numbers only; float64 holds integers exactly."""
    if not op.pads:
        return x
    dtype = held_as(at.type(0).dtype)
    if dtype.startswith("float"):
        return _padded(op, x, op.pads)
    return F.cast(_padded(op, F.cast(x, dtype="float64"), op.pads), dtype=dtype)


def _padded(op: ops.Pad, x: Expr, pads: Pads) -> Expr:
    """MXNet pads the axes after the second of tensors with four or five."""
    rank = len(pads)
    if rank > 3 and any(map(any, pads[:2])):
        none = ((0, 0),) * (rank - 2)
        moved = _after_others(op, F.transpose(x, axes=(*range(2, rank), 0, 1)), (*none, *pads[:2]))
        x = F.transpose(moved, axes=(rank - 2, rank - 1, *range(rank - 2)))
        pads = ((0, 0), (0, 0), *pads[2:])
    return _after_others(op, x, pads) if any(map(any, pads)) else x


_MANY_AXES = lower.limit("of more than five axes", "MXNet pads five at most", ops.Pad)


def _after_others(op: ops.Pad, x: Expr, pads: Pads) -> Expr:
    """Padding of axes before which two others stand or are made."""
    rank = len(pads)
    front = 0 if rank > 3 else max(2, 4 - rank)
    if rank > 5:
        raise _MANY_AXES.refusal()
    widths = (0, 0) * front + tuple(n for pair in pads for n in pair)
    settings = {"constant_value": default(op.value, 0)} if op.mode == "constant" else {}
    x = F.pad(in_front(x, front), mode=op.mode, pad_width=widths, **settings)
    return F.squeeze(x, axis=tuple(range(front))) if front else x


@lower(ops.Tile)
def _tile(op: ops.Tile, at: Application, x: Expr) -> Expr:
    if is_eager(at):
        return F.tile(x, reps=op.repeats)
    numbers = tuple(n if isinstance(n, int) else 1 for n in op.repeats)
    if set(numbers) != {1} or numbers == op.repeats:
        x = F.tile(x, reps=numbers)
    for axis, count in enumerate(op.repeats):
        if isinstance(count, Dim):
            x = _repeated(at, x, axis, axis, count)
    return x


@lower(ops.Repeat)
def _repeat(op: ops.Repeat, at: Application, x: Expr) -> Expr:
    if isinstance(op.count, Dim) and not is_eager(at):
        axis = op.axis % at.type(0).rank
        return _repeated(at, x, axis, axis + 1, op.count)
    return F.repeat(x, repeats=op.count, axis=op.axis)


def _repeated(at: Application, x: Expr, axis: int, new: int, count: Dim) -> Expr:
    """Copies along a new axis, before or behind `axis`, which is then merged with it."""
    copies = F.expand_dims(x, axis=new)
    copies = F.broadcast_like(copies, witness(at, count), lhs_axes=(new,), rhs_axes=(0,))
    return F.reshape(copies, shape=(*[0] * axis, -3, -2))


@lower(ops.Flip)
def _flip(op: ops.Flip, at: Application, x: Expr) -> Expr:
    axes = op.axes(at.type(0).rank)
    return F.flip(x, axis=one_or_all(axes))


@lower(Roll)
def _roll(op: Roll, at: Application, x: Expr) -> Expr:
    """Places on either side of the axis are taken round it."""
    for axis, shift in op.turns(at.type(0).shape).items():
        size = at.type(0).shape[axis]
        if isinstance(size, int) or is_eager(at):
            places = F.arange(-shift, size - shift)
        else:
            vector = F.cast(witness(at, size), dtype="float32")
            places = F.contrib.arange_like(vector, start=-shift, axis=0)
        x = F.take(x, places, axis=axis, mode="wrap")
    return x


@lower(ops.Unbind)
def _unbind(op: ops.Unbind, at: Application, x: Expr) -> Expr:
    """A tensor without axes is held with one of size 1."""
    axis, count = op.axis % at.type(0).rank, len(at.item.outputs)
    squeezed = at.type(0).rank > 1
    if count == 1:
        return SequenceExpr((F.squeeze(x, axis=axis) if squeezed else x,))
    settings = {"axis": default(axis, 1), "squeeze_axis": default(squeezed, False)}
    return F.split(x, num_outputs=count, **settings)
