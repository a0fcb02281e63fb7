"""Applications: operations, layers and blocks, lowered to expressions over their operands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tercet.codegen.computed_once import print_once
from tercet.codegen.decisions import CannotMerge
from tercet.codegen.expr import (
    Expr,
    Made,
    Name,
    Template,
)
from tercet.codegen.layers import handed_layers, reference
from tercet.codegen.merge import Placeholders, one_of
from tercet.codegen.once import NotOnce
from tercet.codegen.regions import in_class
from tercet.codegen.render import render
from tercet.codegen.state import Deferred, Frame, State
from tercet.codegen.static_values import StaticValues
from tercet.codegen.templates import costs_nothing, expand, operand_of, repeated_in, template_of
from tercet.codegen.tree import mentions, replace
from tercet.codegen.values import defer, depth_over, materialize, values
from tercet.compiler.dims import Dim
from tercet.compiler.graph.ir import Apply, Bind, Call, Layer, Value
from tercet.compiler.ops.elementwise import Constant

_DEEPEST = 3
_WIDEST = 50
_HOLE = Made()


@in_class(Apply)
def print_apply(state: State, frame: Frame, column: list[Apply], destination: Bind | None) -> None:
    if not isinstance(column[0].op, Constant):
        _operation(state, frame, column, destination)
        return
    constants: list[Any] = []
    for item in column:
        if not isinstance(item.op, Constant):
            raise CannotMerge("a number in some executions, a tensor in others")
        constants.append(item.op.value)
        state.target.remember(item.outputs[0], item.op)
        if not isinstance(item.op.value, Dim):
            state.scalars[id(item.outputs[0])] = item
    sizes = [value for value in constants if isinstance(value, Dim)]
    if sizes and not state.target.reads_sizes:  # there a size is no number, but computed
        if len(sizes) < len(constants):
            raise CannotMerge("a size of an input in some executions, a number in others")
        _operation(state, frame, column, None)
        return
    static = StaticValues.of(state, frame, [i.arguments for i in column])
    output = [i.outputs[0] for i in column]
    defer(frame, (output,), static.resolve(constants, None), 0, "value")


def _operation(state: State, frame: Frame, column: list[Apply], destination: Bind | None) -> None:
    if not any(state.uses.is_live(o) for i in column for o in i.outputs):
        return
    once = [id(i.outputs[0]) in state.once.made for i in column]
    if all(once):
        print_once(state, frame, column, destination)
        return
    if any(once):
        raise NotOnce(column)
    siblings = tuple(dict.fromkeys(i.op for i in column))
    alike = state.number_of(siblings)
    templates = [
        template_of(state, state.graphs[g], i, siblings, alike)
        for i, g in zip(column, frame.graphs, strict=True)
    ]
    layer, operands = column[0].layer, column[0].inputs
    inner = frame.deferred.get(id(operands[0])) if layer is not None else None
    made: list[Layer] = [i.layer for i in column if i.layer is not None]
    applied = reference(state, frame, made) if layer is not None else None
    inputs = _inputs(
        state,
        frame,
        [i.inputs for i in column],
        destination,
        is_layer=layer is not None,
        repeated=repeated_in(templates),
    )
    if inner is not None and (inputs[0] is not inner.expr or inner.depth < _DEEPEST - 1):
        inner = None
    pairs = zip(inputs, operands, strict=True)
    inputs = [operand_of(state, column[0].op, expr, value) for expr, value in pairs]
    inputs = inputs or [Name(state.names.of(i.value.name)) for i in state.graphs[0].inputs]
    preferred = f"{column[0].op.name}_argument"
    written = [i.arguments for i in column]
    static = StaticValues.of(state, frame, written, preferred=preferred)
    expr = expand(frame.compute, state.names, templates, Placeholders(static, inputs, applied))
    outputs = tuple(zip(*(i.outputs for i in column), strict=True))
    hint = layer.site.name if layer is not None else column[0].op.name
    defer(frame, outputs, expr, depth_over(inputs), hint, inner)
    _keep_order(state, frame, column[0], destination)


@in_class(Call)
def print_call(state: State, frame: Frame, column: list[Call], destination: Bind | None) -> None:
    if not any(state.uses.is_live(o) for i in column for o in i.outputs):
        return
    instances = [i.instance for i in column]
    applied = reference(state, frame, instances)
    handed = handed_layers(state, frame, instances)
    templates = [
        Template(state.target.call(state.graphs[g], i, tuple(handed)))
        for i, g in zip(column, frame.graphs, strict=True)
    ]
    inputs = _inputs(state, frame, [i.inputs for i in column], destination)
    adapted = [
        None if e is None else _used(state, frame, column, k, e) for k, e in enumerate(inputs)
    ]
    static = StaticValues.of(state, frame, [()] * len(column))
    placeholders = Placeholders(static, [*adapted, *handed.values()], applied)
    expr = expand(frame.compute, state.names, templates, placeholders)
    outputs = tuple(zip(*(i.outputs for i in column), strict=True))
    defer(frame, outputs, expr, depth_over(inputs), column[0].instance.site.name)
    _keep_order(state, frame, column[0], destination)


def _keep_order(state: State, frame: Frame, item: Apply | Call, destination: Bind | None) -> None:
    """Writes what is deferred where it stands, if the order of such applications matters."""
    if state.target.in_order(item):
        materialize(state, frame, frame.deferred[id(item.outputs[0])], destination)


def _used(state: State, frame: Frame, column: list[Call], index: int, expr: Expr) -> Expr:
    """An input as all calls want it.  Raises CannotMerge."""
    found = (
        state.target.use(state.graphs[g], item, index, item.inputs[index], expr)
        for item, g in zip(column, frame.graphs, strict=True)
    )
    return one_of("blocks get a tensor in several layouts", found)


# --------------------------------------------------------------------------------------- operands


def _inputs(
    state: State,
    frame: Frame,
    operands: Sequence[Sequence[Value | None]],
    destination: Bind | None,
    *,
    is_layer: bool = True,
    repeated: frozenset[int] = frozenset(),
) -> list[Expr | None]:
    """The expressions of the operands; those `repeated` in the text are computed before it."""
    if any(len(o) != len(operands[0]) for o in operands):
        raise CannotMerge("the operation has different numbers of operands")
    columns: list[list[Value] | None] = []
    for operand in zip(*operands, strict=True):
        column = [v for v in operand if v is not None]
        if len(column) not in (0, len(operand)):
            raise CannotMerge("an operand is there in some executions only")
        columns.append(column or None)
    for index, present in enumerate(columns):
        held = None if present is None else frame.deferred.get(id(present[0]))
        if held is None:
            continue
        if index in repeated and not costs_nothing(held.expr):
            materialize(state, frame, held, destination)
            continue
        if not _too_big(held):
            continue
        if is_layer or not _split(state, frame, held, destination):
            materialize(state, frame, held, destination)
    exprs = iter(values(state, frame, [c for c in columns if c is not None]))
    return [None if column is None else next(exprs) for column in columns]


def _split(state: State, frame: Frame, held: Deferred, destination: Bind | None) -> bool:
    """Writes what a layer is applied to, if its application is then short enough to be deferred.

    So `relu` stays with the layer before it: `h = relu(a(x))`, `relu(b(h))`.
    """
    inner = held.inner
    if inner is None or len(held.columns) > 1:
        return False
    rest = replace(held.expr, lambda e: _HOLE if e == inner.expr else None)
    if not mentions(rest, _HOLE) or len(render(_filled(rest, Name("h")))) > _WIDEST:
        return False
    defer(frame, held.columns, rest, 1, held.hint)
    materialize(state, frame, inner, destination)
    name = frame.variable(inner.columns[0])
    assert name is not None
    defer(frame, held.columns, _filled(rest, name), 1, held.hint)
    return True


def _too_big(held: Deferred) -> bool:
    """Whether an expression should not grow any more."""
    return held.depth >= _DEEPEST or len(render(held.expr)) > _WIDEST


def _filled(expr: Expr, name: Name) -> Expr:
    return replace(expr, lambda e: name if e == _HOLE else None)
