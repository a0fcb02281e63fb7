"""What a body declares: inputs, parameters and buffers, outputs."""

from __future__ import annotations

from typing import Any

from tercet.compiler.dims import Dim
from tercet.compiler.elaborate.binding import bind_input, settle
from tercet.compiler.elaborate.errors import error
from tercet.compiler.elaborate.operands import elements_of, not_applied
from tercet.compiler.elaborate.scope import Frame, TrainingBody, executes
from tercet.compiler.elaborate.types import declared_type, free_names
from tercet.compiler.graph.ir import GraphInput, Parameter, ReadParameter, Value
from tercet.compiler.graph.values import POISON, BoundFunction, describe, holds_poison
from tercet.compiler.initializers import (
    Constant,
    Initializer,
    Values,
    Zeros,
    shape_fans,
)
from tercet.compiler.stored import StoredArray
from tercet.compiler.types import DType, TensorType
from tercet.dsl import nodes
from tercet.dsl.diagnostics import DiagnosticError, Note
from tercet.dsl.source import Span

# ----------------------------------------------------------------------------------------- inputs


@executes(nodes.Input)
def _input(frame: Frame, statement: nodes.Input) -> None:
    _top_level(frame, statement, "an input")
    if frame.training is not None:
        frame.training.input(frame, statement)
        return
    declare_input(frame, statement)


def declare_input(frame: Frame, statement: nodes.Input | nodes.Target) -> None:
    """Gives an input its type and value; an error leaves its name POISON."""
    body = frame.body
    if any(i.value.name == statement.name for i in body.inputs):
        raise error("E0211", f"the input `{statement.name}` is declared twice", statement.name_span)
    default = statement.default if isinstance(statement, nodes.Input) else None
    if default is not None:
        _check_default(frame, statement.name, default)
    body.declared += 1
    actual = None if body.actual is None else body.actual[body.declared - 1]
    if default is not None and body.actual is not None and actual is None:
        frame.names[statement.name] = None
        _settle_last(frame)
        return
    declared: tuple[nodes.Expr | None, ...] = ()
    type_: TensorType | None = None
    wrong = False
    try:
        if actual is None:
            type_ = declared_type(frame, statement.type)
            declared = tuple(
                d for d in statement.type.dimensions if not isinstance(d, nodes.Ellipsis)
            )
        else:
            type_, given = actual
            declared = _bound(frame, statement, type_, given)
    except DiagnosticError as problem:
        frame.fail(problem)
        wrong = True
        _poison_dimensions(frame, statement.type)
        declared = (None,) * (0 if type_ is None else type_.rank)
    if type_ is None:
        frame.names[statement.name] = POISON
        return
    value = Value(statement.name, type_)
    frame.names[statement.name] = POISON if wrong else value
    body.inputs.append(GraphInput(value, declared, statement.span))


def _bound(
    frame: Frame, statement: nodes.Input | nodes.Target, actual: TensorType, given: Span
) -> tuple[nodes.Expr | None, ...]:
    """Binds dimensions; what does not fit is the caller's fault, so its call is not added again."""
    chain, frame.chain = frame.chain, frame.chain[1:]
    body = frame.body
    try:
        declared, deferred = bind_input(frame, statement, actual, given)
        body.deferred.extend(deferred)
        _settle_last(frame)
        return declared
    finally:
        frame.chain = chain


def _settle_last(frame: Frame) -> None:
    """After the last input, what dimensions were left open is looked at again."""
    body = frame.body
    if body.actual is not None and body.declared == len(body.actual):
        settle(frame, body.deferred)


def _check_default(frame: Frame, name: str, default: nodes.Expr) -> None:
    """An input that may be left out is `none` then, and a block's."""
    block = frame.body.block
    if frame.training is not None or block is None or block.kind == "model":
        message = f"`{name}` cannot be left out: a model gets all of its inputs"
        help = "remove the `= none`; an input of a block may have one"
        frame.fail(error("E0210", message, default.span, help))
    elif frame.evaluate(default) is not None:
        message = f"an input that is left out is `none`: `input {name}: … = none`"
        help = "test it, `if x == none { … }`, and compute there what stands for it"
        frame.fail(error("E0504", message, default.span, help))


def _poison_dimensions(frame: Frame, type_: nodes.TypeExpr) -> None:
    for dimension in type_.dimensions:
        if not isinstance(dimension, nodes.Ellipsis):
            for name in free_names(frame, dimension):
                frame.names[name.id] = POISON


def _top_level(frame: Frame, statement: nodes.Statement, what: str) -> None:
    if frame.level:
        message = f"{what} cannot stand inside a loop or an `if`"
        raise error("E0210", message, statement.span, "move it to the body of the block")


@executes(nodes.Target, nodes.Update)
def _only_in_train(frame: Frame, statement: nodes.Target | nodes.Update) -> None:
    if frame.training is not None:
        _of_training(frame, frame.training, statement)
        return
    what = "target" if isinstance(statement, nodes.Target) else "update"
    message = f"`{what}` belongs to a `train`"
    raise error("E0210", message, statement.span)


def _of_training(
    frame: Frame, training: TrainingBody, statement: nodes.Target | nodes.Update
) -> None:
    if isinstance(statement, nodes.Target):
        _top_level(frame, statement, "a target")
        training.target(frame, statement)
        return
    message = "`update` blocks are not supported yet"
    help = "write one `loss` and one `optimizer` in the body of the `train`"
    raise error("E0609", message, statement.span, help)


# ------------------------------------------------------------------------------------- parameters


@executes(nodes.Declare)
def _declare(frame: Frame, statement: nodes.Declare) -> None:
    if frame.training is not None:
        frame.names[statement.name] = POISON
        message = f"a {statement.kind} cannot stand in a `train`"
        raise error("E0612", message, statement.span, "declare it in the model")
    try:
        frame.names[statement.name] = _raw_parameter(frame, statement)
    except DiagnosticError:
        frame.names[statement.name] = POISON
        raise


def _raw_parameter(frame: Frame, statement: nodes.Declare) -> Value:
    type_ = declared_type(frame, statement.type, may_declare=False)
    if any(isinstance(size, Dim) for size in type_.shape):
        raise error(
            "E0314",
            f"the shape of `{statement.name}` would be {type_}, which is symbolic",
            statement.type.span,
            "a parameter has a fixed shape: take the largest size and slice it",
        )
    if statement.kind == "param" and not type_.dtype.is_float:
        message = f"a parameter is trained: its elements are floating-point, not {type_.dtype}"
        help = f"what stays as it is is a buffer: `buffer {statement.name}: {type_} = 0`"
        raise error("E0305", message, statement.type.span, help)
    init = _initial(frame, statement, type_.dtype)
    if isinstance(init, StoredArray) and statement.value is not None:
        _require_dtype(statement, statement.value, type_, init)
    if statement.value is not None and (reason := init.unfit(type_.shape)):
        message = f"`{statement.name}` is {type_}, but {reason}"
        raise error("E0504", message, statement.value.span)
    site = frame.site(statement)
    path = ".".join((site.name, *map(str, frame.indices)))
    parameter = Parameter(
        path=path,
        name=site.name,
        type=type_,
        init=init,
        role="parameter" if statement.kind == "param" else "buffer",
        fans=shape_fans(tuple(int(size) for size in type_.shape if isinstance(size, int))),
        trainable=statement.kind == "param",
    )
    output = Value(statement.name, type_)
    frame.items.append(ReadParameter(parameter, None, output, statement.span, site, frame.indices))
    return output


def _require_dtype(
    statement: nodes.Declare, value: nodes.Expr, type_: TensorType, init: StoredArray
) -> None:
    wanted = "bool" if type_.dtype is DType.BOOL else type_.dtype.numpy_name
    if init.dtype != wanted or type_.dtype is DType.BF16:
        message = f"`{statement.name}` is {type_}, but `{init.tensor}` is {init.dtype} in the file"
        raise error("E0504", message, value.span)


def _initial(frame: Frame, statement: nodes.Declare, dtype: DType) -> Initializer:
    if statement.value is None:
        return Zeros()
    value = frame.evaluate(statement.value)
    if holds_poison(value):
        raise DiagnosticError
    match value:
        case Initializer():
            return value
        case int() | float() if not isinstance(value, bool):
            return Constant(float(value))
        case tuple():
            return _listed(statement, statement.value, value, dtype)
        case type() if issubclass(value, Initializer):
            try:
                return value()
            except TypeError:
                pass
    raise error(
        "E0504",
        f"a {statement.kind} starts as an initializer, a number or a list of numbers, "
        f"not {describe(value)}",
        statement.value.span,
        "for example `normal(std = 0.02)`, `0` or `[0.5, 1.0]`",
    )


def _listed(
    statement: nodes.Declare, node: nodes.Expr, value: tuple[Any, ...], dtype: DType
) -> Initializer:
    """The elements that a list gives.  Raises DiagnosticError."""
    return Values(elements_of(node, value, dtype, f"the list of values of `{statement.name}`"))


# ----------------------------------------------------------------------------------------- outputs


@executes(nodes.Output)
def _output(frame: Frame, statement: nodes.Output) -> None:
    if frame.training is not None:
        raise error("E0210", "`output` belongs to a block or model", statement.span)
    _top_level(frame, statement, "an output")
    body = frame.body
    if body.output is not None:
        message = "there is an `output` already; all outputs belong to one"
        first = Note("the first one", body.output.span)
        raise error("E0209", message, statement.span, "write `output a, b`", first)
    body.output = statement
    for number, item in enumerate(statement.items):
        value = frame.evaluate(item.value)
        try:
            name = _output_name(frame, item, number)
            _require_tensors(value, item)
        except DiagnosticError as problem:
            name, value = f"output_{number}", frame.fail(problem)
        body.outputs.append((name, value, item.span))


def _output_name(frame: Frame, item: nodes.OutputItem, number: int) -> str:
    """The name of an output: of a block any, of a model one that its text gives and only once."""
    is_model = frame.body.block is not None and frame.body.block.kind == "model"
    name = item.name
    if name is None and isinstance(item.value, nodes.Name):
        name = item.value.id
    if not is_model:
        return name or ("output" if number == 0 else f"output_{number}")
    if name is None:
        message = "an output of a model needs a name"
        raise error("E0213", message, item.span, f"write `name = {item.value.span.text}`")
    taken = {i.value.name: i.span for i in frame.body.inputs}
    taken.update({other: span for other, _, span in frame.body.outputs})
    if name in taken:
        message = f"the output `{name}` is called like an input or another output"
        help = "exported models tell them apart by name: write `other_name = …`"
        raise error("E0212", message, item.span, help, Note("the other one", taken[name]))
    return name


def _require_tensors(value: Any, item: nodes.OutputItem) -> None:
    if value is POISON or isinstance(value, Value):
        return
    if isinstance(value, tuple) and value:
        for part in value:
            _require_tensors(part, item)
        return
    if isinstance(value, BoundFunction):
        raise not_applied(value, item.value.span)
    raise error("E0504", f"an output is a tensor, not {describe(value)}", item.value.span)
