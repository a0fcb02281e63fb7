"""Where the integers come from that a graph counts with: inputs, and what is made of those.

An input, or what operations make of it that work element by element (with numbers beside it), cut
it or move its elements (`Op.elements`), may reach one that counts (`Op.index_ranges`), in the graph
or in one that it calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from tercet.compiler.dims import Dim
from tercet.compiler.graph.callees import all_graphs
from tercet.compiler.graph.ir import Apply, Call, Graph, Value
from tercet.compiler.ops import elementwise, shape
from tercet.compiler.ops.base import Elements, IndexRange, Layout, Op
from tercet.compiler.types import TensorType
from tercet.dsl.records import dataclass
from tercet.dsl.source import Span

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array

_MOST_STEPS = 8


@dataclass(frozen=True)
class Step:
    """An operation on one tensor and, where there are more operands, constants."""

    op: Op
    operands: tuple[elementwise.Constant | None, ...]
    """None is what the step is applied to."""
    type: TensorType
    span: Span = field(compare=False)

    def shown(self, operand: str, infix: bool) -> str:
        """The step applied to an operand, which may be infix itself, as the language has it."""
        tight = f"({operand})" if infix else operand
        match self.op, [None if c is None else _number(c.value) for c in self.operands]:
            case shape.Index(items=items), _:
                return f"{tight}[{', '.join(map(str, items))}]"
            case elementwise.Cast(dtype=dtype), _:
                return f"cast({operand}, {dtype})"
            case op, [left, right] if op.operator is not None:
                return f"{left or tight} {op.operator} {right or tight}"
            case op, numbers:
                return f"{op.name}({', '.join(number or operand for number in numbers)})"
        raise AssertionError

    def applied(self, array: Array) -> Array:
        operands = (array if c is None else c.reference() for c in self.operands)
        result: Array = self.op.reference(*operands)
        return result


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Source:
    """Where the elements of a value come from: an input, by its place, after some steps."""

    place: int
    steps: tuple[Step, ...] = ()
    rearranged: bool = False

    def then(self, later: Source) -> Source | None:
        """What `later` makes of this; None where that cannot be followed."""
        sliced = any(step.op.elements is Elements.SELECTED for step in later.steps)
        steps = self.steps + later.steps
        if (self.rearranged and sliced) or len(steps) > _MOST_STEPS:
            return None
        return Source(self.place, steps, self.rearranged or later.rearranged)


@dataclass(frozen=True)
class Demand:
    """An operation, `asker`, counts with the elements of `source`: they must be in `range`."""

    source: Source
    range: IndexRange
    asker: str
    span: Span


@dataclass(frozen=True)
class Traced:
    """What a graph asks of its inputs, and where the elements of its outputs come from."""

    demands: tuple[Demand, ...]
    outputs: tuple[tuple[Source, ...], ...]


# ---------------------------------------------------------------------------------------- following


@lru_cache(maxsize=64)  # targets and checks ask alike
def traced(graph: Graph) -> Traced:
    """The demands of a graph and of all that it calls, on its own inputs."""
    known: dict[Graph, Traced] = {}
    for part in all_graphs(graph):
        known[part] = _Follower(part, known).run()
    return known[graph]


class _Follower:
    """Follows the inputs of one graph through its body."""

    def __init__(self, graph: Graph, known: Mapping[Graph, Traced]) -> None:
        self._graph = graph
        self._known = known
        self._constants: dict[Value, elementwise.Constant] = {}
        self._held: dict[Value, tuple[Source, ...]] = {
            given.value: (Source(place),) for place, given in enumerate(graph.inputs)
        }
        self._demands: dict[tuple[Source, IndexRange], Demand] = {}

    def run(self) -> Traced:
        for item in self._graph.body.walk():
            match item:
                case Apply(op=elementwise.Constant() as constant):
                    if not isinstance(constant.value, Dim):
                        self._constants[item.outputs[0]] = constant
                case Apply():
                    if any(value in self._held for value in item.inputs):
                        self._apply(item)
                case Call():
                    self._call(item)
        outputs = tuple(self._held.get(output.value, ()) for output in self._graph.outputs)
        return Traced(tuple(self._demands.values()), outputs)

    def _ask(self, item: Apply, value: Value | None, wanted: IndexRange) -> None:
        sources = self._of(value)
        if value is not None and wanted.column is not None:
            column = shape.Index(
                (*(shape.Slice(),) * (value.type.rank - 1), shape.Integer(wanted.column))
            )
            step = Step(column, (None,), column.infer(value.type), item.span)
            found = (source.then(Source(0, (step,))) for source in sources)
            sources = tuple(source for source in found if source is not None)
        for source in sources:
            demand = Demand(source, wanted, item.op.name, item.span)
            self._demands.setdefault((source, wanted), demand)

    def _apply(self, item: Apply) -> None:
        types = [None if value is None else value.type for value in item.inputs]
        for wanted in item.op.index_ranges(*types):
            if not wanted.enforced:
                continue
            self._ask(item, item.inputs[wanted.operand], wanted)
        for value, sources in zip(item.outputs, self._results(item), strict=False):
            if sources:
                self._held[value] = tuple(dict.fromkeys(sources))

    def _results(self, item: Apply) -> Sequence[Sequence[Source]]:
        """The sources of each output."""
        op = item.op
        types = [None if v is None else v.type for v in item.inputs]
        match op.moved(*types):
            case Elements.RESHAPED if op.layout is Layout.AGNOSTIC:
                return (self._of(item.inputs[0]),)
            case Elements.RESHAPED | Elements.REARRANGED:
                every = [source for value in item.inputs for source in self._of(value)]
                return ([replace(source, rearranged=True) for source in every],)
            case Elements.SELECTED if slices := op.slices(*types):
                held = self._of(item.inputs[0])
                return [self._stepped(item, s, (None,), held) if s else () for s in slices]
        return (self._computed(item),) if op.layout is Layout.AGNOSTIC else ()

    def _of(self, value: Value | None) -> tuple[Source, ...]:
        return () if value is None else self._held.get(value, ())

    def _computed(self, item: Apply) -> tuple[Source, ...]:
        """Those of what is computed element by element from one operand that is no constant."""
        constants = [None if v is None else self._constants.get(v) for v in item.inputs]
        if constants.count(None) != 1:
            return ()
        held = self._of(item.inputs[constants.index(None)])
        return self._stepped(item, item.op, tuple(constants), held)

    def _stepped(
        self,
        item: Apply,
        op: Op,
        operands: tuple[elementwise.Constant | None, ...],
        held: Sequence[Source],
    ) -> tuple[Source, ...]:
        step = Step(op, operands, item.outputs[0].type, item.span)
        return tuple(s for h in held if (s := h.then(Source(0, (step,)))) is not None)

    def _call(self, item: Call) -> None:
        inner = self._known[item.graph]
        for demand in inner.demands:
            for source in self._through(item, demand.source):
                self._demands.setdefault((source, demand.range), replace(demand, source=source))
        for value, sources in zip(item.outputs, inner.outputs, strict=True):
            if found := [s for inside in sources for s in self._through(item, inside)]:
                self._held[value] = tuple(dict.fromkeys(found))

    def _through(self, item: Call, inside: Source) -> list[Source]:
        """What a source inside the graph called is outside."""
        held = self._held.get(item.inputs[inside.place], ())
        return [s for h in held if (s := h.then(inside)) is not None]
