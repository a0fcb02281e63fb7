"""Sums of products in PyTorch."""

from __future__ import annotations

from tercet.backends.pytorch.target import lower
from tercet.codegen.expr import Expr, Helper
from tercet.codegen.target import Application
from tercet.compiler.ops.einsum import Einsum


@lower(Einsum)
def _einsum(op: Einsum, at: Application, *tensors: Expr) -> Expr:
    return Helper("einsum")(op.equation, *tensors)
