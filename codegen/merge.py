"""Merging what several executions of one site lowered to into the one expression that is printed.

The templates must have one structure; where their leaves differ, a resolver finds what the source
wrote there.  `NotAlike` means that they cannot be printed as one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tercet.codegen.expr import (
    Attribute,
    Binary,
    Call,
    Expr,
    Format,
    Helper,
    Input,
    Literal,
    Made,
    Name,
    Optional,
    SiteName,
    Temporary,
    Unary,
)
from tercet.codegen.expr import Sequence as SequenceExpr
from tercet.codegen.references import Argument as ArgumentName
from tercet.codegen.references import Element, LoopItem, SizeName
from tercet.codegen.tree import children, rebuild


class NotAlike(Exception):
    """Executions of one text that cannot be printed as one piece of code."""


Resolver = Callable[[Sequence[Expr], str | None], Expr]
"""Given one leaf per template, and the keyword it stands under, the expression to print."""

_LEAVES = (Literal, Input, Made, SiteName, Temporary)


def merge(templates: Sequence[Expr], resolve: Resolver, keyword: str | None = None) -> Expr:
    """One expression for all templates.  Raises NotAlike."""
    first = templates[0]
    if isinstance(first, _LEAVES):
        if any(type(t) is not type(first) for t in templates):
            raise NotAlike
        return resolve(templates, keyword)
    if len(templates) > 1:
        shape = _head(first)
        if any(_head(t) != shape for t in templates[1:]):
            raise NotAlike
    match first:
        case Name() | Helper() | ArgumentName() | LoopItem() | Element() | SizeName():
            return first
        case Call():
            return _merge_call(templates, resolve)
        case Optional():
            contents = [t.content for t in templates if isinstance(t, Optional)]
            return merge(contents, resolve, keyword)
    columns = zip(*map(children, templates), strict=True)
    return rebuild(first, [merge(column, resolve, keyword) for column in columns])


def _merge_call(templates: Sequence[Expr], resolve: Resolver) -> Expr:
    calls = [t for t in templates if isinstance(t, Call)]
    first = calls[0]
    callee = merge([c.callee for c in calls], resolve)
    positional = tuple(
        merge(column, resolve) for column in zip(*(c.positional for c in calls), strict=True)
    )
    keywords = []
    for index, (name, _) in enumerate(first.keywords):
        values = [c.keywords[index][1] for c in calls]
        if not all(_is_default(v) for v in values):
            keywords.append((name, merge(values, resolve, name)))
    return Call(callee, positional, tuple(keywords))


def _is_default(value: Expr) -> bool:
    return isinstance(value, Optional) and _says(value.content, value.default)


def _says(expr: Expr, value: object) -> bool:
    """Whether an expression is this value, of the same type; a tuple by its items."""
    match expr, value:
        case Literal(content), _:
            return type(content) is type(value) and bool(content == value)
        case SequenceExpr(items, False), tuple():
            return len(items) == len(value) and all(map(_says, items, value))
    return False


def _head(expr: Expr) -> tuple[object, ...]:
    """What two expressions must share besides the heads of their parts."""
    match expr:
        case Name(identifier) | Helper(identifier) | ArgumentName(identifier):
            return type(expr), identifier
        case Attribute(member=member):
            return Attribute, member
        case Call(_, positional, keywords):
            return Call, len(positional), tuple(k for k, _ in keywords)
        case Unary(operator=operator) | Binary(operator=operator):
            return type(expr), operator
        case SequenceExpr(items, is_list):
            return SequenceExpr, len(items), is_list
        case Format(parts):
            return Format, tuple(p if isinstance(p, str) else None for p in parts)
        case LoopItem() | Element() | SizeName():
            return (expr,)
        case Optional():
            return (Optional,)
    return type(expr), len(tuple(children(expr)))
