"""Elements by places of their own: picked one by one or by tuples of indices, and put back so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from tercet.compiler.errors import OpError
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import Elements, IndexRange, Layout, Op, Operand, operation
from tercet.compiler.ops.checks import (
    known,
    normalized_axis,
    require_dtype,
    require_integer,
    require_rank,
    require_shape,
)
from tercet.compiler.ops.elements import require_number
from tercet.compiler.types import TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


def _require_along(x: TensorType, indices: TensorType, axis: int) -> None:
    """The indices have the axes of x, of the same sizes but for the one."""
    require_rank(x, 1, -1)
    require_integer(indices, "indices", operand=1)
    axis = normalized_axis(axis, x.rank)
    require_rank(indices, x.rank, operand=1)
    wanted = (*x.shape[:axis], indices.shape[axis], *x.shape[axis + 1 :])
    require_shape(indices, wanted, "indices", operand=1)


def _require_tuples(x: TensorType, indices: TensorType) -> int:
    """How many axes of x the tuples in the indices' last axis count."""
    require_integer(indices, "indices", operand=1)
    require_rank(indices, 1, -1, operand=1)
    count = known(indices.shape[-1], "the last axis of indices", operand=1)
    if not 1 <= count <= x.rank:
        message = f"the last axis of indices counts {count} axes, and {x} has {x.rank}"
        raise OpError("E0303", message, operand=1)
    return count


def _tuple_ranges(x: TensorType, indices: TensorType) -> tuple[IndexRange, ...]:
    sizes = x.shape[: known(indices.shape[-1], "the last axis of indices", operand=1)]
    return tuple(IndexRange(1, -n, n - 1, column=k) for k, n in enumerate(sizes))


@operation("take_along_axis")
@dataclass(frozen=True)
class TakeAlongAxis(Op):
    """For each index the element of x at that place of an axis, and else at the index's own place.

    The indices, i64 or i32 from -n to n - 1, have the axes of x, of any size along `axis`; the
    result has their shape.  NumPy's `take_along_axis`, PyTorch's `gather`.  ONNX: GatherElements.

        chosen = logits |> take_along_axis(labels |> unsqueeze(1), axis = 1)
    """

    operands = (Operand("x"), Operand("indices", selects=True))
    layout = Layout.CANONICAL
    elements = Elements.SELECTED
    work = 0
    axis: int = -1

    def infer(self, x: TensorType, indices: TensorType) -> TensorType:
        _require_along(x, indices, self.axis)
        return x.with_shape(*indices.shape)

    def index_ranges(self, x: TensorType, indices: TensorType) -> tuple[IndexRange, ...]:
        size = x.shape[self.axis]
        return (IndexRange(1, -size, size - 1),)

    def reference(self, x: Array, indices: Array) -> Array:
        return np.take_along_axis(x, indices, axis=self.axis)


@operation("gather_nd")
@dataclass(frozen=True)
class GatherNd(Op):
    """The parts of x at places that the last axis of the indices counts along x's first axes.

    x `[a, b, c]` and indices `[p, q, 2]` give `[p, q, c]`; the indices are i64 or i32, each from
    -n to n - 1 of its axis.  ONNX: GatherND.

        cells = grid |> gather_nd(positions)
    """

    operands = (Operand("x"), Operand("indices", selects=True))
    layout = Layout.CANONICAL
    elements = Elements.SELECTED
    work = 0

    def infer(self, x: TensorType, indices: TensorType) -> TensorType:
        count = _require_tuples(x, indices)
        return x.with_shape(*indices.shape[:-1], *x.shape[count:])

    def index_ranges(self, x: TensorType, indices: TensorType) -> tuple[IndexRange, ...]:
        return _tuple_ranges(x, indices)

    def reference(self, x: Array, indices: Array) -> Array:
        return np.asarray(x[tuple(np.moveaxis(indices, -1, 0))])


@dataclass(frozen=True)
class _Scattering(Op):
    operands = (Operand("x"), Operand("indices", selects=True), Operand("updates"))
    layout = Layout.CANONICAL
    elements = Elements.SELECTED
    reduction: Literal["none", "add"] = "none"

    def _require_updates(self, x: TensorType, updates: TensorType) -> None:
        if self.reduction == "add":
            require_number(x)
        require_dtype(updates, x.dtype, "updates", operand=2)

    def moved(self, *types: TensorType) -> Elements:
        return self.elements if self.reduction == "none" else Elements.COMPUTED

    def _put(self, x: Array, places: tuple[Array, ...], updates: Array) -> Array:
        """One update after the other, so that the last one of a place stays."""
        result = x.copy()
        if self.reduction == "add":
            np.add.at(result, places, updates)
        else:
            for place in np.ndindex(places[0].shape):
                result[tuple(p[place] for p in places)] = updates[place]
        return result


@operation("scatter")
@dataclass(frozen=True)
class Scatter(_Scattering):
    """x with each update put, or added with `reduction = "add"`, at its index along an axis.

    Indices (i64 or i32, from -n to n - 1) and updates have one shape: the axes of x, of any size
    along `axis`.  Put twice at one place, either may stay, and have the gradient: frameworks
    differ, on accelerators from run to run; the reference keeps the last.  ONNX: ScatterElements.

        counts = zeros |> scatter(labels, ones, axis = 1, reduction = "add")
    """

    axis: int = -1

    def infer(self, x: TensorType, indices: TensorType, updates: TensorType) -> TensorType:
        _require_along(x, indices, self.axis)
        self._require_updates(x, updates)
        require_shape(updates, indices.shape, "updates", operand=2)
        return x

    def index_ranges(
        self, x: TensorType, indices: TensorType, updates: TensorType
    ) -> tuple[IndexRange, ...]:
        size = x.shape[self.axis]
        return (IndexRange(1, -size, size - 1),)

    def reference(self, x: Array, indices: Array, updates: Array) -> Array:
        places = list(np.indices(indices.shape))
        places[self.axis] = indices
        return self._put(x, tuple(places), updates)


@operation("scatter_nd")
@dataclass(frozen=True)
class ScatterNd(_Scattering):
    """x with each update put, or added with `reduction = "add"`, where `gather_nd` would take it.

    x `[a, b, c]`, indices `[p, q, 2]` and updates `[p, q, c]` give `[a, b, c]`; the indices are i64
    or i32, each from -n to n - 1 of its axis.  Of two updates at one place either may stay, as in
    `scatter`.  ONNX: ScatterND.

        board = board |> scatter_nd(positions, stones)
    """

    def infer(self, x: TensorType, indices: TensorType, updates: TensorType) -> TensorType:
        count = _require_tuples(x, indices)
        self._require_updates(x, updates)
        wanted = (*indices.shape[:-1], *x.shape[count:])
        require_shape(updates, wanted, "updates", operand=2)
        return x

    def index_ranges(
        self, x: TensorType, indices: TensorType, updates: TensorType
    ) -> tuple[IndexRange, ...]:
        return _tuple_ranges(x, indices)

    def reference(self, x: Array, indices: Array, updates: Array) -> Array:
        return self._put(x, tuple(np.moveaxis(indices, -1, 0)), updates)
