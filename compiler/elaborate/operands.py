"""Operands: tensors as they are, literals as constants of the dtype beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tercet.compiler.dims import Dim
from tercet.compiler.elaborate.errors import error
from tercet.compiler.elaborate.recording import record
from tercet.compiler.elaborate.scope import Frame
from tercet.compiler.graph.ir import Argument, Layer, Value
from tercet.compiler.graph.values import BoundFunction, describe, is_function, is_kind, is_size
from tercet.compiler.initializers import Nested, nested_shape
from tercet.compiler.ops.base import Operand
from tercet.compiler.ops.elementwise import Constant, Listed
from tercet.compiler.signature import Given
from tercet.compiler.types import DType, TensorType
from tercet.dsl import nodes
from tercet.dsl.diagnostics import DiagnosticError, Note
from tercet.dsl.source import Span


def literal_dtype(givens: Sequence[Given | None]) -> DType | None:
    """The dtype that literals beside these operands adopt: the first that is not bool."""
    found: DType | None = None
    for given in givens:
        if given is not None and isinstance(given.value, Value):
            dtype = given.value.type.dtype
            if dtype is not DType.BOOL:
                return dtype
            found = dtype
    return found


def as_tensor(frame: Frame, given: Given, dtype: DType | None, wanted: str) -> Value:
    """The operand as a tensor, a literal as a constant of `dtype`.  Raises DiagnosticError."""
    value = given.value
    if isinstance(value, Value):
        return value
    if isinstance(value, BoundFunction):
        raise not_applied(value, given.span)
    if isinstance(value, tuple) and _holds_numbers(value):
        return _listed(frame, given, value, dtype or _own_dtype(value))
    if not isinstance(value, int | float | bool | Dim):
        help = None
        if is_function(value) or is_kind(value) or isinstance(value, Layer):
            help = f"apply it to a tensor: `{given.span.text}(x)`"
        elif isinstance(value, tuple) and value and all(isinstance(v, Value) for v in value):
            help = "`stack` or `concat` make one tensor of a list"
        message = f"{wanted} must be a tensor, not {describe(value)}"
        raise error("E0504", message, given.span, help)
    if dtype is None:
        message = f"{wanted} must be a tensor, not {describe(value)}"
        raise error("E0504", message, given.span, f"`full([], {value}, f32)` makes a tensor of it")
    return _constant(frame, given, adopted(value, dtype, given.span), dtype)


def not_applied(function: BoundFunction, span: Span) -> DiagnosticError:
    """What is wrong where a function stands for a tensor: it was to be applied, or passed on."""
    op = function.op
    message = f"`{op.name}` is not applied to a tensor here, and its result is used"
    operands = ", ".join(operand.name for operand in op.operands if not operand.optional)
    shown = f"{op.name}({operands}, {str(function).partition('(')[2]}"
    help = f"write `{shown}`; alone it is a function to be given on: `activation = {function}`"
    return error("E0502", message, function.span, help, Note("used here", span))


def _constant(frame: Frame, given: Given, value: Any, dtype: DType) -> Value:
    op = Constant(value=value, dtype=dtype)
    arguments = (Argument("value", given.expression, value),)
    (output,) = record(frame, op, (), (TensorType(dtype, ()),), given.span, arguments=arguments)
    return output


def _listed(frame: Frame, given: Given, value: tuple[Any, ...], dtype: DType) -> Value:
    """A list of numbers as a tensor.  Raises DiagnosticError."""
    elements = elements_of(given.expression, value, dtype, "the list")
    op = Listed(values=elements, dtype=dtype)
    arguments = (Argument("values", given.expression, elements),)
    (output,) = record(frame, op, (), (op.infer(),), given.span, arguments=arguments)
    return output


def _holds_numbers(value: Any) -> bool:
    """Whether it is a number, or a list with something in it and nothing but such."""
    if isinstance(value, tuple):
        return bool(value) and all(map(_holds_numbers, value))
    return isinstance(value, bool | int | float)


def _own_dtype(value: Any) -> DType:
    """The dtype of a number, or of a list of them, that stands beside no tensor."""
    match value:
        case tuple():
            found = {_own_dtype(item) for item in value}
            return max(found, key=[DType.BOOL, DType.I64, DType.F32].index)
        case bool():
            return DType.BOOL
    return DType.I64 if is_size(value) else DType.F32


def elements_of(node: nodes.Expr, value: tuple[Any, ...], dtype: DType, told: str) -> Nested:
    """A nested list as elements of a tensor; `node` is the part of the source that gives it.

    Raises DiagnosticError.
    """
    elements = _elements(node, value, dtype)
    try:
        nested_shape(elements)
    except ValueError as problem:
        raise error("E0504", f"{told} is no array: {problem}", node.span) from None
    return elements


def _elements(node: nodes.Expr, value: Any, dtype: DType) -> Nested:
    match value:
        case tuple():
            parts = node.items if isinstance(node, nodes.List | nodes.Tuple) else ()
            nodes_ = parts if len(parts) == len(value) else (node,) * len(value)
            return tuple(_elements(n, v, dtype) for n, v in zip(nodes_, value, strict=True))
        case bool() | int() | float():
            element: Nested = adopted(value, dtype, node.span)
            return element
    message = f"an element of a {dtype} array is a number, not {describe(value)}"
    raise error("E0504", message, node.span)


def adopted(value: Any, dtype: DType, span: Span) -> Any:
    """A literal as an element of `dtype`.  Raises DiagnosticError E0304."""
    if isinstance(value, bool):
        if dtype is DType.BOOL:
            return value
        message = f"{str(value).lower()} does not mix with {dtype}"
        raise error("E0304", message, span, "write 0 or 1")
    if dtype is DType.BOOL:
        help = "write true or false, or convert the tensor: `cast(x, f32)`"
        raise error("E0304", f"{value} does not mix with bool", span, help)
    if dtype.is_float:
        return value if isinstance(value, Dim) else float(value)
    if isinstance(value, float):
        help = (
            f"write `{int(value)}`" if value.is_integer() else "convert the tensor: `cast(x, f32)`"
        )
        raise error("E0304", f"{value} is not an integer, and the tensor is {dtype}", span, help)
    if isinstance(value, int) and not dtype.holds(value):
        raise error("E0304", f"{value} does not fit {dtype}", span)
    return value


def operands_of(
    frame: Frame, op_name: str, formal: tuple[Operand, ...], givens: Sequence[Given | None]
) -> tuple[Value | None, ...]:
    """The operands as tensors, a variadic one spread out.  Raises DiagnosticError."""
    if formal and formal[0].variadic:
        return _spread(frame, op_name, formal[0], givens[0])
    dtype = None
    if any(g is not None and not isinstance(g.value, Value) for g in givens):
        dtype = literal_dtype(givens)
    result: list[Value | None] = []
    for operand, given in zip(formal, givens, strict=True):
        if given is None:
            result.append(None)
        elif isinstance(given.value, Value):
            result.append(given.value)
        else:
            wanted = f"`{operand.name}` of `{op_name}`"
            own = _literal_kind(operand, given.value, dtype)
            result.append(as_tensor(frame, given, own, wanted))
    return tuple(result)


def _literal_kind(operand: Operand, value: Any, dtype: DType | None) -> DType | None:
    """What a number or list is as an operand: beside tensors of bools only
    (`where(mask, 1.0, 0.0)`), and as indices, what it would be alone."""
    alone = dtype is DType.BOOL or (operand.selects and isinstance(value, tuple))
    return _own_dtype(value) if alone and _holds_numbers(value) else dtype


def _spread(
    frame: Frame, op_name: str, operand: Operand, given: Given | None
) -> tuple[Value | None, ...]:
    assert given is not None
    values = given.value if isinstance(given.value, tuple) else (given.value,)
    if not isinstance(given.value, tuple) or not values:
        raise error(
            "E0504",
            f"`{op_name}` takes a list of tensors, not {describe(given.value)}",
            given.span,
            f"write `{op_name}([a, b])`",
        )
    expressions: Sequence[nodes.Expr] = [given.expression] * len(values)
    if isinstance(given.expression, nodes.List | nodes.Tuple):
        expressions = given.expression.items
    items = [Given(v, e) for v, e in zip(values, expressions, strict=True)]
    dtype = literal_dtype(items)
    return tuple([as_tensor(frame, item, dtype, f"an item of `{op_name}`") for item in items])
