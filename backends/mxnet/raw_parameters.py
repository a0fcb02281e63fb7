"""Raw parameters in Gluon: attributes that `hybrid_forward` gets as keywords of the same name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from tercet.codegen.expr import Attribute, Call, Element, Expr, Name
from tercet.codegen.printed import ClassCode
from tercet.codegen.tree import find_parts, map_expressions
from tercet.codegen.writer import Assign, If, Statement

_PARAMETER = Attribute(Attribute(Name("self"), "params"), "get")
_CONSTANT = Attribute(Attribute(Name("self"), "params"), "get_constant")


def has_constants(code: ClassCode) -> bool:
    """Whether a class holds what it computes once."""
    return any(call.callee == _CONSTANT for call in find_parts(code.construct, Call))


def with_raw_parameters(code: ClassCode) -> ClassCode:
    """The class with its parameters as keywords; local variables make way for them.

    One that only some arguments make is None where it is not there.
    """
    raw = [_attribute(s) for s in code.construct if _declares(s)]
    branches = (s for s in code.construct if isinstance(s, If))
    optional = dict.fromkeys(_attribute(s) for s in _inside(branches) if _declares(s))
    if not raw and not optional:
        return code
    taken = {*raw, *optional}
    compute = map_expressions(code.compute, lambda e: _local(e, taken))
    compute = map_expressions(compute, lambda e: _keyword(e, taken))
    given = (*code.inputs, *code.received.values())
    inputs = tuple(f"{name}_" if name in taken else name for name in given)
    keywords = (*raw, *(f"{name}=None" for name in optional if name not in raw))
    return replace(code, inputs=(*inputs, *keywords), received={}, compute=tuple(compute))


def _inside(branches: Iterable[If]) -> Iterator[Statement]:
    for branch in branches:
        for statement in (*branch.then, *branch.otherwise):
            if isinstance(statement, If):
                yield from _inside([statement])
            else:
                yield statement


def _declares(statement: Statement) -> bool:
    match statement:
        case Assign(value=Call(callee=callee)):
            return callee in (_PARAMETER, _CONSTANT)
    return False


def _attribute(statement: Statement) -> str:
    assert isinstance(statement, Assign)
    (target,) = statement.targets
    assert isinstance(target, Element)
    return target.site


def _local(expr: Expr, taken: set[str]) -> Expr | None:
    """Another name for a variable called like a parameter."""
    match expr:
        case Name(identifier) if identifier in taken:
            return Name(f"{identifier}_")
        case Element(site, received=True) if site in taken:
            return replace(expr, site=f"{site}_")
    return None


def _keyword(expr: Expr, taken: set[str]) -> Expr | None:
    match expr:
        case Element(site, (), False) if site in taken:
            return Name(site)
    return None
