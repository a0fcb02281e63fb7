"""Dense layers, embeddings and matrix products in Keras and TensorFlow."""

from __future__ import annotations

from tercet.backends.tensorflow.facts import Facts
from tercet.backends.tensorflow.initial import initializer
from tercet.backends.tensorflow.target import Placed, construct, layers, lower, tf
from tercet.codegen.expr import Expr, Made, default
from tercet.compiler.graph.ir import Layer
from tercet.compiler.ops.linear import Dense, Embedding, MatMul, Outer
from tercet.compiler.types import DType


@construct(Dense)
def _dense(op: Dense, layer: Layer, facts: Facts) -> Expr:
    biased = {}
    if op.bias:
        biased["bias_initializer"] = default(initializer(layer.parameter("bias")), "zeros")
    return layers.Dense(
        op.units,
        use_bias=default(op.bias, True),
        kernel_initializer=initializer(layer.parameter("weight")),
        **biased,
    )


@construct(Embedding)
def _embedding(op: Embedding, layer: Layer, facts: Facts) -> Expr:
    init = initializer(layer.parameter("weight"), as_kernel=False)
    return layers.Embedding(op.count, op.dim, embeddings_initializer=init)


@lower(Dense)
def _apply_dense(op: Dense, at: Placed, x: Expr) -> Expr:
    if at.type(0).rank == 1:
        return Made()(x[tf.newaxis])[0]
    return Made()(x)


@lower(Embedding)
def _apply_embedding(op: Embedding, at: Placed, ids: Expr) -> Expr:
    return Made()(ids)


def _ailing(at: Placed) -> bool:
    """Whether a graph with oneDNN would compute garbage: one matrix for all of `[N, 1, M, K]`."""
    left, right = at.type(0).shape, at.type(1).shape
    alone = len(left) == 4 and not (isinstance(left[1], int) and left[1] > 1)
    return alone and left[0] != 1 and all(size == 1 for size in right[:-2])


@lower(MatMul)
def _matmul(op: MatMul, at: Placed, a: Expr, b: Expr) -> Expr:
    if at.result.dtype in (DType.I8, DType.U8):  # of which TensorFlow has no products
        wide = _product(at, tf.cast(a, tf.int32), tf.cast(b, tf.int32))
        return tf.cast(wide, at.dtype(at.result.dtype))
    return _product(at, a, b)


def _product(at: Placed, a: Expr, b: Expr) -> Expr:
    left, right = at.type(0).rank, at.type(1).rank
    if left > 1 and right > 1:
        if _ailing(at):
            return tf.tensordot(a, {2: b, 3: b[0]}.get(right, b[0, 0]), 1)
        return a @ b
    if left == 1 and right == 1:
        return tf.reduce_sum(a * b)
    if right == 1:
        return tf.linalg.matvec(a, b)
    return tf.linalg.matvec(b, a, transpose_a=True)


@lower(Outer)
def _outer(op: Outer, at: Placed, a: Expr, b: Expr) -> Expr:
    return a[:, tf.newaxis] * b
