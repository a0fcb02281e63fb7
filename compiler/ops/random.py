"""Random tensors and `stop_gradient`: legal in `train` only.

They are redrawn at each step.  Their reference draws from a generator that it is given; where
training is verified, every target gets the arrays it drew.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from tercet.compiler.dims import Dim
from tercet.compiler.errors import require
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import Elements, Layout, Op, Operand, Requirement, operation
from tercet.compiler.ops.checks import require_at_least
from tercet.compiler.ops.sizes import at_least_one
from tercet.compiler.types import DType, Shape, TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


@dataclass(frozen=True)
class RandomOp(Op):
    """Base of operations that draw a tensor of the given shape."""

    layout = Layout.CANONICAL
    elements = Elements.COMPUTED

    train_only = True
    is_random = True
    shape: Shape
    dtype: DType = field(default=DType.F32, kw_only=True)

    def __post_init__(self) -> None:
        require_at_least(1, self.shape, "shape")
        fits = self.dtype in (DType.F32, DType.F64)
        require(fits, "dtype", f"`dtype` is f32 or f64, not {self.dtype}: `cast` what is drawn")

    @property
    def type(self) -> TensorType:
        return TensorType(self.dtype, self.shape)

    def infer(self) -> TensorType:
        return self.type

    def constraints(self) -> tuple[Requirement, ...]:
        return at_least_one(self.shape)

    @property
    def _known_shape(self) -> tuple[int, ...]:
        sizes = tuple(size for size in self.shape if not isinstance(size, Dim))
        if len(sizes) != len(self.shape):
            raise TypeError(f"{self.name}: substitute numbers for the sizes first")
        return sizes


@operation("random_normal")
@dataclass(frozen=True)
class RandomNormal(RandomOp):
    """Numbers of a normal distribution, redrawn at each step of training.

    ONNX: RandomNormal (not exported: `train` only).

        z = mu + exp(0.5 * log_var) * random_normal(mu.shape)
    """

    mean: float = 0.0
    std: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.std > 0, "std", f"`std` must be positive, not {self.std}")

    def reference(self, *, random: np.random.Generator) -> Array:
        return random.normal(self.mean, self.std, self._known_shape)


@operation("random_uniform")
@dataclass(frozen=True)
class RandomUniform(RandomOp):
    """Numbers equally likely from `low` up to `high`, redrawn at each step of training.

    ONNX: RandomUniform (not exported: `train` only).

        mix = random_uniform([N, 1])
    """

    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        message = f"`low` is {self.low}, which is not below `high`, {self.high}"
        require(self.low < self.high, "low", message)

    def reference(self, *, random: np.random.Generator) -> Array:
        return random.uniform(self.low, self.high, self._known_shape)


@operation("random_bernoulli")
@dataclass(frozen=True)
class RandomBernoulli(RandomOp):
    """Ones with probability `p`, else zeros, redrawn at each step of training.

    ONNX: Bernoulli (not exported: `train` only).

        kept = x * random_bernoulli(x.shape, p = 0.9)
    """

    p: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.p <= 1, "p", f"`p` must be from 0 to 1, not {self.p}")

    def reference(self, *, random: np.random.Generator) -> Array:
        return np.asarray(random.random(self._known_shape) < self.p, dtype=np.float64)


@operation("stop_gradient")
@dataclass(frozen=True)
class StopGradient(Op):
    """x itself, through which no gradient flows.

    x keeps its type.  ONNX: Identity.

        loss = mse(prediction, stop_gradient(goal))
    """

    operands = (Operand("x"),)
    layout = Layout.AGNOSTIC
    elements = Elements.RESHAPED
    train_only = True
    work = 0

    def infer(self, x: TensorType) -> TensorType:
        return x

    def reference(self, x: Array) -> Array:
        return x
