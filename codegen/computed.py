"""Sizes that the source does not write down, computed from those that it does.

What `dense` gets after `flatten` is a product of sizes that are arguments; nobody wrote it.  The
shortest formula is looked for that gives the right number in every execution at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from operator import add, ge, gt, le, lt, mul, sub
from typing import Any

from tercet.codegen.arguments import Arguments
from tercet.codegen.expr import ArgumentName, Binary, Conditional, Expr, Literal, LoopItem, SizeName
from tercet.codegen.tree import has_part

_Known = tuple[Expr, list[Any]]

_INTEGERS: dict[str, Callable[[int, int], Any]] = {
    "+": add,
    "-": sub,
    "*": mul,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
    "**": lambda a, b: a**b if 0 <= b < 64 else float(a) ** b,
}
"""What is computed of integers while printing."""

_EVIDENCE = 3
"""How many different values must be at hand before a sum is believed."""


def computed(values: Sequence[Any], known: Iterable[_Known]) -> Expr | None:
    """A formula over known expressions that gives these numbers; None if there is none."""
    if any(type(v) is not int for v in values):
        return None
    return next(_formulas(list(values), _different(known)), None)


def known_size(arguments: Arguments, values: list[int], graphs: Sequence[int]) -> Expr | None:
    """A formula for sizes of some specialisations that needs no new argument."""
    known = [(ArgumentName(a.name), [a.values[g] for g in graphs]) for a in arguments.known]
    printed = [
        (expr, [held[g] for g in graphs])
        for expr, held in arguments.expressions
        if is_over_arguments(expr) and held.keys() >= set(graphs)
    ]
    return computed(values, [*known, *printed])


def is_over_arguments(expr: Expr) -> bool:
    """Whether nothing but arguments of the class and numbers is in an expression."""
    return not (has_part(expr, SizeName) or has_part(expr, LoopItem))


def _different(known: Iterable[_Known]) -> list[_Known]:
    """The expressions that are integers and not everywhere the same, each column once."""
    found: dict[tuple[int, ...], _Known] = {}
    for expr, column in known:
        if all(type(v) is int for v in column) and len(set(column)) > 1:
            found.setdefault(tuple(column), (expr, column))
    return list(found.values())


def _formulas(values: list[int], atoms: list[_Known]) -> Iterator[Expr]:
    for expr, column in atoms:
        if column == values:
            yield expr
    for expr, column in atoms:
        yield from _multiple(values, expr, column)
    for (left, a), (right, b) in combinations(atoms, 2):
        product = [x * y for x, y in zip(a, b, strict=True)]
        yield from _multiple(values, Binary("*", left, right), product)
        if all(y != 0 and x == v * y for x, y, v in zip(a, b, values, strict=True)):
            yield Binary("//", left, right)
        if all(x != 0 and y == v * x for x, y, v in zip(a, b, values, strict=True)):
            yield Binary("//", right, left)
    for expr, column in atoms:
        yield from _with_addend(values, expr, column)
    for (left, a), (right, b) in combinations(atoms, 2):
        total = [x + y for x, y in zip(a, b, strict=True)]
        if values == total and len(set(zip(a, b, strict=True))) >= _EVIDENCE:
            yield Binary("+", left, right)


def _multiple(values: list[int], expr: Expr, column: list[int]) -> Iterator[Expr]:
    """`4 * expr`, or `expr // 4`."""
    if column[0] == 0 or values[0] == 0:
        return
    factor, rest = divmod(values[0], column[0])
    if not rest and factor > 0 and values == [factor * v for v in column]:
        yield expr if factor == 1 else Binary("*", Literal(factor), expr)
    divisor, rest = divmod(column[0], values[0])
    if not rest and divisor > 1 and column == [divisor * v for v in values]:
        yield Binary("//", expr, Literal(divisor))


def _with_addend(values: list[int], expr: Expr, column: list[int]) -> Iterator[Expr]:
    """`2 * expr + 1`."""
    if len(set(column)) < _EVIDENCE:
        return
    place = next(k for k, v in enumerate(column) if v != column[0])
    slope, rest = divmod(values[place] - values[0], column[place] - column[0])
    addend = values[0] - slope * column[0]
    if rest or slope < 1 or values != [slope * v + addend for v in column]:
        return
    scaled = expr if slope == 1 else Binary("*", Literal(slope), expr)
    yield Binary("+" if addend > 0 else "-", scaled, Literal(abs(addend)))


def folded(operator: str, left: Expr, right: Expr) -> Expr:
    """`left operator right`, as far as it can be computed: of numbers, without a factor of 1."""
    match operator, left, right:
        case "and", Literal(bool(truth)), other:
            return other if truth else left
        case "or", Literal(bool(truth)), other:
            return left if truth else other
        case "==", Literal(a), Literal(b):
            return Literal(a == b)
        case "!=", Literal(a), Literal(b):
            return Literal(a != b)
        case "*", Literal(1, kind=kind), other if kind is int:
            return other
        case "*", other, Literal(1, kind=kind) if kind is int:
            return other
        case _, Literal(int(a), kind=left_kind), Literal(int(b), kind=right_kind):
            if bool not in (left_kind, right_kind) and operator in _INTEGERS:
                return Literal(_INTEGERS[operator](a, b))
    return Binary(operator, left, right)


def chosen(condition: Expr, then: Expr, otherwise: Expr) -> Expr:
    """`then if condition else otherwise`, or the side that it is known to be."""
    match condition:
        case Literal(bool(truth)):
            return then if truth else otherwise
    return Conditional(condition, then, otherwise)
