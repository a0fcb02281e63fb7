"""Functions, operators and layers applied to tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tercet.compiler.dims import Dim
from tercet.compiler.elaborate import recovery
from tercet.compiler.elaborate.advice import argument_order, loss_slips, warnings
from tercet.compiler.elaborate.errors import error
from tercet.compiler.elaborate.operands import as_tensor, literal_dtype
from tercet.compiler.elaborate.recording import infer, operation_error, record, result_of
from tercet.compiler.elaborate.scope import Frame
from tercet.compiler.errors import OpError
from tercet.compiler.graph.ir import Argument, Layer, Parameter, Value
from tercet.compiler.ops.base import OPERATORS, Op
from tercet.compiler.signature import Given
from tercet.dsl import nodes
from tercet.dsl.diagnostics import DiagnosticError, Note
from tercet.dsl.source import Span


def apply_function(
    frame: Frame,
    op: Op,
    inputs: tuple[Value | None, ...],
    span: Span,
    givens: Sequence[Given | None],
    arguments: tuple[Argument, ...] = (),
) -> Any:
    """Applies an operation without parameters.  Raises DiagnosticError."""
    try:
        types = infer(op, inputs, span, givens, arguments)
    except DiagnosticError as problem:
        wanted = recovery.reshaped(frame, op, inputs, problem)
        if wanted is not None:
            return wanted
        better = recovery.without_reshape(frame, op, inputs, problem)
        if better is None:
            raise
        return apply_function(frame, op, better, span, givens, arguments)
    loss_slips.check_loss(frame, op, inputs, span, givens)
    return result_of(op, record(frame, op, inputs, types, span, None, arguments))


def operator_on_tensors(
    frame: Frame,
    node: nodes.Unary | nodes.Binary,
    expressions: tuple[nodes.Expr, ...],
    values: tuple[Any, ...],
) -> Any:
    """An operator of the text with a tensor among its operands.  Raises DiagnosticError."""
    return infix(frame, node.operator, node.span, expressions, values)


def infix(
    frame: Frame,
    operator: str,
    span: Span,
    expressions: tuple[nodes.Expr, ...],
    values: tuple[Any, ...],
) -> Any:
    """An infix or prefix operator on tensors and literals.  Raises DiagnosticError."""
    cls = OPERATORS[operator, len(values)]
    givens = [Given(v, e) for v, e in zip(values, expressions, strict=True)]
    dtype = literal_dtype(givens)
    wanted = f"an operand of `{operator}`"
    inputs = tuple([as_tensor(frame, given, dtype, wanted) for given in givens])
    require_same_dtype(operator, inputs, givens, span)
    op = cls()
    types = infer(op, inputs, span, givens)
    return result_of(op, record(frame, op, inputs, types, span))


def require_same_dtype(
    name: str, inputs: Sequence[Value | None], givens: Sequence[Given | None], span: Span
) -> None:
    """Operands of an operator have one dtype.  Raises DiagnosticError E0304."""
    dtypes = {v.type.dtype for v in inputs if v is not None}
    if len(dtypes) > 1:
        notes = [
            Note(f"this is {g.value.type}", g.span)
            for g in givens
            if g is not None and isinstance(g.value, Value)
        ]
        found = " and ".join(sorted(dtypes))
        message = f"`{name}` does not mix {found}"
        raise error("E0304", message, span, f"convert one with `cast(x, {min(dtypes)})`", *notes)


# ------------------------------------------------------------------------------------------ layers


def apply_layer(
    frame: Frame,
    layer: Layer,
    inputs: tuple[Value | None, ...],
    span: Span,
    givens: Sequence[Given | None],
) -> Any:
    """Applies a layer; the first application fixes its parameters.  Raises DiagnosticError."""
    op = layer.op
    try:
        types = infer(op, inputs, span, givens, layer.arguments)
    except DiagnosticError as problem:
        better = recovery.without_reshape(frame, op, inputs, problem)
        if better is None:
            raise argument_order.advised(problem, layer) from None
        return apply_layer(frame, layer, better, span, givens)
    _fix_parameters(frame, layer, inputs, span, givens)
    argument_order.input_size_first(frame, layer, inputs)
    warnings.bias_before_norm(frame, layer, inputs, span)
    warnings.dense_of_one(frame, layer, inputs, span)
    outputs = record(frame, op, inputs, types, span, layer)
    return result_of(op, outputs)


def _fix_parameters(
    frame: Frame,
    layer: Layer,
    inputs: Sequence[Value | None],
    span: Span,
    givens: Sequence[Given | None],
) -> None:
    try:
        specs = layer.op.parameters(*[None if v is None else v.type for v in inputs])
    except OpError as problem:
        raise operation_error(problem, layer.op, span, givens, layer.arguments) from None
    applied = frame.session.applied
    if layer not in applied:
        applied.add(layer)
        path = layer.path
        parameters = tuple(
            [
                Parameter(f"{path}.{s.name}", s.name, s.type, s.init, s.role, s.fans, s.trainable)
                for s in specs
            ]
        )
        for parameter in parameters:
            _require_known(parameter, span)
        types = tuple(None if v is None else v.type for v in inputs)
        object.__setattr__(layer, "parameters", parameters)  # known from its first input only
        object.__setattr__(layer, "inputs", types)
        return
    for spec, parameter in zip(specs, layer.parameters, strict=True):
        if spec.type != parameter.type:
            raise error(
                "E0313",
                f"`{layer.site.name}.{spec.name}` would be {spec.type} here, and is "
                f"{parameter.type} from its first application",
                span,
                "make a layer of its own for inputs of another size",
                Note("the layer", layer.site.span),
            )


def _require_known(parameter: Parameter, span: Span) -> None:
    if any(isinstance(size, Dim) for size in parameter.type.shape):
        raise error(
            "E0314",
            f"the shape of `{parameter.path}` would be {parameter.type}, which is symbolic",
            span,
            "write the size as a number in the type of the input",
        )
