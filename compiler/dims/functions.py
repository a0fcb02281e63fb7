"""Functions of sizes: minimum and maximum, broadcasting, substitution of symbols."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tercet.compiler.dims.atoms import FloorDiv, Max, Min, Mod, Symbol
from tercet.compiler.dims.bounds import equal, less, less_equal
from tercet.compiler.dims.division import floor_div, modulo
from tercet.compiler.dims.polynomial import Atom, Dim, DimError, Size, from_atom, product, terms_of

_MOST_COMPARED = 64
"""Sizes of which none is known to be the least or greatest: each is compared with each."""


def minimum(*sizes: Size) -> Size:
    """The least of the sizes."""
    return extreme(Min, sizes)


def maximum(*sizes: Size) -> Size:
    """The greatest of the sizes."""
    return extreme(Max, sizes)


def extreme(kind: type[Min] | type[Max], sizes: Iterable[Size]) -> Size:
    def wins(a: Size, b: Size) -> bool:
        return (less_equal(a, b) if kind is Min else less_equal(b, a)) is True

    kept: list[Size] = []
    for size in _with_one_number(kind, _flattened(kind, sizes)):
        if not any(wins(other, size) for other in kept):
            kept = [other for other in kept if not wins(size, other)] + [size]
        if len(kept) > _MOST_COMPARED:
            raise DimError(f"a least or greatest of more than {_MOST_COMPARED} sizes")
    if len(kept) == 1:
        return kept[0]
    kept.sort(key=lambda size: (isinstance(size, int), str(size)))
    return from_atom(kind(tuple(kept)))


def _flattened(kind: type[Min] | type[Max], sizes: Iterable[Size]) -> Iterable[Size]:
    for size in sizes:
        match size:
            case Dim(expression=Min() | Max() as inner) if isinstance(inner, kind):
                yield from inner.items
            case _:
                yield size


def _with_one_number(kind: type[Min] | type[Max], sizes: Iterable[Size]) -> list[Size]:
    """The sizes, those that are known as the one that counts: of these there may be many."""
    numbers: list[int] = []
    others: list[Size] = []
    for size in sizes:
        if isinstance(size, int):
            numbers.append(size)
        else:
            others.append(size)
    return others + ([(min if kind is Min else max)(numbers)] if numbers else [])


def broadcast(a: Size, b: Size) -> Size | None:
    """The common size under NumPy's rule; a symbolic size goes with 1 or an equal one only."""
    if a == b or b == 1:
        return a
    if a == 1:
        return b
    return a if equal(a, b) else None


def symbols(size: Size) -> frozenset[str]:
    """The names in the expression."""
    found: set[str] = set()
    for monomial, _ in terms_of(size):
        for atom in monomial:
            if isinstance(atom, Symbol):
                found.add(atom.name)
            found.update(*map(symbols, atom.operands))
    return frozenset(found)


def is_polynomial(size: Size) -> bool:
    """Whether the expression is made of symbols and numbers alone, without divisions."""
    return all(isinstance(atom, Symbol) for monomial, _ in terms_of(size) for atom in monomial)


def substitute(size: Size, values: Mapping[str, Size]) -> Size:
    """The expression with sizes put in for some of its symbols."""
    if isinstance(size, int):
        return size
    total: Size = 0
    for monomial, coefficient in size.terms:
        total = total + coefficient * product(_substitute_atom(a, values) for a in monomial)
    return total


def _substitute_atom(atom: Atom, values: Mapping[str, Size]) -> Size:
    match atom:
        case Symbol(name):
            return values[name] if name in values else from_atom(atom)
        case FloorDiv(left, right):
            return floor_div(substitute(left, values), substitute(right, values))
        case Mod(left, right):
            return modulo(substitute(left, values), substitute(right, values))
        case Min(items) | Max(items):
            return extreme(type(atom), [substitute(item, values) for item in items])
    raise TypeError(atom)


def evaluate(size: Size, values: Mapping[str, int]) -> int:
    """The number that the expression is.

    Raises KeyError for a symbol without a value, ZeroDivisionError.
    """
    if isinstance(size, int):
        return size
    total = 0
    for monomial, coefficient in size.terms:
        for atom in monomial:
            coefficient *= _number(atom, values)
        total += coefficient
    return total


def _number(atom: Atom, values: Mapping[str, int]) -> int:
    match atom:
        case Symbol(name):
            return values[name]
        case FloorDiv(left, right):
            return evaluate(left, values) // evaluate(right, values)
        case Mod(left, right):
            return evaluate(left, values) % evaluate(right, values)
        case Min(items) | Max(items):
            choose = min if isinstance(atom, Min) else max
            return choose([evaluate(item, values) for item in items])
    raise TypeError(atom)


def affine(size: Size) -> tuple[str, int, int] | None:
    """The name, factor and addend of `factor * name + addend`; None of what is not of this form."""
    match size:
        case Dim(terms=(((Symbol(name),), factor), *rest)) if not rest or not rest[0][0]:
            return name, factor, size.constant
    return None


def solve(size: Size, value: Size) -> dict[str, Size] | None:
    """The symbol's value that makes an affine expression of one symbol equal to `value`.

    None where there is no such integer >= 1, or the expression is not of this form.
    """
    form = affine(size)
    if form is None:
        return None
    name, factor, addend = form
    quotient = floor_div(value - addend, factor)
    if factor * quotient + addend != value or less(quotient, 1):
        return None
    return {name: quotient}
