"""Types of results inferred, and applications added to the trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tercet.compiler import dims
from tercet.compiler.elaborate.constraints import constrain
from tercet.compiler.elaborate.errors import error
from tercet.compiler.elaborate.scope import Frame
from tercet.compiler.errors import OpError
from tercet.compiler.graph.ir import Apply, Argument, Layer, Value
from tercet.compiler.graph.values import kind_name
from tercet.compiler.ops.base import Op
from tercet.compiler.signature import Given
from tercet.compiler.types import TensorType
from tercet.dsl.diagnostics import DiagnosticError, Note
from tercet.dsl.source import Span


def infer(
    op: Op,
    inputs: Sequence[Value | None],
    span: Span,
    givens: Sequence[Given | None] = (),
    arguments: Sequence[Argument] = (),
) -> tuple[TensorType, ...]:
    """Types of the outputs.  Raises DiagnosticError with the place of what is at fault."""
    try:
        return op.infer_types([None if v is None else v.type for v in inputs])
    except OpError as problem:
        raise operation_error(problem, op, span, givens, arguments) from None


def operation_error(
    problem: OpError,
    op: object,
    span: Span,
    givens: Sequence[Given | None] = (),
    arguments: Sequence[Argument] = (),
) -> DiagnosticError:
    """The diagnostic of a rule that the arguments of an operation or setting break."""
    shown = getattr(op, "operator", None) or getattr(op, "name", None) or kind_name(op)
    joint = " " if problem.message.startswith(("needs ", "takes ", "must ")) else ": "
    message = f"`{shown}`{joint}{problem.message}"
    notes: list[Note] = []
    for argument in arguments:
        if argument.name == problem.attribute:
            span = argument.expression.span
    if problem.operand is not None and problem.operand < len(givens):
        given = givens[problem.operand]
        if given is not None and isinstance(given.value, Value):
            notes.append(Note(f"this is {given.value.type}", given.span))
    return error(problem.code, message, span, problem.help, *notes)


def record(
    frame: Frame,
    op: Op,
    inputs: tuple[Value | None, ...],
    types: tuple[TensorType, ...],
    span: Span,
    layer: Layer | None = None,
    arguments: tuple[Argument, ...] = (),
) -> tuple[Value, ...]:
    """Adds an application to the trace; its outputs are named after the operation."""
    _require(frame, op, inputs, span)
    name = layer.site.name if layer is not None else op.name
    outputs = tuple([Value(name, type_) for type_ in types])
    frame.apply(Apply(op, inputs, outputs, span, layer, arguments))
    return outputs


def _require(frame: Frame, op: Op, inputs: Sequence[Value | None], span: Span) -> None:
    """Records what the operation needs of symbolic sizes and only the run can decide."""
    if type(op).constraints is Op.constraints:
        return
    for requirement in op.constraints(*[None if v is None else v.type for v in inputs]):
        left, relation, right = dims.simplified(*requirement)
        constrain(frame, left, relation, right, span)


def result_of(op: Op, outputs: tuple[Value, ...]) -> Any:
    """What the language sees: a tensor, or a tuple of them."""
    return outputs[0] if len(outputs) == 1 and not op.gives_tuple else outputs
