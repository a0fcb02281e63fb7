"""Global pooling whose result goes on as [N, C]: a plain mean, and nothing left to flatten.

The language keeps the spatial axes with size 1.  Where a value only loses them later, scripts hold
it without them from the start, as people write.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from tercet.codegen.target import Application, ClassTarget
from tercet.compiler.graph.ir import Apply, Call, Graph, Value
from tercet.compiler.ops.base import Elements, Layout, Op
from tercet.compiler.ops.pooling import AdaptiveAvgPool2d, GlobalPool
from tercet.compiler.types import TensorType, shape_text

_Users = Mapping[int, Sequence[Apply | Call]]


def spatial_axes_are_one(type: TensorType) -> bool:
    """Whether nothing but N and C is left: then channels-first and channels-last are one order."""
    return type.rank > 2 and all(size == 1 for size in type.shape[2:])


def flattens(item: Apply) -> bool:
    """Whether the result is the same whatever the layout: [N, C, 1, 1] becomes [N, C]."""
    main = item.inputs[0] if item.inputs else None
    if main is None or item.op.elements is not Elements.RESHAPED:
        return False
    if not spatial_axes_are_one(main.type) or item.outputs[0].type.rank != 2:
        return False
    return tuple(item.outputs[0].type.shape) == tuple(main.type.shape[:2])


def _is_global(op: Op) -> bool:
    """Whether an operation leaves one value per channel."""
    return isinstance(op, GlobalPool) or (isinstance(op, AdaptiveAvgPool2d) and op.size == (1, 1))


class BareValues:
    """The values of graphs that are held without their spatial axes of size 1."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[Graph, frozenset[int]]] = {}  # keeps the graph: its id stays

    def has(self, graph: Graph, value: Value) -> bool:
        if id(graph) not in self._found:
            self._found[id(graph)] = graph, _bare_values(graph)
        return id(value) in self._found[id(graph)][1]

    def flattened(self, graph: Graph, item: Apply) -> bool:
        """Whether an operation only takes off axes that its operand is held without."""
        main = item.inputs[0] if item.inputs else None
        return main is not None and self.has(graph, main) and flattens(item)


class PoolingTarget(ClassTarget):
    """Base of the targets that keep the order of the language's axes.

    The lowering of a global pooling asks `gives_bare`; what flattens it is not lowered at all.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bare = BareValues()

    def apply_key(self, graph: Graph, item: Apply) -> object:
        given = self.bare.has(graph, item.outputs[0])
        return given, self.bare.flattened(graph, item)

    def comment(self, graph: Graph, value: Value) -> str:
        shape = value.type.shape
        return shape_text(shape[:2] if self.bare.has(graph, value) else shape)


def gives_bare(at: Application) -> bool:
    """Whether the result of a global pooling goes on without its spatial axes."""
    assert isinstance(at.target, PoolingTarget)
    return at.target.bare.has(at.graph, at.item.outputs[0])


def _bare_values(graph: Graph) -> frozenset[int]:
    pools = [i for i in graph.body.walk() if isinstance(i, Apply) and _is_global(i.op)]
    if not pools:
        return frozenset()
    users: dict[int, list[Apply | Call]] = defaultdict(list)
    for item in graph.body.walk():
        if isinstance(item, Apply | Call):
            for value in item.inputs:
                if value is not None:
                    users[id(value)].append(item)
    returned = {id(output.value) for output in graph.outputs}
    return frozenset().union(*(_bare_from(pool.outputs[0], users, returned) for pool in pools))


def _bare_from(pooled: Value, users: _Users, returned: set[int]) -> set[int]:
    """A pooled value and what is computed from it before it is flattened.

    Nothing where any use needs its spatial axes.
    """
    pending, found, ends = [pooled], set[int](), False
    while pending:
        current = pending.pop()
        found.add(id(current))
        if id(current) in returned:
            return set()
        for item in users.get(id(current), ()):
            if not isinstance(item, Apply):
                return set()
            if item.op.layout is Layout.AGNOSTIC and len(item.inputs) == 1:
                pending += item.outputs
            elif flattens(item):
                ends = True
            else:
                return set()
    return found if ends else set()
