"""Elements by places of their own in TensorFlow, which counts them from the front."""

from __future__ import annotations

from tercet.backends.tensorflow.target import Placed, lower, tf
from tercet.codegen.expr import Expr, Helper, default
from tercet.compiler.ops import scattering as ops
from tercet.compiler.types import Shape


@lower(ops.TakeAlongAxis)
def _take_along_axis(op: ops.TakeAlongAxis, at: Placed, x: Expr, indices: Expr) -> Expr:
    return Helper("take_along_axis")(x, indices, axis=default(op.axis, -1))


@lower(ops.GatherNd)
def _gather_nd(op: ops.GatherNd, at: Placed, x: Expr, indices: Expr) -> Expr:
    places = _from_front(at, x, indices)
    if at.type(1).rank == 1:  # the gradient wants several
        return tf.gather_nd(x, places[tf.newaxis])[0]
    return tf.gather_nd(x, places)


def _from_front(at: Placed, x: Expr, indices: Expr) -> Expr:
    count = at.type(1).shape[-1]
    assert isinstance(count, int)
    known: Shape = at.type(0).shape[:count]
    sizes = list(known) if all(isinstance(n, int) for n in known) else tf.shape(x)[:count]
    return Helper("from_front")(indices, sizes)


@lower(ops.Scatter)
def _scatter(op: ops.Scatter, at: Placed, x: Expr, indices: Expr, updates: Expr) -> Expr:
    return _put(op)(x, Helper("places_along")(x, indices, axis=default(op.axis, -1)), updates)


@lower(ops.ScatterNd)
def _scatter_nd(op: ops.ScatterNd, at: Placed, x: Expr, indices: Expr, updates: Expr) -> Expr:
    places = _from_front(at, x, indices)
    if at.type(1).rank == 1:  # there must be several
        return _put(op)(x, places[tf.newaxis], updates[tf.newaxis])
    return _put(op)(x, places, updates)


def _put(op: ops.Scatter | ops.ScatterNd) -> Expr:
    return tf.tensor_scatter_nd_update if op.reduction == "none" else tf.tensor_scatter_nd_add
