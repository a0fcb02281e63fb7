"""Gathering, counting and ordering in MXNet."""

from __future__ import annotations

from tercet.backends.mxnet.symbolic_shape import broadcast, length_of, witness
from tercet.backends.mxnet.target import F, held_as, is_eager, lower
from tercet.codegen.expr import Expr, Helper, Literal, Name, default
from tercet.codegen.target import Application
from tercet.compiler.dims import Dim
from tercet.compiler.ops import indexing as ops
from tercet.compiler.ops.elementwise import Listed


@lower(ops.Gather, ops.Take)
def _gather(op: ops.Gather | ops.Take, at: Application, x: Expr, indices: Expr) -> Expr:
    """`mode="wrap"` counts negative places from the end."""
    if op.axis is None:
        return F.take(F.reshape(x, shape=(-1,)), indices, mode="wrap")
    axis = op.axis % at.type(0).rank
    taken = F.take(x, indices, axis=default(axis, 0), mode="wrap")
    return F.squeeze(taken, axis=axis) if at.result.rank == at.type(0).rank - 1 > 0 else taken


@lower(ops.OneHot)
def _one_hot(op: ops.OneHot, at: Application, indices: Expr) -> Expr:
    hot = Helper("one_hot")(F, indices, op.classes, default(held_as(op.dtype), "float32"))
    axis, last = op.axis % at.result.rank, at.result.rank - 1
    if axis == last:
        return hot if last else F.reshape(hot, shape=(-1,))
    order = list(range(last))
    return F.transpose(hot, axes=(*order[:axis], last, *order[axis:]))


@lower(ops.CumSum)
def _cumsum(op: ops.CumSum, at: Application, x: Expr) -> Expr:
    settings = {
        "exclusive": default(op.exclusive, False),
        "reverse": default(op.reverse, False),
    }
    return Helper("cumsum")(F, x, op.axis % at.type(0).rank, **settings)


@lower(ops.Arange)
def _arange(op: ops.Arange, at: Application) -> Expr:
    start, stop = op.ends
    dtype = held_as(op.dtype)
    if is_eager(at) or not (isinstance(start, Dim) or isinstance(stop, Dim)):
        step = {"step": default(op.step, 1)}
        return F.arange(start, stop, **step, dtype=dtype)
    (length,) = at.result.shape
    counted = F.contrib.arange_like(
        F.cast(witness(at, length), dtype=dtype),
        start=default(0 if isinstance(start, Dim) else start, 0),
        step=default(op.step, 1),
        axis=0,
    )
    if isinstance(start, Dim):
        return F.broadcast_add(counted, length_of(at, start, dtype))
    return counted


@lower(ops.Full)
def _full(op: ops.Full, at: Application) -> Expr:
    dtype = {"dtype": default(held_as(op.dtype), "float32")}
    value = float(op.value) if isinstance(op.value, bool) else op.value
    if is_eager(at) or not any(isinstance(n, Dim) for n in op.shape):
        return F.full(op.shape or (1,), value, **dtype)
    ones = tuple(1 if isinstance(n, Dim) else n for n in op.shape)
    return broadcast(at, F.full(ones, value, **dtype), ones, op.shape)


@lower(Listed)
def _listed(op: Listed, at: Application) -> Expr:
    """In a graph; a constructor makes an array of it (`MXNetTarget.in_constructor`)."""
    if is_eager(at):
        dtype = {"dtype": default(held_as(op.dtype), "float32")}
        return F.array(Literal(op.values), ctx=Name("args").device, **dtype)
    return Helper("listed")(F, Literal(op.values), Literal(held_as(op.dtype)))


@lower(ops.ZerosLike)
def _zeros_like(op: ops.ZerosLike, at: Application, x: Expr) -> Expr:
    return F.zeros_like(x)


@lower(ops.OnesLike)
def _ones_like(op: ops.OnesLike, at: Application, x: Expr) -> Expr:
    return F.ones_like(x)


@lower(ops.Tril, ops.Triu)
def _triangle(op: ops.Tril | ops.Triu, at: Application, x: Expr) -> Expr:
    name = "tril" if isinstance(op, ops.Tril) else "triu"
    return Helper(name)(F, x, at.type(0).rank, diagonal=default(op.diagonal, 0))


@lower(ops.ArgMax)
def _argmax(op: ops.ArgMax, at: Application, x: Expr) -> Expr:
    return _place(F.argmax, op, x)


@lower(ops.ArgMin)
def _argmin(op: ops.ArgMin, at: Application, x: Expr) -> Expr:
    return _place(F.argmin, op, x)


def _place(function: Expr, op: ops.ArgMax | ops.ArgMin, x: Expr) -> Expr:
    """MXNet gives the place as a floating-point number."""
    found = function(x, axis=op.axis, keepdims=default(op.keepdims, False))
    return F.cast(found, dtype="int64")


@lower(ops.TopK)
def _topk(op: ops.TopK, at: Application, x: Expr) -> Expr:
    rank = at.type(0).rank
    largest = default(op.largest, True)
    return Helper("ordered_topk")(F, x, op.k, op.axis % rank, rank, largest=largest)


@lower(ops.Sort)
def _sort(op: ops.Sort, at: Application, x: Expr) -> Expr:
    """MXNet does not say which of equal elements comes first."""
    rank = at.type(0).rank
    descending = default(op.descending, False)
    return Helper("ordered_sort")(F, x, op.axis % rank, rank, descending=descending)
