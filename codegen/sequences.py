"""Lists of layers that are only ever applied one after the other: sequences, which frameworks have.

`for block in stage: h = block(h)` is `h = stage(h)` where `stage` can be called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from tercet.codegen.expr import Call, Element, Expr, Name
from tercet.codegen.tree import find_parts
from tercet.codegen.writer import Assign, For, If, Statement


def as_sequences(statements: Sequence[Statement]) -> tuple[list[Statement], frozenset[str]]:
    """The statements with sequences called, and the attributes whose innermost lists these are."""
    used = Counter(e.site for e in find_parts(statements, Element) if not e.received)
    plain = Counter(
        loop.iterable.site
        for loop in _loops(statements)
        if isinstance(loop.iterable, Element) and not loop.iterable.received and _is_plain(loop)
    )
    sites = frozenset(site for site, count in plain.items() if used[site] == count)
    return _called(statements, sites, frozenset()), sites


def _loops(statements: Sequence[Statement]) -> Iterator[For]:
    for statement in statements:
        match statement:
            case For(body=body):
                yield statement
                yield from _loops(body)
            case If(then=then, otherwise=otherwise):
                yield from _loops((*then, *otherwise))


def _is_plain(loop: For) -> bool:
    """Whether a loop only applies what it goes over to the last result, or lists of such."""
    if _application(loop) is not None:
        return True
    inner = [one for one in loop.body if isinstance(one, For) and one.iterable == loop.target]
    mentioned = sum(part == loop.target for part in find_parts(loop.body, Name))
    return bool(inner) and mentioned == len(inner) and all(map(_is_plain, inner))


def _application(loop: For) -> Assign | None:
    """`h = layer(h)`, if that is all."""
    match loop.body:
        case [Assign((Name() as result,), Call(callee, (operand,), ()))] if (
            callee == loop.target and operand == result
        ):
            (statement,) = loop.body
            assert isinstance(statement, Assign)
            return statement
    return None


def _called(
    statements: Sequence[Statement], sites: frozenset[str], lists: frozenset[Expr]
) -> list[Statement]:
    """`lists` are the variables of loops that hold lists of these sites."""
    result: list[Statement] = []
    for statement in statements:
        match statement:
            case For(target, iterable, body):
                of_site = isinstance(iterable, Element) and iterable.site in sites
                if (of_site or iterable in lists) and (whole := _application(statement)):
                    call = Call(iterable, whole.targets)
                    result.append(Assign(whole.targets, call, whole.comment))
                    continue
                inner = lists | {target} if of_site or iterable in lists else lists
                result.append(For(target, iterable, tuple(_called(body, sites, inner))))
            case If(condition, then, otherwise):
                sides = (tuple(_called(side, sites, lists)) for side in (then, otherwise))
                result.append(If(condition, *sides))
            case _:
                result.append(statement)
    return result
