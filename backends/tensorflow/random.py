"""Random numbers and stopped gradients in TensorFlow's loss graphs.

They are drawn from the model's seed generator `noise`, whose state checkpoints keep.
"""

from __future__ import annotations

from tercet.backends.tensorflow.target import Placed, TensorFlowTarget, keras, lower, tf
from tercet.codegen.expr import Binary, Expr, default, lift
from tercet.compiler.ops import random as ops


def _seed(at: Placed) -> Expr:
    assert isinstance(at.target, TensorFlowTarget)
    return at.target.owner.noise


@lower(ops.RandomNormal)
def _normal(op: ops.RandomNormal, at: Placed) -> Expr:
    return keras.random.normal(
        op.shape, mean=default(op.mean, 0.0), stddev=default(op.std, 1.0), seed=_seed(at)
    )


@lower(ops.RandomUniform)
def _uniform(op: ops.RandomUniform, at: Placed) -> Expr:
    return keras.random.uniform(
        op.shape, minval=default(op.low, 0.0), maxval=default(op.high, 1.0), seed=_seed(at)
    )


@lower(ops.RandomBernoulli)
def _bernoulli(op: ops.RandomBernoulli, at: Placed) -> Expr:
    return tf.cast(
        Binary("<", keras.random.uniform(op.shape, seed=_seed(at)), lift(op.p)), tf.float32
    )


@lower(ops.StopGradient)
def _stop_gradient(op: ops.StopGradient, at: Placed, x: Expr) -> Expr:
    return tf.stop_gradient(x)
