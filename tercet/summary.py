"""What `tercet show` tells of a model: layers, shapes, parameters, work and memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tercet.compiler import dims
from tercet.compiler.dims import Dim, Size
from tercet.compiler.graph.callees import called_graphs
from tercet.compiler.graph.ir import Apply, Call, Create, Graph, Layer, Parameter, ReadParameter
from tercet.compiler.graph.ownership import Owner
from tercet.compiler.ops.elementwise import Constant, Listed
from tercet.compiler.types import TensorType


@dataclass(frozen=True)
class Row:
    """One layer or function, in the order of computation; `parameters` counts the trainable."""

    path: str
    operation: str
    outputs: tuple[TensorType, ...]
    parameters: int
    flops: Size

    @property
    def output(self) -> TensorType:
        """The first output, which the table shows."""
        return self.outputs[0]


@dataclass(frozen=True)
class ParameterRow:
    """One parameter of the model; `operation` is that of its layer."""

    path: str
    parameter: Parameter
    operation: str


def rows(graph: Graph, prefix: str = "") -> Iterator[Row]:
    """The applications of operations, those of called blocks in place of their calls."""
    counted: set[str] = set()
    pending = [(Owner(prefix), graph.body.walk())]
    while pending:
        owner, items = pending[-1]
        item = next(items, None)
        match item:
            case None:
                pending.pop()
            case Create(made=made):
                owner.make(made)
            case Call(graph=called, instance=instance):
                pending.append((owner.enter(instance), called.body.walk()))
            case Apply(op=Constant() | Listed()):
                pass
            case Apply():
                yield _row(owner.prefix_of(item.layer), item, counted)


def _row(prefix: str, item: Apply, counted: set[str]) -> Row:
    layer = item.layer
    path = prefix + (layer.path if layer is not None else item.outputs[0].name)
    own = 0
    if layer is not None and path not in counted:
        counted.add(path)
        own = sum(count(p.type) for p in layer.parameters if p.trainable)
    inputs = [None if v is None else v.type for v in item.inputs]
    outputs = tuple(v.type for v in item.outputs)
    return Row(path, item.op.name, outputs, own, item.op.flops(inputs, outputs))


def parameter_rows(graph: Graph) -> Iterator[ParameterRow]:
    """Every parameter with the operation it belongs to, each once."""
    operations: dict[int, str] = {}
    for called in (graph, *called_graphs(graph)):
        for item in called.body.walk():
            match item:
                case Create(made=Layer() as layer):
                    operations.update((id(p), layer.op.name) for p in layer.parameters)
                case ReadParameter(parameter=parameter, layer=None):
                    operations[id(parameter)] = parameter.role
    for path, parameter in graph.parameters():
        yield ParameterRow(path, parameter, operations[id(parameter)])


def count(type: TensorType) -> int:
    """The number of elements of a type without symbolic sizes."""
    return math.prod(n for n in type.shape if isinstance(n, int))


@dataclass(frozen=True)
class Totals:
    """Sums over the model; `flops` and `activation_bytes` may be symbolic."""

    trainable: int
    parameters: int
    flops: Size
    activation_bytes: Size


def totals(graph: Graph) -> Totals:
    """A multiply-add counts as two operations; activations are the outputs of all rows."""
    parameters = [p for _, p in graph.parameters()]
    flops: Size = 0
    activation: Size = 0
    for row in rows(graph):
        flops = flops + row.flops
        for output in row.outputs:
            activation = activation + dims.product(output.shape) * output.dtype.size
    return Totals(
        sum(count(p.type) for p in parameters if p.trainable),
        sum(count(p.type) for p in parameters),
        flops,
        activation,
    )


def at(size: Size, sizes: Mapping[str, int]) -> Size:
    """A size with some symbols given."""
    return dims.substitute(size, dict(sizes)) if isinstance(size, Dim) and sizes else size


def shape_at(type: TensorType, sizes: Mapping[str, int]) -> list[Any]:
    """A shape with some symbols given, for people and for JSON: symbolic sizes are strings."""
    return [n if isinstance(n, int) else str(n) for n in (at(n, sizes) for n in type.shape)]
