"""The float64 twin of a program: f32 becomes f64, and nothing else changes.

In float64 a difference of meaning (1e-3) stands apart from rounding (1e-14), so what is to be
proved about a model in f32 is proved about its twin.  Inputs, targets, columns, parameters,
buffers, literals and what operations are told to give (`cast`, `full`, `embedding`) are f64 there.
f16 and bf16 stay: rounding to them is part of what such a model means.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from tercet.compiler.graph.callees import all_graphs
from tercet.compiler.graph.ir import (
    Apply,
    Argument,
    Bind,
    Branch,
    Call,
    Create,
    Graph,
    GraphInput,
    GraphOutput,
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
from tercet.compiler.graph.training import Data, Training, Update
from tercet.compiler.graph.values import BoundFunction
from tercet.compiler.ops.base import LayerOp, Op
from tercet.compiler.types import DType, TensorType
from tercet.dsl.diagnostics import Diagnostic, DiagnosticError

T = TypeVar("T")


def float64(program: Program) -> Program:
    """The twin of a program.

    Raises DiagnosticError E0608 for a training in mixed precision, which computes in f16 or bf16
    whatever the model's tensors are.
    """
    for training in program.trainings.values():
        _require_one_precision(training)
    twin = _Twin()
    for graph in all_graphs(*_roots(program)):
        twin.graph(graph)
    return dataclasses.replace(
        program,
        models={name: twin.graph(graph) for name, graph in program.models.items()},
        blocks=tuple(map(twin.graph, program.blocks)),
        trainings={name: twin.training(t) for name, t in program.trainings.items()},
    )


def _require_one_precision(training: Training) -> None:
    if training.is_mixed:
        raise DiagnosticError(
            Diagnostic(
                "E0608",
                f"`precision = {training.precision}` has no twin in float64",
                training.places.get("precision", training.span),
                "`-T precision=f32` trains the model in one precision, which has one",
            )
        )


def _roots(program: Program) -> list[Graph]:
    found = [*program.blocks, *program.models.values()]
    for training in program.trainings.values():
        found += [training.data.mapping, *(update.loss for update in training.updates)]
        found += [training.evaluation] if training.evaluation is not None else []
    return found


class _Twin:
    """Makes the twin of every object once, so that what was shared is shared again."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[object, object]] = {}

    def _once(self, old: T, make: Callable[[T], T]) -> T:
        """By identity; the old object is kept so that no other one takes its number."""
        if id(old) not in self._made:
            self._made[id(old)] = (old, make(old))
        new: Any = self._made[id(old)][1]
        return new  # type: ignore[no-any-return]

    # ------------------------------------------------------------------------------------ graphs

    def graph(self, old: Graph) -> Graph:
        """Of a graph; those that it calls should have been made before, or it recurses."""
        return self._once(old, self._graph)

    def _graph(self, old: Graph) -> Graph:
        return dataclasses.replace(
            old,
            arguments={name: self.static(value) for name, value in old.arguments.items()},
            inputs=tuple(map(self.input, old.inputs)),
            body=self._region(old.body),
            outputs=tuple(GraphOutput(o.name, self.value(o.value), o.span) for o in old.outputs),
            variant=None if old.variant is None else self._variants(old.variant),
        )

    def _variants(
        self, old: Callable[[Mapping[str, Any]], Graph | None]
    ) -> Callable[[Mapping[str, Any]], Graph | None]:
        def variant(changed: Mapping[str, Any]) -> Graph | None:
            found = old(changed)
            if found is None:
                return None
            for graph in all_graphs(found):
                self.graph(graph)
            return self.graph(found)

        return variant

    def input(self, old: GraphInput) -> GraphInput:
        """Of a graph's input, or of a target."""
        return self._once(old, lambda i: dataclasses.replace(i, value=self.value(i.value)))

    def _region(self, old: Region) -> Region:
        return Region(tuple(map(self._item, old.items)))

    def _item(self, item: Item) -> Item:
        match item:
            case Create(made=made):
                return Create(self.static(made))
            case Apply():
                return dataclasses.replace(
                    item,
                    op=self.op(item.op),
                    inputs=tuple(None if v is None else self.value(v) for v in item.inputs),
                    outputs=tuple(map(self.value, item.outputs)),
                    layer=self.static(item.layer),
                    arguments=self._arguments(item.arguments),
                )
            case Call():
                return dataclasses.replace(
                    item,
                    graph=self.graph(item.graph),
                    instance=self.static(item.instance),
                    inputs=tuple(map(self.value, item.inputs)),
                    outputs=tuple(map(self.value, item.outputs)),
                )
            case ReadParameter():
                return dataclasses.replace(
                    item,
                    parameter=self._parameter(item.parameter),
                    layer=self.static(item.layer),
                    output=self.value(item.output),
                )
            case Bind():
                return dataclasses.replace(item, value=self.static(item.value))
            case Loop():
                return Loop(
                    item.statement,
                    tuple(map(self.static, item.items)),
                    tuple(map(self._region, item.iterations)),
                )
            case Branch():
                body, result = self._region(item.body), self.static(item.result)
                return Branch(item.statement, item.taken, body, result)

    # -------------------------------------------------------------------------------- their parts

    def value(self, old: Value) -> Value:
        """Of a tensor."""
        return self._once(old, lambda value: Value(value.name, _type(value.type)))

    def op(self, old: Op) -> Op:
        """With f64 in the place of f32 in its attributes; a layer's stays that of its `Apply`."""
        return self._once(old, _changed)

    def static(self, old: Any) -> Any:
        """Of whatever a name can stand for."""
        match old:
            case DType() | TensorType():
                return _type(old)
            case tuple():
                return tuple(map(self.static, old))
            case Value():
                return self.value(old)
            case Layer():
                return self._once(old, self._layer)
            case Instance():
                return self._once(old, self._instance)
            case BoundFunction():
                return self._once(old, self._function)
        return old

    def _layer(self, old: Layer) -> Layer:
        op = self.op(old.op)
        assert isinstance(op, LayerOp)
        return dataclasses.replace(
            old,
            op=op,
            parameters=tuple(map(self._parameter, old.parameters)),
            arguments=self._arguments(old.arguments),
            inputs=tuple(None if type_ is None else _type(type_) for type_ in old.inputs),
        )

    def _function(self, old: BoundFunction) -> BoundFunction:
        return dataclasses.replace(
            old,
            op=self.op(old.op),
            arguments=self._arguments(old.arguments),
            tensors=tuple((word, self.value(given), text) for word, given, text in old.tensors),
        )

    def _instance(self, old: Instance) -> Instance:
        return dataclasses.replace(old, arguments=self._arguments(old.arguments))

    def _parameter(self, old: Parameter) -> Parameter:
        return self._once(old, lambda p: dataclasses.replace(p, type=_type(p.type)))

    def _arguments(self, old: tuple[Argument, ...]) -> tuple[Argument, ...]:
        return tuple(dataclasses.replace(a, value=self.static(a.value)) for a in old)

    # ----------------------------------------------------------------------------------- training

    def training(self, old: Training) -> Training:
        """Of a `train`: settings are Python's numbers and stay."""
        return dataclasses.replace(
            old,
            models={name: self.graph(graph) for name, graph in old.models.items()},
            inputs=tuple(map(self.input, old.inputs)),
            targets=tuple(map(self.input, old.targets)),
            data=self._data(old.data),
            updates=tuple(map(self._update, old.updates)),
            evaluation=None if old.evaluation is None else self.graph(old.evaluation),
        )

    def _data(self, old: Data) -> Data:
        return dataclasses.replace(old, mapping=self.graph(old.mapping))

    def _update(self, old: Update) -> Update:
        return dataclasses.replace(old, loss=self.graph(old.loss))


def _type(old: Any) -> Any:
    if old is DType.F32:
        return DType.F64
    if isinstance(old, TensorType) and old.dtype is DType.F32:
        return old.with_dtype(DType.F64)
    return old


def _changed(op: Op) -> Op:
    """An operation, or a part of one, with other attributes where they name f32."""
    settings: Any = op  # every operation is a dataclass, though their base is not
    found = {field.name: getattr(op, field.name) for field in dataclasses.fields(settings)}
    new = {name: _type(value) for name, value in found.items() if _type(value) is not value}
    result: Op = dataclasses.replace(settings, **new) if new else op
    return result
