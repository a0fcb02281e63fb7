"""Results returned where they are computed, not carried out of an `if` in a variable."""

from __future__ import annotations

from collections.abc import Sequence

from tercet.codegen.expr import Name
from tercet.codegen.writer import Assign, If, Return, Statement


def with_early_returns(body: Sequence[Statement]) -> list[Statement]:
    """`if a: return x`, `return y` for `if a: r = x`, `else: r = y`, `return r` at the end."""
    match body:
        case [*before, If() as branch, Return(Name() as result, comment)]:
            if _ends_with(branch, result):
                return [*before, *_returning([branch], result, comment)]
    return list(body)


def _ends_with(statement: Statement, result: Name) -> bool:
    """Whether the last thing that a statement does is to assign the result."""
    match statement:
        case Assign((target,)):
            return target == result
        case If(_, (*_, then), (*_, otherwise)):
            return _ends_with(then, result) and _ends_with(otherwise, result)
    return False


def _returning(body: Sequence[Statement], result: Name, comment: str | None) -> list[Statement]:
    *before, last = body
    match last:
        case If(condition, then, otherwise):
            early = If(condition, tuple(_returning(then, result, comment)))
            return [*before, early, *_returning(otherwise, result, comment)]
        case Assign(_, value, own):
            return [*before, Return(value, own or comment)]
    raise TypeError(type(last).__name__)
