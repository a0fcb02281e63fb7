"""Floor division and remainder of sizes, taken as far as polynomials go.

What does not come out even, and is not decided by bounds, stays as an atom.
"""

from __future__ import annotations

import math
from functools import lru_cache

from tercet.compiler.dims.atoms import FloorDiv, Mod, Symbol
from tercet.compiler.dims.bounds import less, less_equal
from tercet.compiler.dims.polynomial import (
    Dim,
    Monomial,
    Size,
    division,
    from_atom,
    from_terms,
    terms_of,
)


@division
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
    return quotient + from_atom(FloorDiv(rest, divisor))


@lru_cache(maxsize=4096)
def _floor_div_int(a: Dim, b: int) -> Size:
    if b == 0:
        raise ZeroDivisionError(f"{a} // 0")
    if b < 0:
        return floor_div(-a, -b)
    quotient = from_terms({m: c // b for m, c in a.terms})
    rest = from_terms({m: c % b for m, c in a.terms})
    if isinstance(rest, int) or _fits(rest, b):
        return quotient
    divisor = math.gcd(b, *(c for m, c in rest.terms if m))
    if divisor > 1:
        reduced = from_terms({m: c // divisor for m, c in rest.terms})
        return quotient + floor_div(reduced, b // divisor)
    if (merged := _merge_nested(rest, b)) is not None:
        return quotient + merged
    return quotient + from_atom(FloorDiv(rest, b))


def _merge_nested(rest: Dim, b: int) -> Size | None:
    """(x // a + y) // b == (x + a * y) // (a * b), where one term is such a quotient."""
    inner = [m for m, c in rest.terms if c == 1 and len(m) == 1 and isinstance(m[0], FloorDiv)]
    if len(inner) != 1:
        return None
    ((quotient,),) = inner
    assert isinstance(quotient, FloorDiv)
    if not isinstance(quotient.right, int):
        return None
    others = rest - from_atom(quotient)
    return floor_div(quotient.left + quotient.right * others, quotient.right * b)


@division
def modulo(a: Size, b: Size) -> Size:
    """`a % b`.  Raises ZeroDivisionError."""
    if isinstance(a, int) and isinstance(b, int):
        return a % b
    if isinstance(b, int):
        return _modulo_int(a, b)
    _, rest = _divide(a, b)
    return rest if _fits(rest, b) else from_atom(Mod(rest, b))


def _modulo_int(a: Size, b: int) -> Size:
    if b == 0:
        raise ZeroDivisionError(f"{a} % 0")
    if b < 0:
        return -modulo(-a, -b)
    rest = from_terms({m: c % b for m, c in terms_of(_without_inner_mod(a, b))})
    if isinstance(rest, int) or _fits(rest, b):
        return rest
    divisor = math.gcd(b, *(c for m, c in rest.terms if m))
    if divisor > 1:
        reduced = from_terms({m: c // divisor for m, c in rest.terms})
        return divisor * modulo(reduced, b // divisor) + rest.constant % divisor
    return from_atom(Mod(rest, b))


def _without_inner_mod(a: Size, b: int) -> Size:
    """The same number modulo b: `x % (k * b)` is x."""
    total: Size = 0
    for monomial, coefficient in terms_of(a):
        match monomial:
            case (Mod(left, int() as right),) if right % b == 0:
                total = total + coefficient * _without_inner_mod(left, b)
            case _:
                total = total + from_terms({monomial: coefficient})
    return total


def _divide(a: Size, b: Dim) -> tuple[Size, Size]:
    """Quotient q and rest a - q * b, by polynomial division where that makes the rest simpler."""
    (lead, coefficient), *others = b.terms
    quotient: Size = 0
    rest: Size = 0
    pending = a
    while isinstance(pending, Dim) or pending:
        monomial, value = terms_of(pending)[0]
        factor = _quotient(monomial, lead) if value % coefficient == 0 else None
        if factor is None:
            step = from_terms({monomial: value})
            rest, pending = rest + step, pending - step
        else:
            part = from_terms({factor: value // coefficient})
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
    terms = (*terms_of(a), *b.terms)
    divisor = math.gcd(*(c for _, c in terms))
    common = list(terms[0][0])
    for monomial, _ in terms[1:]:
        left = list(monomial)
        common = [atom for atom in common if atom in left and (left.remove(atom) or True)]  # type: ignore[func-returns-value]
    if divisor == 1 and not common:
        return a, b
    factor = tuple(common)

    def reduced(size: Size) -> Size:
        return from_terms({_quotient(m, factor) or (): c // divisor for m, c in terms_of(size)})

    return reduced(a), reduced(b)


def without_common_factor(a: Size, b: Size) -> tuple[Size, Size]:
    """Both sides of an equation of positive sizes, without what all their terms share."""
    if isinstance(b, Dim) and (isinstance(a, Dim) or a):
        return _cancel(a, b)
    return _cancel(b, a)[::-1] if isinstance(a, Dim) and b else (a, b)


def balanced(a: Size, b: Size) -> tuple[Size, Size]:
    """The sides of an inequality a <= b with all terms positive: `2 <= T` for `1 <= T - 1`."""
    terms = terms_of(b - a)
    left = from_terms({m: -c for m, c in terms if c < 0})
    return left, from_terms({m: c for m, c in terms if c > 0})


def _fits(rest: Size, b: Size) -> bool:
    """Whether 0 <= rest < b is certain."""
    if rest == 0:
        return True
    if isinstance(b, int) and all(isinstance(a, Symbol) for m, _ in terms_of(rest) for a in m):
        return isinstance(rest, int) and 0 <= rest < b  # symbols have no upper bound
    return less_equal(0, rest) is True and less(rest, b) is True
