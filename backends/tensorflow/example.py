"""Small sizes that a model's constraints allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import product

from compiler import dims
from compiler.codegen.specialised import all_graphs
from compiler.dims import Dim
from compiler.ir import Apply, Graph
from compiler.ops.base import Requirement
from compiler.reference_inputs import InputError, check_constraints

_MOST = 20_000
"""Settings that are tried."""
_LARGEST = 1024


def example_sizes(model: Graph) -> dict[str, int]:
    """A number for every symbol of the model's inputs, as small as the constraints allow.

    Raises ValueError where none of many settings will do.
    """
    found = sorted(
        {
            symbol
            for entry in model.inputs
            for size in entry.value.type.shape
            if isinstance(size, Dim)
            for symbol in dims.symbols(size)
        }
    )
    graphs = all_graphs(model)
    for count, sizes in enumerate(_settings(found)):
        if all(_fits(graph, sizes) for graph in graphs):
            return sizes
        if count > _MOST:
            break
    raise ValueError(f"no small sizes obey the constraints of {model.name}")


def _settings(symbols: list[str]) -> Iterator[dict[str, int]]:
    """All settings, those with small numbers first."""
    if not symbols:
        yield {}
        return
    bound = 1
    while bound <= _LARGEST:
        steps = [*range(1, bound + 1)] if bound <= 4 else [1, *_powers(bound)]
        for numbers in product(steps, repeat=len(symbols)):
            if max(numbers) == max(steps) or bound == 1:
                yield dict(zip(symbols, numbers, strict=True))
        bound *= 2


def _powers(bound: int) -> list[int]:
    return [n for k in range(1, bound.bit_length()) for n in (2**k, 3 * 2 ** (k - 1)) if n <= bound]


def _fits(graph: Graph, sizes: Mapping[str, int]) -> bool:
    try:
        check_constraints(graph, sizes)
        return all(map(partial(_holds, sizes), _requirements(graph)))
    except (InputError, KeyError):
        return False


def _requirements(graph: Graph) -> Iterator[Requirement]:
    """What the operations themselves need."""
    for item in graph.body.walk():
        if isinstance(item, Apply):
            types = [None if value is None else value.type for value in item.inputs]
            yield from item.op.constraints(*types)


def _holds(sizes: Mapping[str, int], requirement: Requirement) -> bool:
    left, relation, right = requirement
    a, b = (dims.evaluate(n, sizes) for n in (left, right))
    return a <= b if relation == "<=" else a == b
