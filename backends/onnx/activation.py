"""Activation functions in ONNX; what opset 17 lacks (Gelu, Mish) is written out."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tercet.backends.onnx.builder import Context, lower
from tercet.compiler.ops.activation import (
    Celu,
    Elu,
    Gelu,
    Glu,
    Hardmax,
    HardShrink,
    HardSigmoid,
    HardSwish,
    HardTanh,
    LeakyRelu,
    LogSigmoid,
    LogSoftmax,
    Mish,
    PRelu,
    Relu,
    Relu6,
    Selu,
    Sigmoid,
    Silu,
    Softmax,
    Softplus,
    SoftShrink,
    Softsign,
    Tanh,
    ThresholdedRelu,
)
from tercet.compiler.ops.base import Op

_SAME: Mapping[type[Op], str] = {
    Relu: "Relu",
    Sigmoid: "Sigmoid",
    Tanh: "Tanh",
    Softplus: "Softplus",
    Softsign: "Softsign",
    HardSwish: "HardSwish",
}


@lower(*_SAME)
def _same(op: Op, c: Context) -> str:
    return c.node(_SAME[type(op)], c.x)


@lower(Relu6)
def _relu6(op: Relu6, c: Context) -> str:
    return c.node("Clip", c.x, c.scalar(0.0), c.scalar(6.0))


@lower(HardTanh)
def _hard_tanh(op: HardTanh, c: Context) -> str:
    return c.node("Clip", c.x, c.scalar(op.low), c.scalar(op.high))


@lower(LeakyRelu)
def _leaky_relu(op: LeakyRelu, c: Context) -> str:
    return c.node("LeakyRelu", c.x, alpha=op.alpha)


@lower(Elu)
def _elu(op: Elu, c: Context) -> str:
    return c.node("Elu", c.x, alpha=op.alpha)


@lower(Selu)
def _selu(op: Selu, c: Context) -> str:
    return c.node("Selu", c.x, alpha=op.ALPHA, gamma=op.GAMMA)


@lower(Celu)
def _celu(op: Celu, c: Context) -> str:
    """By Elu, for ONNX has Celu in f32 only."""
    if op.alpha == 1:
        return c.node("Elu", c.x)
    alpha = c.scalar(op.alpha)
    return c.node("Mul", c.node("Elu", c.node("Div", c.x, alpha)), alpha)


@lower(HardSigmoid)
def _hard_sigmoid(op: HardSigmoid, c: Context) -> str:
    return c.node("HardSigmoid", c.x, alpha=op.alpha, beta=op.beta)


@lower(Gelu)
def _gelu(op: Gelu, c: Context) -> str:
    if op.approximate == "tanh":
        cube = c.node("Mul", c.node("Mul", c.x, c.x), c.x)
        polynomial = c.node("Add", c.x, c.node("Mul", cube, c.scalar(0.044715)))
        inner = c.node("Tanh", c.node("Mul", polynomial, c.scalar(math.sqrt(2 / math.pi))))
    else:
        inner = c.node("Erf", c.node("Div", c.x, c.scalar(math.sqrt(2))))
    share = c.node("Mul", c.node("Add", inner, c.scalar(1.0)), c.scalar(0.5))
    return c.node("Mul", c.x, share)


@lower(Silu)
def _silu(op: Silu, c: Context) -> str:
    return c.node("Mul", c.x, c.node("Sigmoid", c.x))


@lower(Mish)
def _mish(op: Mish, c: Context) -> str:
    return c.node("Mul", c.x, c.node("Tanh", c.node("Softplus", c.x)))


@lower(LogSigmoid)
def _log_sigmoid(op: LogSigmoid, c: Context) -> str:
    return c.node("Neg", c.node("Softplus", c.node("Neg", c.x)))


@lower(Softmax)
def _softmax(op: Softmax, c: Context) -> str:
    return c.node("Softmax", c.x, axis=op.axis)


@lower(LogSoftmax)
def _log_softmax(op: LogSoftmax, c: Context) -> str:
    return c.node("LogSoftmax", c.x, axis=op.axis)


@lower(PRelu)
def _prelu(op: PRelu, c: Context) -> str:
    slope = c.parameter("weight")
    if not op.shared:
        slope = c.per_channel(slope)
    return c.node("PRelu", c.x, slope)


@lower(HardShrink)
def _hard_shrink(op: HardShrink, c: Context) -> str:
    return c.node("Shrink", c.x, lambd=op.threshold, bias=0.0)


@lower(SoftShrink)
def _soft_shrink(op: SoftShrink, c: Context) -> str:
    return c.node("Shrink", c.x, lambd=op.threshold, bias=op.threshold)


@lower(ThresholdedRelu)
def _thresholded_relu(op: ThresholdedRelu, c: Context) -> str:
    return c.node("ThresholdedRelu", c.x, alpha=op.threshold)


@lower(Hardmax)
def _hardmax(op: Hardmax, c: Context) -> str:
    return c.node("Hardmax", c.x, axis=op.axis)


@lower(Glu)
def _glu(op: Glu, c: Context) -> str:
    a, b = c.nodes("Split", [c.x], 2, axis=op.axis)
    return c.node("Mul", a, c.node("Sigmoid", b))
