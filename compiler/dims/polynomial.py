"""`Dim`: a polynomial with integer coefficients in normal form, and its ring of operations.

Terms are sorted by a monomial order and none is zero, so two equal polynomials are equal tuples.
Whatever is a plain number becomes an `int` again.  What the unknowns stand for is said in `atoms`;
`Product` and `Sum` are what a polynomial is at its outermost, for those who print one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import ClassVar, NoReturn

from tercet.dsl.records import dataclass

MAX_TERMS = 256
MAX_DEGREE = 32
MAX_DEPTH = 32
MAX_ATOMS = 500
MAX_BITS = 256


class DimError(ArithmeticError):
    """An expression of sizes that has no meaning here, or is beyond the limits above."""


class Atom:
    """An unknown of polynomials, which does not know here what it stands for: see `atoms`.

    Ordered by `key`, those of lower `rank` first.
    """

    rank: ClassVar[int] = 1
    is_tight: ClassVar[bool] = False
    """Whether the text binds like a name, so that it needs no parentheses as an operand."""

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
        return (self.rank, str(self))


Monomial = tuple[Atom, ...]
"""A product of atoms in order of their keys, a power as repetition; `()` is one."""


def _order(monomial: Monomial) -> tuple[int, list[tuple[int, str]]]:
    """Higher degrees first, then lexicographic: a monomial order, and the order of printing."""
    return -len(monomial), [atom.key for atom in monomial]


class Dim:
    """A symbolic size.  Make one with `symbol`, then use operators."""

    __slots__ = ("_hash", "terms")

    terms: tuple[tuple[Monomial, int], ...]

    def __init__(self, terms: tuple[tuple[Monomial, int], ...]) -> None:
        """Wraps terms already in normal form; only `symbol` and the functions below it call it."""
        object.__setattr__(self, "terms", terms)
        object.__setattr__(self, "_hash", hash(terms))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a Dim does not change")

    def __reduce__(self) -> tuple[type[Dim], tuple[object, ...]]:
        return Dim, (self.terms,)

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined, no-any-return]

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Dim) and self.terms == other.terms

    def __str__(self) -> str:
        return str(self.expression)

    def __repr__(self) -> str:
        return f"Dim({self})"

    def __bool__(self) -> NoReturn:
        raise TypeError(f"whether {self} is zero is not decided; use dims.equal(size, 0)")

    def _no_order(self, other: object) -> NoReturn:
        raise TypeError(f"{self} and {other} have no decided order; use dims.less or less_equal")

    __lt__ = __le__ = __gt__ = __ge__ = _no_order

    @property
    def expression(self) -> Atom | Product | Sum:
        """The outermost form, for printers."""
        if len(self.terms) > 1:
            parts = [from_terms({m: c}) for m, c in self.terms]
            if is_negative(parts[0]):
                parts.sort(key=is_negative)
            return Sum(tuple(parts))
        ((monomial, coefficient),) = self.terms
        if coefficient == 1 and len(monomial) == 1:
            return monomial[0]
        factors: list[Size] = [] if coefficient == 1 else [coefficient]
        return Product((*factors, *map(from_atom, monomial)))

    @property
    def constant(self) -> int:
        """The constant term."""
        monomial, coefficient = self.terms[-1]
        return 0 if monomial else coefficient

    def __add__(self, other: Size) -> Size:
        if not isinstance(other, int | Dim):
            return NotImplemented
        if isinstance(other, int):
            return self._plus_int(other)
        total = dict(self.terms)
        for monomial, coefficient in other.terms:
            total[monomial] = total.get(monomial, 0) + coefficient
        return from_terms(total)

    def _plus_int(self, other: int) -> Dim:
        symbolic = self.terms if self.terms[-1][0] else self.terms[:-1]
        constant = self.constant + other
        if constant.bit_length() > MAX_BITS:
            raise DimError(f"a size has a coefficient of more than {MAX_BITS} bits")
        return Dim((*symbolic, ((), constant)) if constant else symbolic)

    def __mul__(self, other: Size) -> Size:
        if not isinstance(other, int | Dim):
            return NotImplemented
        if other == 1:
            return self
        total: dict[Monomial, int] = {}
        for left, a in self.terms:
            for right, b in terms_of(other):
                monomial = _times(left, right)
                total[monomial] = total.get(monomial, 0) + a * b
        return from_terms(total)

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Size:
        return self * -1

    def __pos__(self) -> Size:
        return self

    def __sub__(self, other: Size) -> Size:
        if not isinstance(other, int | Dim):
            return NotImplemented
        return self + -other

    def __rsub__(self, other: Size) -> Size:
        return -self + other

    def __floordiv__(self, other: Size) -> Size:
        return _divided("floor_div", self, other)

    def __rfloordiv__(self, other: Size) -> Size:
        return _divided("floor_div", other, self)

    def __mod__(self, other: Size) -> Size:
        return _divided("modulo", self, other)

    def __rmod__(self, other: Size) -> Size:
        return _divided("modulo", other, self)

    def __pow__(self, exponent: Size) -> Size:
        if isinstance(exponent, Dim):
            raise DimError(f"the exponent {exponent} is symbolic; only integers can be one")
        if not isinstance(exponent, int):
            return NotImplemented
        if not 0 <= exponent <= MAX_DEGREE:
            raise DimError(f"{self} ** {exponent}: the exponent must be from 0 to {MAX_DEGREE}")
        return product([self] * exponent)

    def __rpow__(self, base: Size) -> NoReturn:
        raise DimError(f"the exponent {self} is symbolic; only integers can be one")


Size = int | Dim

_DIVISIONS: dict[str, Callable[[Size, Size], Size]] = {}


def division(function: Callable[[Size, Size], Size]) -> Callable[[Size, Size], Size]:
    """Registers what `//` or `%` of sizes is: bounds decide that, and they know polynomials."""
    _DIVISIONS[function.__name__] = function
    return function


def _divided(name: str, left: Size, right: Size) -> Size:
    known = isinstance(left, int | Dim) and isinstance(right, int | Dim)
    return _DIVISIONS[name](left, right) if known else NotImplemented


# ------------------------------------------------------------------------------------------ terms


def from_atom(atom: Atom) -> Dim:
    """The atom as a size.  Raises DimError beyond the limits."""
    if atom.depth > MAX_DEPTH or atom.count > MAX_ATOMS:
        raise DimError(f"a size nests more than {MAX_DEPTH} divisions or has too many parts")
    return Dim((((atom,), 1),))


def from_terms(terms: Mapping[Monomial, int]) -> Size:
    """The normal form of a sum of terms.  Raises DimError beyond the limits."""
    kept = [(m, c) for m, c in terms.items() if c]
    if not kept:
        return 0
    if len(kept) > MAX_TERMS or max([len(m) for m, _ in kept]) > MAX_DEGREE:
        raise DimError(f"a size has more than {MAX_TERMS} terms or a degree above {MAX_DEGREE}")
    if max([c.bit_length() for _, c in kept]) > MAX_BITS:
        raise DimError(f"a size has a coefficient of more than {MAX_BITS} bits")
    if len(kept) == 1:
        if not kept[0][0]:
            return kept[0][1]
    else:
        kept.sort(key=lambda term: _order(term[0]))
    return Dim(tuple(kept))


def terms_of(size: Size) -> tuple[tuple[Monomial, int], ...]:
    """The terms of any size, none for zero."""
    if isinstance(size, Dim):
        return size.terms
    return (((), int(size)),) if size else ()


def _times(left: Monomial, right: Monomial) -> Monomial:
    if not left or not right:
        return left or right
    return tuple(sorted(left + right, key=lambda atom: atom.key))


def product(sizes: Iterable[Size]) -> Size:
    """The product of the sizes, 1 for none."""
    total: Size = 1
    for size in sizes:
        total = total * size
    return total


# ------------------------------------------------------------------------------------------- text


@dataclass(frozen=True)
class Product:
    """Two or more factors; an integer one stands first."""

    factors: tuple[Size, ...]

    def __str__(self) -> str:
        first, *others = self.factors
        text = " * ".join(map(tight, others if first == -1 else self.factors))
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


def is_negative(size: Size) -> bool:
    """Whether the size is written with a minus sign in front."""
    return (size if isinstance(size, int) else size.terms[0][1]) < 0


def tight(size: Size) -> str:
    """The text, in parentheses unless it binds like a name."""
    outer = size.expression if isinstance(size, Dim) else None
    loose = isinstance(outer, Product | Sum) or (outer is not None and not outer.is_tight)
    return f"({size})" if loose or is_negative(size) else str(size)


def _tight_product(size: Size) -> str:
    """The text after a minus sign."""
    outer = size.expression if isinstance(size, Dim) else None
    loose = isinstance(outer, Atom) and not outer.is_tight
    return f"({size})" if loose else str(size)
