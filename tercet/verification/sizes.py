"""Values for the symbolic sizes of a model, within everything the model demands of them.

Two settings are chosen, different in every size that may differ: an export that froze a batch or a
length is right for one of them at most.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from compiler import dims
from compiler.dims import Dim, DimError, Size
from compiler.ir import Apply, Call, Constraint, Graph, ReadParameter

Sizes = dict[str, int]

RELATIONS: Mapping[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_BATCH, _LENGTH, _IMAGE = (2, 3), (5, 7), (16, 19)
_LADDER = (
    *range(2, 21),
    24,
    28,
    32,
    40,
    48,
    56,
    64,
    80,
    96,
    112,
    128,
    160,
    192,
    224,
    256,
    384,
    512,
    1,
)
_MAX_STEPS = 100_000


class NoSizes(Exception):
    """No sizes were found that the model's constraints allow."""


@dataclass(frozen=True)
class _Demand:
    """A relation of two sizes that must hold."""

    left: Size
    relation: str
    right: Size

    @property
    def symbols(self) -> frozenset[str]:
        return dims.symbols(self.left) | dims.symbols(self.right)

    def holds(self, sizes: Mapping[str, int]) -> bool:
        try:
            left, right = (dims.evaluate(side, sizes) for side in (self.left, self.right))
        except (ZeroDivisionError, DimError):
            return False
        return RELATIONS[self.relation](left, right)


def choose_sizes(graph: Graph) -> tuple[Sizes, Sizes]:
    """Two settings of all symbols in the shapes of the model's inputs.

    No two sizes of a setting are equal, and none is the same in both, unless the constraints
    leave no choice.  Raises NoSizes.
    """
    demands = tuple(_demands(graph))
    wishes = _wishes(graph)
    first = _search(demands, {name: _candidates(wish[0], demands) for name, wish in wishes.items()})
    second = _search(
        demands,
        {
            name: sorted(_candidates(wish[1], demands), key=first[name].__eq__)
            for name, wish in wishes.items()
        },
    )
    return first, second


def _wishes(graph: Graph) -> dict[str, tuple[int, int]]:
    """What each symbol would best be, by where it stands first."""
    found: dict[str, tuple[int, int]] = {}
    for given in graph.inputs:
        shape = given.value.type.shape
        for axis, size in enumerate(shape):
            wish = _BATCH if axis == 0 else _IMAGE if len(shape) >= 4 and axis >= 2 else _LENGTH
            for name in sorted(dims.symbols(size)):
                found.setdefault(name, wish)
    return found


def _candidates(wish: int, demands: Iterable[_Demand]) -> list[int]:
    """The wish first, then the sizes nearest to it; numbers in the demands are among them."""
    constants = {
        side for demand in demands for side in (demand.left, demand.right) if isinstance(side, int)
    }
    near = {c + d for c in constants for d in (-1, 0, 1) if 1 <= c + d <= 4096}
    others = {*_LADDER, *near} - {wish}
    return [wish, *sorted(others, key=lambda n: (n == 1, abs(n - wish), n))]


def _search(demands: Sequence[_Demand], candidates: Mapping[str, Sequence[int]]) -> Sizes:
    """Depth-first: distinct sizes if there are any, else whatever holds."""
    for distinct in (True, False):
        found = _depth_first(demands, candidates, distinct)
        if found is not None:
            return found
    wanted = "; ".join(f"{d.left} {d.relation} {d.right}" for d in demands if d.relation != ">=")
    raise NoSizes(f"no sizes were found that the model allows ({wanted})")


def _depth_first(
    demands: Sequence[_Demand], candidates: Mapping[str, Sequence[int]], distinct: bool
) -> Sizes | None:
    names = list(candidates)
    ready = [
        [d for d in demands if d.symbols <= {*names[: i + 1]} and names[i] in d.symbols]
        for i in range(len(names))
    ]
    sizes: Sizes = {}
    stack: list[Iterator[int]] = [iter(candidates[names[0]])] if names else []
    if not names:
        return {}
    for _ in range(_MAX_STEPS):
        if not stack:
            return None
        level = len(stack) - 1
        value = next(stack[-1], None)
        sizes.pop(names[level], None)
        if value is None:
            stack.pop()
            continue
        if distinct and value in sizes.values():
            continue
        sizes[names[level]] = value
        if not all(demand.holds(sizes) for demand in ready[level]):
            continue
        if level + 1 == len(names):
            return sizes
        stack.append(iter(candidates[names[level + 1]]))
    return None


def _demands(graph: Graph) -> Iterator[_Demand]:
    """The constraints of the model and its blocks, and that no tensor is empty."""
    seen: set[_Demand] = set()
    for part in reachable(graph):
        for constraint in part.constraints:
            seen.add(_demand(constraint))
        for size in _sizes_of(part):
            seen.add(_Demand(size, ">=", 1))
    return iter(sorted(seen, key=lambda d: (str(d.left), d.relation, str(d.right))))


def _demand(constraint: Constraint) -> _Demand:
    return _Demand(constraint.left, constraint.relation, constraint.right)


def reachable(graph: Graph) -> Iterator[Graph]:
    """The graph and all that its calls lead to, each once."""
    seen = {graph}
    pending = [graph]
    while pending:
        part = pending.pop()
        yield part
        for call in part.calls:
            if call.graph not in seen:
                seen.add(call.graph)
                pending.append(call.graph)


def _sizes_of(graph: Graph) -> set[Dim]:
    """The symbolic sizes of all values of the graph's own body."""
    shapes = [given.value.type.shape for given in graph.inputs]
    for item in graph.body.walk():
        match item:
            case Apply(outputs=outputs) | Call(outputs=outputs):
                shapes += [value.type.shape for value in outputs]
            case ReadParameter(output=value):
                shapes.append(value.type.shape)
    return {size for shape in shapes for size in shape if isinstance(size, Dim)}
