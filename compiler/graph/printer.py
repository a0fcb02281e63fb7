"""Programs as text: what `tercet ir` shows and the goldens keep.

Deterministic and complete: every item of every trace has its line, values are numbered by name.
Fields of an operation that have their default are left out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from tercet.compiler.conversions import shown
from tercet.compiler.graph.ir import (
    Apply,
    Bind,
    Branch,
    Call,
    Create,
    Graph,
    Instance,
    Item,
    Layer,
    Loop,
    Parameter,
    Program,
    ReadParameter,
    Region,
    Value,
)
from tercet.compiler.graph.training import Training
from tercet.compiler.graph.values import kind_name, text
from tercet.compiler.initializers import Initializer
from tercet.compiler.ops.base import LayerOp, Op
from tercet.compiler.settings import Setting
from tercet.dsl import nodes

_INDENT = "    "


def print_program(program: Program) -> str:
    """The whole program: blocks, callees first, then models, then trainings."""
    names = _graph_names(program)
    parts = [f"program {program.source_name}\n"]
    parts += [_graph(graph, names) for graph in program.blocks]
    parts += [_graph(graph, names) for graph in program.models.values()]
    for training in program.trainings.values():
        parts += _training(training, names)
    return "\n".join(parts)


def print_graph(graph: Graph) -> str:
    """One graph; the blocks it calls are shown by name only."""
    return _graph(graph, {})


def _graph_names(program: Program) -> dict[Graph, str]:
    """Specialisations of one block are told apart by numbers, in order."""
    counts: dict[str, int] = {}
    names: dict[Graph, str] = {}
    for graph in program.blocks:
        number = counts[graph.name] = counts.get(graph.name, -1) + 1
        names[graph] = f"{graph.name}.{number}"
    return names


def _graph(graph: Graph, names: dict[Graph, str]) -> str:
    return "\n".join(_Printer(names).graph(graph)) + "\n"


class _Printer:
    def __init__(self, names: dict[Graph, str]) -> None:
        self._graphs = names
        self._values: dict[Value, str] = {}
        self._counts: dict[str, int] = {}

    def graph(self, graph: Graph) -> Iterator[str]:
        arguments = ", ".join(f"{k} = {self.static(v)}" for k, v in graph.arguments.items())
        name = self._graphs.get(graph, graph.name)
        yield f"{graph.block.kind} {name}({arguments}) {{"
        for dim, size in graph.dims.items():
            if dim != str(size):
                yield f"{_INDENT}dim {dim} = {size}"
        for given in graph.inputs:
            yield f"{_INDENT}input {self.define(given.value)}"
        for line in self.region(graph.body):
            yield _INDENT + line
        for constraint in graph.constraints:
            yield f"{_INDENT}require {constraint}"
        for output in graph.outputs:
            yield f"{_INDENT}output {output.name} = {self.value(output.value)}"
        yield "}"

    def region(self, region: Region) -> Iterator[str]:
        for item in region.items:
            yield from self.item(item)

    def item(self, item: Item) -> Iterator[str]:
        match item:
            case Create(made=made):
                yield from self.created(made)
            case Apply():
                yield f"{self.outputs(item.outputs)} = {self.applied(item)}"
            case Call(graph=graph, instance=instance, inputs=inputs, outputs=outputs):
                name = self._graphs.get(graph, graph.name)
                given = ", ".join(map(self.value, inputs))
                yield f"{self.outputs(outputs)} = {instance.path}: {name}({given})"
            case ReadParameter(parameter=parameter, layer=layer, output=output):
                yield f"{self.define(output)} = parameter {parameter.path}"
                if layer is None:
                    yield _INDENT + _parameter(parameter)
            case Bind(target=target, value=value):
                yield f"{target.span.text} := {self.static(value)}"
            case Loop(statement=statement):
                yield f"for {statement.target.span.text} in {statement.iterable.span.text} {{"
                for value, region in zip(item.items, item.iterations, strict=True):
                    yield f"{_INDENT}{self.static(value)}:"
                    yield from (_INDENT * 2 + line for line in self.region(region))
                yield "}"
            case Branch(statement=statement, taken=taken, body=body, result=result):
                side = "otherwise" if taken else "then"
                yield f"if {_one_line(statement.condition)} takes {side} {{"
                yield from (_INDENT + line for line in self.region(body))
                is_expression = isinstance(statement, nodes.Conditional)
                yield f"}} gives {self.static(result)}" if is_expression else "}"

    def created(self, made: Layer | Instance) -> Iterator[str]:
        if isinstance(made, Instance):
            given = ", ".join(f"{a.name} = {self.static(a.value)}" for a in made.arguments)
            yield f"{made.block.kind} {made.path} = {made.block.name}({given})"
            return
        yield f"layer {made.path} = {made.op.name}({', '.join(self.fields(made.op))})"
        for parameter in made.parameters:
            yield _INDENT + _parameter(parameter)

    def applied(self, item: Apply) -> str:
        given = ["none" if v is None else self.value(v) for v in item.inputs]
        if item.layer is not None:
            return f"{item.layer.path}({', '.join(given)})"
        return f"{item.op.name}({', '.join([*given, *self.fields(item.op)])})"

    def fields(self, op: Op) -> Iterator[str]:
        for field in dataclasses.fields(op):  # type: ignore[arg-type]
            value = getattr(op, field.name)
            if value == field.default and type(value) is type(field.default):
                continue
            if value is None and isinstance(op, LayerOp):
                continue
            yield f"{field.name} = {self.static(value)}"

    def outputs(self, outputs: tuple[Value, ...]) -> str:
        return ", ".join(map(self.define, outputs))

    def define(self, value: Value) -> str:
        """`%h: f32[N, 10]`; the name gets a number where it was given before."""
        number = self._counts[value.name] = self._counts.get(value.name, -1) + 1
        name = f"%{value.name}" if number == 0 else f"%{value.name}.{number}"
        self._values[value] = name
        return f"{name}: {value.type}"

    def value(self, value: Value) -> str:
        return self._values.get(value, f"%?{value.name}")

    def static(self, value: Any) -> str:
        match value:
            case Value():
                return self.value(value)
            case tuple():
                return f"[{', '.join(map(self.static, value))}]"
            case str() if type(value) is str:
                return f'"{value}"'
            case Initializer():
                return _initializer(value)
            case Layer() | Instance():
                return value.path
        return text(value)


def _parameter(parameter: Parameter) -> str:
    kept = "" if parameter.trainable else ", not trained"
    return (
        f"{parameter.path}: {parameter.type}, {parameter.role}, "
        f"{_initializer(parameter.init)}{kept}"
    )


def _initializer(init: Initializer) -> str:
    given = [
        f"{f.name} = {shown(getattr(init, f.name))}"
        for f in dataclasses.fields(init)
        if getattr(init, f.name) != f.default
    ]
    return f"{kind_name(type(init))}({', '.join(given)})"


def _one_line(node: nodes.Expr) -> str:
    return " ".join(node.span.text.split())


def _training(training: Training, names: dict[Graph, str]) -> Iterator[str]:
    """The settings of a training, then its graphs."""
    lines = [f"train {training.name} {{"]
    update = training.update
    for what, setting in (
        ("data", training.data.source),
        ("optimizer", update.optimizer),
        ("schedule", update.schedule),
        ("clip", update.clip),
    ):
        if setting is not None:
            lines.append(f"{_INDENT}{what} = {_setting(setting)}")
    for metric in training.metrics:
        operands = ", ".join(metric.operands)
        lines.append(f"{_INDENT}metric {metric.name} = {_setting(metric.metric)} of {operands}")
    for what in ("batch", "epochs", "seed", "precision"):
        lines += [f"{_INDENT}{what} = {getattr(training, what)}"]
    if training.no_decay:
        lines += [f"{_INDENT}no_decay = {shown(training.no_decay)}"]
    yield "\n".join([*lines, "}"]) + "\n"
    yield _graph(training.data.mapping, names)
    yield _graph(update.loss, names)
    if training.evaluation is not None:
        yield _graph(training.evaluation, names)


def _setting(setting: Setting) -> str:
    fields = dataclasses.fields(setting)  # type: ignore[arg-type]
    given = ", ".join(f"{f.name} = {shown(getattr(setting, f.name))}" for f in fields)
    return f"{setting.name}({given})"
