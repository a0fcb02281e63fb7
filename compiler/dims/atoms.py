"""What a size is made of, and how it is written.

Atoms are the unknowns of the polynomials in `polynomial`: symbols, and the divisions, remainders,
minima and maxima that are no polynomials themselves.  `Product` and `Sum` are what a polynomial
is at its outermost, for those who print one.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from dsl.records import dataclass

if TYPE_CHECKING:
    from compiler.dims.polynomial import Size


class Atom:
    """What a polynomial is made of.  Ordered by `key`, symbols first."""

    @cached_property
    def depth(self) -> int:
        """How many divisions, minima and maxima are inside each other."""
        return 1 + max((a.depth for a in self._inner), default=-1)

    @cached_property
    def count(self) -> int:
        """How many atoms are inside, this one included."""
        return 1 + sum(a.count for a in self._inner)

    @property
    def _inner(self) -> list[Atom]:
        symbolic = [size for size in self.operands if not isinstance(size, int)]
        return [atom for size in symbolic for monomial, _ in size.terms for atom in monomial]

    @property
    def operands(self) -> tuple[Size, ...]:
        return ()

    @cached_property
    def key(self) -> tuple[int, str]:
        return (0 if isinstance(self, Symbol) else 1, str(self))


@dataclass(frozen=True)
class Symbol(Atom):
    """A size known when the program runs: an integer >= 1."""

    name: str

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
        return f"{_tight(self.left)} // {_tight(self.right)}"


class Mod(_Pair):
    """`left % right`, with the sign of `right`."""

    def __str__(self) -> str:
        return f"{_tight(self.left)} % {_tight(self.right)}"


@dataclass(frozen=True)
class _Several(Atom):
    items: tuple[Size, ...]

    @property
    def operands(self) -> tuple[Size, ...]:
        return self.items


class Min(_Several):
    """The least of the items, none of which is known to be it."""

    def __str__(self) -> str:
        return f"min({', '.join(map(str, self.items))})"


class Max(_Several):
    """The greatest of the items, none of which is known to be it."""

    def __str__(self) -> str:
        return f"max({', '.join(map(str, self.items))})"


@dataclass(frozen=True)
class Product:
    """Two or more factors; an integer one stands first."""

    factors: tuple[Size, ...]

    def __str__(self) -> str:
        first, *others = self.factors
        text = " * ".join(map(_tight, others if first == -1 else self.factors))
        return f"-{text}" if first == -1 else text


@dataclass(frozen=True)
class Sum:
    """Two or more terms, the first one positive where any is."""

    terms: tuple[Size, ...]

    @property
    def signed(self) -> tuple[tuple[int, Size], ...]:
        """The terms as (1 or -1, absolute term), for printing `a - b`."""
        return tuple((-1, -t) if is_negative(t) else (1, t) for t in self.terms)

    def __str__(self) -> str:
        (sign, first), *others = self.signed
        text = f"-{_tight_product(first)}" if sign < 0 else str(first)
        return text + "".join(f" {'-' if s < 0 else '+'} {term}" for s, term in others)


Expression = Symbol | FloorDiv | Mod | Min | Max | Product | Sum
"""The outermost form of a `Dim`; operands are sizes again: one recursive `match` reads it all."""

Monomial = tuple[Atom, ...]
"""A product of atoms in order of their keys, a power as repetition; `()` is one."""


def is_negative(size: Size) -> bool:
    """Whether the size is written with a minus sign in front."""
    return (size if isinstance(size, int) else size.terms[0][1]) < 0


def _tight(size: Size) -> str:
    """The text, in parentheses unless it binds like a name."""
    loose = not (isinstance(size, int) or isinstance(size.expression, Symbol | Min | Max))
    return f"({size})" if loose or is_negative(size) else str(size)


def _tight_product(size: Size) -> str:
    """The text after a minus sign."""
    loose = not isinstance(size, int) and isinstance(size.expression, FloorDiv | Mod)
    return f"({size})" if loose else str(size)
