"""What a size is made of beside numbers, and how that is written.

Atoms are the unknowns of the polynomials in `polynomial`: symbols, and the divisions, remainders,
minima and maxima that are no polynomials themselves.
"""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

from tercet.compiler.dims.polynomial import Atom, Dim, Size, tight
from tercet.dsl.records import dataclass


@dataclass(frozen=True)
class Symbol(Atom):
    """A size known when the program runs: an integer >= 1."""

    name: str

    rank: ClassVar[int] = 0
    is_tight: ClassVar[bool] = True

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class _Pair(Atom):
    left: Size
    right: Size

    @property
    def operands(self) -> tuple[Size, ...]:
        return self.left, self.right


class FloorDiv(_Pair):
    """`left // right`, rounded towards minus infinity."""

    def __str__(self) -> str:
        return f"{tight(self.left)} // {tight(self.right)}"


class Mod(_Pair):
    """`left % right`, with the sign of `right`."""

    def __str__(self) -> str:
        return f"{tight(self.left)} % {tight(self.right)}"


@dataclass(frozen=True)
class _Several(Atom):
    items: tuple[Size, ...]

    @property
    def operands(self) -> tuple[Size, ...]:
        return self.items


class Min(_Several):
    """The least of the items, none of which is known to be it."""

    is_tight = True

    def __str__(self) -> str:
        return f"min({', '.join(map(str, self.items))})"


class Max(_Several):
    """The greatest of the items, none of which is known to be it."""

    is_tight = True

    def __str__(self) -> str:
        return f"max({', '.join(map(str, self.items))})"


@lru_cache(maxsize=4096)  # so that the atoms of equal sizes are mostly one object
def symbol(name: str) -> Dim:
    """The size of that name."""
    return Dim((((Symbol(name),), 1),))
