"""Who uses the values of a graph."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from tercet.compiler.graph.ir import Apply, Call, Graph, Value
from tercet.compiler.ops.base import Layout


class Uses:
    """Who uses the values of a graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._items: dict[int, list[Apply | Call]] = defaultdict(list)
        for item in graph.body.walk():
            if isinstance(item, Apply | Call):
                for value in item.inputs:
                    if value is not None:
                        self._items[id(value)].append(item)

    def items(self, value: Value) -> Iterable[Apply | Call]:
        return self._items[id(value)]

    def any_layout(self, index: int) -> bool:
        """Whether an input only goes through operations that work element by element."""
        pending, seen = [self._graph.inputs[index].value], set[int]()
        while pending:
            current = pending.pop()
            for item in self._items[id(current)]:
                if not isinstance(item, Apply) or item.op.layout is not Layout.AGNOSTIC:
                    return False
                fresh = [v for v in item.outputs if id(v) not in seen]
                seen |= set(map(id, fresh))
                pending += fresh
        return True
