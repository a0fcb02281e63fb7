"""Decisions of a class that its constructor and its forward function both take: named once.

`self.identity = stride == 1 and in_channels == channels` spares the class three arguments that only
the condition would read when it is applied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tercet.codegen.expr import ArgumentName, Attribute, Binary, Expr, Literal, Name, Unary
from tercet.codegen.tree import children
from tercet.codegen.writer import Assign, If, Statement


def named_conditions(
    construct: Sequence[Statement],
    compute: Sequence[Statement],
    fresh: Callable[[str], str],
) -> tuple[list[Statement], list[Statement]]:
    """Both bodies, in which conditions of several arguments are attributes of the class."""
    names: dict[Expr, Attribute] = {}
    for branch in _branches(compute):
        condition, _ = _positive(branch.condition)
        if condition not in names and _is_complex(condition):
            names[condition] = Attribute(Name("self"), fresh(_preferred(branch)))
    named: list[Statement] = [Assign((name,), condition) for condition, name in names.items()]
    return [*named, *_renamed(construct, names)], _renamed(compute, names)


def _branches(statements: Sequence[Statement]) -> Iterator[If]:
    for statement in statements:
        match statement:
            case If(then=then, otherwise=otherwise):
                yield statement
                yield from _branches((*then, *otherwise))


def _is_complex(condition: Expr) -> bool:
    """Whether it reads several arguments, and nothing but arguments."""
    if not _is_static(condition):
        return False
    return len({part.identifier for part in _arguments(condition)}) > 1


def _is_static(expr: Expr) -> bool:
    if isinstance(expr, ArgumentName | Literal):
        return True
    return isinstance(expr, Unary | Binary) and all(map(_is_static, children(expr)))


def _arguments(expr: Expr) -> Iterator[ArgumentName]:
    if isinstance(expr, ArgumentName):
        yield expr
    for part in children(expr):
        yield from _arguments(part)


def _positive(condition: Expr) -> tuple[Expr, bool]:
    """A condition without `not`, and whether that is it rather than its opposite."""
    match condition:
        case Unary("not", operand):
            return operand, False
        case Binary("!=", left, right):
            return Binary("==", left, right), False
    return condition, True


def _preferred(branch: If) -> str:
    """A name: `identity` where one side only takes a value as it is."""
    sides = (branch.then, branch.otherwise)
    if any(_is_copy(side) for side in sides):
        return "identity"
    return "condition"


def _is_copy(side: Sequence[Statement]) -> bool:
    match side:
        case [Assign((Name(),), Name())]:
            return True
    return False


def _renamed(statements: Sequence[Statement], names: dict[Expr, Attribute]) -> list[Statement]:
    result: list[Statement] = []
    for statement in statements:
        match statement:
            case If(condition, then, otherwise):
                positive, same = _positive(condition)
                name = names.get(positive)
                if name is not None:
                    condition = name if same else Unary("not", name)
                sides = (tuple(_renamed(side, names)) for side in (then, otherwise))
                result.append(If(condition, *sides))
            case _:
                result.append(statement)
    return result
