"""Walking and changing expressions and statements as trees."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace as replace_fields
from typing import Any

from tercet.codegen.expr import (
    Attribute,
    Binary,
    Call,
    Comprehension,
    Conditional,
    Dictionary,
    Element,
    Expr,
    Format,
    Sequence,
    SliceExpr,
    Starred,
    Subscript,
    Unary,
)
from tercet.codegen.writer import Assign, Evaluate, For, If, Line, Return, Statement


def children(expr: Expr) -> Iterable[Expr]:
    """The direct parts of an expression."""
    match expr:
        case Attribute(owner=owner):
            return (owner,)
        case Call(callee, positional, keywords):
            return (callee, *positional, *(v for _, v in keywords))
        case Subscript(owner, place):
            return (owner, place)
        case SliceExpr(start, stop, step):
            return tuple(p for p in (start, stop, step) if p is not None)
        case Unary(operand=operand) | Starred(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return (left, right)
        case Conditional(condition, then, otherwise):
            return (condition, then, otherwise)
        case Sequence(items=items):
            return items
        case Dictionary(entries):
            return tuple(part for entry in entries for part in entry)
        case Comprehension(element, target, iterable):
            return (element, target, iterable)
        case Format(parts):
            return tuple(p for p in parts if isinstance(p, Expr))
    return ()


def rebuild(expr: Expr, parts: Iterable[Expr]) -> Expr:
    """The same expression over other parts, given in the order of `children`."""
    it = iter(parts)
    match expr:
        case Attribute(member=member):
            return Attribute(next(it), member)
        case Call(_, positional, keywords):
            callee = next(it)
            return Call(
                callee,
                tuple(next(it) for _ in positional),
                tuple((k, next(it)) for k, _ in keywords),
            )
        case Subscript():
            return Subscript(next(it), next(it))
        case SliceExpr(start, stop, step):
            a, b, c = (None if p is None else next(it) for p in (start, stop, step))
            return SliceExpr(a, b, c)
        case Unary(operator=operator):
            return Unary(operator, next(it))
        case Starred():
            return Starred(next(it))
        case Binary(operator=operator):
            return Binary(operator, next(it), next(it))
        case Conditional():
            return Conditional(next(it), next(it), next(it))
        case Sequence(items=items, is_list=is_list):
            return Sequence(tuple(next(it) for _ in items), is_list)
        case Dictionary(entries):
            return Dictionary(tuple((next(it), next(it)) for _ in entries))
        case Comprehension():
            return Comprehension(next(it), next(it), next(it))
        case Format(format_parts):
            return Format(tuple(next(it) if isinstance(p, Expr) else p for p in format_parts))
    return expr


def replace(expr: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """The expression with every part for which `change` gives another one exchanged."""
    changed = change(expr)
    if changed is not None:
        return changed
    parts = tuple(children(expr))
    if not parts:
        return expr
    renewed = tuple(replace(p, change) for p in parts)
    return (
        expr if all(a is b for a, b in zip(parts, renewed, strict=True)) else rebuild(expr, renewed)
    )


def mentions(expr: Expr, part: Expr) -> bool:
    """Whether `part` stands somewhere in the expression."""
    return expr == part or any(mentions(c, part) for c in children(expr))


def has_part(expr: Expr, kind: type[Expr]) -> bool:
    """Whether an expression of a kind stands somewhere in the expression."""
    return isinstance(expr, kind) or any(has_part(part, kind) for part in children(expr))


def call_depth(expr: Expr) -> int:
    """How deep calls nest in each other."""
    return max(map(call_depth, children(expr)), default=0) + isinstance(expr, Call)


# ------------------------------------------------------------------------------------ statements


def find_parts(statements: Iterable[Statement], kind: type[Any]) -> Iterator[Any]:
    """All parts of a kind in all expressions of the statements."""
    for statement in statements:
        for expr in _expressions(statement):
            yield from _parts(expr, kind)
        yield from find_parts(_bodies(statement), kind)


def _parts(expr: Expr, kind: type[Any]) -> Iterator[Any]:
    if isinstance(expr, kind):
        yield expr
    if isinstance(expr, Element):
        for place in expr.places:
            yield from _parts(place, kind)
    for part in children(expr):
        yield from _parts(part, kind)


def _expressions(statement: Statement) -> tuple[Expr, ...]:
    match statement:
        case Assign(targets, value):
            return (*targets, value)
        case Return(value) | Evaluate(value):
            return (value,)
        case For(target, iterable):
            return (target, iterable)
        case If(condition):
            return (condition,)
    return ()


def _bodies(statement: Statement) -> tuple[Statement, ...]:
    match statement:
        case For(body=body):
            return body
        case If(then=then, otherwise=otherwise):
            return then + otherwise
    return ()


def map_expressions(
    statements: Iterable[Statement], change: Callable[[Expr], Expr | None]
) -> list[Statement]:
    """The statements with expressions exchanged wherever `change` gives another one."""

    def new(expr: Expr) -> Expr:
        return replace(expr, _deep)

    def _deep(expr: Expr) -> Expr | None:
        changed = change(expr)
        if changed is None and isinstance(expr, Element) and expr.places:
            places = tuple(new(p) for p in expr.places)
            return None if places == expr.places else replace_fields(expr, places=places)
        return changed

    result: list[Statement] = []
    for statement in statements:
        match statement:
            case Assign(targets, value, comment):
                result.append(Assign(tuple(new(t) for t in targets), new(value), comment))
            case Return(value, comment):
                result.append(Return(new(value), comment))
            case Evaluate(value):
                result.append(Evaluate(new(value)))
            case For(target, iterable, body):
                result.append(For(new(target), new(iterable), tuple(map_expressions(body, change))))
            case If(condition, then, otherwise):
                both = (tuple(map_expressions(side, change)) for side in (then, otherwise))
                result.append(If(new(condition), *both))
            case Line():
                result.append(statement)
    return result
