"""Operations applied to tensors: literals become tensors, types are inferred, the trace grows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from compiler.dims import Dim
from compiler.elaborate import recovery, warnings
from compiler.elaborate.errors import error
from compiler.elaborate.scope import Frame
from compiler.elaborate.types import constrain
from compiler.elaborate.values import describe, is_function, is_kind, is_size, kind_name
from compiler.ir import Apply, Argument, Layer, Parameter, Value
from compiler.ops.base import OPERATORS, Op, Operand, OpError
from compiler.ops.elementwise import Constant
from compiler.ops.signature import Given
from compiler.types import DType, TensorType
from dsl import nodes
from dsl.diagnostics import DiagnosticError, Note
from dsl.source import Span

_INTEGER_BITS = {DType.I8: 8, DType.I32: 32, DType.I64: 64}


# --------------------------------------------------------------------------------------- operands


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
    return _constant(frame, given, _adopted(value, dtype, given.span), dtype)


def _constant(frame: Frame, given: Given, value: Any, dtype: DType) -> Value:
    op = Constant(value=value, dtype=dtype)
    arguments = (Argument("value", given.expression, value),)
    (output,) = record(frame, op, (), (TensorType(dtype, ()),), given.span, arguments=arguments)
    return output


def _adopted(value: Any, dtype: DType, span: Span) -> Any:
    """A literal as an element of `dtype`.  Raises DiagnosticError E0304."""
    if isinstance(value, bool):
        if dtype is DType.BOOL:
            return value
        message = f"{str(value).lower()} does not mix with {dtype}"
        raise error("E0304", message, span, "write 0 or 1")
    if dtype is DType.BOOL:
        kind = DType.F32 if isinstance(value, float) else DType.I64
        return _adopted(value, kind, span)
    if dtype.is_float:
        return value if isinstance(value, Dim) else float(value)
    if isinstance(value, float):
        help = (
            f"write `{int(value)}`" if value.is_integer() else "convert the tensor: `cast(x, f32)`"
        )
        raise error("E0304", f"{value} is not an integer, and the tensor is {dtype}", span, help)
    if isinstance(value, int) and not _fits(value, dtype):
        raise error("E0304", f"{value} does not fit {dtype}", span)
    return value


def _fits(value: int, dtype: DType) -> bool:
    if dtype is DType.U8:
        return 0 <= value < 256
    limit = 1 << (_INTEGER_BITS[dtype] - 1)
    return -limit <= value < limit


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


# -------------------------------------------------------------------------------------- inference


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
    for left, relation, right in op.constraints(*[None if v is None else v.type for v in inputs]):
        constrain(frame, left, relation, right, span)


def result_of(op: Op, outputs: tuple[Value, ...]) -> Any:
    """What the language sees: a tensor, or a tuple of them."""
    return outputs[0] if len(outputs) == 1 and not op.gives_tuple else outputs


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
    warnings.probabilities(frame, op, inputs, span)
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
            raise
        return apply_layer(frame, layer, better, span, givens)
    _fix_parameters(frame, layer, inputs, span, givens)
    warnings.bias_before_norm(frame, layer, inputs, span)
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
