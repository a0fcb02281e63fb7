"""Operations that join, cut, repeat, turn and continue tensors along their axes."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

from tercet.compiler import dims
from tercet.compiler.dims import Dim, Size
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
from tercet.compiler.ops.checks import known, normalized_axes, normalized_axis, require_at_least
from tercet.compiler.ops.elements import require_element
from tercet.compiler.ops.sizes import at_least_one, at_most, equality
from tercet.compiler.ops.slicing import Index, Integer, Slice
from tercet.compiler.types import Shape, TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


@operation("pad")
@dataclass(frozen=True)
class Pad(Op):
    """x with elements added at the ends of its axes; `pads` has one (begin, end) per axis.

    They are `value`, or with mode `"edge"` copies of the outermost element, or with `"reflect"`
    mirror images without the outermost element, which needs fewer pads than elements.
    ONNX: Pad.

        h = x |> pad([(0, 0), (0, 0), (1, 1), (1, 1)], mode = "reflect")
    """

    operands = (Operand("x"),)
    layout = Layout.REMAPPING
    elements = Elements.SELECTED
    work = 0
    pads: tuple[tuple[int, int], ...]
    mode: Literal["constant", "reflect", "edge"] = "constant"
    value: Annotated[int | float, MaybeInfinite()] = 0

    def __post_init__(self) -> None:
        for pair in self.pads:
            require_at_least(0, pair, "pads")

    def infer(self, x: TensorType) -> TensorType:
        if len(self.pads) != x.rank:
            message = f"`pads` has {len(self.pads)} pairs, and {x} has {x.rank} axes"
            help = f"write one pair per axis: [{', '.join(['(0, 0)'] * x.rank)}]"
            raise OpError("E0303", message, attribute="pads", operand=0, help=help)
        require_element(self.value, x.dtype, "value")
        self.constraints(x)
        padded = zip(x.shape, self.pads, strict=True)
        return x.with_shape(*(size + begin + end for size, (begin, end) in padded))

    def constraints(self, x: TensorType) -> tuple[Requirement, ...]:
        if self.mode != "reflect":
            return ()
        found: list[Requirement] = []
        for size, pair in zip(x.shape, self.pads, strict=True):
            message = f"{max(pair)} reflected elements need a size above that, not {size}"
            problem = OpError("E0504", message, attribute="pads", operand=0)
            found += at_most(max(pair) + 1, size, problem) if max(pair) else ()
        return tuple(found)

    def mixed_axes(self, x: TensorType) -> tuple[int, ...]:
        return tuple(axis for axis, pair in enumerate(self.pads) if any(pair))

    def reference(self, x: Array) -> Array:
        if self.mode == "constant":
            value = np.asarray(self.value, x.dtype)
            return np.pad(x, self.pads, mode="constant", constant_values=value)
        return np.pad(x, self.pads, mode=self.mode)


@operation("tile")
@dataclass(frozen=True)
class Tile(Op):
    """The whole of x repeated along its axes, as often as `repeats` says for each of them.

    `[a, b]` tiled twice is `[a, b, a, b]`.  ONNX: Tile.

        h = x |> tile([1, 2])
    """

    operands = (Operand("x"),)
    layout = Layout.REMAPPING
    elements = Elements.REARRANGED
    work = 0
    repeats: tuple[Size, ...]

    def __post_init__(self) -> None:
        require_at_least(1, self.repeats, "repeats")

    def infer(self, x: TensorType) -> TensorType:
        if len(self.repeats) != x.rank:
            message = f"`repeats` has {len(self.repeats)} numbers, and {x} has {x.rank} axes"
            raise OpError("E0303", message, attribute="repeats", operand=0)
        pairs = zip(x.shape, self.repeats, strict=True)
        return x.with_shape(*(size * count for size, count in pairs))

    def constraints(self, x: TensorType) -> tuple[Requirement, ...]:
        return at_least_one(self.repeats)

    def mixed_axes(self, x: TensorType) -> tuple[int, ...]:
        return tuple(axis for axis, count in enumerate(self.repeats) if count != 1)

    def reference(self, x: Array) -> Array:
        return np.tile(x, self.repeats)  # type: ignore[arg-type]


@operation("repeat")
@dataclass(frozen=True)
class Repeat(Op):
    """Each element of x repeated `count` times in place along an axis, as NumPy's `repeat`.

    `[a, b]` repeated twice is `[a, a, b, b]`.  ONNX: Reshape of Expand of Unsqueeze.

        k = k |> repeat(groups, axis = 1)
    """

    operands = (Operand("x"),)
    layout = Layout.REMAPPING
    elements = Elements.REARRANGED
    work = 0
    count: Size
    axis: int

    def __post_init__(self) -> None:
        require_at_least(1, self.count, "count")

    def infer(self, x: TensorType) -> TensorType:
        axis = normalized_axis(self.axis, x.rank)
        size = x.shape[axis] * self.count
        return x.with_shape(*x.shape[:axis], size, *x.shape[axis + 1 :])

    def constraints(self, x: TensorType) -> tuple[Requirement, ...]:
        return at_least_one((self.count,))

    def mixed_axes(self, x: TensorType) -> tuple[int, ...]:
        return (self.axis % x.rank,)

    def reference(self, x: Array) -> Array:
        return np.repeat(x, self.count, axis=self.axis)  # type: ignore[arg-type]


@operation("flip")
@dataclass(frozen=True)
class Flip(Op):
    """The elements in reverse order along the given axes; without `axis`, along all.

    x keeps its type.  ONNX: Slice with step -1.

        backwards = x |> flip(axis = 1)
    """

    operands = (Operand("x"),)
    layout = Layout.REMAPPING
    elements = Elements.REARRANGED
    work = 0
    axis: int | tuple[int, ...] | None = None

    def axes(self, rank: int) -> tuple[int, ...]:
        """The axes from the front."""
        return tuple(range(rank)) if self.axis is None else normalized_axes(self.axis, rank)

    def infer(self, x: TensorType) -> TensorType:
        self.axes(x.rank)
        return x

    def mixed_axes(self, x: TensorType) -> tuple[int, ...]:
        return self.axes(x.rank)

    def reference(self, x: Array) -> Array:
        return np.flip(x, self.axes(x.ndim))


@operation("roll")
@dataclass(frozen=True)
class Roll(Op):
    """The elements moved along the given axes; what leaves at one end comes in at the other.

    `[a, b, c]` rolled by 1 is `[c, a, b]`, by -1 `[b, c, a]`.  There is one shift per axis, taken
    modulo its size; along an axis of symbolic size it is that size at most.  x keeps its type.
    ONNX: Concat of Slices.

        h = x |> roll([-3, -3], axis = [2, 3])
    """

    operands = (Operand("x"),)
    layout = Layout.REMAPPING
    elements = Elements.REARRANGED
    work = 0
    shifts: int | tuple[int, ...]
    axis: int | tuple[int, ...]

    def __post_init__(self) -> None:
        shifts, axes = _each(self.shifts), _each(self.axis)
        message = f"{len(axes)} axes need as many shifts, not {len(shifts)}"
        require(len(shifts) == len(axes), "shifts", message)

    def turns(self, shape: Shape) -> dict[int, int]:
        """The shifts of the axes that move, from the front; below the sizes that are known."""
        normalized_axes(self.axis, len(shape))
        axes = [axis % len(shape) for axis in _each(self.axis)]
        found = {a: _below(s, shape[a]) for a, s in zip(axes, _each(self.shifts), strict=True)}
        return {axis: found[axis] for axis in sorted(axes) if found[axis]}

    def infer(self, x: TensorType) -> TensorType:
        self.constraints(x)
        return x

    def constraints(self, x: TensorType) -> tuple[Requirement, ...]:
        found: list[Requirement] = []
        for axis, shift in self.turns(x.shape).items():
            message = f"a shift of {shift} is above the size {x.shape[axis]}"
            problem = OpError("E0504", message, attribute="shifts", operand=0)
            found += at_most(abs(shift), x.shape[axis], problem)
        return tuple(found)

    def mixed_axes(self, x: TensorType) -> tuple[int, ...]:
        return tuple(self.turns(x.shape))

    def reference(self, x: Array) -> Array:
        return np.roll(x, self.shifts, self.axis)


def _each(given: int | tuple[int, ...]) -> tuple[int, ...]:
    return (given,) if isinstance(given, int) else given


def _below(shift: int, size: Size) -> int:
    """The same shift, of the same sign, below a size that is known."""
    return int(math.fmod(shift, size)) if isinstance(size, int) else shift


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


_MOST_PARTS = 100_000
"""As many outputs as a model has operations at most."""


def _require_few(count: int, attribute: str) -> None:
    message = f"`{attribute}` must be at most {_MOST_PARTS:,}, not {count}"
    require(count <= _MOST_PARTS, attribute, message)


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
        count = self.sections if isinstance(self.sections, int) else len(self.sections)
        _require_few(count, "sections")
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


@operation("unbind")
@dataclass(frozen=True)
class Unbind(Op):
    """A tuple of the slices at each place of an axis, which disappears and has a known size.

    ONNX: Split and Squeeze.

        q, k, v = x |> reshape([N, T, 3, D]) |> unbind(axis = 2)
    """

    operands = (Operand("x"),)
    layout = Layout.CANONICAL
    elements = Elements.SELECTED
    gives_tuple = True
    work = 0
    axis: int = 0

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        axis = normalized_axis(self.axis, x.rank)
        count = known(x.shape[axis], f"the size of axis {axis}")
        message = f"axis {axis} has {count:,} places, and a tuple {_MOST_PARTS:,} at most"
        if count > _MOST_PARTS:
            raise OpError("E0504", message, operand=0)
        return (x.with_shape(*x.shape[:axis], *x.shape[axis + 1 :]),) * count

    def slices(self, x: TensorType) -> tuple[Index | None, ...]:
        axis = normalized_axis(self.axis, x.rank)
        if not axis:  # one of the rows is not all of them
            return ()
        before = (Slice(),) * axis
        return tuple(Index((*before, Integer(k))) for k in range(len(self.infer(x))))

    def mixed_axes(self, x: TensorType) -> tuple[int, ...]:
        return (normalized_axis(self.axis, x.rank),)

    def reference(self, x: Array) -> tuple[Array, ...]:
        return tuple(np.moveaxis(x, self.axis, 0))


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
        _require_few(self.chunks, "chunks")

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
