"""Reductions in MXNet, whose result without axes has the shape [1]."""

from __future__ import annotations

from tercet.backends.mxnet.symbolic_shape import length_of
from tercet.backends.mxnet.target import F, held_as, is_eager, lower
from tercet.codegen.axes import one_or_all
from tercet.codegen.expr import Expr, Helper, default, lift
from tercet.codegen.target import Application
from tercet.compiler.dims import product
from tercet.compiler.ops import reduce as ops


def _over(op: ops.Reduction, at: Application) -> dict[str, object]:
    """The keywords `axis` and `keepdims`; none where everything is reduced."""
    axes = op.axes(at.type(0).rank)
    if len(axes) == at.type(0).rank and not op.keepdims:
        return {}
    return {"axis": one_or_all(axes), "keepdims": default(op.keepdims, False)}


@lower(ops.ReduceSum)
def _sum(op: ops.ReduceSum, at: Application, x: Expr) -> Expr:
    return F.sum(x, **_over(op, at))


@lower(ops.ReduceMean)
def _mean(op: ops.ReduceMean, at: Application, x: Expr) -> Expr:
    return F.mean(x, **_over(op, at))


@lower(ops.ReduceMax, ops.ReduceAny)
def _max(op: ops.ReduceMax | ops.ReduceAny, at: Application, x: Expr) -> Expr:
    return F.max(x, **_over(op, at))


@lower(ops.ReduceMin, ops.ReduceAll)
def _min(op: ops.ReduceMin | ops.ReduceAll, at: Application, x: Expr) -> Expr:
    return F.min(x, **_over(op, at))


@lower(ops.ReduceProd)
def _prod(op: ops.ReduceProd, at: Application, x: Expr) -> Expr:
    return F.prod(x, **_over(op, at))


@lower(ops.Variance)
def _variance(op: ops.Variance, at: Application, x: Expr) -> Expr:
    return _spread(op, at, x)


@lower(ops.StandardDeviation)
def _std(op: ops.StandardDeviation, at: Application, x: Expr) -> Expr:
    return Helper("root")(_spread(op, at, x))


def _spread(op: ops.Variance | ops.StandardDeviation, at: Application, x: Expr) -> Expr:
    axes = op.axes(at.type(0).rank)
    biased = Helper("variance")(F, x, axes, keepdims=default(op.keepdims, False))
    if not op.correction:
        return biased
    count = product(at.type(0).shape[k] for k in axes)
    if isinstance(count, int):
        return biased * (count / (count - 1))
    if is_eager(at):
        return biased * lift(count) / (lift(count) - 1)
    number = length_of(at, count, held_as(at.result.dtype))
    one_less = length_of(at, count - 1, held_as(at.result.dtype))
    return F.broadcast_mul(biased, F.broadcast_div(number, one_less))


@lower(ops.ReduceLogSumExp)
def _logsumexp(op: ops.ReduceLogSumExp, at: Application, x: Expr) -> Expr:
    axes = op.axes(at.type(0).rank)
    return Helper("logsumexp")(F, x, axes, keepdims=default(op.keepdims, False))


@lower(ops.ReduceL1)
def _l1(op: ops.ReduceL1, at: Application, x: Expr) -> Expr:
    return F.sum(F.abs(x), **_over(op, at))


@lower(ops.ReduceL2)
def _l2(op: ops.ReduceL2, at: Application, x: Expr) -> Expr:
    return Helper("root")(F.sum(F.square(x), **_over(op, at)))


@lower(ops.Norm)
def _norm(op: ops.Norm, at: Application, x: Expr) -> Expr:
    if op.p == 1:
        return F.sum(F.abs(x), **_over(op, at))
    if op.p == 2:
        return Helper("root")(F.sum(F.square(x), **_over(op, at)))
    return Helper("root")(F.sum(F.abs(x) ** op.p, **_over(op, at)), op.p)


@lower(ops.ReduceSumSquare)
def _sum_square(op: ops.ReduceSumSquare, at: Application, x: Expr) -> Expr:
    return F.sum(F.square(x), **_over(op, at))


@lower(ops.ReduceLogSum)
def _log_sum(op: ops.ReduceLogSum, at: Application, x: Expr) -> Expr:
    return F.log(F.sum(x, **_over(op, at)))
