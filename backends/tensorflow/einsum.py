"""Sums of products in TensorFlow."""

from __future__ import annotations

from tercet.backends.tensorflow.target import Placed, lower, tf
from tercet.codegen.expr import Expr
from tercet.compiler.ops.einsum import Einsum


@lower(Einsum)
def _einsum(op: Einsum, at: Placed, *tensors: Expr) -> Expr:
    return tf.einsum(op.equation, *tensors)
