"""Activations in PyTorch."""

from __future__ import annotations

from backends.pytorch.target import F, construct, lower, nn, torch
from compiler.codegen.expr import Expr, Made, default
from compiler.codegen.target import Application
from compiler.ir import Layer
from compiler.ops import activation as ops


@lower(ops.Relu)
def _relu(op: ops.Relu, at: Application, x: Expr) -> Expr:
    return F.relu(x)


@lower(ops.Relu6)
def _relu6(op: ops.Relu6, at: Application, x: Expr) -> Expr:
    return F.relu6(x)


@lower(ops.LeakyRelu)
def _leaky_relu(op: ops.LeakyRelu, at: Application, x: Expr) -> Expr:
    return F.leaky_relu(x, op.alpha)


@lower(ops.Elu)
def _elu(op: ops.Elu, at: Application, x: Expr) -> Expr:
    return F.elu(x, alpha=default(op.alpha, 1.0))


@lower(ops.Selu)
def _selu(op: ops.Selu, at: Application, x: Expr) -> Expr:
    return F.selu(x)


@lower(ops.Celu)
def _celu(op: ops.Celu, at: Application, x: Expr) -> Expr:
    return F.celu(x, alpha=default(op.alpha, 1.0))


@lower(ops.Gelu)
def _gelu(op: ops.Gelu, at: Application, x: Expr) -> Expr:
    return F.gelu(x, approximate=default(op.approximate, "none"))


@lower(ops.Silu)
def _silu(op: ops.Silu, at: Application, x: Expr) -> Expr:
    return F.silu(x)


@lower(ops.Mish)
def _mish(op: ops.Mish, at: Application, x: Expr) -> Expr:
    return F.mish(x)


@lower(ops.HardSwish)
def _hard_swish(op: ops.HardSwish, at: Application, x: Expr) -> Expr:
    return F.hardswish(x)


@lower(ops.HardSigmoid)
def _hard_sigmoid(op: ops.HardSigmoid, at: Application, x: Expr) -> Expr:
    return torch.clamp(op.alpha * x + op.beta, 0.0, 1.0)


@lower(ops.Sigmoid)
def _sigmoid(op: ops.Sigmoid, at: Application, x: Expr) -> Expr:
    return torch.sigmoid(x)


@lower(ops.Tanh)
def _tanh(op: ops.Tanh, at: Application, x: Expr) -> Expr:
    return torch.tanh(x)


@lower(ops.Softplus)
def _softplus(op: ops.Softplus, at: Application, x: Expr) -> Expr:
    return F.softplus(x)


@lower(ops.Softsign)
def _softsign(op: ops.Softsign, at: Application, x: Expr) -> Expr:
    return F.softsign(x)


@lower(ops.LogSigmoid)
def _log_sigmoid(op: ops.LogSigmoid, at: Application, x: Expr) -> Expr:
    return F.logsigmoid(x)


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
