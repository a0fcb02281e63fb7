"""Activations in TensorFlow."""

from __future__ import annotations

from tercet.backends.tensorflow.facts import Facts
from tercet.backends.tensorflow.initial import initializer
from tercet.backends.tensorflow.target import Placed, construct, layers, lower, tf
from tercet.codegen.expr import Binary, Call, Expr, Helper, Made, default, lift
from tercet.compiler.graph.ir import Layer
from tercet.compiler.ops import activation as ops
from tercet.compiler.ops.base import Op

nn = tf.nn

_FUNCTIONS: dict[type[Op], Expr] = {
    ops.Relu: nn.relu,
    ops.Relu6: nn.relu6,
    ops.Selu: nn.selu,
    ops.Silu: nn.silu,
    ops.Sigmoid: tf.sigmoid,
    ops.Tanh: tf.tanh,
    ops.Softplus: nn.softplus,
    ops.Softsign: nn.softsign,
}


@lower(*_FUNCTIONS)
def _function(op: Op, at: Placed, x: Expr) -> Expr:
    return _FUNCTIONS[type(op)](x)


@lower(ops.LeakyRelu)
def _leaky_relu(op: ops.LeakyRelu, at: Placed, x: Expr) -> Expr:
    return nn.leaky_relu(x, op.alpha)


@lower.exact(ops.Selu)
def _exact_selu(op: ops.Selu, at: Placed, x: Expr) -> Expr:
    return Helper("selu")(x)


@lower.exact(ops.LeakyRelu)  # TensorFlow's operation has its slope in float32
def _exact_leaky_relu(op: ops.LeakyRelu, at: Placed, x: Expr) -> Expr:
    return Helper("leaky_relu")(x, op.alpha)


@lower(ops.Elu)
def _elu(op: ops.Elu, at: Placed, x: Expr) -> Expr:
    if all(isinstance(o, ops.Elu) and o.alpha == 1 for o in at.siblings):
        return nn.elu(x)
    return Helper("elu")(x, op.alpha)


@lower(ops.Celu)
def _celu(op: ops.Celu, at: Placed, x: Expr) -> Expr:
    if all(isinstance(o, ops.Celu) and o.alpha == 1 for o in at.siblings):
        return nn.elu(x)
    return Helper("celu")(x, op.alpha)


@lower(ops.Gelu)
def _gelu(op: ops.Gelu, at: Placed, x: Expr) -> Expr:
    if op.approximate == "tanh":
        return nn.gelu(x, approximate=True)
    return Helper("gelu")(x)


@lower.exact(ops.Gelu)  # TensorFlow's has its constants in float32
def _exact_gelu(op: ops.Gelu, at: Placed, x: Expr) -> Expr:
    return Helper("gelu_tanh" if op.approximate == "tanh" else "gelu")(x)


@lower(ops.Mish, ops.HardSwish)
def _written_out(op: ops.Mish | ops.HardSwish, at: Placed, x: Expr) -> Expr:
    return Helper(op.name)(x)


@lower(ops.HardSigmoid)
def _hard_sigmoid(op: ops.HardSigmoid, at: Placed, x: Expr) -> Expr:
    return tf.clip_by_value(op.alpha * x + op.beta, 0.0, 1.0)


@lower(ops.LogSigmoid)
def _log_sigmoid(op: ops.LogSigmoid, at: Placed, x: Expr) -> Expr:
    return -nn.softplus(-x)


@lower(ops.HardTanh)
def _hard_tanh(op: ops.HardTanh, at: Placed, x: Expr) -> Expr:
    return tf.clip_by_value(x, op.low, op.high)


@lower(ops.Softmax)
def _softmax(op: ops.Softmax, at: Placed, x: Expr) -> Expr:
    return nn.softmax(x, axis=default(at.axis(op.axis), -1))


@lower(ops.LogSoftmax)
def _log_softmax(op: ops.LogSoftmax, at: Placed, x: Expr) -> Expr:
    return nn.log_softmax(x, axis=default(at.axis(op.axis), -1))


@construct(ops.PRelu)
def _prelu(op: ops.PRelu, layer: Layer, facts: Facts) -> Expr:
    rank = layer.input.rank
    shared = tuple(range(1, rank if op.shared else rank - 1))
    return layers.PReLU(
        alpha_initializer=initializer(layer.parameter("weight")),
        shared_axes=default(shared or None, None),
    )


@construct.exact(ops.PRelu)
def _exact_prelu(op: ops.PRelu, layer: Layer, facts: Facts) -> Expr:
    made = _prelu(op, layer, facts)
    assert isinstance(made, Call)
    return Call(Helper("PReLU"), made.positional, made.keywords)


@lower(ops.PRelu)
def _apply_prelu(op: ops.PRelu, at: Placed, x: Expr) -> Expr:
    return Made()(x)


@lower(ops.HardShrink, ops.SoftShrink)
def _shrink(op: ops.HardShrink | ops.SoftShrink, at: Placed, x: Expr) -> Expr:
    return Helper(op.name)(x, op.threshold)


@lower(ops.ThresholdedRelu)
def _thresholded_relu(op: ops.ThresholdedRelu, at: Placed, x: Expr) -> Expr:
    return tf.where(Binary("<=", x, lift(op.threshold)), tf.zeros_like(x), x)


@lower(ops.Hardmax)
def _hardmax(op: ops.Hardmax, at: Placed, x: Expr) -> Expr:
    axis = at.axis(op.axis)
    size = at.type(0).shape[op.axis]
    depth = size if isinstance(size, int) else tf.shape(x)[axis]
    dtype = at.dtype(at.type(0).dtype)
    return tf.one_hot(tf.argmax(x, axis=axis), depth, axis=default(axis, -1), dtype=dtype)


@lower(ops.Glu)
def _glu(op: ops.Glu, at: Placed, x: Expr) -> Expr:
    return Helper("glu")(x, axis=default(at.axis(op.axis), -1))
