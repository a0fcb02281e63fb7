"""The graphs that a graph calls, directly or not."""

from __future__ import annotations

from collections.abc import Iterator

from tercet.compiler.graph.ir import Call, Graph


def called_graphs(model: Graph) -> list[Graph]:
    """Every graph that a model calls, directly or not, callees first, each once."""
    done: list[Graph] = []
    seen: set[int] = set()
    pending: list[tuple[Graph, Iterator[Call]]] = [(model, iter(model.calls))]
    while pending:
        graph, calls = pending[-1]
        call = next(calls, None)
        if call is None:
            pending.pop()
            if graph is not model:
                done.append(graph)
        elif id(call.graph) not in seen:
            seen.add(id(call.graph))
            pending.append((call.graph, iter(call.graph.calls)))
    return done


def all_graphs(*roots: Graph) -> list[Graph]:
    """Every graph that these call, before its callers, and these themselves, each once."""
    found = (graph for root in roots for graph in (*called_graphs(root), root))
    return list(dict.fromkeys(found))
