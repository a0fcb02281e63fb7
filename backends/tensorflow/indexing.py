"""Gathering, counting and ordering in TensorFlow."""

from __future__ import annotations

from tercet.backends.tensorflow.target import Placed, lower, tf
from tercet.codegen.expr import Expr, Helper, Literal, Sequence, Template, Temporary, default
from tercet.compiler.dims import Dim, Size
from tercet.compiler.ops import indexing as ops
from tercet.compiler.ops.elementwise import Listed
from tercet.compiler.types import DType


@lower(ops.Gather, ops.Take)
def _gather(op: ops.Gather | ops.Take, at: Placed, x: Expr, indices: Expr) -> Expr:
    if op.axis is None:
        flat = tf.reshape(x, (-1,))
        return tf.gather(flat, Helper("from_front")(indices, tf.size(x)))
    size = tf.shape(x)[op.axis]
    return tf.gather(x, Helper("from_front")(indices, size), axis=default(op.axis, 0))


@lower(ops.OneHot)
def _one_hot(op: ops.OneHot, at: Placed, indices: Expr) -> Expr:
    codes = Helper("one_hot")(indices, op.classes, axis=default(op.axis, -1))
    dtype = at.dtype(op.dtype)
    return codes if dtype == tf.float32 else tf.cast(codes, dtype)


@lower(ops.CumSum)
def _cumsum(op: ops.CumSum, at: Placed, x: Expr) -> Expr:
    return tf.cumsum(
        x,
        axis=default(at.axis(op.axis), 0),
        exclusive=default(op.exclusive, False),
        reverse=default(op.reverse, False),
    )


@lower(ops.Arange)
def _arange(op: ops.Arange, at: Placed) -> Expr:
    ends: tuple[Size, ...] = op.ends[1:] if op.ends[0] == 0 else op.ends
    if op.step != 1:
        ends = (*op.ends, op.step)
    if any(isinstance(end, Dim) for end in ends):  # sizes are i32
        return tf.cast(tf.range(*ends), at.dtype(op.dtype))
    return tf.range(*ends, dtype=at.dtype(op.dtype))


@lower(ops.Full)
def _full(op: ops.Full, at: Placed) -> Expr:
    dtype = at.dtype(op.dtype)
    if dtype == tf.float32 and not any(isinstance(n, Dim) for n in op.shape):
        return tf.fill(op.shape, float(op.value))
    return tf.fill(list(op.shape), tf.constant(op.value, dtype))


@lower(Listed)
def _listed(op: Listed, at: Placed) -> Expr:
    return tf.constant(Literal(op.values), at.dtype(op.dtype))


@lower(ops.ZerosLike)
def _zeros_like(op: ops.ZerosLike, at: Placed, x: Expr) -> Expr:
    return tf.zeros_like(x)


@lower(ops.OnesLike)
def _ones_like(op: ops.OnesLike, at: Placed, x: Expr) -> Expr:
    return tf.ones_like(x)


@lower(ops.Tril, ops.Triu)
def _triangle(op: ops.Tril | ops.Triu, at: Placed, x: Expr) -> Expr:
    return Helper(op.name)(x, diagonal=default(op.diagonal, 0))


@lower(ops.ArgMax, ops.ArgMin)
def _arg_extreme(op: ops.ArgMax | ops.ArgMin, at: Placed, x: Expr) -> Expr:
    function = tf.argmax if isinstance(op, ops.ArgMax) else tf.argmin
    axis = at.axis(op.axis)
    found = function(x, axis=axis)
    return tf.expand_dims(found, axis) if op.keepdims else found


@lower(ops.TopK)
def _topk(op: ops.TopK, at: Placed, x: Expr) -> Template:
    return _ordered(at, x, at.axis(op.axis), op.k, largest=op.largest)


@lower(ops.Sort)
def _sort(op: ops.Sort, at: Placed, x: Expr) -> Template:
    size = at.type(0).shape[op.axis]
    axis = at.axis(op.axis)
    count = size if isinstance(size, int) else tf.shape(x)[axis]
    return _ordered(at, x, axis, count, largest=op.descending)


def _ordered(at: Placed, x: Expr, axis: int, count: object, *, largest: bool) -> Template:
    """The first in order, by TensorFlow's `top_k`: of the last axis, the greatest ones."""
    rank, dtype = at.type(0).rank, at.type(0).dtype
    axis %= rank
    order = None
    if axis != rank - 1:
        order = tuple(rank - 1 if k == axis else axis if k == rank - 1 else k for k in range(rank))
        x = tf.transpose(x, order)
    small = dtype in (DType.I8, DType.U8)
    found = Temporary(0)
    values, places = found.values, tf.cast(found.indices, tf.int64)
    if order is not None:
        values, places = tf.transpose(values, order), tf.transpose(places, order)
    if not largest:
        x = tf.cast(x, tf.int32) if small else x
        x, values = _reversed(x, dtype), _reversed(values, dtype)
        values = tf.cast(values, at.dtype(dtype)) if small else values
    return Template(Sequence((values, places)), (("top", tf.math.top_k(x, count)),))


def _reversed(x: Expr, dtype: DType) -> Expr:
    """What is in the opposite order; of integers, the least one has no other sign."""
    return -x if dtype.is_float else -1 - x
