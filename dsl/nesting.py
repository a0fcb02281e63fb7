"""How deep an expression nests, found without recursion."""

from __future__ import annotations

from collections.abc import Iterator

from tercet.dsl import limits, nodes

Part = nodes.Expr | nodes.Keyword | nodes.Slice | nodes.Ellipsis


def children(node: Part) -> Iterator[Part]:
    """The parts directly inside an expression, in text order."""
    match node:
        case nodes.Attribute(value=value) | nodes.Keyword(value=value):
            yield value
        case nodes.Index(value=value, items=items):
            yield value
            yield from items
        case nodes.Slice(start=start, stop=stop, step=step):
            yield from (part for part in (start, stop, step) if part is not None)
        case nodes.Call(function=function, arguments=arguments, keywords=keywords):
            yield function
            yield from arguments
            yield from keywords
        case nodes.Pipe(first=first, stages=stages):
            yield first
            yield from stages
        case nodes.Unary(operand=operand):
            yield operand
        case nodes.Binary(left=left, right=right):
            yield left
            yield right
        case nodes.Conditional(condition=condition, then=then, otherwise=otherwise):
            yield condition
            yield then
            yield otherwise
        case nodes.List(items=elements) | nodes.Tuple(items=elements):
            yield from elements
        case nodes.Mapping(entries=entries):
            yield from entries


def is_too_deep(expression: nodes.Expr) -> bool:
    """Whether `expression` nests deeper than `limits.EXPRESSION_DEPTH`.

    A level takes at least one character, so a short text needs no count.
    """
    span = expression.span
    if span.end - span.start <= limits.EXPRESSION_DEPTH:
        return False
    level: list[Part] = [expression]
    depth = 0
    while level:
        depth += 1
        if depth > limits.EXPRESSION_DEPTH:
            return True
        level = [child for node in level for child in children(node)]
    return False
