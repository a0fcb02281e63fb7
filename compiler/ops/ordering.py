"""Operations that order elements along an axis: the greatest, the least, all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tercet.compiler.errors import OpError, require
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import Elements, Layout, Nan, Op, Operand, Requirement, operation
from tercet.compiler.ops.checks import normalized_axis, require_rank
from tercet.compiler.ops.elementwise import require_number
from tercet.compiler.ops.sizes import at_most
from tercet.compiler.types import DType, Shape, TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


@dataclass(frozen=True)
class _ArgExtreme(Op):
    operands = (Operand("x"),)
    layout = Layout.REMAPPING
    elements = Elements.COMPUTED
    nan = Nan.FIRST
    reduces = True
    axis: int
    keepdims: bool = False

    def infer(self, x: TensorType) -> TensorType:
        require_number(x)
        axis = normalized_axis(self.axis, x.rank)
        kept: Shape = (1,) if self.keepdims else ()
        return TensorType(DType.I64, (*x.shape[:axis], *kept, *x.shape[axis + 1 :]))

    def mixed_axes(self, x: TensorType) -> tuple[int, ...]:
        return (self.axis % x.rank,)

    def kept_axes(self, rank: int) -> tuple[int, ...]:
        gone = () if self.keepdims else (self.axis % rank,)
        return tuple(axis for axis in range(rank) if axis not in gone)


@operation("argmax")
class ArgMax(_ArgExtreme):
    """The place of the greatest element along an axis, the first one of equals, as i64.

    The axis disappears, or has size 1 with `keepdims`.  ONNX: ArgMax.

        prediction = logits |> argmax(axis = 1)
    """

    def reference(self, x: Array) -> Array:
        return np.asarray(np.argmax(x, axis=self.axis, keepdims=self.keepdims), dtype=np.int64)


@operation("argmin")
class ArgMin(_ArgExtreme):
    """The place of the least element along an axis, the first one of equals, as i64.

    The axis disappears, or has size 1 with `keepdims`.  ONNX: ArgMin.

        nearest = distances |> argmin(axis = 1)
    """

    def reference(self, x: Array) -> Array:
        return np.asarray(np.argmin(x, axis=self.axis, keepdims=self.keepdims), dtype=np.int64)


@operation("topk")
@dataclass(frozen=True)
class TopK(Op):
    """The k greatest elements along an axis in falling order, and their places as i64: a tuple.

    With `largest = false` the least ones in rising order.  Of equal elements the first comes
    first.  The axis has size k in both.  ONNX: TopK.

        values, places = scores |> topk(5)
    """

    operands = (Operand("x"),)
    layout = Layout.REMAPPING
    elements = Elements.SELECTED
    nan = Nan.GREATEST
    gives_tuple = True
    reduces = True
    k: int
    axis: int = -1
    largest: bool = True

    def __post_init__(self) -> None:
        require(self.k >= 1, "k", f"`k` must be at least 1, not {self.k}")

    def infer(self, x: TensorType) -> tuple[TensorType, TensorType]:
        self.constraints(require_number(x))
        axis = normalized_axis(self.axis, x.rank)
        values = x.with_shape(*x.shape[:axis], self.k, *x.shape[axis + 1 :])
        return values, values.with_dtype(DType.I64)

    def constraints(self, x: TensorType) -> tuple[Requirement, ...]:
        size = x.shape[normalized_axis(self.axis, x.rank)]
        problem = OpError("E0504", f"`k` is {self.k}, above the size {size}", attribute="k")
        return at_most(self.k, size, problem)

    def mixed_axes(self, x: TensorType) -> tuple[int, ...]:
        return (self.axis % x.rank,)

    def reference(self, x: Array) -> tuple[Array, Array]:
        places = np.take(_order(x, self.axis, self.largest), np.arange(self.k), axis=self.axis)
        return np.take_along_axis(x, places, axis=self.axis), places.astype(np.int64)


@operation("sort")
@dataclass(frozen=True)
class Sort(Op):
    """All elements along an axis in rising order, and their places as i64: a tuple.

    With `descending = true` in falling order.  Of equal elements the first comes first.  The
    gradient of a sorted element goes to the place that it came from.  ONNX: TopK.

        values, places = scores |> sort(descending = true)
    """

    operands = (Operand("x"),)
    layout = Layout.REMAPPING
    elements = Elements.SELECTED
    nan = Nan.GREATEST
    gives_tuple = True
    work = 8
    axis: int = -1
    descending: bool = False

    def infer(self, x: TensorType) -> tuple[TensorType, TensorType]:
        require_rank(require_number(x), 1, -1)
        normalized_axis(self.axis, x.rank)
        return x, x.with_dtype(DType.I64)

    def mixed_axes(self, x: TensorType) -> tuple[int, ...]:
        return (self.axis % x.rank,)

    def reference(self, x: Array) -> tuple[Array, Array]:
        places = _order(x, self.axis, self.descending)
        return np.take_along_axis(x, places, axis=self.axis), places.astype(np.int64)


def _order(x: Array, axis: int, falling: bool) -> Array:
    """Places in rising or falling order, of equal elements the first one first."""
    if not falling:
        return np.argsort(x, axis=axis, kind="stable")
    turned = np.argsort(np.flip(x, axis), axis=axis, kind="stable")
    return np.flip(x.shape[axis] - 1 - turned, axis)
