"""Walks a model's graph through all its block calls and writes every operation's nodes.

The walk keeps its own stack of frames, so that neither long chains nor deep nests of blocks meet
Python's limit of recursion.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tercet.backends.base import Unsupported, rejected
from tercet.backends.onnx.builder import Builder, Context, apply_lowering
from tercet.compiler.graph.ir import (
    Apply,
    Bind,
    Branch,
    Call,
    Create,
    Graph,
    Item,
    Loop,
    ReadParameter,
    Value,
)
from tercet.compiler.graph.ownership import Owner
from tercet.dsl import nodes
from tercet.dsl.diagnostics import Diagnostic, DiagnosticError, Note


@dataclass(eq=False)
class _Frame:
    """One graph being walked under one instance path."""

    graph: Graph
    owner: Owner
    names: dict[Value, str]
    items: Iterator[Create | Apply | Call | ReadParameter]
    caller: _Frame | None = None
    call: Call | None = None
    bound: Mapping[Value, str] = field(default_factory=dict)

    def hint(self, name: str) -> str:
        prefix = self.owner.prefix
        return f"{prefix[:-1]}/{name}" if prefix else name


def inline(graph: Graph, builder: Builder) -> list[str]:
    """Writes all nodes into `builder`; gives the names of the values of the graph's outputs.

    Raises DiagnosticError for an operation that ONNX cannot express.
    """
    bound: dict[Graph, Mapping[Value, str]] = {}
    names = {given.value: given.value.name for given in graph.inputs}
    frame = top = _Frame(graph, Owner(), names, graph.body.walk(), bound=_bound_names(graph))
    while True:
        item = next(frame.items, None)
        match item:
            case Create(made=made):
                frame.owner.make(made)
            case Apply():
                _apply(item, frame, builder)
            case ReadParameter(parameter=parameter, layer=layer, output=output):
                path = frame.owner.prefix_of(layer) + parameter.path
                frame.names[output] = builder.parameter(path, parameter)
            case Call():
                if item.graph not in bound:
                    bound[item.graph] = _bound_names(item.graph)
                frame = _enter(item, frame, bound[item.graph])
            case None if frame.caller is not None:
                frame = _leave(frame, frame.caller)
            case None:
                return [top.names[output.value] for output in graph.outputs]


def _bound_names(graph: Graph) -> Mapping[Value, str]:
    """The names that the block's text gives to tensors, the first one of each."""
    found: dict[Value, str] = {}
    pending: list[Iterator[Item]] = [iter(graph.body.items)]
    while pending:
        item = next(pending[-1], None)
        match item:
            case None:
                pending.pop()
            case Loop():
                pending.append(i for region in item.iterations for i in region.items)
            case Branch():
                pending.append(iter(item.body.items))
            case Bind(target=nodes.TargetName(id=name), value=Value() as value):
                found.setdefault(value, name)
            case Bind(target=nodes.TargetTuple(items=targets), value=tuple() as values):
                for target, value in zip(targets, values, strict=False):
                    if isinstance(target, nodes.TargetName) and isinstance(value, Value):
                        found.setdefault(value, target.id)
    return found


def _enter(call: Call, frame: _Frame, bound: Mapping[Value, str]) -> _Frame:
    owner = frame.owner.enter(call.instance)
    formals = (given.value for given in call.graph.inputs)
    actuals = (frame.names[value] for value in call.inputs)
    names = dict(zip(formals, actuals, strict=True))
    return _Frame(call.graph, owner, names, call.graph.body.walk(), frame, call, bound)


def _leave(frame: _Frame, caller: _Frame) -> _Frame:
    assert frame.call is not None
    for value, output in zip(frame.call.outputs, frame.graph.outputs, strict=True):
        caller.names[value] = frame.names[output.value]
    return caller


def _apply(item: Apply, frame: _Frame, builder: Builder) -> None:
    layer = item.layer
    prefix = frame.owner.prefix_of(layer)
    parameters = layer.parameters if layer is not None else ()
    context = Context(
        builder,
        frame.hint(_name_of(item, frame)),
        tuple(None if value is None else frame.names[value] for value in item.inputs),
        tuple(None if value is None else value.type for value in item.inputs),
        tuple(value.type for value in item.outputs),
        {p.name: (prefix + p.path, p) for p in parameters},
    )
    try:
        outputs = apply_lowering(item.op, context)
    except Unsupported as problem:
        raise _with_calls(rejected("onnx", item.op, item.span, problem), frame) from problem
    frame.names.update(zip(item.outputs, outputs, strict=True))


def _name_of(item: Apply, frame: _Frame) -> str:
    """A layer's path, the name the text gives to the result, or the operation's."""
    if item.layer is not None:
        return item.layer.path
    return frame.bound.get(item.outputs[0], item.outputs[0].name)


def _with_calls(error: DiagnosticError, frame: _Frame) -> DiagnosticError:
    """The error with the chain of block calls that led to it, innermost first."""
    notes: list[Note] = []
    current = frame
    while current.call is not None and current.caller is not None:
        notes.append(Note(f"in a call of {current.graph.name}", current.call.span))
        current = current.caller
    (found,) = error.diagnostics
    return DiagnosticError(
        Diagnostic(found.code, found.message, found.span, found.help, tuple(notes))
    )
