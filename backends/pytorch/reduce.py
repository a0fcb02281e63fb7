"""Reductions in PyTorch."""

from __future__ import annotations

from tercet.backends.pytorch.target import in_own, lower, torch
from tercet.codegen.axes import one_or_all
from tercet.codegen.expr import Expr, default
from tercet.codegen.target import Application
from tercet.compiler.ops import reduce as ops


def _dim(op: ops.Reduction, at: Application) -> int | tuple[int, ...]:
    """The axes, counted as in the source."""
    match op.axis:
        case None:
            return one_or_all(range(at.type(0).rank))
        case int(axis):
            return axis
        case several:
            return one_or_all(several)


def _over(op: ops.Reduction, at: Application) -> dict[str, object]:
    """The keywords `dim` and `keepdim`; none where everything is reduced."""
    if op.axis is None and not op.keepdims:
        return {}
    return {"dim": _dim(op, at), "keepdim": default(op.keepdims, False)}


@lower(ops.ReduceSum)
def _sum(op: ops.ReduceSum, at: Application, x: Expr) -> Expr:
    return x.sum(**_over(op, at), **in_own(at))


@lower(ops.ReduceMean)
def _mean(op: ops.ReduceMean, at: Application, x: Expr) -> Expr:
    return x.mean(**_over(op, at))


@lower(ops.ReduceMax)
def _max(op: ops.ReduceMax, at: Application, x: Expr) -> Expr:
    return x.amax(**_over(op, at))


@lower(ops.ReduceMin)
def _min(op: ops.ReduceMin, at: Application, x: Expr) -> Expr:
    return x.amin(**_over(op, at))


@lower(ops.ReduceProd)
def _prod(op: ops.ReduceProd, at: Application, x: Expr) -> Expr:
    if op.axis is None and not op.keepdims:
        return x.prod(**in_own(at))
    for axis in reversed(op.axes(at.type(0).rank)):
        x = x.prod(dim=axis, keepdim=default(op.keepdims, False), **in_own(at))
    return x


@lower(ops.Variance)
def _variance(op: ops.Variance, at: Application, x: Expr) -> Expr:
    return x.var(**_over(op, at), correction=default(op.correction, 1))


@lower(ops.StandardDeviation)
def _std(op: ops.StandardDeviation, at: Application, x: Expr) -> Expr:
    return x.std(**_over(op, at), correction=default(op.correction, 1))


@lower(ops.ReduceLogSumExp)
def _logsumexp(op: ops.ReduceLogSumExp, at: Application, x: Expr) -> Expr:
    return torch.logsumexp(x, dim=_dim(op, at), keepdim=default(op.keepdims, False))


@lower(ops.ReduceL1)
def _l1(op: ops.ReduceL1, at: Application, x: Expr) -> Expr:
    return x.abs().sum(**_over(op, at), **in_own(at))


@lower(ops.ReduceL2)
def _l2(op: ops.ReduceL2, at: Application, x: Expr) -> Expr:
    return torch.linalg.vector_norm(x, **_over(op, at))


@lower(ops.Norm)
def _norm(op: ops.Norm, at: Application, x: Expr) -> Expr:
    return torch.linalg.vector_norm(x, op.p, **_over(op, at))


@lower(ops.ReduceAny)
def _any(op: ops.ReduceAny, at: Application, x: Expr) -> Expr:
    return x.any(**_over(op, at))


@lower(ops.ReduceAll)
def _all(op: ops.ReduceAll, at: Application, x: Expr) -> Expr:
    return x.all(**_over(op, at))


@lower(ops.ReduceSumSquare)
def _sum_square(op: ops.ReduceSumSquare, at: Application, x: Expr) -> Expr:
    return x.square().sum(**_over(op, at), **in_own(at))


@lower(ops.ReduceLogSum)
def _log_sum(op: ops.ReduceLogSum, at: Application, x: Expr) -> Expr:
    return x.sum(**_over(op, at)).log()
