"""Where the integers come from that a graph counts with: inputs, and what is made of those.

An input, or what element-wise arithmetic with numbers, slicing and reshaping make of it, may reach
an operation that counts (`Op.index_ranges`), in the graph or in one that it calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from tercet.compiler.dims import Dim, Size
from tercet.compiler.graph.callees import all_graphs
from tercet.compiler.graph.ir import Apply, Call, Graph, Value
from tercet.compiler.ops import elementwise, shape
from tercet.compiler.ops.base import IndexRange, Op
from tercet.compiler.types import DType, TensorType
from tercet.dsl.records import dataclass
from tercet.dsl.source import Span

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array

_ARITHMETIC: tuple[type[Op], ...] = (
    *(elementwise.Add, elementwise.Subtract, elementwise.Multiply, elementwise.Divide),
    *(elementwise.FloorDivide, elementwise.Modulo, elementwise.Minimum, elementwise.Maximum),
    *(elementwise.Clip, elementwise.Abs, elementwise.Negate),
    *(elementwise.Floor, elementwise.Ceil, elementwise.Round, elementwise.Cast),
)
_REARRANGING: tuple[type[Op], ...] = (
    *(shape.Reshape, shape.Flatten, shape.Transpose, shape.Permute, shape.Squeeze),
    *(shape.Unsqueeze, shape.Expand, shape.BroadcastTo, shape.Tile, shape.Repeat, shape.Flip),
)
"""Results hold all elements of the operand and no others."""
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
        sliced = any(isinstance(step.op, shape.Index) for step in later.steps)
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

    def _ask(self, value: Value | None, wanted: IndexRange, asker: str, span: Span) -> None:
        for source in self._held.get(value, ()) if value is not None else ():
            demand = Demand(source, wanted, asker, span)
            self._demands.setdefault((source, wanted), demand)

    def _apply(self, item: Apply) -> None:
        types = [None if value is None else value.type for value in item.inputs]
        for wanted in item.op.index_ranges(*types):
            self._ask(item.inputs[wanted.operand], wanted, item.op.name, item.span)
        for value, sources in zip(item.outputs, self._results(item), strict=False):
            if sources:
                self._held[value] = tuple(dict.fromkeys(sources))

    def _results(self, item: Apply) -> Sequence[Sequence[Source]]:
        """The sources of each output."""
        first = self._held.get(item.inputs[0], ()) if item.inputs[0] is not None else ()
        match item.op:
            case elementwise.Cast(dtype=dtype) if _keeps(_first_type(item).dtype, dtype):
                return (first,)
            case op if isinstance(op, _REARRANGING):
                return (tuple(replace(source, rearranged=True) for source in first),)
            case shape.Concat() | shape.Stack():
                every = (s for v in item.inputs if v is not None for s in self._held.get(v, ()))
                return (tuple(replace(source, rearranged=True) for source in every),)
            case shape.Split() | shape.Chunk() as op:
                cuts = _cuts(op, _first_type(item))
                return [self._stepped(item, cut, (None,), first) for cut in cuts]
            case shape.Index() as op:
                index = _plain(op, _first_type(item))
                return (() if index is None else self._stepped(item, index, (None,), first),)
            case op if isinstance(op, _ARITHMETIC):
                return (self._computed(item),)
        return ()

    def _computed(self, item: Apply) -> tuple[Source, ...]:
        """Those of arithmetic, of one operand that is not a constant."""
        constants = [None if v is None else self._constants.get(v) for v in item.inputs]
        if constants.count(None) != 1:
            return ()
        value = item.inputs[constants.index(None)]
        held = () if value is None else self._held.get(value, ())
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


def _first_type(item: Apply) -> TensorType:
    value = item.inputs[0]
    assert value is not None
    return value.type


def _keeps(given: DType, wanted: DType) -> bool:
    """Whether a cast leaves integers as they are."""
    return not given.is_float and wanted in (DType.I32, DType.I64)


def _cuts(op: shape.Split | shape.Chunk, x: TensorType) -> list[shape.Index]:
    """The parts as slices; none where they depend on symbols or part rows from rows."""
    axis = op.at(x.rank)
    sizes = op.sizes(x)
    ends = [0]
    for size in sizes:
        if isinstance(size, Dim):
            return []
        ends.append(ends[-1] + size)
    before = (shape.Slice(),) * axis
    pairs = pairwise(ends)
    return [shape.Index((*before, shape.Slice(a, b))) for a, b in pairs] if axis else []


def _plain(op: shape.Index, x: TensorType) -> shape.Index | None:
    """The index with numbers for bounds, if it has such and takes all rows."""
    if not op.items or op.items[0] != shape.Slice():
        return None
    if any(isinstance(item, shape.NewAxis) for item in op.items):
        return None
    items = [_plain_item(item, n) for item, n in zip(op.items, x.shape, strict=False)]
    return None if None in items else shape.Index(tuple(item for item in items if item))


def _plain_item(
    item: shape.Slice | shape.Integer | shape.NewAxis, size: Size
) -> shape.Slice | shape.Integer | None:
    match item:
        case shape.Slice(start, stop, step):
            if isinstance(stop, Dim):
                left = stop - size
                if isinstance(left, Dim) or left > 0:
                    return None
                stop = left or None  # counted from the end
            return None if isinstance(start, Dim) else shape.Slice(start, stop, step)
        case shape.Integer(int()):
            return item
    return None
