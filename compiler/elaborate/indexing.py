"""Indexing: of lists and strings by the compiler, of tensors by an operation."""

from __future__ import annotations

from typing import Any

from tercet.compiler.elaborate import static
from tercet.compiler.elaborate.errors import error
from tercet.compiler.elaborate.expressions import made, placed
from tercet.compiler.elaborate.recording import infer, operation_error, record
from tercet.compiler.elaborate.scope import Frame, evaluates
from tercet.compiler.elaborate.static import StaticError
from tercet.compiler.errors import OpError
from tercet.compiler.graph.ir import Argument, Value
from tercet.compiler.graph.values import POISON, describe, is_size
from tercet.compiler.ops.shape import Index, Integer, NewAxis, Slice
from tercet.compiler.signature import Given
from tercet.dsl import nodes


@evaluates(nodes.Index)
def _index(frame: Frame, node: nodes.Index) -> Any:
    value = frame.evaluate(node.value)
    if isinstance(value, Value):
        return _of_tensor(frame, node, value)
    items = [_static_item(frame, item) for item in node.items]
    if value is POISON or any(item is POISON for item in items):
        return POISON
    if len(items) != 1:
        message = f"{describe(value)} has one index, not {len(items)}"
        raise error("E0401", message, node.span, "write `x[i][j]`")
    try:
        result = static.index(value, items[0])
    except StaticError as problem:
        raise placed(problem, node.items[0].span) from None
    return made(frame, result, node.span)


def _static_item(frame: Frame, item: nodes.Expr | nodes.Slice | nodes.Ellipsis) -> Any:
    match item:
        case nodes.Ellipsis():
            raise error("E0401", "`...` indexes tensors only", item.span)
        case nodes.Slice(start=start, stop=stop, step=step):
            parts = [None if p is None else frame.evaluate(p) for p in (start, stop, step)]
            return POISON if any(p is POISON for p in parts) else slice(*parts)
    return frame.evaluate(item)


# ---------------------------------------------------------------------------------------- tensors


def _of_tensor(frame: Frame, node: nodes.Index, value: Value) -> Any:
    arguments: list[Argument] = []
    items = [_item(frame, number, item, arguments) for number, item in enumerate(node.items)]
    if any(item is POISON for item in items):
        return POISON
    given = [Given(value, node.value)]
    try:
        op = Index.of(items, value.type.rank)
    except OpError as problem:
        raise operation_error(problem, Index, node.span, given) from None
    types = infer(op, (value,), node.span, given)
    (output,) = record(frame, op, (value,), types, node.span, None, tuple(arguments))
    return output


def _item(
    frame: Frame,
    number: int,
    item: nodes.Expr | nodes.Slice | nodes.Ellipsis,
    arguments: list[Argument],
) -> Any:
    """An item of an index; every bound that is written becomes an argument of its own."""

    def bound(name: str, expression: nodes.Expr | None) -> Any:
        if expression is None:
            return None
        value = frame.evaluate(expression)
        if value is not POISON and not is_size(value):
            raise _no_index(value, expression)
        arguments.append(Argument(f"items.{number}.{name}", expression, value))
        return value

    match item:
        case nodes.Ellipsis():
            return ...
        case nodes.Slice(start=start, stop=stop, step=step):
            parts = [bound("start", start), bound("stop", stop), bound("step", step)]
            if any(part is POISON for part in parts):
                return POISON
            if parts[2] is not None and not isinstance(parts[2], int):
                message = f"a slice steps by a known integer, not {describe(parts[2])}"
                raise error("E0314", message, item.span)
            return Slice(parts[0], parts[1], 1 if parts[2] is None else parts[2])
        case nodes.Constant(value=None):
            return NewAxis()
    value = bound("value", item)
    return POISON if value is POISON else Integer(value)


def _no_index(value: Any, expression: nodes.Expr) -> Exception:
    if isinstance(value, Value):
        message = "a tensor cannot stand in an index"
        return error("E0402", message, expression.span, "`take(x, ids)` and `gather` do that")
    message = f"an axis is indexed by an integer, not {describe(value)}"
    return error("E0401", message, expression.span)
