"""The layers of a model."""

from __future__ import annotations

from compiler.codegen.classes import called_graphs
from compiler.ir import Create, Graph, Layer


def layers(model: Graph) -> list[Layer]:
    """Every layer of a model and of the blocks that it calls."""
    graphs = [*called_graphs(model), model]
    return [
        item.made
        for graph in graphs
        for item in graph.body.walk()
        if isinstance(item, Create) and isinstance(item.made, Layer)
    ]
