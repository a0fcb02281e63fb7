"""Relations of sizes: decided where that is possible, tried with numbers, written simply."""

from __future__ import annotations

from collections.abc import Mapping

from tercet.compiler.dims.atoms import FloorDiv, Symbol, symbol
from tercet.compiler.dims.bounds import equal, less, less_equal
from tercet.compiler.dims.functions import evaluate, symbols
from tercet.compiler.dims.polynomial import Atom, Dim, Size, from_atom


def compare(left: Size, relation: str, right: Size) -> bool | None:
    """Whether `left relation right` holds for all values, for none (False), or is undecided."""
    match relation:
        case "==":
            return equal(left, right)
        case "!=":
            answer = equal(left, right)
            return None if answer is None else not answer
        case "<":
            return less(left, right)
        case "<=":
            return less_equal(left, right)
        case ">":
            return less(right, left)
        case ">=":
            return less_equal(right, left)
    raise ValueError(f"unknown relation {relation!r}")


def holds(left: Size, relation: str, right: Size, values: Mapping[str, int]) -> bool:
    """Whether `left relation right` holds for these numbers, which a division by zero does not.

    Raises KeyError for a symbol without a value.
    """
    try:
        return compare(evaluate(left, values), relation, evaluate(right, values)) is True
    except ZeroDivisionError:
        return False


Relation = tuple[Size, str, Size]


def simplified(left: Size, relation: str, right: Size) -> Relation:
    """The same demand in fewer words, where there are any.

    `1 <= (H - 7) // 2 + 1` is `H >= 7`, and `T == 4 * (T // 4)` is `T % 4 == 0`.
    """
    gap = right - left
    found: Relation | None = None
    if isinstance(gap, Dim) and relation == "<=":
        found = _bound(gap)
    elif isinstance(gap, Dim) and relation == "==":
        found = _multiple(gap) or _multiple(-gap)
    return found or (left, relation, right)


def _bound(gap: Dim) -> Relation | None:
    """A bound of its symbol that says that `gap` is not negative."""
    if len(names := symbols(gap)) != 1:
        return None
    (name,) = names
    if _increases(gap):
        return symbol(name), ">=", _least(name, gap, 0)
    if _increases(-gap):
        return symbol(name), "<=", _least(name, -gap, 1) - 1
    return None


def _increases(size: Size) -> bool:
    """Whether the size never gets smaller, and beyond all bounds, as its symbols grow.

    Found of sums of symbols and of quotients by numbers, each of them counted positively.
    """
    return isinstance(size, Dim) and all(
        not monomial or (coefficient > 0 and len(monomial) == 1 and _atom_increases(monomial[0]))
        for monomial, coefficient in size.terms
    )


def _atom_increases(atom: Atom) -> bool:
    match atom:
        case Symbol():
            return True
        case FloorDiv(left, int() as right):
            return right > 0 and _increases(left)
    return False


def _least(name: str, size: Size, value: int) -> int:
    """The smallest number for which a size that increases is at least `value`."""
    low, high = 0, 1
    while evaluate(size, {name: high}) < value:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if evaluate(size, {name: middle}) < value:
            low = middle
        else:
            high = middle
    return high


def _multiple(gap: Size) -> Relation | None:
    """That `x - n * (x // n)` is zero, said of the remainder."""
    if isinstance(gap, Dim):
        for monomial, coefficient in gap.terms:
            match monomial:
                case (FloorDiv(left, int() as right) as atom,) if coefficient == -right:
                    if gap + right * from_atom(atom) == left:
                        return left % right, "==", 0
    return None
