"""Dense layers, matrix products and embeddings in ONNX."""

from __future__ import annotations

from tercet.backends.onnx.builder import Context, lower
from tercet.compiler.ops.linear import Dense, Embedding, MatMul, Outer


@lower(Dense)
def _dense(op: Dense, c: Context) -> str:
    weight = c.parameter("weight")
    bias = c.parameter("bias") if op.bias else None
    if c.type.rank == 2:
        return c.node("Gemm", c.x, weight, bias, transB=1)
    y = c.node("MatMul", c.x, c.transposed(weight))
    return y if bias is None else c.node("Add", y, bias)


@lower(MatMul)
def _matmul(op: MatMul, c: Context) -> str:
    return c.narrow("MatMul", c[0], c[1], arity=2)


@lower(Embedding)
def _embedding(op: Embedding, c: Context) -> str:
    return c.node("Gather", c.parameter("weight"), c.x, axis=0)


@lower(Outer)
def _outer(op: Outer, c: Context) -> str:
    return c.narrow("Mul", c.node("Unsqueeze", c[0], c.ints(1)), c[1], arity=2)
