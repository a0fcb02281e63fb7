"""Static expressions of the source, as Python: `if stride == 1 and C == channels` and the like."""

from __future__ import annotations

from collections.abc import Mapping

from tercet.codegen.expr import (
    Binary,
    Call,
    Conditional,
    Expr,
    Literal,
    Name,
    Sequence,
    Subscript,
    Unary,
)
from tercet.dsl import nodes

_FUNCTIONS = {
    "len",
    "range",
    "min",
    "max",
    "abs",
    "sum",
    "int",
    "float",
    "round",
    "enumerate",
    "zip",
}


def static_expr(node: nodes.Expr, names: Mapping[str, Expr | None]) -> Expr | None:
    """The expression over what `names` gives for each name; None where one cannot be printed."""
    match node:
        case nodes.Constant(value=value):
            return Literal(value)
        case nodes.Name(id=identifier):
            return names.get(identifier)
        case nodes.Unary(operator="not", operand=operand):
            inner = static_expr(operand, names)
            return None if inner is None else Unary("not", inner)
        case nodes.Unary(operator=operator, operand=operand):
            inner = static_expr(operand, names)
            return None if inner is None else Unary(operator, inner)
        case nodes.Binary(operator=operator, left=left, right=right):
            parts = _all((left, right), names)
            return None if parts is None else Binary(operator, *parts)
        case nodes.Conditional(condition=condition, then=then, otherwise=otherwise):
            parts = _all((condition, then, otherwise), names)
            return None if parts is None else Conditional(*parts)
        case nodes.List(items=items) | nodes.Tuple(items=items):
            parts = _all(items, names)
            return None if parts is None else Sequence(parts, isinstance(node, nodes.List))
        case nodes.Call(function=nodes.Name(id=function), arguments=arguments, keywords=()):
            parts = _all(arguments, names)
            known = function in _FUNCTIONS and function not in names
            return Call(Name(function), parts) if known and parts is not None else None
        case nodes.Index(value=value, items=(item,)) if not isinstance(
            item, nodes.Slice | nodes.Ellipsis
        ):
            parts = _all((value, item), names)
            return None if parts is None else _subscript(*parts)
    return None


def _all(
    items: tuple[nodes.Expr, ...], names: Mapping[str, Expr | None]
) -> tuple[Expr, ...] | None:
    parts = []
    for item in items:
        part = static_expr(item, names)
        if part is None:
            return None
        parts.append(part)
    return tuple(parts)


def _subscript(owner: Expr, place: Expr) -> Expr:
    match owner, place:
        case Sequence(items), Literal(int(index)) if -len(items) <= index < len(items):
            return items[index]
    return Subscript(owner, place)
