"""Activations in MXNet: its own where value and gradient are right, else written out."""

from __future__ import annotations

from tercet.backends.mxnet.initial import initial
from tercet.backends.mxnet.target import F, construct, convolves, lower
from tercet.codegen.expr import Binary, Expr, Helper, Made, default, lift
from tercet.codegen.target import Application
from tercet.compiler.graph.ir import Layer
from tercet.compiler.ops import activation as ops
from tercet.compiler.ops.base import Op

_FUNCTIONS: dict[type[Op], Expr] = {
    ops.Sigmoid: F.sigmoid,
    ops.Tanh: F.tanh,
    ops.Softsign: F.softsign,
}


@lower(*_FUNCTIONS)
def _function(op: Op, at: Application, x: Expr) -> Expr:
    return _FUNCTIONS[type(op)](x)


@lower(ops.Selu, ops.Silu, ops.Mish, ops.HardSwish)
def _written_out(op: Op, at: Application, x: Expr) -> Expr:
    return Helper(op.name)(F, x)


@lower(ops.Relu)
def _relu(op: ops.Relu, at: Application, x: Expr) -> Expr:
    if convolves(at):  # `F.relu` leaves the layout that oneDNN's convolutions work in: slower
        return F.Activation(x, act_type="relu")
    return F.relu(x)


@lower(ops.Relu6)
def _relu6(op: ops.Relu6, at: Application, x: Expr) -> Expr:
    return F.clip(x, 0, 6)


@lower(ops.LeakyRelu)
def _leaky_relu(op: ops.LeakyRelu, at: Application, x: Expr) -> Expr:
    return F.LeakyReLU(x, act_type="leaky", slope=op.alpha)


# `LeakyReLU` has its slope in float32 and computes GELU in it; `clip` has its bounds in it, and a
# gradient at them.


@lower.exact(ops.LeakyRelu)
def _exact_leaky_relu(op: ops.LeakyRelu, at: Application, x: Expr) -> Expr:
    return Helper("leaky_relu")(F, x, op.alpha)


@lower.exact(ops.Elu)
def _exact_elu(op: ops.Elu, at: Application, x: Expr) -> Expr:
    return Helper("elu")(F, x, op.alpha)


@lower.exact(ops.Gelu)
def _exact_gelu(op: ops.Gelu, at: Application, x: Expr) -> Expr:
    return Helper("gelu_tanh" if op.approximate == "tanh" else "gelu")(F, x)


@lower.exact(ops.Relu6)
def _exact_relu6(op: ops.Relu6, at: Application, x: Expr) -> Expr:
    return F.minimum(F.relu(x), 6)


@lower.exact(ops.HardTanh)
def _exact_hard_tanh(op: ops.HardTanh, at: Application, x: Expr) -> Expr:
    return F.minimum(F.maximum(x, op.low), op.high)


@lower(ops.Elu)
def _elu(op: ops.Elu, at: Application, x: Expr) -> Expr:
    return F.LeakyReLU(x, act_type="elu", slope=op.alpha)


@lower(ops.Celu)
def _celu(op: ops.Celu, at: Application, x: Expr) -> Expr:
    return Helper("celu")(F, x, op.alpha)


@lower(ops.Gelu)
def _gelu(op: ops.Gelu, at: Application, x: Expr) -> Expr:
    if op.approximate == "tanh":
        return Helper("gelu_tanh")(F, x)
    return F.LeakyReLU(x, act_type="gelu")


@lower(ops.HardSigmoid)
def _hard_sigmoid(op: ops.HardSigmoid, at: Application, x: Expr) -> Expr:
    return F.clip(op.alpha * x + op.beta, 0, 1)


@lower(ops.Softplus)
def _softplus(op: ops.Softplus, at: Application, x: Expr) -> Expr:
    return F.Activation(x, act_type="softrelu")


@lower(ops.LogSigmoid)
def _log_sigmoid(op: ops.LogSigmoid, at: Application, x: Expr) -> Expr:
    return -F.Activation(-x, act_type="softrelu")


@lower.exact(ops.Softplus)
def _exact_softplus(op: ops.Softplus, at: Application, x: Expr) -> Expr:
    return Helper("softplus")(F, x)


@lower.exact(ops.LogSigmoid)
def _exact_log_sigmoid(op: ops.LogSigmoid, at: Application, x: Expr) -> Expr:
    return -Helper("softplus")(F, -x)


@lower(ops.HardTanh)
def _hard_tanh(op: ops.HardTanh, at: Application, x: Expr) -> Expr:
    return F.clip(x, op.low, op.high)


@lower(ops.Softmax)
def _softmax(op: ops.Softmax, at: Application, x: Expr) -> Expr:
    return F.softmax(x, axis=op.axis)


@lower(ops.LogSoftmax)
def _log_softmax(op: ops.LogSoftmax, at: Application, x: Expr) -> Expr:
    return F.log_softmax(x, axis=op.axis)


@construct(ops.PRelu)
def _prelu(op: ops.PRelu, layer: Layer) -> Expr:
    channels = layer.parameter("weight").type.shape[0]
    own = initial(layer, weight="alpha_initializer")
    return Helper("PReLU")(in_channels=channels, **own)


@lower(ops.PRelu)
def _apply_prelu(op: ops.PRelu, at: Application, x: Expr) -> Expr:
    return Made()(x)


@lower(ops.HardShrink)
def _hard_shrink(op: ops.HardShrink, at: Application, x: Expr) -> Expr:
    return F.where(Binary("<=", F.abs(x), lift(op.threshold)), F.zeros_like(x), x)


@lower(ops.SoftShrink)
def _soft_shrink(op: ops.SoftShrink, at: Application, x: Expr) -> Expr:
    return F.sign(x) * F.relu(F.abs(x) - op.threshold)


@lower(ops.ThresholdedRelu)
def _thresholded_relu(op: ops.ThresholdedRelu, at: Application, x: Expr) -> Expr:
    return F.where(Binary("<=", x, lift(op.threshold)), F.zeros_like(x), x)


@lower(ops.Hardmax)
def _hardmax(op: ops.Hardmax, at: Application, x: Expr) -> Expr:
    rank = at.type(0).rank
    axis = op.axis % rank
    along = tuple(-1 if k == axis else 1 for k in range(rank))
    return Helper("hardmax")(F, x, axis, along)


@lower(ops.Glu)
def _glu(op: ops.Glu, at: Application, x: Expr) -> Expr:
    return Helper("glu")(F, x, axis=default(op.axis % at.type(0).rank, -1))
