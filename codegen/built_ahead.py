"""Layers built ahead: their owner makes their weights, since another class applies them first.

Keras names weights after the layers around the call that makes them.
"""

from __future__ import annotations

from collections.abc import Iterable

from tercet.codegen.decisions import CannotMerge
from tercet.codegen.expr import Element, Expr, Literal, Made, Name
from tercet.codegen.layer_lists import LayerLists, Making, Merge
from tercet.codegen.tree import replace
from tercet.codegen.writer import Evaluate, For, Statement
from tercet.compiler.graph.ir import Site


def build_statements(
    layers: Iterable[Making], graphs: int, merge: Merge, lists: LayerLists
) -> list[Statement]:
    """The statements that build these layers of `graphs` specialisations, `Made()` in each.

    Raises CannotMerge.
    """
    sites: dict[Site, list[Making]] = {}
    for one in layers:
        sites.setdefault(one.site, []).append(one)
    result: list[Statement] = []
    for found in sites.values():
        result += _site(found, graphs, merge, lists)
    return result


def _site(layers: list[Making], graphs: int, merge: Merge, lists: LayerLists) -> list[Statement]:
    """One call, or those of the layers in a list: as a loop where they are alike."""
    if {one.graph for one in layers} != set(range(graphs)):
        raise CannotMerge(f"`{layers[0].site.name}` is built in some specialisations only")
    attribute = lists.attribute(layers[0].site)
    indices = list(dict.fromkeys(one.indices for one in layers))
    if indices[0] and len(layers) > graphs:
        try:
            return [_over_list(layers, merge, lists)]
        except CannotMerge:
            pass  # one call for each
    result: list[Statement] = []
    for place in indices:
        group = [one for one in layers if one.indices == place]
        if len(group) != graphs:
            raise CannotMerge(f"`{layers[0].site.name}` has layers in some specialisations only")
        element = Element(attribute, tuple(Literal(k) for k in place))
        result.append(Evaluate(_of(merge(group), element)))
    return result


def _over_list(layers: list[Making], merge: Merge, lists: LayerLists) -> Statement:
    """The loops over a list, of lists perhaps, of layers that are all built alike.

    Raises CannotMerge.
    """
    attribute, levels = lists.attribute(layers[0].site), len(layers[0].indices)

    def complete(graph: int, there: set[tuple[int, ...]], place: tuple[int, ...]) -> bool:
        if len(place) == levels:
            return place in there
        length = lists.length(attribute, graph, place)
        return all(complete(graph, there, (*place, k)) for k in range(length))

    for graph in {one.graph for one in layers}:
        if not complete(graph, {one.indices for one in layers if one.graph == graph}, ()):
            raise CannotMerge("some layers of the list are not built ahead")
    names = [Name("stage" if k == levels - 2 else f"stage_{k}") for k in range(levels - 1)]
    names.append(Name("layer"))
    whole: list[Expr] = [Element(attribute, ()), *names]
    statement: Statement = Evaluate(_of(merge(layers), names[-1]))
    for level in reversed(range(levels)):
        statement = For(names[level], whole[level], (statement,))
    return statement


def _of(building: Expr, layer: Expr) -> Expr:
    return replace(building, lambda e: layer if isinstance(e, Made) else None)
