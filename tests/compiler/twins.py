"""What is left of f32 in a program: names of whatever still says so."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from tercet.compiler.graph.callees import all_graphs
from tercet.compiler.graph.ir import Bind, Branch, Graph, Item, Layer, Loop, Program, Region, Value
from tercet.compiler.types import DType, TensorType


def remains(program: Program) -> list[str]:
    """Of models, blocks, and of all graphs of trainings."""
    roots = [*program.models.values(), *program.blocks]
    found: list[str] = []
    for training in program.trainings.values():
        roots += [training.data.mapping, *(update.loss for update in training.updates)]
        roots += [] if training.evaluation is None else [training.evaluation]
        given = [entry.value for entry in (*training.inputs, *training.targets)]
        roots += training.models.values()
        found += _in(tuple(given), f"train {training.name}")
    return found + [text for graph in all_graphs(*roots) for text in _in_graph(graph)]


def _in_graph(graph: Graph) -> Iterator[str]:
    values = [entry.value for entry in graph.inputs] + [out.value for out in graph.outputs]
    yield from _in((*values, *graph.arguments.values()), graph.name)
    for item in _items(graph.body):
        if not isinstance(item, Loop | Branch):
            parts = tuple(getattr(item, field.name) for field in dataclasses.fields(item))
            yield from _in(parts, f"{graph.name}: {type(item).__name__}")


def _items(region: Region) -> Iterator[Item]:
    for item in region.items:
        yield item
        match item:
            case Loop(iterations=iterations):
                for iteration in iterations:
                    yield from _items(iteration)
            case Branch(body=body):
                yield from _items(body)


def _in(part: object, where: str) -> Iterator[str]:
    """Through whatever a graph is made of, but not into the text that it was made from."""
    match part:
        case DType():
            if part is DType.F32:
                yield where
        case TensorType(dtype=dtype) | Value(type=TensorType(dtype=dtype)):
            yield from _in(dtype, where)
        case tuple():
            for one in part:
                yield from _in(one, where)
        case Graph() | Bind():
            pass
        case _ if dataclasses.is_dataclass(part) and not type(part).__module__.endswith(".nodes"):
            inner = f"{where}: {part.path if isinstance(part, Layer) else type(part).__name__}"
            for field in dataclasses.fields(part):
                yield from _in(getattr(part, field.name), inner)
