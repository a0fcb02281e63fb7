"""Who uses the values of a graph, and what becomes of spatial axes of size 1."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from tercet.compiler.graph.ir import Apply, Call, Graph, Value
from tercet.compiler.ops.base import Layout
from tercet.compiler.ops.shape import Flatten, Reshape, Squeeze
from tercet.compiler.types import TensorType


def spatial_axes_are_one(type: TensorType) -> bool:
    """Whether nothing but N and C is left: then channels-first and channels-last are one order."""
    return type.rank > 2 and all(size == 1 for size in type.shape[2:])


def flattens(item: Apply) -> bool:
    """Whether the result is the same whatever the layout: [N, C, 1, 1] becomes [N, C]."""
    main = item.inputs[0]
    if main is None or not spatial_axes_are_one(main.type) or item.outputs[0].type.rank != 2:
        return False
    if not isinstance(item.op, Flatten | Squeeze | Reshape):
        return False
    return tuple(item.outputs[0].type.shape) == tuple(main.type.shape[:2])


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
        self._returned = {id(output.value) for output in graph.outputs}

    def items(self, value: Value) -> Iterable[Apply | Call]:
        return self._items[id(value)]

    def only_flattened(self, value: Value) -> bool:
        """Whether a pooled value only goes on without its spatial axes."""
        pending, any_use = [value], False
        while pending:
            current = pending.pop()
            if id(current) in self._returned:
                return False
            for item in self._items[id(current)]:
                any_use = True
                if not isinstance(item, Apply):
                    return False
                if item.op.layout is Layout.AGNOSTIC and len(item.inputs) == 1:
                    pending += item.outputs
                elif not flattens(item):
                    return False
        return any_use

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
