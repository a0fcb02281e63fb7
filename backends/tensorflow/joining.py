"""Joining, cutting and repeating tensors in TensorFlow."""

from __future__ import annotations

from tercet.backends.tensorflow.target import Placed, lower, tf
from tercet.codegen.axes import one_or_all
from tercet.codegen.expr import Expr, Helper, default
from tercet.compiler.ops import joining as ops
from tercet.compiler.ops.joining import Roll


@lower(ops.Concat)
def _concat(op: ops.Concat, at: Placed, *tensors: Expr) -> Expr:
    return tf.concat(list(tensors), axis=at.axis(op.axis))


@lower(ops.Stack)
def _stack(op: ops.Stack, at: Placed, *tensors: Expr) -> Expr:
    pairs = zip(at.item.inputs, tensors, strict=True)
    made = [tf.convert_to_tensor(t) if v in at.facts.parameters else t for v, t in pairs]
    return tf.stack(made, axis=default(op.axis, 0))


@lower(ops.Split, ops.Chunk)
def _split(op: ops.Split | ops.Chunk, at: Placed, x: Expr) -> Expr:
    axis = default(at.axis(op.axis), 0)
    if isinstance(op, ops.Split) and not isinstance(op.sections, int):
        return tf.split(x, list(op.sections), axis=axis)
    sizes = [output.type.shape[op.axis] for output in at.item.outputs]
    if any(size != sizes[0] for size in sizes):
        return tf.split(x, sizes, axis=axis)
    return tf.split(x, len(sizes), axis=axis)


@lower(ops.Pad)
def _pad(op: ops.Pad, at: Placed, x: Expr) -> Expr:
    widths = at.per_axis(op.pads)
    match op.mode:
        case "constant":
            return tf.pad(x, widths, constant_values=default(op.value, 0))
        case "reflect":
            return tf.pad(x, widths, "REFLECT")
    return Helper("pad_edge")(x, widths)


@lower(ops.Tile)
def _tile(op: ops.Tile, at: Placed, x: Expr) -> Expr:
    return tf.tile(x, list(at.per_axis(op.repeats)))


@lower(ops.Repeat)
def _repeat(op: ops.Repeat, at: Placed, x: Expr) -> Expr:
    return tf.repeat(x, op.count, axis=at.axis(op.axis))


@lower(ops.Flip)
def _flip(op: ops.Flip, at: Placed, x: Expr) -> Expr:
    axes = sorted(at.axis(axis) for axis in op.axes(at.type(0).rank))
    return tf.reverse(x, axis=axes)


@lower(Roll)
def _roll(op: Roll, at: Placed, x: Expr) -> Expr:
    turns = op.turns(at.type(0).shape)
    axes, shifts = [at.axis(axis) for axis in turns], [*turns.values()]
    if not axes:
        return x
    return tf.roll(x, one_or_all(shifts), axis=one_or_all(axes))


@lower(ops.Unbind)
def _unbind(op: ops.Unbind, at: Placed, x: Expr) -> Expr:
    return tf.unstack(x, num=len(at.item.outputs), axis=default(op.axis, 0))
