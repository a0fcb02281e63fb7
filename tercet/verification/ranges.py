"""Which integers an input may hold: token ids below a vocabulary, places in an axis, lengths.

Inferred from the graph: an input whose elements arrive unchanged at an embedding, a gathering or
a recurrent layer's lengths must lie in the range of that operand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from compiler import dims
from compiler.callees import all_graphs
from compiler.dims import Size
from compiler.ir import Apply, Call, Graph, Value
from compiler.ops import elementwise, indexing, shape
from compiler.types import DType

_FREE = {DType.U8: (0, 16)}
_FREE_SIGNED = (-8, 9)


@dataclass(frozen=True)
class Range:
    """Integers from every one of `lows` up to, but not including, every one of `highs`."""

    lows: tuple[Size, ...] = ()
    highs: tuple[Size, ...] = ()

    def __and__(self, other: Range) -> Range:
        return Range(self.lows + other.lows, self.highs + other.highs)

    def at(self, sizes: Mapping[str, int], dtype: DType) -> tuple[int, int]:
        """The least integer, and the one after the greatest; small ones where all are legal."""
        free = _FREE.get(dtype, _FREE_SIGNED)
        low = max((dims.evaluate(size, sizes) for size in self.lows), default=free[0])
        high = min(
            (dims.evaluate(size, sizes) for size in self.highs), default=max(free[1], low + 1)
        )
        return low, high


_MOVES: tuple[type, ...] = (
    shape.Reshape,
    shape.Flatten,
    shape.Transpose,
    shape.Permute,
    shape.Squeeze,
    shape.Unsqueeze,
    shape.Expand,
    shape.BroadcastTo,
    shape.Concat,
    shape.Stack,
    shape.Split,
    shape.Chunk,
    shape.Tile,
    shape.Repeat,
    shape.Flip,
    shape.Index,
)
"""Operations whose results hold elements of all their operands and no others."""


@dataclass(frozen=True)
class _Summary:
    """What a graph asks of its inputs, and the inputs whose elements each output may hold."""

    asked: tuple[Range, ...]
    held: tuple[frozenset[int], ...]


def input_ranges(graph: Graph) -> dict[str, Range]:
    """The range of every input by name."""
    summaries: dict[Graph, _Summary] = {}
    for part in all_graphs(graph):
        summaries[part] = _summarize(part, summaries)
    names = (given.value.name for given in graph.inputs)
    return dict(zip(names, summaries[graph].asked, strict=True))


def _summarize(graph: Graph, summaries: Mapping[Graph, _Summary]) -> _Summary:
    held = {given.value: frozenset((i,)) for i, given in enumerate(graph.inputs)}
    asked = [Range() for _ in graph.inputs]

    def ask(value: Value | None, wanted: Range) -> None:
        for place in held.get(value, ()) if value is not None else ():
            asked[place] &= wanted

    for item in graph.body.walk():
        match item:
            case Apply():
                for value, wanted in _demands(item):
                    ask(value, wanted)
                moved = frozenset[int]().union(*(held.get(v, ()) for v in _moved(item)))
                held.update(dict.fromkeys(item.outputs, moved))
            case Call(graph=called):
                summary = summaries[called]
                for value, wanted in zip(item.inputs, summary.asked, strict=True):
                    ask(value, wanted)
                for value, places in zip(item.outputs, summary.held, strict=True):
                    sources = (held.get(item.inputs[place], frozenset()) for place in places)
                    held[value] = frozenset[int]().union(*sources)
    outputs = tuple(held.get(output.value, frozenset()) for output in graph.outputs)
    return _Summary(tuple(asked), outputs)


def _moved(item: Apply) -> Iterable[Value]:
    """The operands whose elements, unchanged, are the elements of the results."""
    operands: Sequence[Value | None] = ()
    match item.op:
        case indexing.Gather() | indexing.Take():
            operands = item.inputs[:1]
        case elementwise.Where():
            operands = item.inputs[1:]
        case elementwise.Cast(dtype=dtype) if dtype.is_integer:
            operands = item.inputs
        case op if isinstance(op, _MOVES):
            operands = item.inputs
    return (value for value in operands if value is not None)


def _demands(item: Apply) -> Iterator[tuple[Value | None, Range]]:
    """What an operation asks of the integers it is given; places are counted from the front."""
    if isinstance(item.op, indexing.OneHot):
        yield item.inputs[0], Range((0,), (item.op.classes,))
    for wanted in item.op.index_ranges(*(v and v.type for v in item.inputs)):
        low = wanted.low if isinstance(wanted.low, int) else 0
        yield item.inputs[wanted.operand], Range((max(0, low),), (wanted.high + 1,))
