"""Random numbers and stopped gradients in PyTorch's loss graphs."""

from __future__ import annotations

from tercet.backends.pytorch.target import DTYPES, lower, torch
from tercet.codegen.expr import Binary, Expr, Name, lift
from tercet.codegen.script.draws import draw_name, drawn
from tercet.codegen.target import Application
from tercet.compiler.ops import random as ops
from tercet.compiler.types import DType


def _where(op: ops.RandomOp) -> dict[str, Expr]:
    dtype = {"dtype": DTYPES[op.dtype]} if op.dtype is DType.F64 else {}
    return {**dtype, "device": Name("args").device}


@lower(ops.RandomNormal)
def _normal(op: ops.RandomNormal, at: Application) -> Expr:
    drawn = torch.randn(op.shape, **_where(op))
    drawn = drawn if op.std == 1 else op.std * drawn
    return drawn if op.mean == 0 else op.mean + drawn


@lower(ops.RandomUniform)
def _uniform(op: ops.RandomUniform, at: Application) -> Expr:
    drawn = torch.rand(op.shape, **_where(op))
    drawn = drawn if (op.low, op.high) == (0, 1) else (op.high - op.low) * drawn
    return drawn if op.low == 0 else op.low + drawn


@lower(ops.RandomBernoulli)
def _bernoulli(op: ops.RandomBernoulli, at: Application) -> Expr:
    drawn = torch.rand(op.shape, **_where(op))
    kept = Binary("<", drawn, lift(op.p))
    return kept.double() if op.dtype is DType.F64 else kept.float()


@lower.exact(ops.RandomNormal, ops.RandomUniform, ops.RandomBernoulli)
def _exact(op: ops.RandomOp, at: Application) -> Expr:
    numbers = drawn(op, draw_name(at.graph, at.item))
    return torch.as_tensor(numbers, dtype=DTYPES[op.dtype], device=Name("args").device)


@lower(ops.StopGradient)
def _stop_gradient(op: ops.StopGradient, at: Application, x: Expr) -> Expr:
    return x.detach()
