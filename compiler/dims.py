"""Sizes of tensors: plain integers, or symbolic integer expressions in a normal form.

A `Dim` is a polynomial with integer coefficients over atoms: symbols, floor divisions, remainders,
minima and maxima.  Every operator returns the normal form, and an `int` wherever nothing symbolic
is left, so `==` is a comparison of structures and concrete shapes never meet this module's code.
Equality and order that the form alone does not show are decided by bounds (`dim_bounds`) or
answered with None: never guessed.

SymPy does all of this and more, but its import alone takes longer than a whole `tercet check` may.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from typing import NoReturn

from dsl.records import dataclass

MAX_TERMS = 256
MAX_DEGREE = 32
MAX_DEPTH = 32
MAX_ATOMS = 500
MAX_BITS = 256


class DimError(ArithmeticError):
    """An expression of sizes that has no meaning here, or is beyond the limits above."""


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
        return [atom for size in self.operands for m, _ in _terms(size) for atom in m]

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
    def __str__(self) -> str:
        return f"min({', '.join(map(str, self.items))})"


class Max(_Several):
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
        return tuple((-1, -t) if _is_negative(t) else (1, t) for t in self.terms)

    def __str__(self) -> str:
        (sign, first), *others = self.signed
        text = f"-{_tight_product(first)}" if sign < 0 else str(first)
        return text + "".join(f" {'-' if s < 0 else '+'} {term}" for s, term in others)


Expression = Symbol | FloorDiv | Mod | Min | Max | Product | Sum
"""The outermost form of a `Dim`; operands are sizes again: one recursive `match` reads it all."""

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
        """Wraps terms already in normal form; only this module calls it."""
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
            parts = [_from_terms({m: c}) for m, c in self.terms]
            if _is_negative(parts[0]):
                parts.sort(key=_is_negative)
            return Sum(tuple(parts))
        ((monomial, coefficient),) = self.terms
        if coefficient == 1 and len(monomial) == 1:
            return monomial[0]  # type: ignore[return-value]
        factors: list[Size] = [] if coefficient == 1 else [coefficient]
        return Product((*factors, *map(_from_atom, monomial)))

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
        return _from_terms(total)

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
            for right, b in _terms(other):
                monomial = _times(left, right)
                total[monomial] = total.get(monomial, 0) + a * b
        return _from_terms(total)

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
        if not isinstance(other, int | Dim):
            return NotImplemented
        return floor_div(self, other)

    def __rfloordiv__(self, other: Size) -> Size:
        return floor_div(other, self)

    def __mod__(self, other: Size) -> Size:
        if not isinstance(other, int | Dim):
            return NotImplemented
        return modulo(self, other)

    def __rmod__(self, other: Size) -> Size:
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


# ------------------------------------------------------------------------------ construction


def symbol(name: str) -> Dim:
    """The size of that name."""
    return Dim((((Symbol(name),), 1),))


def _from_atom(atom: Atom) -> Dim:
    if atom.depth > MAX_DEPTH or atom.count > MAX_ATOMS:
        raise DimError(f"a size nests more than {MAX_DEPTH} divisions or has too many parts")
    return Dim((((atom,), 1),))


def _from_terms(terms: Mapping[Monomial, int]) -> Size:
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


def _terms(size: Size) -> tuple[tuple[Monomial, int], ...]:
    if isinstance(size, Dim):
        return size.terms
    return (((), int(size)),) if size else ()


def _times(left: Monomial, right: Monomial) -> Monomial:
    if not left or not right:
        return left or right
    return tuple(sorted(left + right, key=lambda atom: atom.key))


def _is_negative(size: Size) -> bool:
    """Whether the size is written with a minus sign in front."""
    return (size if isinstance(size, int) else size.terms[0][1]) < 0


def _tight(size: Size) -> str:
    """The text, in parentheses unless it binds like a name."""
    loose = isinstance(size, Dim) and not isinstance(size.expression, Symbol | Min | Max)
    return f"({size})" if loose or _is_negative(size) else str(size)


def _tight_product(size: Size) -> str:
    """The text after a minus sign."""
    loose = isinstance(size, Dim) and isinstance(size.expression, FloorDiv | Mod)
    return f"({size})" if loose else str(size)


# ---------------------------------------------------------------------------------- division


def floor_div(a: Size, b: Size) -> Size:
    """`a // b`.  Raises ZeroDivisionError."""
    if b == 1:
        return a
    if isinstance(b, int):
        return a // b if isinstance(a, int) else _floor_div_int(a, b)
    return _floor_div_dim(a, b)


@lru_cache(maxsize=4096)
def _floor_div_dim(a: Size, b: Dim) -> Size:
    quotient, rest = _divide(a, b)
    if _fits(rest, b):
        return quotient
    rest, divisor = _cancel(rest, b)
    if isinstance(divisor, int):
        return quotient + floor_div(rest, divisor)
    return quotient + _from_atom(FloorDiv(rest, divisor))


@lru_cache(maxsize=4096)
def _floor_div_int(a: Dim, b: int) -> Size:
    if b == 0:
        raise ZeroDivisionError(f"{a} // 0")
    if b < 0:
        return floor_div(-a, -b)
    quotient = _from_terms({m: c // b for m, c in a.terms})
    rest = _from_terms({m: c % b for m, c in a.terms})
    if isinstance(rest, int) or _fits(rest, b):
        return quotient
    divisor = math.gcd(b, *(c for m, c in rest.terms if m))
    if divisor > 1:
        reduced = _from_terms({m: c // divisor for m, c in rest.terms})
        return quotient + floor_div(reduced, b // divisor)
    if (merged := _merge_nested(rest, b)) is not None:
        return quotient + merged
    return quotient + _from_atom(FloorDiv(rest, b))


def _merge_nested(rest: Dim, b: int) -> Size | None:
    """(x // a + y) // b == (x + a * y) // (a * b), where one term is such a quotient."""
    inner = [m for m, c in rest.terms if c == 1 and len(m) == 1 and isinstance(m[0], FloorDiv)]
    if len(inner) != 1:
        return None
    ((quotient,),) = inner
    assert isinstance(quotient, FloorDiv)
    if not isinstance(quotient.right, int):
        return None
    others = rest - _from_atom(quotient)
    return floor_div(quotient.left + quotient.right * others, quotient.right * b)


def modulo(a: Size, b: Size) -> Size:
    """`a % b`.  Raises ZeroDivisionError."""
    if isinstance(a, int) and isinstance(b, int):
        return a % b
    if isinstance(b, int):
        return _modulo_int(a, b)
    _, rest = _divide(a, b)
    return rest if _fits(rest, b) else _from_atom(Mod(rest, b))


def _modulo_int(a: Size, b: int) -> Size:
    if b == 0:
        raise ZeroDivisionError(f"{a} % 0")
    if b < 0:
        return -modulo(-a, -b)
    rest = _from_terms({m: c % b for m, c in _terms(_without_inner_mod(a, b))})
    if isinstance(rest, int) or _fits(rest, b):
        return rest
    divisor = math.gcd(b, *(c for m, c in rest.terms if m))
    if divisor > 1:
        reduced = _from_terms({m: c // divisor for m, c in rest.terms})
        return divisor * modulo(reduced, b // divisor) + rest.constant % divisor
    return _from_atom(Mod(rest, b))


def _without_inner_mod(a: Size, b: int) -> Size:
    """The same number modulo b: `x % (k * b)` is x."""
    total: Size = 0
    for monomial, coefficient in _terms(a):
        match monomial:
            case (Mod(left, int() as right),) if right % b == 0:
                total = total + coefficient * _without_inner_mod(left, b)
            case _:
                total = total + _from_terms({monomial: coefficient})
    return total


def _divide(a: Size, b: Dim) -> tuple[Size, Size]:
    """Quotient q and rest a - q * b, by polynomial division where that makes the rest simpler."""
    (lead, coefficient), *others = b.terms
    quotient: Size = 0
    rest: Size = 0
    pending = a
    while isinstance(pending, Dim) or pending:
        monomial, value = _terms(pending)[0]
        factor = _quotient(monomial, lead) if value % coefficient == 0 else None
        if factor is None:
            step = _from_terms({monomial: value})
            rest, pending = rest + step, pending - step
        else:
            part = _from_terms({factor: value // coefficient})
            quotient, pending = quotient + part, pending - part * b
    if not _fits(rest, b) and _fits(rest + b, b):
        quotient, rest = quotient - 1, rest + b
    return (quotient, rest) if not others or _fits(rest, b) else (0, a)


def _quotient(monomial: Monomial, divisor: Monomial) -> Monomial | None:
    left = list(monomial)
    for atom in divisor:
        if atom not in left:
            return None
        left.remove(atom)
    return tuple(left)


def _cancel(a: Size, b: Dim) -> tuple[Size, Size]:
    """Both without the factor that all their terms have in common."""
    terms = (*_terms(a), *b.terms)
    divisor = math.gcd(*(c for _, c in terms))
    common = list(terms[0][0])
    for monomial, _ in terms[1:]:
        left = list(monomial)
        common = [atom for atom in common if atom in left and (left.remove(atom) or True)]  # type: ignore[func-returns-value]
    if divisor == 1 and not common:
        return a, b
    factor = tuple(common)

    def reduced(size: Size) -> Size:
        return _from_terms({_quotient(m, factor) or (): c // divisor for m, c in _terms(size)})

    return reduced(a), reduced(b)


def without_common_factor(a: Size, b: Size) -> tuple[Size, Size]:
    """Both sides of an equation of positive sizes, without what all their terms share."""
    if isinstance(b, Dim) and (isinstance(a, Dim) or a):
        return _cancel(a, b)
    return _cancel(b, a)[::-1] if isinstance(a, Dim) and b else (a, b)


def balanced(a: Size, b: Size) -> tuple[Size, Size]:
    """The sides of an inequality a <= b with all terms positive: `2 <= T` for `1 <= T - 1`."""
    terms = _terms(b - a)
    left = _from_terms({m: -c for m, c in terms if c < 0})
    return left, _from_terms({m: c for m, c in terms if c > 0})


def is_polynomial(size: Size) -> bool:
    """Whether the expression is made of symbols and numbers alone, without divisions."""
    return all(isinstance(atom, Symbol) for monomial, _ in _terms(size) for atom in monomial)


def _fits(rest: Size, b: Size) -> bool:
    """Whether 0 <= rest < b is certain."""
    if rest == 0:
        return True
    if isinstance(b, int) and all(isinstance(a, Symbol) for m, _ in _terms(rest) for a in m):
        return isinstance(rest, int) and 0 <= rest < b  # symbols have no upper bound
    return less_equal(0, rest) is True and less(rest, b) is True


# -------------------------------------------------------------------------- minimum, maximum


def minimum(*sizes: Size) -> Size:
    """The least of the sizes."""
    return _extreme(Min, sizes)


def maximum(*sizes: Size) -> Size:
    """The greatest of the sizes."""
    return _extreme(Max, sizes)


def _extreme(kind: type[Min] | type[Max], sizes: Iterable[Size]) -> Size:
    def wins(a: Size, b: Size) -> bool:
        return (less_equal(a, b) if kind is Min else less_equal(b, a)) is True

    kept: list[Size] = []
    for size in _flattened(kind, sizes):
        if not any(wins(other, size) for other in kept):
            kept = [other for other in kept if not wins(size, other)] + [size]
    if len(kept) == 1:
        return kept[0]
    kept.sort(key=lambda size: (isinstance(size, int), str(size)))
    return _from_atom(kind(tuple(kept)))


def _flattened(kind: type[Min] | type[Max], sizes: Iterable[Size]) -> Iterable[Size]:
    for size in sizes:
        match size:
            case Dim(expression=Min() | Max() as inner) if isinstance(inner, kind):
                yield from inner.items
            case _:
                yield size


# ----------------------------------------------------------------------------------- queries


def product(sizes: Iterable[Size]) -> Size:
    """The product of the sizes, 1 for none."""
    total: Size = 1
    for size in sizes:
        total = total * size
    return total


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
    for monomial, _ in _terms(size):
        for atom in monomial:
            if isinstance(atom, Symbol):
                found.add(atom.name)
            found.update(*map(symbols, atom.operands))
    return frozenset(found)


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
            return values[name] if name in values else _from_atom(atom)
        case FloorDiv(left, right):
            return floor_div(substitute(left, values), substitute(right, values))
        case Mod(left, right):
            return modulo(substitute(left, values), substitute(right, values))
        case Min(items) | Max(items):
            return _extreme(type(atom), [substitute(item, values) for item in items])
    raise TypeError(atom)


def evaluate(size: Size, values: Mapping[str, int]) -> int:
    """The number that the expression is.  Raises KeyError for a symbol without a value."""
    result = substitute(size, values)
    if isinstance(result, Dim):
        raise KeyError(min(symbols(result)))
    return result


def solve(size: Size, value: Size) -> dict[str, Size] | None:
    """The symbol's value that makes an affine expression of one symbol equal to `value`.

    None where there is no such integer >= 1, or the expression is not of this form.
    """
    match size:
        case Dim(terms=(((Symbol(name),), factor), *rest)) if not rest or not rest[0][0]:
            quotient = floor_div(value - size.constant, factor)
            if factor * quotient + size.constant != value:
                return None
            return None if less(quotient, 1) else {name: quotient}
    return None


from compiler.dim_bounds import (  # noqa: E402  (it is about the classes above)
    Bounds,
    equal,
    less,
    less_equal,
    lower_bound,
    upper_bound,
)

__all__ = [
    "Bounds",
    "Dim",
    "DimError",
    "Expression",
    "FloorDiv",
    "Max",
    "Min",
    "Mod",
    "Product",
    "Size",
    "Sum",
    "Symbol",
    "balanced",
    "broadcast",
    "equal",
    "evaluate",
    "floor_div",
    "is_polynomial",
    "less",
    "less_equal",
    "lower_bound",
    "maximum",
    "minimum",
    "modulo",
    "product",
    "solve",
    "substitute",
    "symbol",
    "symbols",
    "upper_bound",
    "without_common_factor",
]
