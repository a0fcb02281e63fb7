"""Operations about places: gathering, one-hot codes, triangles, ranges.

What orders elements is in `ordering`; all are named here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from tercet.compiler import dims
from tercet.compiler.dims import Size
from tercet.compiler.errors import OpError, require
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import (
    Elements,
    IndexRange,
    Layout,
    MaybeInfinite,
    Op,
    Operand,
    Requirement,
    operation,
)
from tercet.compiler.ops.checks import (
    normalized_axis,
    require_at_least,
    require_integer,
    require_rank,
)
from tercet.compiler.ops.elements import require_element
from tercet.compiler.ops.elementwise import require_number
from tercet.compiler.ops.ordering import ArgMax, ArgMin, Sort, TopK
from tercet.compiler.ops.sizes import at_least_one, at_most
from tercet.compiler.types import DType, Shape, TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array

__all__ = [
    "Arange",
    "ArgMax",
    "ArgMin",
    "CumSum",
    "Full",
    "Gather",
    "OneHot",
    "OnesLike",
    "Sort",
    "Take",
    "TopK",
    "Tril",
    "Triu",
    "ZerosLike",
]


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


# ------------------------------------------------------------------------------------- gathering


@operation("gather")
@dataclass(frozen=True)
class Gather(Op):
    """The slices of x at the given places of an axis; the places' shape replaces the axis.

    x of shape `[a, n, b]` and places of shape `[p, q]` give `[a, p, q, b]` for `axis = 1`.
    Places are i64 or i32, from -n to n - 1.  ONNX: Gather.

        rows = table |> gather(ids)
    """

    operands = (Operand("x"), Operand("indices", selects=True))
    layout = Layout.CANONICAL
    elements = Elements.SELECTED
    work = 0
    axis: int = 0

    def infer(self, x: TensorType, indices: TensorType) -> TensorType:
        require_rank(x, 1, -1)
        require_integer(indices, "indices", operand=1)
        axis = normalized_axis(self.axis, x.rank)
        return x.with_shape(*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])

    def index_ranges(self, x: TensorType, indices: TensorType) -> tuple[IndexRange, ...]:
        size = x.shape[self.axis]
        return (IndexRange(1, -size, size - 1),)

    def reference(self, x: Array, indices: Array) -> Array:
        return np.take(x, indices, axis=self.axis)


@operation("take")
@dataclass(frozen=True)
class Take(Op):
    """NumPy's `take`: as `gather` along an axis; without one, elements of x in its flat order.

    Places are i64 or i32, from -n to n - 1.  ONNX: Gather, of Reshape where there is no axis.

        corners = x |> take(ids)
    """

    operands = (Operand("x"), Operand("indices", selects=True))
    layout = Layout.CANONICAL
    elements = Elements.SELECTED
    work = 0
    axis: int | None = None

    def infer(self, x: TensorType, indices: TensorType) -> TensorType:
        if self.axis is not None:
            return Gather(self.axis).infer(x, indices)
        require_integer(indices, "indices", operand=1)
        return x.with_shape(*indices.shape)

    def index_ranges(self, x: TensorType, indices: TensorType) -> tuple[IndexRange, ...]:
        size = dims.product(x.shape) if self.axis is None else x.shape[self.axis]
        return (IndexRange(1, -size, size - 1),)

    def reference(self, x: Array, indices: Array) -> Array:
        return np.take(x, indices, axis=self.axis)


@operation("one_hot")
@dataclass(frozen=True)
class OneHot(Op):
    """1 at the place each index names, 0 elsewhere, along a new axis of the result.

    An index from `-classes` to -1 counts from the end; one outside gives zeros only.
    ONNX: OneHot.

        codes = label |> one_hot(10)
    """

    operands = (Operand("indices"),)
    layout = Layout.CANONICAL
    elements = Elements.COMPUTED
    work = 0
    classes: int
    dtype: DType = DType.F32
    axis: int = -1

    def __post_init__(self) -> None:
        require(self.classes >= 1, "classes", f"`classes` must be at least 1, not {self.classes}")

    def infer(self, indices: TensorType) -> TensorType:
        require_integer(indices, "indices", operand=0)
        axis = normalized_axis(self.axis, indices.rank + 1)
        shape = (*indices.shape[:axis], self.classes, *indices.shape[axis:])
        return TensorType(self.dtype, shape)

    def index_ranges(self, indices: TensorType) -> tuple[IndexRange, ...]:
        return (IndexRange(0, -self.classes, self.classes - 1, enforced=False),)

    def mixed_axes(self, x: TensorType) -> tuple[int, ...]:
        return ()

    def reference(self, indices: Array) -> Array:
        counted = np.where(indices < 0, indices + self.classes, indices)
        axis = normalized_axis(self.axis, indices.ndim + 1)
        shape = [1] * (indices.ndim + 1)
        shape[axis] = self.classes
        places = np.arange(self.classes).reshape(shape)
        return np.equal(np.expand_dims(counted, axis), places).astype(self.dtype.numpy_name)


@operation("cumsum")
@dataclass(frozen=True)
class CumSum(Op):
    """The sum of the elements up to and including each one, along an axis.

    `exclusive` leaves the element itself out; `reverse` sums from the end.  x, of numbers, keeps
    its type.  ONNX: CumSum.

        total = steps |> cumsum(axis = 1)
    """

    operands = (Operand("x"),)
    layout = Layout.REMAPPING
    elements = Elements.COMPUTED
    axis: int
    exclusive: bool = False
    reverse: bool = False

    def infer(self, x: TensorType) -> TensorType:
        normalized_axis(self.axis, x.rank)
        return require_number(x)

    def mixed_axes(self, x: TensorType) -> tuple[int, ...]:
        return (self.axis % x.rank,)

    def reference(self, x: Array) -> Array:
        turned = np.flip(x, self.axis) if self.reverse else x
        total: Array = np.cumsum(turned, axis=self.axis, dtype=x.dtype)
        if self.exclusive:
            shifted = np.roll(total, 1, axis=self.axis)
            np.moveaxis(shifted, self.axis, 0)[0] = 0
            total = shifted
        return np.flip(total, self.axis) if self.reverse else total


# ------------------------------------------------------------------------------------- triangles


@dataclass(frozen=True)
class _Triangle(Op):
    operands = (Operand("x"),)
    layout = Layout.CANONICAL
    elements = Elements.SELECTED
    work = 0
    diagonal: int = 0

    def infer(self, x: TensorType) -> TensorType:
        require_rank(x, 2, -1)
        return x


@operation("tril")
class Tril(_Triangle):
    """The last two axes with zeros above the diagonal.

    `diagonal` counts upwards from the main one; x keeps its type.  ONNX: Trilu, upper = 0.

        causal = tril(ones_like(scores))
    """

    def reference(self, x: Array) -> Array:
        return np.tril(x, self.diagonal)


@operation("triu")
class Triu(_Triangle):
    """The last two axes with zeros below the diagonal.

    `diagonal` counts upwards from the main one; x keeps its type.  ONNX: Trilu.

        future = triu(ones_like(scores), diagonal = 1)
    """

    def reference(self, x: Array) -> Array:
        return np.triu(x, self.diagonal)
