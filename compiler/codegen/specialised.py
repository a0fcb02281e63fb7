"""The graphs that a model's text calls, and which of them one instance of a block runs through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from compiler.ir import Create, Graph, Layer
from dsl.diagnostics import Diagnostic, DiagnosticError


def graphs_by_block(model: Graph) -> list[list[Graph]]:
    """The specialisations that a model uses, by block, callees before their callers.

    Those that make others of the same block, by recursion or through what they call, form groups
    of their own: no class can construct itself.
    """
    groups: list[list[Graph]] = []
    latest: dict[int, int] = {}
    place_of: dict[int, int] = {}
    for graph in called_graphs(model):
        block = id(graph.block)
        place = latest.get(block)
        if place is None or any(place_of[id(made)] >= place for made in _made(graph)):
            place = latest[block] = len(groups)
            groups.append([])
        groups[place].append(graph)
        place_of[id(graph)] = place
    return groups


def _made(graph: Graph) -> Iterator[Graph]:
    """The graphs of the instances that a graph makes."""
    for graphs in graph.instances.values():
        yield from graphs


def called_graphs(model: Graph) -> list[Graph]:
    """Every graph that a model calls, directly or not, callees first, each once."""
    done: list[Graph] = []
    seen: set[int] = set()
    pending: list[tuple[Graph, Iterable[Graph]]] = [(model, iter([c.graph for c in model.calls]))]
    while pending:
        graph, callees = pending[-1]
        following = next(iter(callees), None)
        if following is None:
            pending.pop()
            if graph is not model:
                done.append(graph)
        elif id(following) not in seen:
            seen.add(id(following))
            pending.append((following, iter([c.graph for c in following.calls])))
    return done


def all_graphs(*roots: Graph) -> list[Graph]:
    """Every graph that these call, before its callers, and these themselves, each once."""
    found = (graph for root in roots for graph in (*called_graphs(root), root))
    return list(dict.fromkeys(found))


def layers_of(*roots: Graph) -> list[Layer]:
    """Every layer that these graphs, and all that they call, make."""
    return [
        item.made
        for graph in all_graphs(*roots)
        for item in graph.body.walk()
        if isinstance(item, Create) and isinstance(item.made, Layer)
    ]


def specialised_together(model: Graph) -> list[list[Graph]]:
    """Sets of graphs that one instance runs through, because it is applied to different types.

    What such an instance holds is applied through several graphs too.
    """
    found: list[list[Graph]] = []
    pending = [[graph] for graph in all_graphs(model)]
    while pending:
        callers = pending.pop()
        called: dict[str, dict[int, Graph]] = {}
        for graph in callers:
            for instance, graphs in graph.instances.items():
                called.setdefault(instance.path, {}).update({id(g): g for g in graphs})
        several = [list(graphs.values()) for graphs in called.values() if len(graphs) > 1]
        found += several
        pending += several
    return found


def not_one_class(graph: Graph, target: str) -> DiagnosticError:
    """The error for an instance whose graphs no class can print together."""
    message = (
        f"{target}: an instance of `{graph.block.name}` is applied to inputs of types so different "
        "that no one class can be written for them"
    )
    help = "make an instance for each of them, or give them one shape"
    return DiagnosticError(Diagnostic("E0701", message, graph.block.name_span, help=help))
