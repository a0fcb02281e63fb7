"""Lists of modules that are called: `nn.Sequential`, in which parameters keep their names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tercet.backends.pytorch.target import nn
from tercet.codegen.expr import Call, Comprehension, Element, Expr, Sequence, Starred
from tercet.codegen.printed import ClassCode
from tercet.codegen.tree import replace as replace_parts
from tercet.codegen.writer import Assign


def with_sequences(code: ClassCode) -> ClassCode:
    """The class with lists of layers that it calls as `nn.Sequential`."""
    construct = tuple(
        Assign(statement.targets, _sequential(statement.value), statement.comment)
        if isinstance(statement, Assign) and _is_of(statement.targets[0], code.sequences)
        else statement
        for statement in code.construct
    )
    return replace(code, construct=construct)


def _is_of(target: Expr, attributes: frozenset[str]) -> bool:
    return isinstance(target, Element) and target.site in attributes


def _sequential(expr: Expr) -> Expr:
    """The innermost lists in an expression as sequences."""
    match expr:
        case Call(callee, (items,)) if callee == nn.ModuleList:
            lists = [part for part in _elements(items) if _is_list(part)]
            if lists:
                return Call(callee, (replace_parts(items, _sequential_list),))
            if isinstance(items, Sequence):
                return Call(nn.Sequential, items.items)
            return Call(nn.Sequential, (Starred(items),))
    return expr


def _sequential_list(expr: Expr) -> Expr | None:
    return _sequential(expr) if _is_list(expr) else None


def _elements(items: Expr) -> Iterable[Expr]:
    match items:
        case Sequence(items=parts):
            return parts
        case Comprehension(element):
            return (element,)
    return ()


def _is_list(expr: Expr) -> bool:
    return isinstance(expr, Call) and expr.callee == nn.ModuleList
