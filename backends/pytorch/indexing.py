"""Gathering, counting and ordering in PyTorch."""

from __future__ import annotations

from tercet.backends.pytorch.target import DTYPES, in_own, lower, torch
from tercet.codegen.expr import Expr, Helper, Input, Literal, default
from tercet.codegen.target import Application
from tercet.compiler.ops import indexing as ops
from tercet.compiler.ops.elementwise import Listed
from tercet.compiler.types import DType


@lower(ops.Gather, ops.Take)
def _gather(op: ops.Gather | ops.Take, at: Application, x: Expr, indices: Expr) -> Expr:
    if op.axis is None:
        return x.flatten()[indices]
    axis = op.axis % at.type(0).rank
    return x[(*(slice(None) for _ in range(axis)), indices)] if axis else x[indices]


@lower(ops.OneHot)
def _one_hot(op: ops.OneHot, at: Application, indices: Expr) -> Expr:
    hot = Helper("as_one_hot")(indices, op.classes, axis=default(op.axis, -1))
    return hot.to(DTYPES[op.dtype])


@lower(ops.CumSum)
def _cumsum(op: ops.CumSum, at: Application, x: Expr) -> Expr:
    total = (x.flip(op.axis) if op.reverse else x).cumsum(op.axis, **in_own(at))
    total = total.flip(op.axis) if op.reverse else total
    return total - x if op.exclusive else total


@lower(ops.Arange)
def _arange(op: ops.Arange, at: Application) -> Expr:
    ends = (op.start,) if op.stop is None else (op.start, op.stop)
    steps = () if op.step == 1 else (op.step,)
    dtype = {} if op.dtype is DType.I64 else {"dtype": DTYPES[op.dtype]}
    return torch.arange(*ends, *steps, **dtype, device=_device(at))


@lower(ops.Full)
def _full(op: ops.Full, at: Application) -> Expr:
    return torch.full(op.shape, op.value, dtype=DTYPES[op.dtype], device=_device(at))


@lower(Listed)
def _listed(op: Listed, at: Application) -> Expr:
    return torch.tensor(Literal(op.values), dtype=DTYPES[op.dtype], device=_device(at))


_NO_INPUT = lower.limit(
    "in a model or block without inputs",
    "its device is that of an input, and there is none",
    ops.Arange,
    ops.Full,
)


def _device(at: Application) -> Expr:
    """Where the inputs of the graph are.  Raises Unsupported."""
    if not at.graph.inputs:
        raise _NO_INPUT.refusal()
    return Input(0).device


@lower(ops.ZerosLike)
def _zeros_like(op: ops.ZerosLike, at: Application, x: Expr) -> Expr:
    return torch.zeros_like(x)


@lower(ops.OnesLike)
def _ones_like(op: ops.OnesLike, at: Application, x: Expr) -> Expr:
    return torch.ones_like(x)


@lower(ops.Tril)
def _tril(op: ops.Tril, at: Application, x: Expr) -> Expr:
    return x.tril(diagonal=default(op.diagonal, 0))


@lower(ops.Triu)
def _triu(op: ops.Triu, at: Application, x: Expr) -> Expr:
    return x.triu(diagonal=default(op.diagonal, 0))


@lower(ops.ArgMax)
def _argmax(op: ops.ArgMax, at: Application, x: Expr) -> Expr:
    return x.argmax(dim=op.axis, keepdim=default(op.keepdims, False))


@lower(ops.ArgMin)
def _argmin(op: ops.ArgMin, at: Application, x: Expr) -> Expr:
    return x.argmin(dim=op.axis, keepdim=default(op.keepdims, False))


@lower(ops.TopK)
def _topk(op: ops.TopK, at: Application, x: Expr) -> Expr:
    return Helper("ordered_topk")(
        x, op.k, dim=default(op.axis, -1), largest=default(op.largest, True)
    )


@lower(ops.Sort)
def _sort(op: ops.Sort, at: Application, x: Expr) -> Expr:
    settings = {"dim": default(op.axis, -1), "descending": default(op.descending, False)}
    return Helper("ordered_sort")(x, **settings)
