"""Operations as the target lowers them: one template per way, filled in for all executions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from tercet.codegen.decisions import CannotMerge
from tercet.codegen.expr import (
    ArgumentName,
    Attribute,
    Comprehension,
    Element,
    Expr,
    Input,
    Literal,
    LoopItem,
    Name,
    SizeName,
    Template,
    Unary,
)
from tercet.codegen.expr import Sequence as SequenceExpr
from tercet.codegen.merge import Placeholders, merge_all
from tercet.codegen.names import Names
from tercet.codegen.state import State
from tercet.codegen.target import Application
from tercet.codegen.tree import children
from tercet.codegen.writer import Assign, Statement
from tercet.compiler.graph.ir import Apply, Graph, Value
from tercet.compiler.ops.base import Op


def operand_of(state: State, op: Op, expr: Expr | None, value: Value | None) -> Expr | None:
    """An operand of an operation, a number as the operation wants it."""
    if expr is None or state.target.constant(value) is None:
        return expr
    return state.target.scalar(op, expr)


def template_of(
    state: State, graph: Graph, item: Apply, siblings: tuple[Op, ...], alike: int
) -> Template:
    """What the target says of an application, over its operands.  Raises Unsupported."""
    constants = tuple(state.target.constant(v) for v in item.inputs)
    types = tuple(None if v is None else v.type for v in item.inputs)
    key = (item.op, types, constants, alike, state.target.apply_key(graph, item))
    if key not in state.templates:
        lowered = state.target.apply(Application(graph, item, siblings, state.target))
        template = lowered if isinstance(lowered, Template) else Template(lowered)
        if item.op.gives_tuple and len(item.outputs) == 1:
            template = Template(_only(template.result), template.temporaries)
        state.templates[key] = template
    return state.templates[key]


def _only(parts: Expr) -> Expr:
    """The one element of a tuple."""
    match parts:
        case SequenceExpr((element,)):
            return element
    return parts[0]


def expand(
    before: list[Statement],
    names: Names,
    templates: Sequence[Template],
    placeholders: Placeholders,
) -> Expr:
    """The merged expression; temporaries that are no names become assignments `before` it.

    Raises CannotMerge.
    """
    if any(len(t.temporaries) != len(templates[0].temporaries) for t in templates):
        raise CannotMerge("the operation is written in different ways")
    for index, (hint, _) in enumerate(templates[0].temporaries):
        value = merge_all([t.temporaries[index][1] for t in templates], placeholders)
        if not isinstance(value, Name):
            name = Name(names.fresh(hint))
            before.append(Assign((name,), value))
            value = name
        placeholders.temporaries.append(value)
    return merge_all([t.result for t in templates], placeholders)


def repeated_in(templates: Sequence[Template]) -> frozenset[int]:
    """The operands that a template mentions more than once, or in a comprehension."""
    found: set[int] = set()
    for template in {id(t): t for t in templates}.values():
        counts: Counter[int] = Counter()
        for expr in (template.result, *(value for _, value in template.temporaries)):
            counts.update(_mentioned(expr))
        found.update(index for index, count in counts.items() if count > 1)
    return frozenset(found)


def _mentioned(expr: Expr) -> Iterator[int]:
    """The operands in an expression, as often as they are computed there, 2 for many times."""
    if isinstance(expr, Input):
        yield expr.index
    times = 2 if isinstance(expr, Comprehension) else 1
    for part in children(expr):
        for index in _mentioned(part):
            yield from [index] * times


def costs_nothing(expr: Expr) -> bool:
    """Whether an expression may be written twice: a name, a number, an attribute of a name."""
    match expr:
        case Name() | Literal() | SizeName() | ArgumentName() | LoopItem() | Element():
            return True
        case Attribute(owner):
            return costs_nothing(owner)
        case Unary("-", Literal()):
            return True
    return False
