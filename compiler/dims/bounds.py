"""Bounds of sizes, and the comparisons that follow from them.

An interval is computed for a polynomial after each atom is written as its lower bound plus a
non-negative rest, so that `H * W - H` is seen to be >= 0.  Quotients, minima and maxima are also
replaced by polynomials that bound them, so that `H - H // 2` is seen to be >= 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

from tercet.compiler.dims.atoms import FloorDiv, Max, Min, Mod, Symbol
from tercet.compiler.dims.polynomial import (
    Atom,
    Dim,
    DimError,
    Monomial,
    Size,
    from_atom,
    from_terms,
    product,
)

Bounds = Mapping[str, tuple[int, int | None]]
"""Least and greatest value (None: no limit) of symbols that are not just >= 1."""

Interval = tuple[int | None, int | None]

_MAX_DEGREE = 8
_MAX_RELAXATIONS = 4


class _Frozen(dict[str, tuple[int, int | None]]):
    """Bounds as a key of the memory of answers."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


_NO_BOUNDS = _Frozen()


def lower_bound(size: Size, bounds: Bounds = _NO_BOUNDS) -> int | None:
    """A number that the size is never below, or None where none is known."""
    if isinstance(size, int):
        return size
    return _lower(size, bounds if isinstance(bounds, _Frozen) else _Frozen(bounds))


def upper_bound(size: Size, bounds: Bounds = _NO_BOUNDS) -> int | None:
    """A number that the size is never above, or None where none is known."""
    lower = lower_bound(-size, bounds)
    return None if lower is None else -lower


def equal(a: Size, b: Size, bounds: Bounds = _NO_BOUNDS) -> bool | None:
    """Whether the sizes are equal for all values (True), for none (False), or undecided (None)."""
    if a == b:
        return True
    difference = _without_mod(a - b)
    if isinstance(difference, int):
        return difference == 0
    divisor = math.gcd(*(c for m, c in difference.terms if m))
    if difference.constant % divisor:
        return False
    if less(a, b, bounds) or less(b, a, bounds):
        return False
    return None


def less(a: Size, b: Size, bounds: Bounds = _NO_BOUNDS) -> bool | None:
    """Whether a < b for all values (True), for none (False), or undecided (None)."""
    return less_equal(a + 1, b, bounds)


def less_equal(a: Size, b: Size, bounds: Bounds = _NO_BOUNDS) -> bool | None:
    """Whether a <= b for all values (True), for none (False), or undecided (None)."""
    if isinstance(a, int) and isinstance(b, int):
        return a <= b
    difference = b - a
    lower = lower_bound(difference, bounds)
    if lower is not None and lower >= 0:
        return True
    upper = upper_bound(difference, bounds)
    return False if upper is not None and upper < 0 else None


def _without_mod(size: Size) -> Size:
    """The same size with `x % b` written as `x - b * (x // b)`."""
    if isinstance(size, int):
        return size
    total: Size = 0
    for monomial, coefficient in size.terms:
        factors = [
            atom.left - atom.right * (atom.left // atom.right)
            if isinstance(atom, Mod)
            else from_atom(atom)
            for atom in monomial
        ]
        total = total + coefficient * product(factors)
    return total


# ------------------------------------------------------------------------------------ intervals


@lru_cache(maxsize=4096)
def _lower(size: Size, bounds: _Frozen, relaxations: int = _MAX_RELAXATIONS) -> int | None:
    if isinstance(size, int):
        return size
    found = [_interval(size, bounds)[0]]
    if relaxations:
        for relaxed, scale in _relaxed(size, bounds):
            bound = _lower(relaxed, bounds, relaxations - 1)
            found.append(None if bound is None else -(-bound // scale))
    return max((bound for bound in found if bound is not None), default=None)


def _interval(size: Size, bounds: Bounds) -> Interval:
    if isinstance(size, int):
        return size, size
    shifted: dict[Monomial, int] = {}
    ranges: dict[Atom, int | None] = {}
    for monomial, coefficient in size.terms:
        if len(monomial) > _MAX_DEGREE:
            return None, None
        parts: dict[Monomial, int] = {(): coefficient}
        for atom in monomial:
            lower, upper = _atom_interval(atom, bounds)
            if lower is None:
                return None, None
            ranges[atom] = None if upper is None else upper - lower
            grown = {(*m, atom): c for m, c in parts.items()}
            parts = {m: c * lower for m, c in parts.items()}
            for m, c in grown.items():
                parts[m] = parts.get(m, 0) + c
        for m, c in parts.items():
            shifted[m] = shifted.get(m, 0) + c
    return _lower_of_shifted(shifted, ranges, 1), _negated(_lower_of_shifted(shifted, ranges, -1))


def _lower_of_shifted(
    terms: Mapping[Monomial, int], ranges: Mapping[Atom, int | None], sign: int
) -> int | None:
    """Lower bound of `sign` times a polynomial whose atoms lie between 0 and their ranges."""
    total = sign * terms.get((), 0)
    for monomial, coefficient in terms.items():
        if not monomial or sign * coefficient >= 0:
            continue
        largest = 1
        for atom in monomial:
            limit = ranges[atom]
            if limit is None:
                return None
            largest *= limit
        total += sign * coefficient * largest
    return total


def _negated(bound: int | None) -> int | None:
    return None if bound is None else -bound


def _atom_interval(atom: Atom, bounds: Bounds) -> Interval:
    match atom:
        case Symbol(name):
            return bounds.get(name, (1, None))
        case FloorDiv(left, right):
            return _floor_interval(_both(left, bounds), _both(right, bounds))
        case Mod(left, right):
            return _mod_interval(_both(left, bounds), _both(right, bounds))
        case Min(items):
            lowers, uppers = zip(*(_both(item, bounds) for item in items), strict=True)
            known = [u for u in uppers if u is not None]
            return None if None in lowers else min(lowers), min(known, default=None)
        case Max(items):
            lowers, uppers = zip(*(_both(item, bounds) for item in items), strict=True)
            known = [lo for lo in lowers if lo is not None]
            return max(known, default=None), None if None in uppers else max(uppers)
    raise TypeError(atom)


def _both(size: Size, bounds: Bounds) -> Interval:
    return lower_bound(size, bounds), upper_bound(size, bounds)


def _floor_interval(left: Interval, right: Interval) -> Interval:
    (lower, upper), (least, most) = left, right
    if least is None or least < 1:
        return None, None
    if lower is not None:
        lower = lower // least if lower < 0 else lower // most if most is not None else 0
    if upper is not None:
        upper = upper // least if upper >= 0 else upper // most if most is not None else -1
    return lower, upper


def _mod_interval(left: Interval, right: Interval) -> Interval:
    (lower, upper), (least, most) = left, right
    if least is None or least < 1:
        return None, None
    limits = [None if most is None else most - 1]
    if lower is not None and lower >= 0:
        limits.append(upper)
    return 0, min((limit for limit in limits if limit is not None), default=None)


# ----------------------------------------------------------------------------------- relaxation


def _relaxed(size: Dim, bounds: Bounds) -> list[tuple[Size, int]]:
    """Polynomials p with positive scales s such that size >= p / s, one atom gone in each."""
    for monomial, coefficient in size.terms:
        for place, atom in enumerate(monomial):
            others = monomial[:place] + monomial[place + 1 :]
            factor = from_terms({others: coefficient})
            below = _below(atom, coefficient > 0)
            if below and _non_negative(others, bounds):
                rest = size - from_terms({monomial: coefficient})
                try:
                    return [(scale * rest + factor * bound, scale) for bound, scale in below]
                except DimError:
                    return []
    return []


def _below(atom: Atom, positive: bool) -> list[tuple[Size, int]]:
    """Bounds (p, s): atom >= p / s where `positive`, else atom <= p / s."""
    match atom:
        case FloorDiv(left, int() as right):
            return [(left - (right - 1) if positive else left, right)]
        case Max(items) if positive:
            return [(item, 1) for item in items]
        case Min(items) if not positive:
            return [(item, 1) for item in items]
    return []


def _non_negative(monomial: Monomial, bounds: Bounds) -> bool:
    lowers = (_atom_interval(atom, bounds)[0] for atom in monomial)
    return all(lower is not None and lower >= 0 for lower in lowers)
