"""Walking and changing expressions as trees."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tercet.codegen.expr import (
    Attribute,
    Binary,
    Call,
    Comprehension,
    Conditional,
    Dictionary,
    Expr,
    Format,
    Sequence,
    SliceExpr,
    Starred,
    Subscript,
    Unary,
)


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


def call_depth(expr: Expr) -> int:
    """How deep calls nest in each other."""
    return max(map(call_depth, children(expr)), default=0) + isinstance(expr, Call)
