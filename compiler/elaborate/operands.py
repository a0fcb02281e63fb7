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
from tercet.compiler.ops.base import Operand
from tercet.compiler.ops.elementwise import Constant
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
    if not isinstance(value, int | float | bool | Dim):
        help = None
        if is_function(value) or is_kind(value) or isinstance(value, Layer):
            help = f"apply it to a tensor: `{given.span.text}(x)`"
        elif isinstance(value, tuple) and value and all(isinstance(v, Value) for v in value):
            help = "`stack` or `concat` make one tensor of a list"
        elif isinstance(value, tuple) and value and all(isinstance(v, int | float) for v in value):
            numbers = ", ".join(f"full([], {v})" for v in value[:2])
            help = f"`stack([{numbers}, …])` makes a tensor of numbers"
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
    return error("E0502", message, function.span, f"write `{shown}`", Note("used here", span))


def _constant(frame: Frame, given: Given, value: Any, dtype: DType) -> Value:
    op = Constant(value=value, dtype=dtype)
    arguments = (Argument("value", given.expression, value),)
    (output,) = record(frame, op, (), (TensorType(dtype, ()),), given.span, arguments=arguments)
    return output


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
            own = _literal_kind(given.value, dtype)
            result.append(as_tensor(frame, given, own, wanted))
    return tuple(result)


def _literal_kind(value: Any, dtype: DType | None) -> DType | None:
    """A number beside tensors of bools only (`where(mask, 1.0, 0.0)`) is f32 or i64."""
    if dtype is DType.BOOL and not isinstance(value, bool):
        return DType.I64 if is_size(value) else DType.F32
    return dtype


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
