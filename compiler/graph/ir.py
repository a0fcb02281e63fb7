"""The graph IR: what elaboration makes of a model and what every backend reads.

A `Program` holds one `Graph` per model and one per *specialised* block (same declaration, static
arguments and input types).  A graph's body is a `Region`: the trace of elaborating the block's text
once, with structure kept.  Two traces of the same text have the same items in the same order,
because an item exists for every call, binding, loop and branch whatever was taken; that is what
lets a code generator print all instances of a block as one class (`codegen/classes.py`).

Everything is frozen; values, layers and items compare by identity.  Values and layers are in
`layers`; all are named here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from functools import cached_property
from itertools import chain
from typing import Any

from tercet.compiler.constraints import Constraint
from tercet.compiler.dims import Size
from tercet.compiler.graph.layers import (
    Argument,
    Instance,
    Layer,
    Parameter,
    Site,
    StaticValue,
    Value,
)
from tercet.compiler.ops.base import Op
from tercet.dsl import nodes
from tercet.dsl.records import dataclass
from tercet.dsl.source import Span

__all__ = [
    "Apply",
    "Argument",
    "Bind",
    "Branch",
    "Call",
    "Create",
    "Graph",
    "GraphInput",
    "GraphOutput",
    "Instance",
    "Item",
    "Layer",
    "Loop",
    "Parameter",
    "Program",
    "ReadParameter",
    "Region",
    "Site",
    "StaticValue",
    "Value",
]

# ------------------------------------------------------------------------------------------ items


@dataclass(frozen=True, eq=False, slots=True)
class Create:
    """A layer or an instance comes into being (in a generated class: in the constructor).

    For a kind applied directly (`x |> batch_norm`), the item stands right before its application.
    """

    made: Layer | Instance


@dataclass(frozen=True, eq=False, slots=True)
class Apply:
    """One operation applied to values.  An absent optional operand is None."""

    op: Op
    inputs: tuple[Value | None, ...]
    outputs: tuple[Value, ...]
    span: Span
    layer: Layer | None = None
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Call:
    """A block's instance applied to values, through the specialised graph for their types."""

    graph: Graph
    instance: Instance
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    span: Span


@dataclass(frozen=True, eq=False, slots=True)
class ReadParameter:
    """A parameter as a value: a `param` or `buffer` (then `layer` is None), or `embed.weight`.

    `site` is the declaration's own of a raw one, inside `len(indices)` loops.
    """

    parameter: Parameter
    layer: Layer | None
    output: Value
    span: Span
    site: Site | None = None
    indices: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Bind:
    """`target = expression`, of tensors, of static values, or of tuples that hold both."""

    target: nodes.AssignTarget
    expression: nodes.Expr
    value: Value | StaticValue
    span: Span


@dataclass(frozen=True, eq=False, slots=True)
class Loop:
    """A `for`: one region per iteration; `items` are the values its target took."""

    statement: nodes.For
    items: tuple[StaticValue, ...]
    iterations: tuple[Region, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Branch:
    """An `if`, statement or expression: which side was taken (0 then, 1 otherwise) and its trace.

    `result` is the value of a conditional expression, None for a statement.
    """

    statement: nodes.If | nodes.Conditional
    taken: int
    body: Region
    result: Value | StaticValue = None


Item = Create | Apply | Call | ReadParameter | Bind | Loop | Branch


@dataclass(frozen=True, eq=False, slots=True)
class Region:
    items: tuple[Item, ...] = ()

    def walk(self) -> Iterator[Create | Apply | Call | ReadParameter]:
        """The items that do something, in order, through all loops and branches (no recursion)."""
        pending: list[Iterator[Item]] = [iter(self.items)]
        while pending:
            for item in pending[-1]:
                match item:
                    case Bind():
                        pass
                    case Loop(iterations=iterations):
                        pending.append(chain.from_iterable(r.items for r in iterations))
                        break
                    case Branch(body=body):
                        pending.append(iter(body.items))
                        break
                    case _:
                        yield item
            else:
                pending.pop()


# ----------------------------------------------------------------------------------------- graphs


@dataclass(frozen=True, eq=False, slots=True)
class GraphInput:
    """An input: its value and, for code that reads sizes, the shape as written in the source.

    `declared` has one entry per dimension of the value: the expression written there, or None for
    those that a `...` took.
    """

    value: Value
    declared: tuple[nodes.Expr | None, ...]
    span: Span


@dataclass(frozen=True, eq=False, slots=True)
class GraphOutput:
    """An output under its name; a list output arrives here flattened as `name.0`, `name.1`, …"""

    name: str
    value: Value
    span: Span


@dataclass(frozen=True, eq=False)
class Graph:
    """A model, or one specialisation of a block.

    `arguments` are the values of the block's parameters in this specialisation (defaults
    included); `dims` the sizes bound by the capitalised names of its input shapes.
    """

    name: str
    block: nodes.Block
    arguments: dict[str, StaticValue]
    dims: dict[str, Size]
    inputs: tuple[GraphInput, ...]
    body: Region
    outputs: tuple[GraphOutput, ...]
    constraints: tuple[Constraint, ...] = ()
    variant: Callable[[Mapping[str, StaticValue]], Graph | None] | None = None
    """Of a model: itself at other values of some parameters, None where they are an error."""

    @cached_property
    def own_parameters(self) -> tuple[Parameter, ...]:
        """Parameters of the graph's own layers and declarations, each once, as they are created."""
        found: dict[str, Parameter] = {}
        for item in self.body.walk():
            match item:
                case Create(made=Layer() as layer):
                    found.update((p.path, p) for p in layer.parameters)
                case ReadParameter(parameter=parameter, layer=None):
                    found.setdefault(parameter.path, parameter)
        return tuple(found.values())

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """Calls of blocks in the graph's own body."""
        return tuple(item for item in self.body.walk() if isinstance(item, Call))

    @cached_property
    def instances(self) -> dict[Instance, tuple[Graph, ...]]:
        """The instances that the graph makes, with the graphs they run through.

        They are applied in its own body, or by blocks that get them as arguments.
        """
        own = {i.made: None for i in self.body.walk() if isinstance(i, Create)}
        found: dict[Instance, dict[Graph, None]] = {
            call.instance: {} for call in self.calls if call.instance in own
        }
        found.update({i: {} for i in own if isinstance(i, Instance) and i not in found})
        seen: set[Graph] = set()
        pending = [self]
        while pending and found:
            graph = pending.pop()
            for call in graph.calls:
                if call.instance in found:
                    found[call.instance][call.graph] = None
                if call.graph not in seen:
                    seen.add(call.graph)
                    pending.append(call.graph)
        return {instance: tuple(graphs) for instance, graphs in found.items()}

    def parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Every parameter with its full path, each once, those of its instances included.

        A layer that a block gets as an argument belongs to the graph that made it.
        """
        seen: set[str] = set()
        pending: list[tuple[str, Graph]] = [("", self)]
        while pending:
            prefix, graph = pending.pop()
            for parameter in graph.own_parameters:
                path = prefix + parameter.path
                if path not in seen:
                    seen.add(path)
                    yield path, parameter
            inner = [
                (f"{prefix}{instance.path}.", called)
                for instance, graphs in graph.instances.items()
                for called in graphs
            ]
            pending.extend(reversed(inner))


@dataclass(frozen=True, eq=False)
class Program:
    """A compiled file: the models by name, and all specialised blocks, callees first."""

    source_name: str
    models: dict[str, Graph]
    blocks: tuple[Graph, ...]
    trainings: dict[str, Any] = field(default_factory=dict)
    """`training.Training` by the name of the model trained."""
    declared: tuple[str, ...] = ()
    """All models that the text declares, also those that were not asked for."""
