"""How often layers are applied in one run of a graph: those shared between calls more than once."""

from __future__ import annotations

from collections import Counter

from tercet.compiler.graph.callees import all_graphs
from tercet.compiler.graph.ir import Apply, Call, Create, Graph, Instance, Layer, Site
from tercet.compiler.ops.base import InTraining

_Applied = tuple[Layer | Instance | None, str, Site]
"""A layer by its path from what holds it, which a caller of the graph made and handed to it, and
where it is made; None stands for the graph itself."""


def shared_sites(graph: Graph) -> set[Site]:
    """Where layers are made that are applied more than once."""
    return {site for (_, _, site), times in _applications(graph, {}).items() if times > 1}


def ordered_sites(graph: Graph) -> frozenset[Site]:
    """Those whose layers training tells apart by the order in which they are applied.

    They draw random numbers or average what they see.
    """
    found = {
        item.layer.site
        for called in all_graphs(graph)
        for item in called.body.walk()
        if isinstance(item, Apply)
        and item.layer is not None
        and item.layer.op.in_training is not InTraining.SAME
    }
    return frozenset(found & shared_sites(graph)) if found else frozenset()


def applied_sites(graph: Graph) -> set[Site]:
    """Where the layers are made that a run of a graph applies."""
    return {site for _, _, site in _applications(graph, {})}


def _applications(graph: Graph, known: dict[Graph, Counter[_Applied]]) -> Counter[_Applied]:
    """How often what a graph makes or is given is applied, each graph being looked at once."""
    if graph in known:
        return known[graph]
    found: Counter[_Applied] = Counter()
    own: set[Layer | Instance | None] = set()
    for item in graph.body.walk():
        match item:
            case Create(made=made):
                own.add(made)
            case Apply(layer=Layer() as layer):
                found[layer, "", layer.site] += 1
            case Call(instance=instance):
                for (holder, path, site), times in _applications(item.graph, known).items():
                    found[holder or instance, path, site] += times
    placed: Counter[_Applied] = Counter()
    for (holder, path, site), times in found.items():
        if holder is not None and holder in own:
            placed[None, f"{holder.path}.{path}".rstrip("."), site] += times
        else:
            placed[holder, path, site] += times
    known[graph] = placed
    return placed
