"""Values that one variable of a script holds in turn: at the head of a loop, behind a loop or `if`.

A loop prints as one only if what it carries lies alike in memory whenever an iteration starts, and
a class stands for all specialisations of its block only if what follows an `if` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

from tercet.codegen.uses import bound_names
from tercet.compiler.graph.ir import Apply, Bind, Branch, Call, Graph, Loop, Region, Value
from tercet.dsl.records import dataclass

_Names = dict[str, Value]


@dataclass
class Join:
    """Values that have to be held alike.

    `entering` are those with which a loop is entered; `others` decide, if there are any.
    """

    entering: list[Value] = field(default_factory=list)
    others: list[Value] = field(default_factory=list)

    @property
    def deciding(self) -> list[Value]:
        return self.others or self.entering

    @property
    def all(self) -> list[Value]:
        return [*self.entering, *self.others]


def joins(graphs: Iterable[Graph]) -> list[Join]:
    """The joins of the specialisations of one block."""
    found = _Joins()
    for graph in graphs:
        names = {entry.value.name: entry.value for entry in graph.inputs}
        found.region(graph.body, names)
    return [join for join in found.result() if len({id(v) for v in join.all}) > 1]


@dataclass
class _Joins:
    heads: dict[tuple[int, str], Join] = field(default_factory=dict)
    ends: dict[int, list[tuple[_Names, set[str]]]] = field(default_factory=dict)
    results: dict[int, Join] = field(default_factory=dict)

    def result(self) -> list[Join]:
        behind: list[Join] = []
        for executions in self.ends.values():
            changed = {name for _, assigned in executions for name in assigned}
            for name in sorted(changed):
                held = [names[name] for names, _ in executions if name in names]
                behind.append(Join(others=held))
        return [*self.heads.values(), *behind, *self.results.values()]

    def region(self, region: Region, names: _Names) -> set[str]:
        """Goes through a region, with what names hold; gives the names that it assigns."""
        assigned: set[str] = set()
        for item in region.items:
            match item:
                case Bind(target=target, value=value):
                    bound = bound_names(target, value)
                    _assign(names, bound)
                    assigned |= bound.keys()
                case Loop():
                    assigned |= self._loop(item, names)
                case Branch():
                    inner = self.region(item.body, names)
                    self._after(item.statement, names, inner)
                    assigned |= inner
                    if isinstance(item.result, Value):
                        join = self.results.setdefault(id(item.statement), Join())
                        join.others.append(item.result)
        return assigned

    def _loop(self, loop: Loop, names: _Names) -> set[str]:
        assigned: set[str] = set()
        starts: list[_Names] = []
        for iteration in loop.iterations:
            starts.append(dict(names))
            assigned |= self.region(iteration, names)
        for name in assigned:
            self._head(loop, name, starts, names)
        self._after(loop.statement, names, assigned)
        return assigned

    def _head(self, loop: Loop, name: str, starts: list[_Names], end: _Names) -> None:
        """Notes what a name holds as iterations start, if they use that."""
        uses = [_used(iteration) for iteration in loop.iterations]
        read = [
            name in start and id(start[name]) in used
            for start, used in zip(starts, uses, strict=True)
        ]
        if not any(read):
            return
        join = self.heads.setdefault((id(loop.statement), name), Join())
        held = [start[name] for start in starts if name in start]
        join.entering += held[:1]
        join.others += [*held[1:], *([end[name]] if name in end else [])]

    def _after(self, statement: object, names: _Names, assigned: set[str]) -> None:
        self.ends.setdefault(id(statement), []).append((dict(names), assigned))


def _assign(names: _Names, bound: Mapping[str, Any]) -> None:
    for name, value in bound.items():
        if isinstance(value, Value):
            names[name] = value
        else:
            names.pop(name, None)


def _used(region: Region) -> set[int]:
    """The values that are operands in a region."""
    return {
        id(value)
        for item in region.walk()
        if isinstance(item, Apply | Call)
        for value in item.inputs
        if value is not None
    }
