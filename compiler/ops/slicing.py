"""Indexing: `x[:, 0]`, `x[..., ::2]`, `position[0:T]`.

Python's rules, on sizes that may be symbolic: what they leave open becomes a constraint.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType
from typing import TYPE_CHECKING, Any

from tercet.compiler import dims
from tercet.compiler.dims import Dim, Size
from tercet.compiler.errors import OpError, require
from tercet.compiler.ops.base import Elements, Layout, Op, Operand, Requirement, operation
from tercet.compiler.ops.sizes import at_most
from tercet.compiler.types import TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


@dataclass(frozen=True)
class Slice:
    """`start:stop:step`, as written; what is negative counts from the end: see `_from_front`."""

    start: Size | None = None
    stop: Size | None = None
    step: int = 1

    def __str__(self) -> str:
        text = ":".join("" if end is None else str(end) for end in (self.start, self.stop))
        return text if self.step == 1 else f"{text}:{self.step}"


@dataclass(frozen=True)
class Integer:
    """One place along an axis, which disappears."""

    value: Size

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True)
class NewAxis:
    """A new axis of size 1; `none` in the language."""

    def __str__(self) -> str:
        return "none"


Item = Slice | Integer | NewAxis


@dataclass(frozen=True)
class Range:
    """What is taken of one axis: `length` places from `start` on, every `step`th.

    `start` counts from the front; `kept` is false for an integer, whose axis disappears.
    """

    start: Size
    length: Size
    step: int
    kept: bool
    constraints: tuple[Requirement, ...] = ()


@operation("index")
@dataclass(frozen=True)
class Index(Op):
    """`x[items]`: Python's indexing by integers, slices and `none`.

    An integer takes one place and its axis disappears; `start:stop:step` takes a range,
    cut at the ends of the axis; `none` makes an axis of size 1; `...` stands for the axes not
    mentioned.  A bound that cannot be compared with the size (`position[0:T]` of 128) becomes a
    constraint, `T <= 128`.  What can only be negative or 0 counts from the end (`x[-T:]`, and
    `x[1 - T:]` with the constraint `T >= 2`); any other symbolic bound counts from the front
    (`x[T - 3:]` with `T >= 3`).  ONNX: Slice, Gather, Unsqueeze.

        last = h[:, -1]
        x = embed(tokens) + position[0:T]
    """

    operands = (Operand("x"),)
    layout = Layout.REMAPPING
    elements = Elements.SELECTED
    work = 0
    items: tuple[Item, ...]

    def __post_init__(self) -> None:
        for item in self.items:
            zero = isinstance(item, Slice) and item.step == 0
            require(not zero, "items", "the step of a slice must not be 0")

    @classmethod
    def of(cls, items: Sequence[Item | EllipsisType], rank: int) -> Index:
        """The index with `...` written out and full slices left out at the end.

        Raises OpError E0303 for more items than axes, E0504 for a second `...`.
        """
        require(list(items).count(...) <= 1, "items", "an index has one `...` at most")
        taken = sum(isinstance(item, Slice | Integer) for item in items)
        if taken > rank:
            raise OpError("E0303", f"{taken} indices for {rank} axes", operand=0)
        full = [Slice()] * (rank - taken)
        written: list[Item] = []
        for item in items:
            written += full if isinstance(item, EllipsisType) else [item]
        while written and written[-1] == Slice():
            written.pop()
        return cls(tuple(written))

    def ranges(self, x: TensorType) -> tuple[Range, ...]:
        """What is taken of each axis of x.  Raises OpError E0303, E0310, E0311."""
        items = [item for item in self.items if not isinstance(item, NewAxis)]
        if len(items) > x.rank:
            raise OpError("E0303", f"{len(items)} indices for {x.rank} axes of {x}", operand=0)
        items += [Slice()] * (x.rank - len(items))
        return tuple(
            _place(item, size) if isinstance(item, Integer) else _range(item, size)
            for item, size in zip(items, x.shape, strict=True)
        )

    def infer(self, x: TensorType) -> TensorType:
        shape: list[Size] = []
        ranges = iter(self.ranges(x))
        for item in self.items:
            if isinstance(item, NewAxis):
                shape.append(1)
            elif (taken := next(ranges)).kept:
                shape.append(taken.length)
        return x.with_shape(*shape, *(taken.length for taken in ranges))

    def constraints(self, x: TensorType) -> tuple[Requirement, ...]:
        found = [requirement for taken in self.ranges(x) for requirement in taken.constraints]
        return tuple(dict.fromkeys(found))

    def slices(self, x: TensorType) -> tuple[Index | None, ...]:
        if not self.items or self.items[0] != Slice():
            return (None,)
        found = [_plain(item, n) for item, n in zip(self.items, x.shape, strict=False)]
        return (None if None in found else Index(tuple(item for item in found if item)),)

    def mixed_axes(self, x: TensorType) -> tuple[int, ...]:
        taken = (item for item in self.items if not isinstance(item, NewAxis))
        return tuple(axis for axis, item in enumerate(taken) if item != Slice())

    def kept_axes(self, rank: int) -> tuple[int, ...] | None:
        slices_only = all(isinstance(item, Slice) for item in self.items)
        return super().kept_axes(rank) if slices_only else None

    def reference(self, x: Array) -> Array:
        result: Array = x[tuple(map(_numpy_item, self.items))]
        return result


def _numpy_item(item: Item) -> Any:
    match item:
        case Slice(start, stop, step):
            return slice(start, stop, step)
        case Integer(value):
            return value
        case NewAxis():
            return None


def _plain(item: Item, size: Size) -> Slice | Integer | None:
    """The item with numbers for bounds, if it has such and makes no axis."""
    match item:
        case Slice(start, stop, step):
            if isinstance(stop, Dim):
                left = stop - size
                if isinstance(left, Dim) or left > 0:
                    return None
                stop = left or None  # counted from the end
            return None if isinstance(start, Dim) else Slice(start, stop, step)
        case Integer(int()):
            return item
    return None


def _place(item: Integer, size: Size) -> Range:
    place, sign = _from_front(item.value, size)
    problem = OpError("E0310", f"{item} is outside an axis of size {size}", attribute="items")
    constraints = sign + at_most(0, place, problem) + at_most(place + 1, size, problem)
    return Range(place, 1, 1, kept=False, constraints=constraints)


def _range(item: Slice, size: Size) -> Range:
    if item == Slice():
        return Range(0, size, 1, kept=True)
    empty = OpError("E0311", f"the slice `{item}` of {size} is empty", attribute="items")
    match item.start, item.stop, size:
        case int() | None, int() | None, int():
            places = range(*slice(item.start, item.stop, item.step).indices(size))
            if not places:
                raise empty
            return Range(places.start, len(places), item.step, kept=True)
    start, stop, constraints = _forward(item, size) if item.step > 0 else _backward(item, size)
    span = stop - start if item.step > 0 else start - stop
    nonempty = at_most(1, span, empty)
    length = (span + abs(item.step) - 1) // abs(item.step)
    return Range(start, length, item.step, kept=True, constraints=constraints + nonempty)


Ends = tuple[Size, Size, tuple[Requirement, ...]]


def _forward(item: Slice, size: Size) -> Ends:
    start, above = (0, ()) if item.start is None else _clamped(item.start, size, 0, size)
    stop, below = (size, ()) if item.stop is None else _clamped(item.stop, size, 0, size)
    return start, stop, above + below


def _backward(item: Slice, size: Size) -> Ends:
    last = size - 1
    start, below = (last, ()) if item.start is None else _clamped(item.start, size, 0, last)
    # -1, before the first place, is where an integer that counts from the end may lead; as a
    # value of a symbolic bound it would be the last place.
    before = -1 if item.stop is None or _counts_from_end(item.stop) else 0
    stop, above = (-1, ()) if item.stop is None else _clamped(item.stop, size, before, last)
    return start, stop, below + above


def _clamped(
    bound: Size, size: Size, least: int, most: Size
) -> tuple[Size, tuple[Requirement, ...]]:
    """The bound between `least` and `most`, and what that needs where it is not decided."""
    place, sign = _from_front(bound, size)
    open_relations: list[Requirement] = []
    for low, high, end in ((least, place, least), (place, most, most)):
        decided = dims.less_equal(low, high)
        if decided is False:
            return end, sign
        if decided is None:
            left, right = dims.balanced(low, high)
            open_relations.append((left, "<=", right))
    return place, (*sign, *open_relations)


def _from_front(value: Size, size: Size) -> tuple[Size, tuple[Requirement, ...]]:
    """A place counted from the front, and what makes it negative where it counts from the end.

    NumPy looks at the sign of each number.  A size that is 0 at most is meant to count from the
    end, and must not be 0; that any other is not negative is among the constraints of its range.
    """
    if not _counts_from_end(value):
        return value, ()
    negative = dims.less_equal(value, -1) is True
    left, right = dims.balanced(value, -1)
    return size + value, () if negative else ((left, "<=", right),)


def _counts_from_end(value: Size) -> bool:
    if isinstance(value, int):
        return value < 0
    upper = dims.upper_bound(value)
    return upper is not None and upper <= 0
