"""References that only the finished class can spell: arguments, loop variables, layers, sizes."""

from __future__ import annotations

from tercet.codegen.expr import Expr
from tercet.dsl.records import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Argument(Expr):
    """An argument of the class being printed: `stride` in `__init__`, `self.stride` elsewhere."""

    identifier: str


@dataclass(frozen=True, slots=True, repr=False)
class LoopItem(Expr):
    """What the target of a source loop binds: a name in generated loops and comprehensions."""

    identifier: str
    loop: int


@dataclass(frozen=True, slots=True, repr=False)
class Element(Expr):
    """A layer of the class: `self.site`, or `self.site[i][j]` with one place per loop around it.

    A place is the number of a printed loop (a `LoopItem`) or, in an unrolled one, a literal.
    A layer that the forward function gets is `site[i]`, `site` being the argument's name.
    """

    site: str
    places: tuple[Expr, ...]
    received: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class SizeName(Expr):
    """An input size read at run time under its name in the source: `T`."""

    identifier: str
