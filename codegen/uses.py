"""Which values of a graph matter, how often each is used, and where last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

from tercet.compiler.graph.ir import (
    Apply,
    Bind,
    Branch,
    Call,
    Graph,
    Loop,
    ReadParameter,
    Region,
    Value,
)
from tercet.dsl import nodes


class Uses:
    """Facts about the values of one or several graphs, by identity.

    `position` numbers the items in text order; `last` is the position of a value's last use, a
    graph's outputs counting as after everything.
    """

    def __init__(self) -> None:
        self._count: dict[int, int] = {}
        self._last: dict[int, int] = {}
        self._position: dict[int, int] = {}
        self._live: set[int] = set()
        self._ends: dict[int, int] = {}
        self._around: list[tuple[int, int]] = []

    def add(self, graph: Graph) -> None:
        """Takes up the facts of a graph, once."""
        if id(graph) in self._ends:
            return
        self._number(graph.body)
        end = self._position[id(graph)] = self._ends[id(graph)] = len(self._position) + 1
        for output in graph.outputs:
            self._use(output.value, end)
        for item in reversed(list(graph.body.walk())):
            match item:
                case Apply(outputs=outputs, inputs=inputs) | Call(outputs=outputs, inputs=inputs):
                    if any(id(o) in self._live for o in outputs):
                        for value in inputs:
                            if value is not None:
                                self._use(value, self._position[id(item)])

    def _number(self, region: Region) -> None:
        pending = [iter(region.items)]
        while pending:
            for item in pending[-1]:
                self._position[id(item)] = len(self._position) + 1
                match item:
                    case Loop(iterations=iterations):
                        pending.append(chain.from_iterable(r.items for r in iterations))
                        break
                    case Branch(body=body):
                        pending.append(iter(body.items))
                        break
            else:
                pending.pop()

    def _use(self, value: Value, position: int) -> None:
        key = id(value)
        self._live.add(key)
        self._count[key] = self._count.get(key, 0) + 1
        self._last[key] = max(self._last.get(key, 0), position)

    @contextmanager
    def inlined(self, call: Call) -> Iterator[None]:
        """While a block's items stand in place of its call, which others still follow."""
        self.add(call.graph)
        start = self._position[id(call)]
        self._around.append((start, min(end for end in self._ends.values() if end > start)))
        try:
            yield
        finally:
            self._around.pop()

    def is_live(self, value: Value) -> bool:
        return id(value) in self._live

    def count(self, value: Value) -> int:
        return self._count.get(id(value), 0)

    def escaping(self, loop: Loop) -> Iterator[Value]:
        """The values made in a loop that something after it uses."""
        items = [item for body in loop.iterations for item in body.walk()]
        end = max((self._position[id(item)] for item in items), default=0)
        for item in items:
            match item:
                case Apply(outputs=outputs) | Call(outputs=outputs):
                    made = outputs
                case ReadParameter(output=output):
                    made = (output,)
                case _:
                    continue
            yield from (v for v in made if self._last.get(id(v), 0) > end)

    def end(self, region: Region) -> int:
        """The position of the last item of a region, those of inner regions included."""
        position = 0
        while region.items:
            item = region.items[-1]
            position = self._position[id(item)]
            match item:
                case Loop(iterations=(*_, region)) | Branch(body=region):
                    pass
                case _:
                    break
        return position

    def needed_beyond(self, value: Value, position: int) -> bool:
        """Whether something after a position uses the value."""
        last = self._last.get(id(value), 0)
        return last > position or self._needed_around(last)

    def needed_after(self, value: Value, item: object) -> bool:
        """Whether something after `item` uses the value."""
        return self.needed_beyond(value, self._position.get(id(item), 0))

    def needed_from(self, value: Value, item: object) -> bool:
        """Whether `item` or something after it uses the value."""
        return self.needed_beyond(value, self._position.get(id(item), 0) - 1)

    def _needed_around(self, last: int) -> bool:
        """Whether a last use is after a call whose block stands in its place now."""
        return any(start < last <= end for start, end in self._around)


def final_bindings(region: Region) -> dict[str, object]:
    """What each name assigned in a region holds at its end."""
    held: dict[str, object] = {}
    pending = [iter(region.items)]
    while pending:
        for item in pending[-1]:
            match item:
                case Bind(target=nodes.TargetName(id=name), value=value):
                    held[name] = value
                case Bind(target=target, value=value):
                    held.update(bound_names(target, value))
                case Loop(iterations=iterations):
                    pending.append(chain.from_iterable(r.items for r in iterations))
                    break
                case Branch(body=body):
                    pending.append(iter(body.items))
                    break
        else:
            pending.pop()
    return held


def bound_names(target: object, value: object) -> dict[str, object]:
    """The names of an assignment target with the values they take."""
    match target, value:
        case nodes.TargetName(id=name), _:
            return {name: value}
        case nodes.TargetTuple(items=items), (tuple() | list()) as values:
            pairs = [bound_names(t, v) for t, v in zip(items, values, strict=False)]
            return {name: held for pair in pairs for name, held in pair.items()}
    return {}
