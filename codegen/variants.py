"""A model at other values of its parameters, so that these print as arguments of its class.

To the class printer a model is a block with several specialisations: itself, and for every
parameter itself at two other values of it, all of which must become one class.  Where they do not,
the parameter is fixed, and the class says why.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping, Sequence
from itertools import islice
from typing import Any

from tercet.compiler.graph.callees import all_graphs
from tercet.compiler.graph.ir import Graph
from tercet.dsl import nodes
from tercet.dsl.nesting import children
from tercet.dsl.records import dataclass

_LARGEST = 20_000
"""Items of a model beyond which it is not elaborated again."""


@dataclass(frozen=True)
class Family:
    """A model, and itself at other values of the parameters that are to be arguments.

    `fixed` are the others, each with the reason why.
    """

    model: Graph
    free: Mapping[str, tuple[Any, ...]]
    fixed: Mapping[str, str]

    @property
    def graphs(self) -> list[Graph]:
        """The model first; then one parameter changed in each, and at last all of them."""
        found = [self.model]
        for name, values in self.free.items():
            found += filter(None, [_variant(self.model, {name: value}) for value in values])
        if len(self.free) > 1:
            found += self._together()
        return found

    def _together(self) -> list[Graph]:
        """All parameters changed at once: what depends on two of them is told from their sum."""
        for place in (0, -1):
            changed = {name: values[place] for name, values in self.free.items()}
            graph = _variant(self.model, changed)
            if graph is not None:
                return [graph]
        return []

    def changed(self, graphs: Collection[Graph]) -> list[str]:
        """The parameters that have other values than the model, each alone, in any of these."""
        return [
            name
            for name, values in self.free.items()
            if any(_variant(self.model, {name: value}) in graphs for value in values)
        ]

    def without(self, name: str, reason: str) -> Family:
        """The family in which a parameter is fixed."""
        free = {other: values for other, values in self.free.items() if other != name}
        return Family(self.model, free, {**self.fixed, name: reason})

    def only(self, names: Sequence[str]) -> Family:
        """The family of some parameters, for a trial."""
        return Family(self.model, {name: self.free[name] for name in names}, {})


def family_of(model: Graph) -> Family:
    """The model with all parameters free that have other legal values."""
    free: dict[str, tuple[Any, ...]] = {}
    fixed: dict[str, str] = {}
    large = model.variant is None or _is_large(model)
    names = {parameter.name for parameter in model.block.parameters}
    for parameter in model.block.parameters:
        name = parameter.name
        if large:
            fixed[name] = "the model is too large to be compiled at other values too"
        elif _reads(parameter.default, names):
            fixed[name] = "its default follows from other parameters"
        else:
            values = tuple(_others(model, name))
            if values:
                free[name] = values
            elif isinstance(model.arguments[name], int | float):
                fixed[name] = "no other value was found that fits"
            else:
                fixed[name] = "it is not a number"
    return Family(model, free, fixed)


def _is_large(model: Graph) -> bool:
    items = (item for graph in all_graphs(model) for item in graph.body.walk())
    return next(islice(items, _LARGEST, None), None) is not None


def _reads(node: Any, names: Container[str]) -> bool:
    """Whether a default is made of other parameters."""
    if isinstance(node, nodes.Name):
        return node.id in names
    return node is not None and any(_reads(part, names) for part in children(node))


def _others(model: Graph, name: str) -> list[Any]:
    """Other values of a parameter that the model can be elaborated at: at most two.

    One is near and one is a multiple, where that can be: rounding shows in the first, and what is
    added in the second.
    """
    found: list[Any] = []
    for candidates in _candidates(model.arguments[name]):
        for value in candidates:
            if (
                value not in (model.arguments[name], *found)
                and _variant(model, {name: value}) is not None
            ):
                found.append(value)
                break
    return found


def _candidates(value: Any) -> tuple[tuple[Any, ...], ...]:
    match value:
        case bool():
            return ((not value,),)
        case int():
            near = tuple(v for v in (value + 1, value + 2, value - 1) if v > 0)
            return near, tuple(v for v in (2 * value, 3 * value, value // 2) if v > 0)
        case float():
            return (value / 2,), (value / 4 + 0.03125,)
    return ()


def _variant(model: Graph, changed: Mapping[str, Any]) -> Graph | None:
    assert model.variant is not None
    return model.variant(changed)
