"""`Dim`: a polynomial with integer coefficients in normal form, and its ring of operations.

Terms are sorted by a monomial order and none is zero, so two equal polynomials are equal tuples.
Whatever is a plain number becomes an `int` again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NoReturn

from compiler.dims.atoms import (
    Atom,
    Expression,
    Monomial,
    Product,
    Sum,
    Symbol,
    is_negative,
)

MAX_TERMS = 256
MAX_DEGREE = 32
MAX_DEPTH = 32
MAX_ATOMS = 500
MAX_BITS = 256


class DimError(ArithmeticError):
    """An expression of sizes that has no meaning here, or is beyond the limits above."""


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
    def expression(self) -> Expression:
        """The outermost form, for printers."""
        if len(self.terms) > 1:
            parts = [from_terms({m: c}) for m, c in self.terms]
            if is_negative(parts[0]):
                parts.sort(key=is_negative)
            return Sum(tuple(parts))
        ((monomial, coefficient),) = self.terms
        if coefficient == 1 and len(monomial) == 1:
            return monomial[0]  # type: ignore[return-value]
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

    # Division is decided by bounds, and bounds are those of a `Dim`: hence the imports below.

    def __floordiv__(self, other: Size) -> Size:
        from compiler.dims.division import floor_div

        if not isinstance(other, int | Dim):
            return NotImplemented
        return floor_div(self, other)

    def __rfloordiv__(self, other: Size) -> Size:
        from compiler.dims.division import floor_div

        return floor_div(other, self)

    def __mod__(self, other: Size) -> Size:
        from compiler.dims.division import modulo

        if not isinstance(other, int | Dim):
            return NotImplemented
        return modulo(self, other)

    def __rmod__(self, other: Size) -> Size:
        from compiler.dims.division import modulo

        return modulo(other, self)

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


def symbol(name: str) -> Dim:
    """The size of that name."""
    return Dim((((Symbol(name),), 1),))


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
    if len(kept) > MAX_TERMS or any(len(m) > MAX_DEGREE for m, _ in kept):
        raise DimError(f"a size has more than {MAX_TERMS} terms or a degree above {MAX_DEGREE}")
    if any(c.bit_length() > MAX_BITS for _, c in kept):
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
