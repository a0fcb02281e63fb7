"""Activations, and softmax in its forms."""

from __future__ import annotations

import math

from .registry import Node, converts

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


@converts("relu")
def _relu(node: Node) -> str:
    if node.x.dtype.kind == "f":
        return node.emit("Relu", node.names)
    return node.emit("Max", [node.x.name, node.scalar(0)])


@converts("Activation")
def _activation(node: Node) -> str:
    match node.text("act_type"):
        case "relu":
            return node.emit("Relu", node.names)
        case "sigmoid":
            return node.emit("Sigmoid", node.names)
        case "tanh":
            return node.emit("Tanh", node.names)
        case "softrelu":
            return node.emit("Softplus", node.names)
        case "softsign":
            return node.emit("Softsign", node.names)
        case other:
            return node.refuse(f"act_type={other} has no conversion")


@converts("LeakyReLU", irrelevant=("slope", "lower_bound", "upper_bound"))
def _leaky_relu(node: Node) -> str:
    match node.text("act_type", "leaky"):
        case "leaky":
            return node.emit("LeakyRelu", [node.x.name], alpha=node.real("slope", 0.25))
        case "elu":
            return node.emit("Elu", [node.x.name], alpha=node.real("slope", 0.25))
        case "selu":
            return node.emit("Selu", [node.x.name], alpha=_SELU_ALPHA, gamma=_SELU_SCALE)
        case "gelu":
            return _gelu(node)
        case "prelu":
            return _prelu(node)
        case other:
            return node.refuse(f"act_type={other} has no conversion")


def _gelu(node: Node) -> str:
    """x (1 + erf(x / sqrt 2)) / 2."""
    x = node.x.name
    erf = node.emit("Erf", [node.emit("Mul", [x, node.scalar(math.sqrt(0.5))])])
    gate = node.emit("Add", [erf, node.scalar(1)])
    return node.emit("Mul", [node.emit("Mul", [x, node.scalar(0.5)]), gate])


def _prelu(node: Node) -> str:
    """One slope, or one per channel (axis 1)."""
    slope = node.inputs[1]
    name = slope.name
    if slope.static_shape != (1,) and node.x.rank > 2:
        name = node.emit("Unsqueeze", [name, node.vector(*range(1, node.x.rank - 1))])
    return node.emit("PRelu", [node.x.name, name])


@converts("hard_sigmoid")
def _hard_sigmoid(node: Node) -> str:
    alpha, beta = node.real("alpha", 0.2), node.real("beta", 0.5)
    return node.emit("HardSigmoid", node.names, alpha=alpha, beta=beta)


@converts("softmax", "log_softmax", "softmin")
def _softmax(node: Node) -> str:
    if node.flag("use_length") or len(node.inputs) > 1:
        node.refuse("use_length=True has no conversion")
    dtype = node.outputs[0].dtype
    node.text("dtype", "None")
    x = node.cast(node.x.name, node.x.dtype, dtype)
    if node.operator == "softmin":
        x = node.emit("Neg", [x])
    temperature = node.optional_real("temperature")
    if temperature not in (None, 1.0):
        x = node.emit("Div", [x, node.scalar(temperature or 0.0, dtype)])
    operator = "LogSoftmax" if node.operator == "log_softmax" else "Softmax"
    return node.emit(operator, [x], axis=node.axis(default=-1))


@converts("SoftmaxActivation")
def _softmax_activation(node: Node) -> str:
    """Over axis 1.  With more axes, MXNet's CPU kernel of `instance` is not what it should be."""
    if node.text("mode", "instance") == "instance" and node.x.rank != 2:
        node.refuse("mode=instance has a conversion for two axes only")
    return node.emit("Softmax", node.names, axis=1)
