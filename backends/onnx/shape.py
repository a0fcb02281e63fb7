"""Shapes, joining, cutting and slicing in ONNX.

Sizes that only the run knows come from `Context.shape`; where 0 or -1 in a Reshape is enough,
nothing is computed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tercet.backends.onnx.builder import Context, lower
from tercet.compiler import dims
from tercet.compiler.dims import Size
from tercet.compiler.ops.joining import Roll
from tercet.compiler.ops.shape import (
    BroadcastTo,
    Chunk,
    Concat,
    Expand,
    Flatten,
    Flip,
    Index,
    Integer,
    NewAxis,
    Pad,
    Permute,
    PixelShuffle,
    PixelUnshuffle,
    Repeat,
    Reshape,
    Slice,
    Split,
    Squeeze,
    Stack,
    Tile,
    Transpose,
    Unbind,
    Unsqueeze,
)
from tercet.compiler.ops.slicing import Range
from tercet.compiler.types import Shape

_MOST, _LEAST = 2**63 - 1, -(2**63)
"""Ends that Slice clamps to an axis's own."""


@lower(Reshape)
def _reshape(op: Reshape, c: Context) -> str:
    return c.reshape(c.x, c.type.shape, c.result.shape)


@lower(Flatten)
def _flatten(op: Flatten, c: Context) -> str:
    if op.span(c.type.rank) == (1, c.type.rank - 1) and c.type.rank > 2:
        return c.node("Flatten", c.x, axis=1)
    return c.reshape(c.x, c.type.shape, c.result.shape)


@lower(Transpose, Permute)
def _transpose(op: Transpose | Permute, c: Context) -> str:
    return c.node("Transpose", c.x, perm=list(op.order(c.type.rank)))


@lower(Squeeze)
def _squeeze(op: Squeeze, c: Context) -> str:
    axes = op.axes(c.type.shape)
    return c.node("Squeeze", c.x, c.ints(*axes)) if axes else c.x


@lower(Unsqueeze)
def _unsqueeze(op: Unsqueeze, c: Context) -> str:
    return c.node("Unsqueeze", c.x, c.ints(*op.axes(c.type.rank)))


@lower(Expand, BroadcastTo)
def _expand(op: Expand | BroadcastTo, c: Context) -> str:
    """Where x has the size already, 1 keeps it: no size needs to be computed."""
    source, target = c.type.shape, c.result.shape
    new = len(target) - len(source)
    wanted = tuple(
        1 if axis >= new and source[axis - new] == size else size
        for axis, size in enumerate(target)
    )
    if new == 0 and all(size == 1 for size in wanted):
        return c.x
    return c.node("Expand", c.x, c.shape(wanted))


# ---------------------------------------------------------------------------- joining and cutting


@lower(Concat)
def _concat(op: Concat, c: Context) -> str:
    return c.node("Concat", *c.names(), axis=op.axis)


@lower(Stack)
def _stack(op: Stack, c: Context) -> str:
    axis = op.axis % c.result.rank
    parts = [c.node("Unsqueeze", name, c.ints(axis)) for name in c.names()]
    return c.node("Concat", *parts, axis=axis)


@lower(Split, Chunk)
def _split(op: Split | Chunk, c: Context) -> tuple[str, ...]:
    axis = op.at(c.type.rank)
    sizes = tuple(result.shape[axis] for result in c.results)
    equal = all(size == sizes[0] for size in sizes)
    lengths = None if equal else c.shape(sizes)
    return c.nodes("Split", [c.x, lengths], len(sizes), axis=axis)


@lower(Pad)
def _pad(op: Pad, c: Context) -> str:
    pads = c.ints(*(begin for begin, _ in op.pads), *(end for _, end in op.pads))
    value = c.scalar(op.value) if op.mode == "constant" and op.value else None
    return c.node("Pad", c.x, pads, value, mode=op.mode)


@lower(Tile)
def _tile(op: Tile, c: Context) -> str:
    return c.node("Tile", c.x, c.shape(op.repeats))


@lower(Repeat)
def _repeat(op: Repeat, c: Context) -> str:
    shape = c.type.shape
    after = op.axis % len(shape) + 1
    ones = [1] * len(shape)
    wide = c.node("Unsqueeze", c.x, c.ints(after))
    repeated = c.node("Expand", wide, c.shape((*ones[:after], op.count, *ones[after:])))
    return c.reshape(repeated, (*shape[:after], op.count, *shape[after:]), c.result.shape)


@lower(Flip)
def _flip(op: Flip, c: Context) -> str:
    axes = op.axes(c.type.rank)
    slices = _Slices()
    for axis in axes:
        slices.add(axis, -1, _LEAST, -1)
    return slices.apply(c, c.x)


@lower(Roll)
def _roll(op: Roll, c: Context) -> str:
    """Slice counts from the end what is negative: no size is needed."""
    x = c.x
    for axis, shift in op.turns(c.type.shape).items():
        along = c.ints(axis)
        last = c.node("Slice", x, c.ints(-shift), c.ints(_MOST), along)
        x = c.node("Concat", last, c.node("Slice", x, c.ints(0), c.ints(-shift), along), axis=axis)
    return x


# ---------------------------------------------------------------------------------------- slicing


@dataclass
class _Slices:
    """The operands of one Slice for several axes."""

    starts: list[Size] = field(default_factory=list)
    ends: list[Size] = field(default_factory=list)
    axes: list[int] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)

    def add(self, axis: int, start: Size, end: Size, step: int) -> None:
        self.axes.append(axis)
        self.starts.append(start)
        self.ends.append(end)
        self.steps.append(step)

    def apply(self, c: Context, x: str) -> str:
        if not self.axes:
            return x
        steps = c.ints(*self.steps) if set(self.steps) != {1} else None
        ends = (c.shape(self.starts), c.shape(self.ends))
        return c.node("Slice", x, *ends, c.ints(*self.axes), steps)


@lower(Index)
def _index(op: Index, c: Context) -> str:
    """All slices at once, then integers from the last axis to the first, then new axes."""
    slices = _Slices()
    places: list[tuple[int, Size]] = []
    items = [item for item in op.items if not isinstance(item, NewAxis)]
    for axis, (item, taken) in enumerate(zip(items, op.ranges(c.type), strict=False)):
        match item:
            case Integer(value):
                places.append((axis, value))
            case Slice() if item != Slice():
                _add_slice(slices, axis, item, taken, c.type.shape)
    x = slices.apply(c, c.x)
    for axis, value in reversed(places):
        x = c.node("Gather", x, c.size_scalar(value), axis=axis)
    new = _new_axes(op)
    return c.node("Unsqueeze", x, c.ints(*new)) if new else x


def _add_slice(slices: _Slices, axis: int, item: Slice, taken: Range, shape: Shape) -> None:
    """Ends as written where ONNX reads them alike, else as they were worked out."""
    if item.step > 0:
        start: Size = item.start if isinstance(item.start, int) else taken.start
        stop = taken.start + item.step * (taken.length - 1) + 1
        end: Size = _MOST if item.stop is None else stop
        slices.add(axis, start, end, item.step)
        return
    start = -1 if item.start is None else taken.start
    last = taken.start + item.step * (taken.length - 1)
    before = last - 1  # -1 would be the last place of all: counted from the end it is not
    end = _LEAST if item.stop is None else before if _is_place(before) else before - shape[axis]
    slices.add(axis, start, end, item.step)


def _is_place(size: Size) -> bool:
    return dims.less_equal(0, size) is True


def _new_axes(op: Index) -> list[int]:
    """The places of the new axes in the result."""
    found: list[int] = []
    place = 0
    for item in op.items:
        if isinstance(item, NewAxis):
            found.append(place)
        place += not isinstance(item, Integer)
    return found


@lower(Unbind)
def _unbind(op: Unbind, c: Context) -> tuple[str, ...]:
    parts = c.nodes("Split", [c.x], len(c.results), axis=op.axis)
    return tuple(c.node("Squeeze", part, c.ints(op.axis)) for part in parts)


@lower(PixelShuffle)
def _pixel_shuffle(op: PixelShuffle, c: Context) -> str:
    return c.node("DepthToSpace", c.x, blocksize=op.factor, mode="CRD")


@lower(PixelUnshuffle)
def _pixel_unshuffle(op: PixelUnshuffle, c: Context) -> str:
    n, channels, height, width = c.type.shape
    r = op.factor
    cut = (n, channels, height // r, r, width // r, r)
    apart = c.node("Transpose", c.reshape(c.x, c.type.shape, cut), perm=[0, 1, 3, 5, 2, 4])
    return c.reshape(apart, tuple(cut[k] for k in (0, 1, 3, 5, 2, 4)), c.result.shape)
