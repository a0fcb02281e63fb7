"""Elements by places of their own in PyTorch, whose `gather` and `scatter` count from the front."""

from __future__ import annotations

from tercet.backends.pytorch.target import lower
from tercet.codegen.expr import Expr, Helper
from tercet.codegen.target import Application
from tercet.compiler.ops import scattering as ops
from tercet.compiler.types import DType


def _from_front(at: Application, x: Expr, indices: Expr, axis: int) -> Expr:
    if at.type(1).dtype is DType.I32:
        indices = indices.long()
    size = at.type(0).shape[axis]
    return indices % (size if isinstance(size, int) else x.shape[axis])


@lower(ops.TakeAlongAxis)
def _take_along_axis(op: ops.TakeAlongAxis, at: Application, x: Expr, indices: Expr) -> Expr:
    return x.gather(op.axis, _from_front(at, x, indices, op.axis))


@lower(ops.GatherNd)
def _gather_nd(op: ops.GatherNd, at: Application, x: Expr, indices: Expr) -> Expr:
    return x[Helper("places")(x, indices)]


@lower(ops.Scatter)
def _scatter(op: ops.Scatter, at: Application, x: Expr, indices: Expr, updates: Expr) -> Expr:
    function = x.scatter if op.reduction == "none" else x.scatter_add
    return function(op.axis, _from_front(at, x, indices, op.axis), updates)


@lower(ops.ScatterNd)
def _scatter_nd(op: ops.ScatterNd, at: Application, x: Expr, indices: Expr, updates: Expr) -> Expr:
    if op.reduction == "add":
        return Helper("add_at")(x, indices, updates)
    return x.index_put(Helper("places")(x, indices), updates)
