"""Layers that blocks get as arguments: who needs which, and how a class spells what it got.

A layer belongs to the class that makes it.  Whoever else applies it gets it with the inputs of each
call, so that every framework lists its weights once, where it was made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tercet.codegen.expr import Element, Expr, Literal, LoopItem
from tercet.codegen.names import Names
from tercet.codegen.uses import Uses
from tercet.compiler.graph.callees import all_graphs
from tercet.compiler.graph.ir import Apply, Call, Graph, Instance, Layer, ReadParameter, Site
from tercet.dsl import nodes


def layers_in(value: Any) -> Iterator[Layer | Instance]:
    """The layers and instances that a static value is, or holds in lists."""
    if isinstance(value, Layer | Instance):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from layers_in(item)


class LayerArguments:
    """Through which parameters the blocks of models get layers that they apply or hand on."""

    def __init__(self, *models: Graph) -> None:
        self._graphs = all_graphs(*models)
        self._used: dict[nodes.Block, set[str]] = defaultdict(set)
        applied = [set(_applied(graph)) for graph in self._graphs]
        changed = True
        while changed:
            notes = [self._note(g, a) for g, a in zip(self._graphs, applied, strict=True)]
            changed = any(notes)

    def _note(self, graph: Graph, applied: set[Layer | Instance]) -> bool:
        """Whether a parameter of the graph's block turns out to be needed."""
        handed = {m for graphs in graph.instances.values() for g in graphs for m in self._into(g)}
        used = self._used[graph.block]
        found = {
            name
            for name, value in graph.arguments.items()
            if not (applied | handed).isdisjoint(layers_in(value))
        }
        new = not found <= used
        used |= found
        return new

    def parameters(self, graph: Graph) -> tuple[str, ...]:
        """The parameters of the graph's block that bring it layers which it needs."""
        return tuple(
            name
            for name, value in graph.arguments.items()
            if name in self._used[graph.block] and any(True for _ in layers_in(value))
        )

    def _into(self, graph: Graph) -> Iterator[Layer | Instance]:
        """The layers that a call of the graph brings."""
        for name in self.parameters(graph):
            yield from layers_in(graph.arguments[name])

    def applied_elsewhere(self) -> set[Site]:
        """The sites of layers that some other block applies before the one that makes them."""
        return {site for graph in self._graphs for site in self._elsewhere(graph)}

    def _elsewhere(self, graph: Graph) -> Iterator[Site]:
        uses = Uses()
        uses.add(graph)
        seen: set[Layer | Instance] = set()
        for item in graph.body.walk():
            match item:
                case Apply(layer=Layer() as layer) if any(map(uses.is_live, item.outputs)):
                    seen.add(layer)
                case Call(instance=instance) if any(map(uses.is_live, item.outputs)):
                    seen.add(instance)
                    pending = list(self._into(item.graph))
                    while pending:
                        made = pending.pop()
                        if made not in seen:
                            yield made.site
                        seen.add(made)
                        if isinstance(made, Instance):
                            inner = graph.instances.get(made, ())
                            pending += [m for g in inner for m in self._into(g)]


def _applied(graph: Graph) -> Iterator[Layer | Instance]:
    """What the items of a graph apply or read."""
    for item in graph.body.walk():
        match item:
            case Apply(layer=Layer() as made) | ReadParameter(layer=Layer() as made):
                yield made
            case Call(instance=instance):
                yield instance


class ReceivedLayers:
    """The layers that the class of some specialisations gets with the inputs of each call."""

    def __init__(self, graphs: Sequence[Graph], parameters: Sequence[str], names: Names) -> None:
        self._graphs = graphs
        self.names: Mapping[str, str] = {name: names.fresh(name) for name in parameters}
        """The forward function's arguments, by the block's parameters."""
        self._parameter = {argument: name for name, argument in self.names.items()}

    def find(
        self, values: Sequence[Any], graphs: Sequence[int], iteration: Mapping[int, Sequence[int]]
    ) -> Element | None:
        """The argument, or the part of one, that is the value of every execution.

        `graphs` and `iteration` are those of a `Frame`.
        """
        for name, argument in self.names.items():
            held = [self._graphs[g].arguments[name] for g in graphs]
            places = _places(held, values, iteration)
            if places is not None:
                return Element(argument, places, received=True)
        return None

    def length(self, argument: str, graph: int, place: Sequence[int]) -> int:
        """How many entries a list has in a specialisation; `place` leads to a list in the list."""
        held = self._graphs[graph].arguments[self._parameter[argument]]
        for index in place:
            held = held[index]
        return len(held)


def _places(
    held: Sequence[Any], wanted: Sequence[Any], iteration: Mapping[int, Sequence[int]]
) -> tuple[Expr, ...] | None:
    """The places that lead from a value of every execution to the one wanted there."""
    if all(type(h) is type(w) and h == w for h, w in zip(held, wanted, strict=True)):
        return ()
    if not all(isinstance(h, tuple) for h in held):
        return None
    steps: list[tuple[Expr, Sequence[int]]] = [
        (LoopItem("", loop), column) for loop, column in iteration.items()
    ]
    steps += [
        (Literal(k), [k] * len(held))
        for k, part in enumerate(held[0])
        if part == wanted[0] or isinstance(part, tuple)
    ]
    for step, column in steps:
        if all(k < len(h) for k, h in zip(column, held, strict=True)):
            inner = [h[k] for k, h in zip(column, held, strict=True)]
            rest = _places(inner, wanted, iteration)
            if rest is not None:
                return (step, *rest)
    return None
