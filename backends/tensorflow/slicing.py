"""Indexing in TensorFlow."""

from __future__ import annotations

from tercet.backends.tensorflow.target import Placed, lower, tf
from tercet.codegen.expr import Expr
from tercet.compiler.ops.slicing import Index, Integer, NewAxis, Slice


@lower(Index)
def _index(op: Index, at: Placed, x: Expr) -> Expr:
    items = list(op.items)
    if at.last:  # slices only
        full = [*items, *[Slice()] * (at.type(0).rank - len(items))]
        items = list(at.per_axis(full))
        while items and items[-1] == Slice():
            items.pop()
    places: list[object] = []
    for item in items:
        match item:
            case Slice(start, stop, step):
                first = None if start == 0 and step > 0 else start
                places.append(slice(first, stop, None if step == 1 else step))
            case Integer(value):
                places.append(value)
            case NewAxis():
                places.append(tf.newaxis)
    if not places:
        return x
    return x[tuple(places)] if len(places) != 1 else x[places[0]]
