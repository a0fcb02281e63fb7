"""Operations that join tensors along an axis, or cut one.

What repeats or turns elements is in `repeating`; all are named here.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from tercet.compiler import dims
from tercet.compiler.dims import Dim, Size
from tercet.compiler.errors import OpError, require
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import Elements, Layout, Op, Operand, Requirement, operation
from tercet.compiler.ops.checks import normalized_axis, require_at_least
from tercet.compiler.ops.repeating import Flip, Pad, Repeat, Tile
from tercet.compiler.ops.sizes import at_least_one, equality
from tercet.compiler.ops.slicing import Index, Slice
from tercet.compiler.types import Shape, TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array

__all__ = [
    "Chunk",
    "Concat",
    "Flip",
    "Pad",
    "Repeat",
    "Split",
    "Stack",
    "Tile",
    "require_one_dtype",
]


def require_one_dtype(tensors: tuple[TensorType, ...]) -> None:
    """All elements have one dtype.  Raises OpError E0304."""
    for i, x in enumerate(tensors):
        if x.dtype is not tensors[0].dtype:
            help = f"convert with `cast(x, {tensors[0].dtype})`"
            message = f"does not mix {tensors[0].dtype} and {x.dtype}"
            raise OpError("E0304", message, operand=i, help=help)


# --------------------------------------------------------------------------------------- joining


@operation("concat")
@dataclass(frozen=True)
class Concat(Op):
    """The tensors one after another along an axis they have.

    All have one dtype and equal sizes on the other axes.  ONNX: Concat.

        h = concat([x, skip], axis = 1)
    """

    operands = (Operand("tensors", variadic=True),)
    layout = Layout.REMAPPING
    elements = Elements.REARRANGED
    work = 0
    axis: int

    def infer(self, *tensors: TensorType) -> TensorType:
        require_one_dtype(tensors)
        first = tensors[0]
        axis = normalized_axis(self.axis, first.rank)
        for i, x in enumerate(tensors):
            if x.rank != first.rank:
                message = f"the tensors {first} and {x} have different numbers of axes"
                raise OpError("E0303", message, operand=i)
            for place, (a, b) in enumerate(zip(first.shape, x.shape, strict=True)):
                if place != axis and dims.equal(a, b) is not True:
                    message = f"{first} and {x} differ on axis {place}: {a} is not {b}"
                    raise OpError("E0301", message, operand=i)
        total: Size = 0
        for x in tensors:
            total = total + x.shape[axis]
        return first.with_shape(*first.shape[:axis], total, *first.shape[axis + 1 :])

    def mixed_axes(self, x: TensorType) -> tuple[int, ...]:
        return (self.axis % x.rank,)

    def reference(self, *tensors: Array) -> Array:
        return np.concatenate(tensors, axis=self.axis)


@operation("stack")
@dataclass(frozen=True)
class Stack(Op):
    """The tensors, all of one type, side by side along a new axis of the result.

    ONNX: Concat of Unsqueeze.

        pair = stack([a, b], axis = 1)
    """

    operands = (Operand("tensors", variadic=True),)
    layout = Layout.CANONICAL
    elements = Elements.REARRANGED
    work = 0
    axis: int = 0

    def infer(self, *tensors: TensorType) -> TensorType:
        require_one_dtype(tensors)
        first = tensors[0]
        for i, x in enumerate(tensors):
            same = x.rank == first.rank and all(
                dims.equal(a, b) is True for a, b in zip(first.shape, x.shape, strict=True)
            )
            if not same:
                message = f"all tensors must have one shape: {first} and {x}"
                raise OpError("E0301", message, operand=i)
        axis = normalized_axis(self.axis, first.rank + 1)
        return first.with_shape(*first.shape[:axis], len(tensors), *first.shape[axis:])

    def mixed_axes(self, x: TensorType) -> tuple[int, ...]:
        return ()  # its own axis is a new one

    def reference(self, *tensors: Array) -> Array:
        return np.stack(tensors, axis=self.axis)


# --------------------------------------------------------------------------------------- cutting


@dataclass(frozen=True)
class _Cut(Op):
    operands = (Operand("x"),)
    layout = Layout.REMAPPING
    elements = Elements.SELECTED
    gives_tuple = True
    work = 0

    def sizes(self, x: TensorType) -> Shape:
        """Sizes of the parts along the axis."""
        raise NotImplementedError

    def at(self, rank: int) -> int:
        """The axis from the front.  Raises OpError E0309."""
        raise NotImplementedError

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        axis, shape = self.at(x.rank), x.shape
        return tuple(
            x.with_shape(*shape[:axis], size, *shape[axis + 1 :]) for size in self.sizes(x)
        )

    def slices(self, x: TensorType) -> tuple[Index | None, ...]:
        axis = self.at(x.rank)
        before = (Slice(),) * axis
        ends: list[int] = [0]
        for size in self.sizes(x):
            if isinstance(size, Dim) or not axis:  # parts of rows are not rows
                return ()
            ends.append(ends[-1] + size)
        return tuple(Index((*before, Slice(a, b))) for a, b in pairwise(ends))

    def mixed_axes(self, x: TensorType) -> tuple[int, ...]:
        return (self.at(x.rank),)

    def _parts(self, x: Array, sizes: Shape) -> tuple[Array, ...]:
        ends = np.cumsum(np.asarray(sizes, dtype=np.int64))[:-1]
        return tuple(np.split(x, ends, axis=self.at(x.ndim)))


@operation("split")
@dataclass(frozen=True)
class Split(_Cut):
    """A tuple of parts along an axis: `sections` equal ones, or ones of the listed sizes.

    The size of the axis is a multiple of the number, or the sum of the list.  ONNX: Split.

        q, k, v = x |> dense(3 * D) |> split(3, axis = -1)
        head, tail = x |> split([1, T - 1], axis = 1)
    """

    sections: int | tuple[Size, ...]
    axis: int = 0

    def __post_init__(self) -> None:
        require(self.sections != (), "sections", "`sections` must not be empty")
        require_at_least(1, self.sections, "sections")

    def at(self, rank: int) -> int:
        return normalized_axis(self.axis, rank)

    def sizes(self, x: TensorType) -> Shape:
        self.constraints(x)
        if isinstance(self.sections, int):
            return (x.shape[self.at(x.rank)] // self.sections,) * self.sections
        return self.sections

    def constraints(self, x: TensorType) -> tuple[Requirement, ...]:
        axis = self.at(x.rank)
        size = x.shape[axis]
        if isinstance(self.sections, int):
            message = f"size {size} of axis {axis} is not a multiple of {self.sections}"
            problem = OpError("E0312", message, attribute="sections", operand=0)
            return equality(size, self.sections * (size // self.sections), problem)
        total: Size = 0
        for part in self.sections:
            total = total + part
        message = f"the parts add up to {total}, and axis {axis} has size {size}"
        problem = OpError("E0301", message, attribute="sections", operand=0)
        return equality(size, total, problem) + at_least_one(self.sections)

    def reference(self, x: Array) -> tuple[Array, ...]:
        if isinstance(self.sections, int):
            return tuple(np.split(x, self.sections, axis=self.axis))
        return self._parts(x, self.sections)


@operation("chunk")
@dataclass(frozen=True)
class Chunk(_Cut):
    """A tuple of at most `chunks` parts of size `ceil(size / chunks)`, the last one smaller.

    A symbolic size must be a multiple of the number, known as such.  ONNX: Split.

        a, b = x |> chunk(2, axis = 1)
    """

    chunks: int
    axis: int = 0

    def __post_init__(self) -> None:
        require_at_least(1, self.chunks, "chunks")

    def at(self, rank: int) -> int:
        return normalized_axis(self.axis, rank)

    def sizes(self, x: TensorType) -> Shape:
        size = x.shape[self.at(x.rank)]
        if isinstance(size, int):
            return self._steps(size)
        if size % self.chunks == 0:
            return (size // self.chunks,) * self.chunks
        message = f"the sizes of {self.chunks} chunks of {size} are not known"
        help = f"`split({self.chunks})` makes equal parts"
        raise OpError("E0314", message, operand=0, help=help)

    def _steps(self, size: int) -> tuple[int, ...]:
        step = -(-size // self.chunks)
        return tuple(min(step, size - start) for start in range(0, size, step))

    def reference(self, x: Array) -> tuple[Array, ...]:
        return self._parts(x, self._steps(x.shape[self.at(x.ndim)]))
