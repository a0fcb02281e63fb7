"""Which integers an input may hold: token ids below a vocabulary, places in an axis, lengths.

Inferred from the graph: an input whose elements arrive at an embedding, a gathering or a recurrent
layer's lengths, unchanged or after a number is added to them, must lie in the range of that operand
less that number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tercet.compiler import dims
from tercet.compiler.dims import Size
from tercet.compiler.graph.callees import all_graphs
from tercet.compiler.graph.ir import Apply, Call, Graph, Value
from tercet.compiler.lazy import np
from tercet.compiler.ops import elementwise
from tercet.compiler.ops.base import Elements
from tercet.compiler.types import DType

_FREE = {DType.U8: (0, 16)}
_FREE_SIGNED = (-8, 9)


@dataclass(frozen=True)
class Range:
    """Integers from every one of `lows` up to, but not including, every one of `highs`."""

    lows: tuple[Size, ...] = ()
    highs: tuple[Size, ...] = ()

    def __and__(self, other: Range) -> Range:
        return Range(self.lows + other.lows, self.highs + other.highs)

    def less(self, number: int) -> Range:
        """The integers that lie in the range when the number is added."""
        ends = ([end - number for end in part] for part in (self.lows, self.highs))
        return Range(*map(tuple, ends))

    def at(self, sizes: Mapping[str, int], dtype: DType) -> tuple[int, int]:
        """The least integer, and the one after the greatest; small ones where all are legal."""
        free = _FREE.get(dtype, _FREE_SIGNED)
        lows = [dims.evaluate(size, sizes) for size in self.lows] or [free[0]]
        low = max(*lows, np.iinfo(dtype.numpy_name).min)
        high = min(
            (dims.evaluate(size, sizes) for size in self.highs), default=max(free[1], low + 1)
        )
        return low, high


_Held = frozenset[tuple[int, int]]
"""The inputs whose elements a value may hold, by their places, each with what is added to them."""


@dataclass(frozen=True)
class _Summary:
    """What a graph asks of its inputs, what each output may hold of them, and whether it asks
    something of integers that it works out itself.
    """

    asked: tuple[Range, ...]
    held: tuple[_Held, ...]
    computed: bool


def input_ranges(graph: Graph) -> dict[str, Range]:
    """The range of every input by name."""
    names = (given.value.name for given in graph.inputs)
    return dict(zip(names, _summaries(graph)[graph].asked, strict=True))


def computes_indices(graph: Graph) -> bool:
    """Whether ranges of inputs do not say all: an index is worked out by more than arithmetic."""
    return any(summary.computed for summary in _summaries(graph).values())


def _summaries(graph: Graph) -> dict[Graph, _Summary]:
    summaries: dict[Graph, _Summary] = {}
    for part in all_graphs(graph):
        summaries[part] = _summarize(part, summaries)
    return summaries


_NOTHING: _Held = frozenset()


def _summarize(graph: Graph, summaries: Mapping[Graph, _Summary]) -> _Summary:
    held: dict[Value, _Held] = {
        given.value: frozenset({(place, 0)}) for place, given in enumerate(graph.inputs)
    }
    numbers: dict[Value, int] = {}
    asked = [Range() for _ in graph.inputs]
    computed = False

    def ask(value: Value | None, wanted: Range) -> None:
        for place, added in held.get(value, ()) if value is not None else ():
            asked[place] &= wanted.less(added)

    for item in graph.body.walk():
        match item:
            case Apply(op=elementwise.Constant(value=int(number))):
                numbers[item.outputs[0]] = number
            case Apply():
                for value, wanted in _demands(item):
                    ask(value, wanted)
                    computed |= value is not None and not held.get(value)
                moved = (_plus(held.get(v, _NOTHING), n) for v, n in _moved(item, numbers))
                held.update(dict.fromkeys(item.outputs, _NOTHING.union(*moved)))
            case Call(graph=called):
                summary = summaries[called]
                for value, wanted in zip(item.inputs, summary.asked, strict=True):
                    ask(value, wanted)
                for value, inner in zip(item.outputs, summary.held, strict=True):
                    sources = (_plus(held.get(item.inputs[p], _NOTHING), n) for p, n in inner)
                    held[value] = _NOTHING.union(*sources)
    outputs = tuple(held.get(output.value, _NOTHING) for output in graph.outputs)
    return _Summary(tuple(asked), outputs, computed)


def _plus(held: _Held, number: int) -> _Held:
    return frozenset((place, added + number) for place, added in held)


def _moved(item: Apply, numbers: Mapping[Value, int]) -> Iterator[tuple[Value, int]]:
    """The operands whose elements are those of the results, with what is added to them."""
    operands: Sequence[Value | None] = ()
    match item.op, [None if v is None else numbers.get(v) for v in item.inputs]:
        case elementwise.Add() | elementwise.Subtract(), [None, int(number)]:
            sign = 1 if isinstance(item.op, elementwise.Add) else -1
            yield from ((v, sign * number) for v in item.inputs[:1] if v is not None)
        case elementwise.Add(), [int(number), None]:
            yield from ((v, number) for v in item.inputs[1:] if v is not None)
        case elementwise.Cast(dtype=dtype), _ if dtype.is_integer:
            operands = item.inputs
        case op, _ if op.elements is not Elements.COMPUTED:
            operands = list(op.giving(item.inputs))
    yield from ((value, 0) for value in operands if value is not None)


def _demands(item: Apply) -> Iterator[tuple[Value | None, Range]]:
    """What an operation asks of the integers it is given; places are counted from the front."""
    for wanted in item.op.index_ranges(*(v and v.type for v in item.inputs)):
        low = wanted.low if isinstance(wanted.low, int) else 0
        yield item.inputs[wanted.operand], Range((max(0, low),), (wanted.high + 1,))
