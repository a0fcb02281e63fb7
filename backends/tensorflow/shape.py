"""Changes of shape in TensorFlow."""

from __future__ import annotations

from tercet.backends.tensorflow.axes import to_last
from tercet.backends.tensorflow.target import Placed, lower, tf
from tercet.codegen.axes import one_or_all
from tercet.codegen.expr import Expr, Helper
from tercet.compiler.dims import Dim
from tercet.compiler.ops import shape as ops
from tercet.compiler.types import Shape


def static_shape(shape: Shape) -> Shape:
    """The shape with -1 in place of its one unknown size, if there is exactly one."""
    unknown = [size for size in shape if isinstance(size, Dim)]
    if len(unknown) != 1 or -1 in shape:
        return shape
    return tuple(-1 if isinstance(size, Dim) else size for size in shape)


@lower(ops.Reshape)
def _reshape(op: ops.Reshape, at: Placed, x: Expr) -> Expr:
    if at.bare:
        return x
    shape = op.shape
    if at.gives_last:
        shape = (*shape[:1], *shape[2:], shape[1])
    return tf.reshape(x, shape)


@lower(ops.Flatten)
def _flatten(op: ops.Flatten, at: Placed, x: Expr) -> Expr:
    if at.bare:
        return x
    return tf.reshape(x, static_shape(at.result.shape))


@lower(ops.Transpose, ops.Permute)
def _transpose(op: ops.Transpose | ops.Permute, at: Placed, x: Expr) -> Expr:
    rank = at.type(0).rank
    lies = to_last(rank) if at.last else tuple(range(rank))
    order = op.order(rank)
    wanted = [order[axis] for axis in (to_last(rank) if at.gives_last else range(rank))]
    found = tuple(lies.index(axis) for axis in wanted)
    if found == tuple(range(rank)):
        return x
    return tf.transpose(x) if found == tuple(reversed(range(rank))) else tf.transpose(x, found)


@lower(ops.Squeeze)
def _squeeze(op: ops.Squeeze, at: Placed, x: Expr) -> Expr:
    if at.bare:
        return x
    axes = op.axes(at.type(0).shape)
    if at.last:
        axes = tuple(at.axis(axis) for axis in axes)
    return tf.squeeze(x, axis=one_or_all(axes))


@lower(ops.Unsqueeze)
def _unsqueeze(op: ops.Unsqueeze, at: Placed, x: Expr) -> Expr:
    if at.gives_last:
        return tf.reshape(x, (-1, *at.result.shape[2:], at.result.shape[1]))
    axes = op.axes(at.type(0).rank)
    if len(axes) == 1:
        return tf.expand_dims(x, axes[0] if axes[0] < at.type(0).rank else -1)
    places = [tf.newaxis if k in axes else slice(None) for k in range(at.result.rank)]
    return x[tuple(places)]


@lower(ops.Expand, ops.BroadcastTo)
def _expand(op: ops.Expand | ops.BroadcastTo, at: Placed, x: Expr) -> Expr:
    return tf.broadcast_to(x, at.result.shape)


@lower(ops.PixelShuffle, ops.PixelUnshuffle)
def _pixels(op: ops.PixelShuffle | ops.PixelUnshuffle, at: Placed, x: Expr) -> Expr:
    return Helper(op.name)(x, op.factor)
