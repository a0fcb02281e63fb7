"""Random numbers and stopped gradients in TensorFlow's loss graphs.

They are drawn from the model's seed generator `noise`, whose state checkpoints keep.
"""

from __future__ import annotations

from tercet.backends.tensorflow.target import DTYPES, Placed, TensorFlowTarget, keras, lower, tf
from tercet.codegen.expr import Binary, Expr, default, lift
from tercet.codegen.script.draws import draw_name, drawn
from tercet.compiler.ops import random as ops
from tercet.compiler.types import DType


def _drawn(op: ops.RandomOp, at: Placed) -> dict[str, Expr]:
    """In which dtype, where that is not Keras' own, and from which numbers."""
    assert isinstance(at.target, TensorFlowTarget)
    dtype = {"dtype": lift(op.dtype.numpy_name)} if op.dtype is DType.F64 else {}
    return {**dtype, "seed": at.target.owner.noise}


@lower(ops.RandomNormal)
def _normal(op: ops.RandomNormal, at: Placed) -> Expr:
    return keras.random.normal(
        op.shape, mean=default(op.mean, 0.0), stddev=default(op.std, 1.0), **_drawn(op, at)
    )


@lower(ops.RandomUniform)
def _uniform(op: ops.RandomUniform, at: Placed) -> Expr:
    return keras.random.uniform(
        op.shape, minval=default(op.low, 0.0), maxval=default(op.high, 1.0), **_drawn(op, at)
    )


@lower(ops.RandomBernoulli)
def _bernoulli(op: ops.RandomBernoulli, at: Placed) -> Expr:
    drawn = keras.random.uniform(op.shape, **_drawn(op, at))
    return tf.cast(Binary("<", drawn, lift(op.p)), DTYPES[op.dtype])


@lower.exact(ops.RandomNormal, ops.RandomUniform, ops.RandomBernoulli)
def _exact(op: ops.RandomOp, at: Placed) -> Expr:
    return tf.cast(drawn(op, draw_name(at.graph, at.item)), DTYPES[op.dtype])


@lower(ops.StopGradient)
def _stop_gradient(op: ops.StopGradient, at: Placed, x: Expr) -> Expr:
    return tf.stop_gradient(x)
