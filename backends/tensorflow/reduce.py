"""Reductions in TensorFlow."""

from __future__ import annotations

from tercet.backends.tensorflow.target import Placed, lower, tf
from tercet.codegen.expr import Expr, Helper, default, lift
from tercet.compiler.dims import product
from tercet.compiler.ops import reduce as ops
from tercet.compiler.ops.base import Op
from tercet.compiler.types import DType

_FUNCTIONS: dict[type[Op], Expr] = {
    ops.ReduceSum: tf.reduce_sum,
    ops.ReduceMean: tf.reduce_mean,
    ops.ReduceMax: tf.reduce_max,
    ops.ReduceMin: tf.reduce_min,
    ops.ReduceProd: tf.reduce_prod,
    ops.ReduceLogSumExp: tf.reduce_logsumexp,
    ops.ReduceAny: tf.reduce_any,
    ops.ReduceAll: tf.reduce_all,
}


def _over(op: ops.Reduction, at: Placed) -> dict[str, object]:
    """The keywords `axis` and `keepdims`; no axis where everything is reduced."""
    kept: dict[str, object] = {"keepdims": default(op.keepdims, False)}
    match op.axis:
        case None:
            return kept
        case int(axis):
            return {"axis": at.axis(axis), **kept}
        case several:
            axes = tuple(at.axis(axis) for axis in several)
            return {"axis": tuple(sorted(axes)) if at.last else axes, **kept}


@lower(*_FUNCTIONS)
def _reduce(op: ops.Reduction, at: Placed, x: Expr) -> Expr:
    return _FUNCTIONS[type(op)](x, **_over(op, at))


@lower(ops.Variance)
def _variance(op: ops.Variance, at: Placed, x: Expr) -> Expr:
    if op.correction:
        x = x * _unbiased(op, at) ** 0.5
    return tf.math.reduce_variance(x, **_over(op, at))


@lower(ops.StandardDeviation)
def _std(op: ops.StandardDeviation, at: Placed, x: Expr) -> Expr:
    if op.correction:
        x = x * _unbiased(op, at) ** 0.5
    return Helper("root")(tf.math.reduce_variance(x, **_over(op, at)))


def _unbiased(op: ops.Variance | ops.StandardDeviation, at: Placed) -> Expr:
    """n / (n - 1), n being the number of elements that become one."""
    shape = at.type(0).shape
    count = product(shape[axis] for axis in op.axes(len(shape)))
    if isinstance(count, int):
        return lift(count / (count - 1))
    number = tf.cast(lift(count), at.dtype(at.type(0).dtype))
    return number / (number - 1)


@lower(ops.ReduceL1)
def _l1(op: ops.ReduceL1, at: Placed, x: Expr) -> Expr:
    x = x if at.type(0).dtype is DType.U8 else tf.abs(x)
    return tf.reduce_sum(x, **_over(op, at))


@lower(ops.ReduceL2)
def _l2(op: ops.ReduceL2, at: Placed, x: Expr) -> Expr:
    return Helper("root")(tf.reduce_sum(tf.square(x), **_over(op, at)))


@lower(ops.Norm)
def _norm(op: ops.Norm, at: Placed, x: Expr) -> Expr:
    if op.p == 1:
        return tf.reduce_sum(tf.abs(x), **_over(op, at))
    if op.p == 2:
        return Helper("root")(tf.reduce_sum(tf.square(x), **_over(op, at)))
    return Helper("root")(tf.reduce_sum(tf.abs(x) ** op.p, **_over(op, at)), op.p)


@lower(ops.ReduceSumSquare)
def _sum_square(op: ops.ReduceSumSquare, at: Placed, x: Expr) -> Expr:
    return tf.reduce_sum(tf.square(x), **_over(op, at))


@lower(ops.ReduceLogSum)
def _log_sum(op: ops.ReduceLogSum, at: Placed, x: Expr) -> Expr:
    return tf.math.log(tf.reduce_sum(x, **_over(op, at)))
