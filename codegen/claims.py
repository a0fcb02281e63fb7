"""Layers whose weights their owner makes when it is built, since another class applies them first.

Keras names weights after the layers around the call that makes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from tercet.codegen.expr import Expr, Literal, Made, Name
from tercet.codegen.leaves import Written
from tercet.codegen.lists import SiteLists
from tercet.codegen.merge import NotAlike
from tercet.codegen.references import Element
from tercet.codegen.tree import replace
from tercet.codegen.writer import Evaluate, For, Statement
from tercet.compiler.graph.ir import Argument, Instance, Layer, Site

Merge = Callable[[list[Expr], Written, list[int]], Expr]


@dataclass(frozen=True)
class Claim:
    """A layer of one specialisation, and what builds it, `Made()` being the layer."""

    graph: int
    site: Site
    indices: tuple[int, ...]
    arguments: tuple[Argument, ...]
    building: Expr


def claim(made: Layer | Instance, graph: int, building: Expr) -> Claim:
    return Claim(graph, made.site, made.indices, made.arguments, building)


def building(
    claims: Iterable[Claim], graphs: int, merge: Merge, lists: SiteLists
) -> list[Statement]:
    """The statements that build all these layers of `graphs` specialisations.  Raises NotAlike."""
    sites: dict[Site, list[Claim]] = {}
    for one in claims:
        sites.setdefault(one.site, []).append(one)
    result: list[Statement] = []
    for found in sites.values():
        result += _site(found, graphs, merge, lists)
    return result


def _site(claims: list[Claim], graphs: int, merge: Merge, lists: SiteLists) -> list[Statement]:
    """One call, or those of the layers in a list: as a loop where they are alike."""
    if {one.graph for one in claims} != set(range(graphs)):
        raise NotAlike
    attribute = lists.attribute(claims[0].site)
    indices = list(dict.fromkeys(one.indices for one in claims))
    if indices[0] and len(claims) > graphs:
        with suppress(NotAlike):
            return [_over_list(claims, merge, lists)]
    result: list[Statement] = []
    for place in indices:
        group = [one for one in claims if one.indices == place]
        if len(group) != graphs:
            raise NotAlike
        element = Element(attribute, tuple(Literal(k) for k in place))
        result.append(Evaluate(_of(_merged(group, merge), element)))
    return result


def _over_list(claims: list[Claim], merge: Merge, lists: SiteLists) -> Statement:
    """The loops over a list, of lists perhaps, of layers that are all built alike.

    Raises NotAlike.
    """
    attribute, levels = lists.attribute(claims[0].site), len(claims[0].indices)

    def complete(graph: int, there: set[tuple[int, ...]], place: tuple[int, ...]) -> bool:
        if len(place) == levels:
            return place in there
        length = lists.length(attribute, graph, place)
        return all(complete(graph, there, (*place, k)) for k in range(length))

    for graph in {one.graph for one in claims}:
        if not complete(graph, {one.indices for one in claims if one.graph == graph}, ()):
            raise NotAlike
    names = [Name("stage" if k == levels - 2 else f"stage_{k}") for k in range(levels - 1)]
    names.append(Name("layer"))
    whole: list[Expr] = [Element(attribute, ()), *names]
    statement: Statement = Evaluate(_of(_merged(claims, merge), names[-1]))
    for level in reversed(range(levels)):
        statement = For(names[level], whole[level], (statement,))
    return statement


def _merged(claims: list[Claim], merge: Merge) -> Expr:
    return merge(
        [one.building for one in claims],
        [one.arguments for one in claims],
        [one.graph for one in claims],
    )


def _of(building: Expr, layer: Expr) -> Expr:
    return replace(building, lambda e: layer if isinstance(e, Made) else None)
