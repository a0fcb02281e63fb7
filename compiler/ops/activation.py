"""Activation functions: rectifiers, saturating ones, gates, and those along an axis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from tercet.compiler.errors import OpError, require
from tercet.compiler.initializers import Constant
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import (
    Elements,
    InTraining,
    LayerOp,
    Layout,
    Nan,
    Op,
    Operand,
    ParameterSpec,
    Requirement,
    operation,
    require_float,
)
from tercet.compiler.ops.checks import known, normalized_axis, require_rank
from tercet.compiler.ops.elements import OfFloat
from tercet.compiler.ops.sizes import equality
from tercet.compiler.ops.special import erf, log_softmax, sigmoid, softmax, softplus
from tercet.compiler.types import TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


@operation("relu")
class Relu(OfFloat):
    """`max(x, 0)`.

    x of any shape keeps it.  ONNX: Relu.

        h = relu(x)
    """

    def reference(self, x: Array) -> Array:
        return np.maximum(x, 0)


@operation("relu6")
class Relu6(OfFloat):
    """`min(max(x, 0), 6)`.

    x of any shape keeps it.  ONNX: Clip.

        h = x |> relu6
    """

    def reference(self, x: Array) -> Array:
        return np.clip(x, 0, 6)


@operation("leaky_relu")
@dataclass(frozen=True)
class LeakyRelu(OfFloat):
    """x where `x >= 0`, else `alpha * x`.

    x of any shape keeps it.  ONNX: LeakyRelu.

        h = x |> leaky_relu(0.2)
    """

    alpha: float = 0.01

    def reference(self, x: Array) -> Array:
        return np.where(x >= 0, x, self.alpha * x)


@operation("elu")
@dataclass(frozen=True)
class Elu(OfFloat):
    """x where `x >= 0`, else `alpha * (exp(x) - 1)` (Clevert et al., 2015).

    x of any shape keeps it.  ONNX: Elu.

        h = x |> elu
    """

    alpha: float = 1.0

    def reference(self, x: Array) -> Array:
        return np.where(x >= 0, x, self.alpha * np.expm1(np.minimum(x, 0)))


@operation("selu")
class Selu(OfFloat):
    """`gamma * x` where `x >= 0`, else `gamma * alpha * (exp(x) - 1)`, with the constants of
    Klambauer et al., 2017.

    x of any shape keeps it; ONNX writes the constants in single precision.  ONNX: Selu.

        h = x |> selu
    """

    ALPHA = 1.6732632423543772
    GAMMA = 1.0507009873554805

    def reference(self, x: Array) -> Array:
        return self.GAMMA * np.where(x >= 0, x, self.ALPHA * np.expm1(np.minimum(x, 0)))


@operation("celu")
@dataclass(frozen=True)
class Celu(OfFloat):
    """`max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)` (Barron, 2017).

    x of any shape keeps it.  ONNX: Celu.

        h = x |> celu(0.5)
    """

    alpha: float = 1.0

    def __post_init__(self) -> None:
        require(self.alpha > 0, "alpha", f"`alpha` must be positive, not {self.alpha}")

    def reference(self, x: Array) -> Array:
        y: Array = np.where(x >= 0, x, self.alpha * np.expm1(np.minimum(x, 0) / self.alpha))
        return y


@operation("prelu")
@dataclass(frozen=True)
class PRelu(LayerOp):
    """x where `x >= 0`, else `weight * x` with a trained weight (He et al., 2015; ONNX PRelu).

    x `[N, C, ...]` keeps its shape; weight `[C]`, one per channel (axis 1), or `[1]` with
    `shared = true`.  Initial weight: 0.25.

        h = x |> conv2d(64, 3) |> prelu
    """

    operands = (Operand("x"),)
    layout = Layout.SPATIAL
    elements = Elements.COMPUTED
    in_training = InTraining.SAME
    work = 2

    shared: bool = False

    def infer(self, x: TensorType) -> TensorType:
        self._count(x)
        return require_float(x)

    def _count(self, x: TensorType) -> int:
        if self.shared:
            return 1
        require_rank(x, 2, -1)
        return known(x.shape[1], "the number of channels")

    def parameters(self, x: TensorType) -> tuple[ParameterSpec, ...]:
        type = x.with_shape(self._count(x))
        return (ParameterSpec("weight", type, self.init or Constant(0.25), "weight"),)

    def reference(self, x: Array, weight: Array) -> Array:
        slope = weight if self.shared else weight.reshape(-1, *(1,) * (x.ndim - 2))
        return np.where(x >= 0, x, slope * x)


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
class _Threshold(OfFloat):
    threshold: float = 0.5

    def __post_init__(self) -> None:
        message = f"`threshold` must not be negative, but it is {self.threshold}"
        require(self.threshold >= 0, "threshold", message)


@operation("hard_shrink")
class HardShrink(_Threshold):
    """0 where `abs(x) <= threshold`, else x.

    x of any shape keeps it.  ONNX: Shrink with a bias of 0.

        code = x |> hard_shrink(0.5)
    """

    def reference(self, x: Array) -> Array:
        return np.where(np.abs(x) <= self.threshold, 0, x)


@operation("soft_shrink")
class SoftShrink(_Threshold):
    """0 where `abs(x) <= threshold`, else x nearer to 0 by `threshold`.

    x of any shape keeps it; the proximal operator of the absolute value.  ONNX: Shrink.

        code = x |> soft_shrink(0.5)
    """

    def reference(self, x: Array) -> Array:
        return np.where(np.abs(x) <= self.threshold, 0, x - np.sign(x) * self.threshold)


@operation("thresholded_relu")
@dataclass(frozen=True)
class ThresholdedRelu(OfFloat):
    """0 where `x <= threshold`, else x (Konda et al., 2014).

    x of any shape keeps it.  ONNX: ThresholdedRelu.

        h = x |> thresholded_relu(0.5)
    """

    threshold: float = 1.0

    def reference(self, x: Array) -> Array:
        return np.where(x <= self.threshold, 0, x)


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


@operation("glu")
class Glu(AxisActivation):
    """`a * sigmoid(b)` of the two halves of x along `axis` (Dauphin et al., 2016).

    The axis, of even size, becomes half as long.  ONNX: Split, Sigmoid and Mul.

        h = x |> dense(2 * D) |> glu
    """

    def infer(self, x: TensorType) -> TensorType:
        self.constraints(super().infer(x))
        axis = self.axis % x.rank
        return x.with_shape(*x.shape[:axis], x.shape[axis] // 2, *x.shape[axis + 1 :])

    def constraints(self, x: TensorType) -> tuple[Requirement, ...]:
        size = x.shape[self.axis]
        message = f"size {size} of axis {self.axis} has no halves"
        problem = OpError("E0312", message, attribute="axis", operand=0)
        return equality(size, 2 * (size // 2), problem)

    def reference(self, x: Array) -> Array:
        a, b = np.split(x, 2, axis=self.axis)
        y: Array = a * sigmoid(b)
        return y


@operation("hardmax")
class Hardmax(AxisActivation):
    """1 at the greatest element along `axis`, the first one of equals, and 0 elsewhere.

    x of any shape keeps it; no gradient comes back from it.  ONNX: Hardmax, opset 13.

        choice = scores |> hardmax
    """

    nan = Nan.FIRST

    def reference(self, x: Array) -> Array:
        places = np.expand_dims(np.argmax(x, axis=self.axis), self.axis)
        chosen = np.zeros_like(x)
        np.put_along_axis(chosen, places, 1, axis=self.axis)
        return chosen
