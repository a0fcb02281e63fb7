"""Which integers a graph's inputs must hold where they name classes or the rows of a table.

Frameworks differ in what they do with a place that is not there (MXNet takes another one), so the
scripts of all targets look first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from compiler.dims import Dim
from compiler.index_sources import Demand, Step, traced
from compiler.ir import Graph
from compiler.lazy import np
from compiler.ops import elementwise, shape
from compiler.types import DType
from dsl.records import dataclass
from dsl.source import Span

if TYPE_CHECKING:
    from compiler.ops.base import Array


@dataclass(frozen=True)
class IndexCheck:
    """The elements of an input, after some steps, are from `low` to `high` or `ignored`."""

    name: str
    steps: tuple[Step, ...]
    low: int
    high: int
    ignored: int | None
    asker: str
    span: Span

    @property
    def shown(self) -> str:
        """What is looked at, in the words of the source."""
        text, infix = self.name, False
        for step in self.steps:
            text = step.shown(text, infix)
            infix = step.op.operator is not None
        return text

    def problem(self, array: Array) -> str | None:
        """What is wrong with an array given for the input, as the scripts say it."""
        for step in self.steps:
            array = step.applied(array)
        found = np.atleast_1d(array)
        wrong = ~((found >= self.low) & (found <= self.high))
        if self.ignored is not None:
            wrong &= found != self.ignored
        if not wrong.any():
            return None
        also = "" if self.ignored is None else f" or {self.ignored}"
        row = np.argwhere(wrong)[0][0]
        allowed = f"{self.shown} must be from {self.low} to {self.high}{also}"
        return f"{allowed}; row {row} holds {found[wrong][0]}"


def index_checks(graph: Graph, more: Sequence[Demand] = ()) -> list[IndexCheck]:
    """What must be looked at in inputs, one for each way in which an input is used.

    Sizes that are symbols are left to the framework.  `more` are further demands.
    """
    found: dict[tuple[int, tuple[Step, ...]], IndexCheck] = {}
    names = [given.value.name for given in graph.inputs]
    types = [given.value.type for given in graph.inputs]
    for demand in (*traced(graph).demands, *more):
        source, wanted = demand.source, demand.range
        if isinstance(wanted.low, Dim) or isinstance(wanted.high, Dim):
            continue
        check = IndexCheck(
            *(names[source.place], source.steps, wanted.low, wanted.high, wanted.ignored),
            *(demand.asker, demand.span),
        )
        key = source.place, source.steps
        found[key] = _both(found[key], check) if key in found else check
    return [
        check
        for (place, _), check in found.items()
        if not within(after(check.steps, _held(types[place].dtype)), check)
    ]


def _both(first: IndexCheck, second: IndexCheck) -> IndexCheck:
    return replace(
        first if first.high <= second.high else second,
        low=max(first.low, second.low),
        high=min(first.high, second.high),
        ignored=first.ignored if first.ignored == second.ignored else None,
    )


# ------------------------------------------------------------------------------------ what is known

Bounds = tuple[int, int] | None
"""The least and the greatest integer that something may hold, if known."""


def _held(dtype: DType) -> Bounds:
    return {DType.U8: (0, 255), DType.I8: (-128, 127), DType.BOOL: (0, 1)}.get(dtype)


def after(steps: Sequence[Step], bounds: Bounds) -> Bounds:
    """The bounds of what steps make of integers in these bounds."""
    for step in steps:
        bounds = _after(step, bounds)
    return bounds


def _after(step: Step, bounds: Bounds) -> Bounds:
    match step.op, [None if c is None else c.value for c in step.operands]:
        case shape.Index(), _:
            return bounds
        case elementwise.Add(), [None, int(n)] | [int(n), None]:
            return None if bounds is None else (bounds[0] + n, bounds[1] + n)
        case elementwise.Subtract(), [None, int(n)]:
            return None if bounds is None else (bounds[0] - n, bounds[1] - n)
        case elementwise.Modulo(), [None, int(n)] if n > 0:
            return 0, n - 1
        case elementwise.Clip(min=int(low), max=int(high)), _:
            return low, high
    return None


def within(bounds: Bounds, check: IndexCheck) -> bool:
    """Whether integers in these bounds surely pass."""
    return bounds is not None and check.low <= bounds[0] and bounds[1] <= check.high
