"""Tensors that depend on no input: lines of the constructor, and attributes that others read."""

from __future__ import annotations

from tercet.codegen.decisions import CannotMerge
from tercet.codegen.expr import Element, Expr, LoopItem, Name, SizeName
from tercet.codegen.merge import Placeholders
from tercet.codegen.once import NotOnce
from tercet.codegen.render import render
from tercet.codegen.state import Frame, State
from tercet.codegen.static_values import StaticValues
from tercet.codegen.templates import costs_nothing, expand, operand_of, repeated_in, template_of
from tercet.codegen.tree import call_depth, has_part, mentions
from tercet.codegen.writer import Assign
from tercet.compiler.graph.ir import Apply, Bind, Value
from tercet.compiler.ops.elementwise import Listed
from tercet.dsl import nodes

_DEEPEST = 3
_WIDEST = 50


def print_once(state: State, frame: Frame, column: list[Apply], destination: Bind | None) -> None:
    """Writes an operation to the constructor.  Raises NotOnce, where it cannot stand there."""
    try:
        expr = _expression(state, frame, column)
    except CannotMerge:
        raise NotOnce(column) from None
    if not _is_constant(state, expr):
        raise NotOnce(column)
    values = [item.outputs[0] for item in column]
    hint = _name(column[0], destination)
    kept = any(id(value) in state.once.kept for value in values)
    uses = state.once.count(values[0]) + kept
    grown = call_depth(expr) >= _DEEPEST or len(render(expr)) > _WIDEST
    if (uses > 1 or (not kept and grown)) and not isinstance(expr, Name):
        expr = _local(state, frame, hint or "h", expr)
    for value in values:
        state.constructed[id(value)] = expr
    if not kept:
        return
    attribute = Element(state.lists.constant(hint or column[0].op.name), ())
    tensor = state.target.constant_tensor(attribute.site, expr)
    frame.construct.append(Assign((attribute,), tensor))
    for value in values:
        state.held[id(value)] = state.target.read_constant(attribute, value.type.dtype)


def _expression(state: State, frame: Frame, column: list[Apply]) -> Expr:
    siblings = tuple(dict.fromkeys(i.op for i in column))
    alike = state.number_of(siblings)
    templates = [
        template_of(state, state.graphs[g], item, siblings, alike)
        for item, g in zip(column, frame.graphs, strict=True)
    ]
    if any(len(item.inputs) != len(column[0].inputs) for item in column):
        raise CannotMerge("the operation has different numbers of operands")
    operands = [_operand(state, frame, column, k) for k in range(len(column[0].inputs))]
    for index in repeated_in(templates):
        operand = operands[index]
        if operand is not None and not costs_nothing(operand):
            operands[index] = _local(state, frame, "h", operand)
    written = [item.arguments for item in column]
    preferred = f"{column[0].op.name}_argument"
    static = StaticValues.of(state, frame, written, symbolic=False, preferred=preferred)
    inputs = operands or [Name(state.names.of(i.value.name)) for i in state.graphs[0].inputs]
    before = frame.construct
    expr = expand(before, state.arguments.names, templates, Placeholders(static, inputs))
    return state.target.in_constructor(expr)


def _operand(state: State, frame: Frame, column: list[Apply], index: int) -> Expr | None:
    values = [item.inputs[index] for item in column]
    present = [value for value in values if value is not None]
    if not present:
        return None
    if len(present) < len(values):
        raise CannotMerge("an operand is there in some executions only")
    scalars = [state.scalars[id(value)] for value in present if id(value) in state.scalars]
    if scalars:
        if len(scalars) < len(present):
            raise CannotMerge("a number in some executions, a tensor in others")
        static = StaticValues.of(state, frame, [i.arguments for i in scalars], symbolic=False)
        number = static.resolve([_number(item) for item in scalars], None)
        frame.deferred.pop(id(present[0]), None)
        return operand_of(state, column[0].op, number, present[0])
    found = {state.constructed.get(id(value)) for value in present}
    (expr,) = found if len(found) == 1 else (None,)
    if expr is None:
        raise CannotMerge("executions compute with different tensors")
    return expr


def _number(item: Apply) -> object:
    return getattr(item.op, "value")  # noqa: B009  (the operation is a `Constant`)


def _is_constant(state: State, expr: Expr) -> bool:
    """Whether nothing in it is known in a call alone."""
    if has_part(expr, SizeName) or has_part(expr, LoopItem):
        return False
    inputs = (Name(state.names.of(i.value.name)) for i in state.graphs[0].inputs)
    return not any(mentions(expr, name) for name in inputs)


def _local(state: State, frame: Frame, hint: str, expr: Expr) -> Expr:
    """A variable of the constructor."""
    local = Name(state.arguments.names.fresh(hint))
    frame.construct.append(Assign((local,), state.target.in_constructor(expr)))
    return local


def _name(item: Apply, destination: Bind | None) -> str | None:
    """What the source calls the result, if it binds it at once."""
    match destination:
        case Bind(target=nodes.TargetName(id=name), value=Value() as value):
            if value is item.outputs[0]:
                return name
    if isinstance(item.op, Listed):
        (values,) = item.arguments
        written = values.expression
        return written.id if isinstance(written, nodes.Name) else values.name
    return None
