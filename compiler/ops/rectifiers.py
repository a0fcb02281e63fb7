"""Rectifiers: identities of positive numbers that let less or nothing of negative ones pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tercet.compiler.errors import require
from tercet.compiler.initializers import Constant
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import (
    Elements,
    InTraining,
    LayerOp,
    Layout,
    Operand,
    ParameterSpec,
    operation,
    require_float,
)
from tercet.compiler.ops.checks import known, require_rank
from tercet.compiler.ops.elements import OfFloat
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
