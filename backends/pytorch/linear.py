"""Dense layers, embeddings and matrix products in PyTorch."""

from __future__ import annotations

from tercet.backends.pytorch.target import construct, lower, nn, torch
from tercet.codegen.expr import Expr, Made, default
from tercet.codegen.target import Application
from tercet.compiler.graph.ir import Layer
from tercet.compiler.ops.linear import Dense, Embedding, MatMul, Outer


@construct(Dense)
def _dense(op: Dense, layer: Layer) -> Expr:
    inputs = layer.parameter("weight").type.shape[1]
    return nn.Linear(inputs, op.units, bias=default(op.bias, True))


@construct(Embedding)
def _embedding(op: Embedding, layer: Layer) -> Expr:
    return nn.Embedding(op.count, op.dim)


@lower(Dense, Embedding)
def _apply(op: Dense | Embedding, at: Application, x: Expr) -> Expr:
    return Made()(x)


@lower(MatMul)
def _matmul(op: MatMul, at: Application, a: Expr, b: Expr) -> Expr:
    return a @ b


@lower(Outer)
def _outer(op: Outer, at: Application, a: Expr, b: Expr) -> Expr:
    return torch.outer(a, b)
