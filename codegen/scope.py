"""The state of printing one region for all its executions at once.

Everything held here is a column: one entry per execution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Any

from tercet.codegen.expr import Expr, Name
from tercet.codegen.writer import Statement
from tercet.compiler.graph.ir import Region, Value
from tercet.dsl.records import dataclass

Column = Sequence[Value]


def same(left: Column, right: Column) -> bool:
    return len(left) == len(right) and all(a is b for a, b in zip(left, right, strict=True))


@dataclass(frozen=True, eq=False)
class Pending:
    """An expression not yet written: it goes into its one use, or into a variable.

    Several columns are the outputs of one operation that gives several.  `inner` is what a layer
    here is applied to, where that waited too: it may still get a variable of its own.
    """

    columns: tuple[Column, ...]
    expr: Expr
    depth: int
    wish: str
    inner: Pending | None = None


class Variables:
    """Python variables and the values they hold, found by value."""

    def __init__(self) -> None:
        self.held: dict[str, Column] = {}
        self._by_value: dict[int, list[str]] = {}

    def set(self, name: str, column: Column) -> None:
        self.forget(name)
        self.held[name] = column
        self._by_value.setdefault(id(column[0]), []).append(name)

    def forget(self, name: str) -> None:
        column = self.held.pop(name, None)
        if column is not None:
            self._by_value[id(column[0])].remove(name)

    def find(self, column: Column) -> str | None:
        """The variable that holds exactly these values, the youngest one first."""
        for name in reversed(self._by_value.get(id(column[0]), ())):
            if same(self.held[name], column):
                return name
        return None

    def is_copy(self, name: str) -> bool:
        """Whether another variable holds what this one holds."""
        column = self.held[name]
        others = self._by_value.get(id(column[0]), ())
        return any(same(self.held[other], column) for other in others if other != name)


@dataclass
class Frame:
    """One region under way.

    `graphs[k]` is the number of the specialisation that execution k belongs to; `iteration`
    gives, per printed loop around, the iteration each execution is in, and `items` what the
    targets of these loops hold.
    """

    regions: list[Region]
    graphs: list[int]
    variables: Variables
    statics: dict[str, Expr | None]
    iteration: dict[int, list[int]] = field(default_factory=dict)
    items: dict[str, list[Any]] = field(default_factory=dict)
    pending: dict[int, Pending] = field(default_factory=dict)
    construct: list[Statement] = field(default_factory=list)
    build: list[Statement] = field(default_factory=list)
    compute: list[Statement] = field(default_factory=list)
    in_loop: bool = False
    outermost: bool = False

    def pick(self, chosen: list[int], regions: list[Region]) -> Frame:
        """A frame for some of the executions."""
        frame = Frame(
            regions,
            [self.graphs[k] for k in chosen],
            Variables(),
            dict(self.statics),
            {loop: [steps[k] for k in chosen] for loop, steps in self.iteration.items()},
            {name: [values[k] for k in chosen] for name, values in self.items.items()},
            in_loop=self.in_loop,
        )
        for name, column in self.variables.held.items():
            frame.variables.set(name, [column[k] for k in chosen])
        return frame

    def variable(self, column: Column) -> Name | None:
        name = self.variables.find(column)
        return None if name is None else Name(name)
