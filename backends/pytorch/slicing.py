"""Indexing in PyTorch."""

from __future__ import annotations

from tercet.backends.pytorch.target import lower
from tercet.codegen.expr import Expr
from tercet.codegen.target import Application
from tercet.compiler.ops.slicing import Index, Integer, NewAxis, Range, Slice


@lower(Index)
def _index(op: Index, at: Application, x: Expr) -> Expr:
    """PyTorch's slices go forwards: a step backwards is one forwards, flipped."""
    places: list[object] = []
    flipped: list[int] = []
    kept = 0
    ranges = iter(op.ranges(at.type(0)))
    for item in op.items:
        match item:
            case Slice():
                taken = next(ranges)
                if item.step < 0:
                    flipped.append(kept)
                    places.append(_forwards(taken))
                else:
                    places.append(_slice(item))
            case Integer(value):
                next(ranges)
                places.append(value)
            case NewAxis():
                places.append(None)
        kept += not isinstance(item, Integer)
    taken_of = x[tuple(places)] if len(places) != 1 else x[places[0]]
    return taken_of.flip(*flipped) if flipped else taken_of


def _slice(item: Slice) -> slice:
    start = None if item.start == 0 else item.start
    return slice(start, item.stop, None if item.step == 1 else item.step)


def _forwards(taken: Range) -> slice:
    least = taken.start + (taken.length - 1) * taken.step
    step = None if taken.step == -1 else -taken.step
    return slice(None if least == 0 else least, taken.start + 1, step)
