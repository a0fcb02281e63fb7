"""Activations in PyTorch."""

from __future__ import annotations

from tercet.backends.pytorch.target import F, construct, lower, nn, torch
from tercet.codegen.expr import Binary, Expr, Helper, Made, default, lift
from tercet.codegen.target import Application
from tercet.compiler.graph.ir import Layer
from tercet.compiler.ops import activation as ops
from tercet.compiler.ops.base import Op

_FUNCTIONS: dict[type[Op], Expr] = {
    ops.Relu: F.relu,
    ops.Relu6: F.relu6,
    ops.Selu: F.selu,
    ops.Silu: F.silu,
    ops.Mish: F.mish,
    ops.HardSwish: F.hardswish,
    ops.Sigmoid: torch.sigmoid,
    ops.Tanh: torch.tanh,
    ops.Softplus: F.softplus,
    ops.Softsign: F.softsign,
    ops.LogSigmoid: F.logsigmoid,
}


@lower(*_FUNCTIONS)
def _function(op: Op, at: Application, x: Expr) -> Expr:
    return _FUNCTIONS[type(op)](x)


@lower(ops.LeakyRelu)
def _leaky_relu(op: ops.LeakyRelu, at: Application, x: Expr) -> Expr:
    return F.leaky_relu(x, op.alpha)


@lower(ops.Elu)
def _elu(op: ops.Elu, at: Application, x: Expr) -> Expr:
    return F.elu(x, alpha=default(op.alpha, 1.0))


@lower(ops.Celu)
def _celu(op: ops.Celu, at: Application, x: Expr) -> Expr:
    return F.celu(x, alpha=default(op.alpha, 1.0))


@lower.exact(ops.Celu)  # PyTorch's gradient has alpha in float32
def _exact_celu(op: ops.Celu, at: Application, x: Expr) -> Expr:
    return Helper("celu")(x, op.alpha)


@lower.exact(ops.Softplus)  # x itself where it is larger than the threshold
def _exact_softplus(op: ops.Softplus, at: Application, x: Expr) -> Expr:
    return F.softplus(x, threshold=40)


@lower(ops.Gelu)
def _gelu(op: ops.Gelu, at: Application, x: Expr) -> Expr:
    return F.gelu(x, approximate=default(op.approximate, "none"))


@lower(ops.HardSigmoid)
def _hard_sigmoid(op: ops.HardSigmoid, at: Application, x: Expr) -> Expr:
    return torch.clamp(op.alpha * x + op.beta, 0.0, 1.0)


@lower(ops.HardTanh)
def _hard_tanh(op: ops.HardTanh, at: Application, x: Expr) -> Expr:
    return F.hardtanh(x, op.low, op.high)


@lower(ops.Softmax)
def _softmax(op: ops.Softmax, at: Application, x: Expr) -> Expr:
    return F.softmax(x, dim=op.axis)


@lower(ops.LogSoftmax)
def _log_softmax(op: ops.LogSoftmax, at: Application, x: Expr) -> Expr:
    return F.log_softmax(x, dim=op.axis)


@construct(ops.PRelu)
def _prelu(op: ops.PRelu, layer: Layer) -> Expr:
    return nn.PReLU(layer.parameter("weight").type.shape[0])


@lower(ops.PRelu)
def _apply_prelu(op: ops.PRelu, at: Application, x: Expr) -> Expr:
    return Made()(x)


@lower(ops.HardShrink)
def _hard_shrink(op: ops.HardShrink, at: Application, x: Expr) -> Expr:
    return F.hardshrink(x, op.threshold)


@lower(ops.SoftShrink)
def _soft_shrink(op: ops.SoftShrink, at: Application, x: Expr) -> Expr:
    return F.softshrink(x, op.threshold)


@lower(ops.ThresholdedRelu)
def _thresholded_relu(op: ops.ThresholdedRelu, at: Application, x: Expr) -> Expr:
    return torch.where(Binary("<=", x, lift(op.threshold)), torch.zeros_like(x), x)


@lower(ops.Hardmax)
def _hardmax(op: ops.Hardmax, at: Application, x: Expr) -> Expr:
    places = x.argmax(dim=op.axis, keepdim=True)
    return torch.zeros_like(x).scatter(op.axis, places, 1.0)


@lower(ops.Glu)
def _glu(op: ops.Glu, at: Application, x: Expr) -> Expr:
    return F.glu(x, dim=default(op.axis, -1))
