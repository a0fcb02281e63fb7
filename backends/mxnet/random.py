"""Random numbers and stopped gradients in losses, which run on NDArrays."""

from __future__ import annotations

from tercet.backends.mxnet.target import lower
from tercet.codegen.expr import Binary, Expr, Name, default, lift
from tercet.codegen.script.draws import draw_name, drawn
from tercet.codegen.target import Application
from tercet.compiler.ops import random as ops
from tercet.compiler.types import DType

nd = Name("nd")


def _where(op: ops.RandomOp) -> dict[str, Expr]:
    dtype = {"dtype": lift(op.dtype.numpy_name)} if op.dtype is DType.F64 else {}
    return {**dtype, "ctx": Name("args").device}


@lower(ops.RandomNormal)
def _normal(op: ops.RandomNormal, at: Application) -> Expr:
    spread = {"loc": default(op.mean, 0.0), "scale": default(op.std, 1.0)}
    return nd.random.normal(**spread, shape=op.shape or (1,), **_where(op))


@lower(ops.RandomUniform)
def _uniform(op: ops.RandomUniform, at: Application) -> Expr:
    ends = {"low": default(op.low, 0.0), "high": default(op.high, 1.0)}
    return nd.random.uniform(**ends, shape=op.shape or (1,), **_where(op))


@lower(ops.RandomBernoulli)
def _bernoulli(op: ops.RandomBernoulli, at: Application) -> Expr:
    return Binary("<", nd.random.uniform(shape=op.shape or (1,), **_where(op)), lift(op.p))


@lower.exact(ops.RandomNormal, ops.RandomUniform, ops.RandomBernoulli)
def _exact(op: ops.RandomOp, at: Application) -> Expr:
    numbers = drawn(op, draw_name(at.graph, at.item))
    return nd.array(numbers, ctx=Name("args").device, dtype=op.dtype.numpy_name)


@lower(ops.StopGradient)
def _stop_gradient(op: ops.StopGradient, at: Application, x: Expr) -> Expr:
    return Name("F").stop_gradient(x)
