"""The specialisations of blocks, and which of them one instance of a block runs through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tercet.codegen.arguments import printable
from tercet.codegen.decisions import CannotMerge
from tercet.compiler.graph.callees import all_graphs
from tercet.compiler.graph.ir import Create, Graph, Layer
from tercet.compiler.graph.values import same_value
from tercet.dsl.diagnostics import Diagnostic, DiagnosticError


def graphs_by_block(*models: Graph) -> list[list[Graph]]:
    """The specialisations that models use, by block, callees before their callers.

    Those that make others of the same block, by recursion or through what they call, form groups
    of their own: no class can construct itself.  So do those that get other inputs.
    """
    graphs = [graph for graph in all_graphs(*models) if graph not in models]
    groups: dict[Block, list[Graph]] = {}
    for graph in graphs:
        groups.setdefault(_block(graph), []).append(graph)
    made = {block: {*map(_block, _all_made(found))} for block, found in groups.items()}
    ordered: dict[Block, list[Graph]] = {}
    while len(ordered) < len(groups):
        left = (block for block in groups if block not in ordered)
        block = next((block for block in left if made[block] <= ordered.keys()), None)
        if block is None:
            return _cut_by_block(graphs)
        ordered[block] = groups[block]
    return list(ordered.values())


Block = tuple[object, ...]
"""A block with the names of the inputs that it is given."""


def _block(graph: Graph) -> Block:
    return (id(graph.block), *(given.value.name for given in graph.inputs))


def _cut_by_block(graphs: list[Graph]) -> list[list[Graph]]:
    """The groups where blocks make each other: in the order in which they come, cut as needed."""
    groups: list[list[Graph]] = []
    latest: dict[Block, int] = {}
    place_of: dict[int, int] = {}
    for graph in graphs:
        block = _block(graph)
        place = latest.get(block)
        if place is None or any(place_of[id(made)] >= place for made in _made(graph)):
            place = latest[block] = len(groups)
            groups.append([])
        groups[place].append(graph)
        place_of[id(graph)] = place
    return groups


def _all_made(graphs: Iterable[Graph]) -> Iterator[Graph]:
    for graph in graphs:
        yield from _made(graph)


def by_functions(graphs: list[Graph]) -> list[list[Graph]]:
    """Specialisations of a block by the arguments that no constructor can get, as functions.

    In order: those that get what the first one gets come first.
    """
    groups: list[list[Graph]] = []
    names = [parameter.name for parameter in graphs[0].block.parameters]
    given = [n for n in names if any(printable(g.arguments.get(n)) is None for g in graphs)]
    for graph in graphs:
        values = [graph.arguments.get(name) for name in given]
        for group in groups:
            if all(map(same_value, values, (group[0].arguments.get(name) for name in given))):
                group.append(graph)
                break
        else:
            groups.append([graph])
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
