"""Which integers a graph's inputs must hold where they name classes or the rows of a table.

Frameworks differ in what they do with a place that is not there (MXNet takes another one), so the
scripts of all targets look first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tercet.compiler import dims
from tercet.compiler.dims import Size
from tercet.compiler.graph.index_sources import Demand, Step, traced
from tercet.compiler.graph.ir import Graph
from tercet.compiler.lazy import np
from tercet.compiler.ops import elementwise, shape
from tercet.compiler.types import DType
from tercet.dsl.records import dataclass
from tercet.dsl.source import Span

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


Bounds = tuple[int, int] | None
"""The least and the greatest integer that something may hold, if known."""


@dataclass(frozen=True)
class Reading:
    """A symbol read from the shape of an input: the size of that axis is `factor * it + addend`."""

    name: str
    axis: int
    factor: int
    addend: int

    def of(self, size: Size) -> Size:
        """The symbol, where the axis has this size."""
        return (size - self.addend) // self.factor


@dataclass(frozen=True)
class IndexCheck:
    """The elements of an input, after some steps, are from `low` to `high` or `ignored`.

    `readings` are those of the symbols in `low` and `high`, by name; `held` are the least and the
    greatest number that a built-in set has there, which need not be looked at.
    """

    name: str
    steps: tuple[Step, ...]
    low: Size
    high: Size
    ignored: int | None
    readings: Mapping[str, Reading]
    asker: str
    span: Span
    held: Bounds = None

    @property
    def shown(self) -> str:
        """What is looked at, in the words of the source."""
        text, infix = self.name, False
        for step in self.steps:
            text = step.shown(text, infix)
            infix = step.op.operator is not None
        return text

    def problem(self, arrays: Mapping[str, Array]) -> str | None:
        """What is wrong with the arrays given for the inputs, as the scripts say it."""
        sizes = {n: r.of(arrays[r.name].shape[r.axis]) for n, r in self.readings.items()}
        low, high = (dims.substitute(end, sizes) for end in (self.low, self.high))
        array = arrays[self.name]
        for step in self.steps:
            array = step.applied(array)
        found = np.atleast_1d(array)
        wrong = ~((found >= low) & (found <= high))
        if self.ignored is not None:
            wrong &= found != self.ignored
        if not wrong.any():
            return None
        also = "" if self.ignored is None else f" or {self.ignored}"
        row = np.argwhere(wrong)[0][0]
        allowed = f"{self.shown} must be from {low} to {high}{also}"
        return f"{allowed}; row {row} holds {found[wrong][0]}"


def index_checks(graph: Graph, more: Sequence[Demand] = ()) -> list[IndexCheck]:
    """What must be looked at in inputs, one for each way in which an input is used.

    Left to the framework is what depends on a symbol that no input's shape tells alone.
    `more` are further demands.
    """
    readings = _readings(graph)
    found: dict[tuple[int, tuple[Step, ...]], IndexCheck] = {}
    names = [given.value.name for given in graph.inputs]
    types = [given.value.type for given in graph.inputs]
    for demand in (*traced(graph).demands, *more):
        source, wanted = demand.source, demand.range
        symbols = sorted(dims.symbols(wanted.low) | dims.symbols(wanted.high))
        if not all(symbol in readings for symbol in symbols):
            continue
        check = IndexCheck(
            *(names[source.place], source.steps, wanted.low, wanted.high, wanted.ignored),
            *({symbol: readings[symbol] for symbol in symbols}, demand.asker, demand.span),
        )
        key = source.place, source.steps
        found[key] = _both(found[key], check) if key in found else check
    return [
        check
        for (place, _), check in found.items()
        if not within(after(check.steps, types[place].dtype.range), check)
    ]


def _readings(graph: Graph) -> dict[str, Reading]:
    """The plainest reading of each symbol: of an axis of size `H` before one of `16 * H`."""
    found = [
        (symbol, Reading(given.value.name, axis, factor, addend))
        for given in graph.inputs
        for axis, size in enumerate(given.value.type.shape)
        for symbol, factor, addend in filter(None, [dims.affine(size)])
    ]
    found.sort(key=lambda pair: (pair[1].factor, pair[1].addend) == (1, 0))
    return dict(found)


def _both(first: IndexCheck, second: IndexCheck) -> IndexCheck:
    return replace(
        first if dims.less_equal(first.high, second.high) else second,
        low=dims.maximum(first.low, second.low),
        high=dims.minimum(first.high, second.high),
        ignored=first.ignored if first.ignored == second.ignored else None,
        readings={**first.readings, **second.readings},
    )


# ------------------------------------------------------------------------------------ what is known


def after(steps: Sequence[Step], bounds: Bounds) -> Bounds:
    """The bounds of what steps make of integers in these bounds."""
    for step in steps:
        bounds = (0, 1) if step.type.dtype is DType.BOOL else _after(step, bounds)
    return bounds


def _after(step: Step, bounds: Bounds) -> Bounds:
    match step.op, [None if c is None else c.value for c in step.operands]:
        case shape.Index(), _:
            return bounds
        case elementwise.Add(), [None, int(n)] | [int(n), None]:
            return _shifted(bounds, n, step.type.dtype)
        case elementwise.Subtract(), [None, int(n)]:
            return _shifted(bounds, -n, step.type.dtype)
        case elementwise.Modulo(), [None, int(n)] if n > 0:
            return 0, n - 1
        case elementwise.Clip(min=int(low), max=int(high)), _:
            return low, high
    return None


def _shifted(bounds: Bounds, n: int, dtype: DType) -> Bounds:
    """The bounds after an addition, which wraps around in small integers."""
    if bounds is None:
        return None
    low, high = bounds[0] + n, bounds[1] + n
    return (low, high) if dtype.holds(low) and dtype.holds(high) else dtype.range


def within(bounds: Bounds, check: IndexCheck) -> bool:
    """Whether integers in these bounds surely pass."""
    if bounds is None:
        return False
    low, high = bounds
    return bool(dims.less_equal(check.low, low) and dims.less_equal(high, check.high))
