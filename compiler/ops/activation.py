"""Activation functions: saturating ones, gates, and those along an axis.

The family of `relu` is in `rectifiers`; all are named here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from tercet.compiler.errors import require
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import Elements, Layout, Op, Operand, operation, require_float
from tercet.compiler.ops.checks import normalized_axis, require_rank
from tercet.compiler.ops.elements import OfFloat
from tercet.compiler.ops.rectifiers import Celu, Elu, LeakyRelu, PRelu, Relu, Relu6, Selu
from tercet.compiler.ops.special import erf, log_softmax, sigmoid, softmax, softplus
from tercet.compiler.types import TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array

__all__ = [
    "AxisActivation",
    "Celu",
    "Elu",
    "Gelu",
    "HardSigmoid",
    "HardSwish",
    "HardTanh",
    "LeakyRelu",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PRelu",
    "Relu",
    "Relu6",
    "Selu",
    "Sigmoid",
    "Silu",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
]


@operation("gelu")
@dataclass(frozen=True)
class Gelu(OfFloat):
    """`x * P(X <= x)` for a standard normal X (Hendrycks and Gimpel, 2016; ONNX Gelu, opset 20).

    `0.5 * x * (1 + erf(x / sqrt(2)))`; with `approximate = "tanh"`
    `0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x ** 3)))`.

        h = x |> gelu(approximate = "tanh")
    """

    approximate: Literal["none", "tanh"] = "none"

    def reference(self, x: Array) -> Array:
        if self.approximate == "tanh":
            inner = np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
        else:
            inner = erf(x / math.sqrt(2))
        y: Array = 0.5 * x * (1 + inner)
        return y


@operation("silu")
class Silu(OfFloat):
    """`x * sigmoid(x)`, also called swish (Elfwing et al., 2017).

    x of any shape keeps it.  ONNX: Sigmoid and Mul.

        h = x |> silu
    """

    def reference(self, x: Array) -> Array:
        return x * sigmoid(x)


@operation("mish")
class Mish(OfFloat):
    """`x * tanh(softplus(x))` (Misra, 2019).

    x of any shape keeps it.  ONNX: Mish, opset 18.

        h = x |> mish
    """

    def reference(self, x: Array) -> Array:
        y: Array = x * np.tanh(softplus(x))
        return y


@operation("hard_swish")
class HardSwish(OfFloat):
    """`x * min(max(x / 6 + 0.5, 0), 1)` (Howard et al., 2019).

    x of any shape keeps it.  ONNX: HardSwish.

        h = x |> hard_swish
    """

    def reference(self, x: Array) -> Array:
        y: Array = x * np.clip(x / 6 + 0.5, 0, 1)
        return y


@operation("hard_sigmoid")
@dataclass(frozen=True)
class HardSigmoid(OfFloat):
    """`min(max(alpha * x + beta, 0), 1)` (with ONNX's defaults).

    x of any shape keeps it; MobileNetV3's form is `alpha = 1 / 6`.  ONNX: HardSigmoid.

        gate = x |> hard_sigmoid(alpha = 1 / 6)
    """

    alpha: float = 0.2
    beta: float = 0.5

    def reference(self, x: Array) -> Array:
        return np.clip(self.alpha * x + self.beta, 0, 1)


@operation("sigmoid")
class Sigmoid(OfFloat):
    """`1 / (1 + exp(-x))`.

    x of any shape keeps it.  ONNX: Sigmoid.

        p = sigmoid(x)
    """

    def reference(self, x: Array) -> Array:
        return sigmoid(x)


@operation("tanh")
class Tanh(OfFloat):
    """Hyperbolic tangent.

    x of any shape keeps it.  ONNX: Tanh.

        h = tanh(x)
    """

    def reference(self, x: Array) -> Array:
        return np.tanh(x)


@operation("softplus")
class Softplus(OfFloat):
    """`log(1 + exp(x))`.

    x of any shape keeps it.  ONNX: Softplus.

        loss = mean(softplus(-score))
    """

    def reference(self, x: Array) -> Array:
        return softplus(x)


@operation("softsign")
class Softsign(OfFloat):
    """`x / (1 + abs(x))`.

    x of any shape keeps it.  ONNX: Softsign.

        h = x |> softsign
    """

    def reference(self, x: Array) -> Array:
        y: Array = x / (1 + np.abs(x))
        return y


@operation("log_sigmoid")
class LogSigmoid(OfFloat):
    """`log(sigmoid(x))`, computed as `-softplus(-x)`.

    x of any shape keeps it.  ONNX: Softplus and Neg.

        loss = -mean(log_sigmoid(score))
    """

    def reference(self, x: Array) -> Array:
        return -softplus(-x)


@operation("hard_tanh")
@dataclass(frozen=True)
class HardTanh(OfFloat):
    """`min(max(x, low), high)`.

    x of any shape keeps it.  ONNX: Clip.

        h = x |> hard_tanh
    """

    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        message = f"`low` must be below `high`: {self.low} is not below {self.high}"
        require(self.low < self.high, "low", message)

    def reference(self, x: Array) -> Array:
        return np.clip(x, self.low, self.high)


@dataclass(frozen=True)
class AxisActivation(Op):
    """Base of activations that normalise along one axis and keep the type."""

    operands = (Operand("x"),)
    layout = Layout.REMAPPING
    elements = Elements.COMPUTED
    work = 5

    axis: int = -1

    def infer(self, x: TensorType) -> TensorType:
        require_rank(x, 1, -1)
        normalized_axis(self.axis, x.rank)
        return require_float(x)

    def mixed_axes(self, x: TensorType) -> tuple[int, ...]:
        return (self.axis % x.rank,)


@operation("softmax")
class Softmax(AxisActivation):
    """`exp(x) / sum(exp(x))` along `axis`.

    x of any shape keeps it.  ONNX: Softmax, opset 13.

        probabilities = logits |> softmax
    """

    def reference(self, x: Array) -> Array:
        return softmax(x, self.axis)


@operation("log_softmax")
class LogSoftmax(AxisActivation):
    """`x - log(sum(exp(x)))` along `axis`.

    x of any shape keeps it.  ONNX: LogSoftmax, opset 13.

        log_probabilities = logits |> log_softmax
    """

    def reference(self, x: Array) -> Array:
        return log_softmax(x, self.axis)
