"""Elements by places of their own in MXNet, which takes what is outside for the nearest place."""

from __future__ import annotations

from tercet.backends.mxnet.symbolic_shape import length_of
from tercet.backends.mxnet.target import F, held_as, is_eager, lower
from tercet.codegen.expr import Expr, Helper, lift
from tercet.codegen.target import Application
from tercet.compiler.dims import Size
from tercet.compiler.ops import scattering as ops


def _from_front(at: Application, indices: Expr, size: Size) -> Expr:
    """Indices along an axis of that size, the negative ones counted from the end."""
    if isinstance(size, int) or is_eager(at):
        return indices % lift(size)
    return F.broadcast_mod(indices, length_of(at, size, held_as(at.type(1).dtype)))


@lower(ops.TakeAlongAxis)
def _take_along_axis(op: ops.TakeAlongAxis, at: Application, x: Expr, indices: Expr) -> Expr:
    rank = at.type(0).rank
    places = _from_front(at, indices, at.type(0).shape[op.axis])
    return Helper("take_along")(F, x, places, op.axis % rank, rank)


def _tuples(at: Application, indices: Expr) -> Expr:
    """The index of each axis, along a new first axis, in as many axes as they had or in one."""
    rank, count = at.type(1).rank, at.type(1).shape[-1]
    assert isinstance(count, int)
    if rank == 1:
        indices = F.reshape(indices, shape=(1, -1))
    columns = [F.slice_axis(indices, axis=-1, begin=k, end=k + 1) for k in range(count)]
    pairs = zip(columns, at.type(0).shape, strict=False)
    counted = [F.squeeze(_from_front(at, column, size), axis=-1) for column, size in pairs]
    return F.stack(*counted, axis=0)


@lower(ops.GatherNd)
def _gather_nd(op: ops.GatherNd, at: Application, x: Expr, indices: Expr) -> Expr:
    found = F.gather_nd(x, _tuples(at, indices))
    return F.squeeze(found, axis=0) if at.type(1).rank == 1 and at.result.rank else found


@lower(ops.Scatter)
def _scatter(op: ops.Scatter, at: Application, x: Expr, indices: Expr, updates: Expr) -> Expr:
    rank = at.type(0).rank
    places = _from_front(at, indices, at.type(0).shape[op.axis])
    name = "scatter" if op.reduction == "none" else "scatter_add"
    return Helper(name)(F, x, places, updates, op.axis % rank, rank)


@lower(ops.ScatterNd)
def _scatter_nd(op: ops.ScatterNd, at: Application, x: Expr, indices: Expr, updates: Expr) -> Expr:
    """By rows: the axes that the tuples count are one axis of x."""
    counted = at.type(1).shape[-1]
    assert isinstance(counted, int)
    places = _tuples(at, indices)
    single = at.type(1).rank == 1
    if single and at.type(2).rank:
        updates = F.expand_dims(updates, axis=0)
    several = max(at.type(1).rank - 1, 1)
    name = "scatter_nd" if op.reduction == "none" else "scatter_nd_add"
    dtype = held_as(at.result.dtype)
    more = () if op.reduction == "none" else (dtype,)
    return Helper(name)(F, x, places, updates, counted, several, at.type(0).rank, *more)
