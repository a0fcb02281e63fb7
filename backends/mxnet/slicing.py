"""Indexing in MXNet: `slice`, `slice_axis`, and `slice_like` where a size is symbolic."""

from __future__ import annotations

from tercet.backends.mxnet.symbolic_shape import length_of, witness
from tercet.backends.mxnet.target import F, is_eager, lower
from tercet.codegen.axes import one_or_all
from tercet.codegen.expr import Expr, default, lift
from tercet.codegen.target import Application
from tercet.compiler.dims import Size
from tercet.compiler.ops.slicing import Index, Integer, Item, NewAxis, Range, Slice

Bounds = tuple[int | None, int | None, int]


@lower(Index)
def _index(op: Index, at: Application, x: Expr) -> Expr:
    if is_eager(at):
        return _eager(op, x)
    if not at.type(0).shape:
        return F.reshape(x, shape=(1,) * at.result.rank) if at.result.shape else x
    ranges = op.ranges(at.type(0))
    items: list[Item] = [i for i in op.items if not isinstance(i, NewAxis)]
    items += [Slice()] * (at.type(0).rank - len(items))
    bounds = [_bounds(i, n) for i, n in zip(items, at.type(0).shape, strict=True)]
    x = _static(x, [b if b is not None else (None, None, 1) for b in bounds])
    for axis, (taken, bound) in enumerate(zip(ranges, bounds, strict=True)):
        if bound is None:
            x = _like(at, x, axis, taken)
    return _with_axes(op, at, x, ranges)


def _eager(op: Index, x: Expr) -> Expr:
    places: list[object] = []
    for item in op.items:
        match item:
            case Slice(start, stop, step):
                places.append(slice(start, stop, None if step == 1 else step))
            case Integer(value):
                places.append(value)
            case NewAxis():
                places.append(None)
    return x[tuple(places)] if len(places) != 1 else x[places[0]]


def _bounds(item: Item, size: Size) -> Bounds | None:
    """Begin, end and step as numbers, from either end; None where they are not."""
    match item:
        case Slice(start, stop, step):
            begin, end = _bound(start, size), _bound(stop, size)
            if isinstance(begin, str) or isinstance(end, str):
                return None
            return begin, end, step
        case Integer(value):
            place = _bound(value, size)
            if isinstance(place, str) or place is None:
                return None
            return place, place + 1 if place != -1 else None, 1
    raise TypeError(type(item).__name__)


def _bound(place: Size | None, size: Size) -> int | str | None:
    """A bound as MXNet takes it: None is the end of the axis, "open" is not a number."""
    match place, size:
        case None, _:
            return None
        case int(), int():
            return place if -size <= place < size else None
        case int(), _:
            return place
    assert place is not None
    behind = place - size
    if isinstance(behind, int):
        return behind if behind < 0 else None
    return "open"


def _static(x: Expr, bounds: list[Bounds]) -> Expr:
    cut = [k for k, b in enumerate(bounds) if b != (None, None, 1)]
    if not cut:
        return x
    if len(cut) == 1 and bounds[cut[0]][2] == 1:
        begin, end, _ = bounds[cut[0]]
        return F.slice_axis(x, axis=cut[0], begin=begin or 0, end=lift(end))
    kept = bounds[: cut[-1] + 1]
    steps = tuple(step for _, _, step in kept)
    settings = {"step": steps} if set(steps) != {1} else {}
    return F.slice(
        x, begin=tuple(b for b, _, _ in kept), end=tuple(e for _, e, _ in kept), **settings
    )


def part(at: Application, x: Expr, axis: int, size: Size, start: Size, length: Size) -> Expr:
    """Neighbouring places of an axis of that size.  Raises Unsupported."""
    bound = _bounds(Slice(start, start + length), size)
    if bound is None:
        return _like(at, x, axis, Range(start, length, 1, kept=True))
    return _static(x, [*[(None, None, 1)] * axis, bound])


def _like(at: Application, x: Expr, axis: int, taken: Range) -> Expr:
    """Places of an axis, as many as a witness has."""
    if taken.length == 1:
        return F.take(x, length_of(at, taken.start, "float32"), axis=axis)
    vector = witness(at, taken.length)
    if taken.step != 1 or not isinstance(taken.start, int):
        return F.take(x, _places(at, taken, vector), axis=axis)
    if taken.start:
        x = F.slice_axis(x, axis=axis, begin=taken.start, end=None)
    if axis:
        vector = F.reshape(vector, shape=(*[1] * axis, -1))
    return F.slice_like(x, vector, axes=(axis,))


def _places(at: Application, taken: Range, vector: Expr) -> Expr:
    """The numbers of the places; float32 counts them exactly up to 2**24."""
    start = taken.start if isinstance(taken.start, int) else 0
    vector = F.cast(vector, dtype="float32")
    places = F.contrib.arange_like(
        vector, start=default(start, 0), step=default(taken.step, 1), axis=0
    )
    if isinstance(taken.start, int):
        return places
    return F.broadcast_add(places, length_of(at, taken.start, "float32"))


def _with_axes(op: Index, at: Application, x: Expr, ranges: tuple[Range, ...]) -> Expr:
    """Without the axes that integers took, with those that `none` makes."""
    gone = tuple(axis for axis, taken in enumerate(ranges) if not taken.kept)
    if gone and len(gone) == at.type(0).rank:
        x = F.reshape(x, shape=(1,))
        if not at.result.shape:
            return x
        return F.reshape(x, shape=(1,) * at.result.rank)
    if gone:
        x = F.squeeze(x, axis=one_or_all(gone))
    place = 0
    for item in op.items:
        if isinstance(item, NewAxis):
            x = F.expand_dims(x, axis=place)
        if not isinstance(item, Integer):
            place += 1
    return x
