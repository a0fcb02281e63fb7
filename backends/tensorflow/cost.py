"""How many steps `fit` should run at once: for small models its own work costs more than theirs."""

from __future__ import annotations

from tercet.compiler import dims
from tercet.compiler.dims import Dim
from tercet.compiler.graph.callees import all_graphs
from tercet.compiler.graph.ir import Apply, Call, Graph

_MANY = 32
_CHEAP = 2e9
"""Operations of a step up to which its start is worth saving."""
_USUAL_SIZE = 64
"""Stands for sizes that the model leaves open."""


def steps_per_execution(model: Graph, batch: int) -> int:
    """Many for a cheap step, else 1, so that progress is seen."""
    forward = batch * sum(_flops(graph) * n for graph, n in _counts(model).values())
    return _MANY if 3 * forward < _CHEAP else 1


def _counts(model: Graph) -> dict[int, tuple[Graph, int]]:
    """How often each graph runs."""
    graphs = all_graphs(model)
    counts = {id(graph): (graph, 0) for graph in graphs}
    counts[id(model)] = (model, 1)
    for graph in reversed(graphs):
        for item in graph.body.walk():
            if isinstance(item, Call):
                called, n = counts[id(item.graph)]
                counts[id(item.graph)] = called, n + counts[id(graph)][1]
    return counts


def _flops(graph: Graph) -> float:
    """Operations for one row."""
    total = 0.0
    for item in graph.body.walk():
        if isinstance(item, Apply):
            inputs = [None if v is None else v.type for v in item.inputs]
            size = item.op.flops(inputs, [v.type for v in item.outputs])
            total += _number(size)
    return total


def _number(size: object) -> float:
    if not isinstance(size, Dim):
        assert isinstance(size, int | float)
        return float(size)
    usual = {symbol: 1 if symbol == "N" else _USUAL_SIZE for symbol in dims.symbols(size)}
    return float(dims.evaluate(size, usual))
