"""Evaluation of expressions: names, literals, operators, attributes, conditionals, lists."""

from __future__ import annotations

from typing import Any

from tercet.compiler.elaborate import static
from tercet.compiler.elaborate.errors import error
from tercet.compiler.elaborate.operations import operator_on_tensors
from tercet.compiler.elaborate.scope import Frame, evaluates, region_of
from tercet.compiler.elaborate.static import StaticError
from tercet.compiler.graph.ir import Branch, Instance, Layer, ReadParameter, Value
from tercet.compiler.graph.values import POISON, Undecided, describe, holds_poison, holds_tensor
from tercet.compiler.habits import about_attribute
from tercet.dsl import nodes
from tercet.dsl.diagnostics import DiagnosticError, Note
from tercet.dsl.source import Span


@evaluates(nodes.Constant)
def _constant(frame: Frame, node: nodes.Constant) -> Any:
    return node.value


@evaluates(nodes.Name)
def _name(frame: Frame, node: nodes.Name) -> Any:
    value = frame.lookup(node.id, node.span)
    if type(value) is tuple:
        frame.session.read(value, node.span)
    return value


@evaluates(nodes.List, nodes.Tuple)
def _list(frame: Frame, node: nodes.List | nodes.Tuple) -> Any:
    return made(frame, tuple([frame.evaluate(item) for item in node.items]), node.span)


def made(frame: Frame, value: Any, span: Span) -> Any:
    """A static value that an expression makes; a list or string is work as it is long.

    Raises DiagnosticError E0411 for a list that is too long or too deep.
    """
    if isinstance(value, tuple | str):
        try:
            frame.session.made(value, static.extent(value), span)
        except StaticError as problem:
            raise placed(problem, span) from None
    return value


@evaluates(nodes.Mapping)
def _mapping(frame: Frame, node: nodes.Mapping) -> Any:
    raise error(
        "E0401", "`{ name = value }` belongs to a setting of `train`", node.span, "lists are `[…]`"
    )


@evaluates(nodes.Unary)
def _unary(frame: Frame, node: nodes.Unary) -> Any:
    operand = frame.evaluate(node.operand)
    if operand is POISON:
        return POISON
    if isinstance(operand, Value):
        if node.operator == "+":
            return operand
        return operator_on_tensors(frame, node, (node.operand,), (operand,))
    try:
        return static.unary(node.operator, operand)
    except StaticError as problem:
        raise placed(problem, node.span) from None


@evaluates(nodes.Binary)
def _binary(frame: Frame, node: nodes.Binary) -> Any:
    left = frame.evaluate(node.left)
    if node.operator in ("and", "or") and not isinstance(left, Value):
        return _logical(frame, node, left)
    right = frame.evaluate(node.right)
    if left is POISON or right is POISON:
        return POISON
    if node.operator in ("==", "!=") and (left is None or right is None):
        return (left is right) == (node.operator == "==")  # whether an input was left out
    if isinstance(left, Value) or isinstance(right, Value):
        return operator_on_tensors(frame, node, (node.left, node.right), (left, right))
    if holds_poison(left) or holds_poison(right):
        return POISON
    try:
        result = static.binary(node.operator, left, right)
    except StaticError as problem:
        raise placed(problem, node.span) from None
    return made(frame, result, node.span)


def _logical(frame: Frame, node: nodes.Binary, left: Any) -> Any:
    """`and` and `or` of conditions; the right side is not evaluated where the left one decides."""
    first = condition(left, node.left)
    decided = node.operator == "or"
    if first is POISON or first is decided:
        return first
    right = frame.evaluate(node.right)
    if isinstance(right, Value):
        return operator_on_tensors(frame, node, (node.left, node.right), (left, right))
    second = condition(right, node.right)
    if second is POISON:
        return POISON
    if isinstance(first, bool):
        return second
    if decided and second is not False:
        if second is True:
            return True
        raise error(
            "E0403",
            f"`{first} or {second}` cannot be decided: the sizes are symbolic",
            node.span,
            "only conditions joined by `and` can be left to the run",
        )
    return first if decided else static.conjunction([first, second])


def condition(value: Any, node: nodes.Expr) -> Any:
    """A value as a condition: a bool, Undecided or POISON.  Raises DiagnosticError."""
    if isinstance(value, bool | Undecided) or value is POISON:
        return value
    if holds_tensor(value):
        raise error(
            "E0402",
            "a tensor cannot decide: its elements are known only when the program runs",
            node.span,
            "choose between elements with `where(condition, a, b)`",
        )
    raise error(
        "E0401",
        f"a condition is true or false, not {describe(value)}",
        node.span,
        "compare, as in `x > 0`",
    )


def decided(value: Any, node: nodes.Expr) -> Any:
    """A condition the compiler must decide: a bool or POISON.  Raises DiagnosticError E0403."""
    result = condition(value, node)
    if isinstance(result, Undecided):
        raise error(
            "E0403",
            f"whether {result} cannot be decided: the sizes are symbolic",
            node.span,
            "write the size as a number in the input's type, or decide by a parameter",
        )
    return result


@evaluates(nodes.Conditional)
def _conditional(frame: Frame, node: nodes.Conditional) -> Any:
    return branch(frame, node, frame.evaluate)


def branch(frame: Frame, node: nodes.Conditional, evaluate: Any) -> Any:
    """Evaluates the taken side of a conditional expression in a region of its own."""
    holds = decided(frame.evaluate(node.condition), node.condition)
    if holds is POISON:
        return POISON
    with frame.region() as items:
        result = evaluate(node.then if holds else node.otherwise)
    frame.items.append(Branch(node, 0 if holds else 1, region_of(items), result))
    return result


# ------------------------------------------------------------------------------------- attributes


@evaluates(nodes.Attribute)
def _attribute(frame: Frame, node: nodes.Attribute) -> Any:
    value = frame.evaluate(node.value)
    match value:
        case Value():
            return _of_tensor(frame, value, node)
        case Layer():
            return _parameter_of(frame, value, node)
        case _ if value is POISON:
            return POISON
    help = None
    if isinstance(value, Instance):
        help = f"the parameters of a {value.block.kind} are read inside it"
    raise error("E0218", f"{describe(value)} has no `{node.name}`", node.name_span, help)


def _of_tensor(frame: Frame, value: Value, node: nodes.Attribute) -> Any:
    match node.name:
        case "shape":
            return value.type.shape
        case "dtype":
            return value.type.dtype
        case "rank":
            return value.type.rank
    message = f"a tensor has no `{node.name}`"
    is_operation = frame.module.kind(node.name) is not None
    help = about_attribute(node.name, node.value.span.text, is_operation)
    raise error("E0218", message, node.name_span, help)


def _parameter_of(frame: Frame, layer: Layer, node: nodes.Attribute) -> Value:
    if layer not in frame.session.applied:
        raise error(
            "E0509",
            f"`{layer.site.name}.{node.name}` is read before the shape of the layer is known",
            node.span,
            "apply the layer first: its input gives the shape",
            Note("the layer", layer.site.span),
        )
    for parameter in layer.parameters:
        if parameter.name == node.name:
            output = Value(f"{layer.site.name}.{node.name}", parameter.type)
            frame.items.append(ReadParameter(parameter, layer, output, node.span))
            return output
    known = ", ".join(f"`{p.name}`" for p in layer.parameters) or "none"
    message = f"`{layer.site.name}` has no parameter `{node.name}`"
    raise error("E0511", message, node.name_span, f"its parameters: {known}")


def placed(problem: StaticError, span: Span) -> DiagnosticError:
    """The diagnostic of a static evaluation that failed at `span`."""
    return error(problem.code, problem.message, span, problem.help)
