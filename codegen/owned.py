"""Layers by name: those of the class itself, and those that it gets and hands on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from operator import is_
from typing import Any

from tercet.codegen.arguments import Arguments, printable
from tercet.codegen.control import Control
from tercet.codegen.expr import Expr, Literal
from tercet.codegen.expr import Sequence as SequenceExpr
from tercet.codegen.instances import Instances
from tercet.codegen.lists import SiteLists
from tercet.codegen.merge import NotAlike
from tercet.codegen.names import Names
from tercet.codegen.passing import Received, layers_in
from tercet.codegen.references import Element, LoopItem
from tercet.codegen.scope import Frame
from tercet.codegen.target import ClassTarget
from tercet.compiler.graph.ir import Create, Graph, Instance, Layer


class Owned(Control):
    """The part of a walker that knows what each layer is called."""

    def __init__(
        self,
        graphs: Sequence[Graph],
        target: ClassTarget,
        arguments: Arguments,
        variables: Names,
        lists: SiteLists,
        instances: Instances,
        received: Received,
    ) -> None:
        super().__init__(graphs, target, arguments, variables, lists, received)
        self.instances = instances
        self._own = {
            item.made for g in graphs for item in g.body.walk() if isinstance(item, Create)
        }

    def reference(self, frame: Frame, made: Sequence[Layer | Instance]) -> Expr:
        """`self.site`, or the element of its lists that every execution means.

        Of a layer that the class does not own, the argument that brings it.  Raises NotAlike.
        """
        if not self._own.issuperset(made):
            found = self._loop_item(frame, made) or self._received(frame, made)
            if found is None:
                raise NotAlike
            return found
        site = made[0].site
        if any(m.site is not site for m in made):
            raise NotAlike
        return Element(self.lists.attribute(site), self._places(frame, [m.indices for m in made]))

    def _received(self, frame: Frame, values: Sequence[Any]) -> Expr | None:
        return self.received.find(values, frame.graphs, frame.iteration)

    def _loop_item(self, frame: Frame, made: Sequence[Layer | Instance]) -> Expr | None:
        """What the source calls the layer in a loop over layers that the class got."""
        for name, values in frame.items.items():
            printed = frame.statics.get(name)
            if isinstance(printed, LoopItem) and all(map(is_, values, made)):
                return printed
        return None

    def _places(self, frame: Frame, indices: Sequence[Sequence[int]]) -> tuple[Expr, ...]:
        places: list[Expr] = []
        for column in zip(*indices, strict=True):
            places.append(self._place(frame, list(column), places))
        return tuple(places)

    def _place(self, frame: Frame, indices: list[int], taken: list[Expr]) -> Expr:
        """The loop that counts these indices, each loop for one level of a list."""
        for loop, steps in frame.iteration.items():
            item = LoopItem("", loop)
            if steps == indices and item not in taken:
                return item
        if all(i == indices[0] for i in indices):
            return Literal(indices[0])
        raise NotAlike

    # ------------------------------------------------------------------------------ handing on

    def handed(self, frame: Frame, instances: Sequence[Instance]) -> dict[str, Expr]:
        """The layers that the instances get at each call, by the names their class gives them."""
        if not self._own.issuperset(instances):  # their maker has bound them
            return {}
        called = [
            self.graphs[g].instances[i][0] for g, i in zip(frame.graphs, instances, strict=True)
        ]
        wanted = self.instances.received(called[0])
        if any(self.instances.received(g) != wanted for g in called):
            raise NotAlike
        return {
            argument: self._hand(frame, [g.arguments[name] for g in called])
            for name, argument in wanted.items()
        }

    def _hand(self, frame: Frame, values: Sequence[Any]) -> Expr:
        """The expression for a static value with layers in it.  Raises NotAlike."""
        first = values[0]
        if any(type(v) is not type(first) for v in values):
            raise NotAlike
        if not any(any(True for _ in layers_in(v)) for v in values):
            return self._plain(frame, values)
        whole = self._received(frame, values)
        if whole is not None:
            return whole
        if isinstance(first, tuple):
            return self._hand_list(frame, values)
        element = self.reference(frame, values)
        if isinstance(first, Layer):
            return element
        bound = self.handed(frame, values)
        return self.target.bound(element, bound) if bound else element

    def _plain(self, frame: Frame, values: Sequence[Any]) -> Expr:
        """A value beside layers in a list; None for what only the compiler knows."""
        if all(printable(v) is not None for v in values):
            leaves = self._leaves(frame, [()] * len(values), symbolic=True)
            return leaves.resolve(values, None)
        return Literal(None)

    def _hand_list(self, frame: Frame, values: Sequence[Sequence[Any]]) -> Expr:
        if any(len(v) != len(values[0]) for v in values):
            raise NotAlike
        items = tuple(self._hand(frame, column) for column in zip(*values, strict=True))
        whole = self._whole(frame, items)
        if whole is not None:
            return whole
        alike = all(any(True for _ in layers_in(part)) for part in values[0])
        return SequenceExpr(items, is_list=alike)

    def _whole(self, frame: Frame, items: Sequence[Expr]) -> Expr | None:
        """The list of the class that these are all elements of, in order."""
        first = items[0]
        if not isinstance(first, Element) or not first.places:
            return None
        places = first.places[:-1]
        rows = [replace(first, places=(*places, Literal(k))) for k in range(len(items))]
        if list(items) != rows or not self._spans(frame, [len(items)] * len(frame.graphs), first):
            return None
        return replace(first, places=places)
