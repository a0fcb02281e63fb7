"""The specialisations of blocks, and which of them one instance of a block runs through."""

from __future__ import annotations

from collections.abc import Iterator

from tercet.codegen.decisions import CannotMerge
from tercet.compiler.graph.callees import all_graphs
from tercet.compiler.graph.ir import Create, Graph, Layer
from tercet.dsl.diagnostics import Diagnostic, DiagnosticError


def graphs_by_block(*models: Graph) -> list[list[Graph]]:
    """The specialisations that models use, by block, callees before their callers.

    Those that make others of the same block, by recursion or through what they call, form groups
    of their own: no class can construct itself.  So do those that get other inputs.
    """
    groups: list[list[Graph]] = []
    latest: dict[tuple[object, ...], int] = {}
    place_of: dict[int, int] = {}
    for graph in all_graphs(*models):
        if graph in models:
            continue
        block = (id(graph.block), *(given.value.name for given in graph.inputs))
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


def layers_of(*roots: Graph) -> list[Layer]:
    """Every layer that these graphs, and all that they call, make."""
    return [
        item.made
        for graph in all_graphs(*roots)
        for item in graph.body.walk()
        if isinstance(item, Create) and isinstance(item.made, Layer)
    ]


def specialised_together(*models: Graph) -> list[list[Graph]]:
    """Sets of graphs that one instance runs through, because it is applied to different types.

    What such an instance holds is applied through several graphs too.
    """
    found: list[list[Graph]] = []
    pending = [[graph] for graph in all_graphs(*models)]
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


def not_printable(graph: Graph, target: str, reason: CannotMerge) -> DiagnosticError:
    """The error for a block that the class printer has no text for."""
    message = f"{target} cannot express `{graph.block.name}` as a class: {reason.reason}"
    return DiagnosticError(Diagnostic("E0701", message, reason.span or graph.block.name_span))
