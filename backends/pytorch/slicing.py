"""Indexing in PyTorch."""

from __future__ import annotations

from backends.base import Unsupported
from backends.pytorch.target import lower
from compiler.codegen.expr import Expr
from compiler.codegen.target import Application
from compiler.ops.slicing import Index, Integer, NewAxis, Slice


@lower(Index)
def _index(op: Index, at: Application, x: Expr) -> Expr:
    places: list[object] = []
    for item in op.items:
        match item:
            case Slice(step=step) if step < 0:
                raise Unsupported("a negative step", "write `flip(x, axis = …)` and a positive one")
            case Slice(start, stop, step):
                places.append(
                    slice(None if start == 0 else start, stop, None if step == 1 else step)
                )
            case Integer(value):
                places.append(value)
            case NewAxis():
                places.append(None)
    return x[tuple(places)] if len(places) != 1 else x[places[0]]
