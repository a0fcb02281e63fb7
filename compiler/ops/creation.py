"""Operations that make a tensor: ranges, and tensors of equal elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from tercet.compiler.dims import Size
from tercet.compiler.errors import OpError, require
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import (
    Elements,
    Layout,
    MaybeInfinite,
    Op,
    Operand,
    Requirement,
    operation,
)
from tercet.compiler.ops.checks import require_at_least
from tercet.compiler.ops.elements import require_element
from tercet.compiler.ops.sizes import at_least_one, at_most
from tercet.compiler.types import DType, Shape, TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


@operation("arange")
@dataclass(frozen=True)
class Arange(Op):
    """The integers from `start` up to but not including `stop`, every `step`th; one axis.

    `arange(n)` counts from 0 to n - 1.  ONNX: Range.

        position = arange(T)
    """

    layout = Layout.CANONICAL
    elements = Elements.COMPUTED

    work = 0
    start: Size
    stop: Size | None = None
    step: int = 1
    dtype: DType = DType.I64

    def __post_init__(self) -> None:
        require(self.step != 0, "step", "`step` must not be 0")
        require(self.dtype is not DType.BOOL, "dtype", "`dtype` must be one of numbers, not bool")

    @property
    def ends(self) -> tuple[Size, Size]:
        """First number, and the one before which it stops."""
        return (0, self.start) if self.stop is None else (self.start, self.stop)

    def infer(self) -> TensorType:
        self.constraints()
        start, stop = self.ends
        span = stop - start if self.step > 0 else start - stop
        count = (span + abs(self.step) - 1) // abs(self.step)
        last = start + (count - 1) * self.step
        for attribute, number in (
            ("start", start),
            ("start" if self.stop is None else "stop", last),
        ):
            if isinstance(number, int):
                require_element(number, self.dtype, attribute)
        return TensorType(self.dtype, (count,))

    def constraints(self) -> tuple[Requirement, ...]:
        start, stop = self.ends
        span = stop - start if self.step > 0 else start - stop
        message = f"the range from {start} to {stop} by {self.step} is empty"
        return at_most(1, span, OpError("E0311", message))

    def reference(self) -> Array:
        start, stop = self.ends
        numbers: Array = np.arange(start, stop, self.step, dtype=np.int64)
        return numbers.astype(self.dtype.numpy_name)


@operation("full")
@dataclass(frozen=True)
class Full(Op):
    """A tensor of this shape, all elements equal to `value`.

    ONNX: ConstantOfShape.

        start = full([N, 64], 0.0)
    """

    layout = Layout.CANONICAL
    elements = Elements.COMPUTED

    work = 0
    shape: Shape
    value: Annotated[int | float | bool, MaybeInfinite()]
    dtype: DType = DType.F32

    def __post_init__(self) -> None:
        require_at_least(1, self.shape, "shape")
        if isinstance(self.value, bool) != (self.dtype is DType.BOOL):
            require(False, "value", f"`value` does not fit {self.dtype}")
        require_element(self.value, self.dtype, "value")

    def infer(self) -> TensorType:
        return TensorType(self.dtype, self.shape)

    def constraints(self) -> tuple[Requirement, ...]:
        return at_least_one(self.shape)

    def reference(self) -> Array:
        return np.full(self.shape, self.value, dtype=self.dtype.numpy_name)  # type: ignore[arg-type]


@dataclass(frozen=True)
class _Like(Op):
    operands = (Operand("x"),)
    layout = Layout.AGNOSTIC
    elements = Elements.COMPUTED
    work = 0

    def infer(self, x: TensorType) -> TensorType:
        return x


@operation("zeros_like")
class ZerosLike(_Like):
    """Zeros (or false) in the shape and dtype of x.

    ONNX: ConstantOfShape of Shape.

        h0 = zeros_like(x)
    """

    def reference(self, x: Array) -> Array:
        return np.zeros_like(x)


@operation("ones_like")
class OnesLike(_Like):
    """Ones (or true) in the shape and dtype of x.

    ONNX: ConstantOfShape of Shape.

        mask = ones_like(x)
    """

    def reference(self, x: Array) -> Array:
        return np.ones_like(x)
