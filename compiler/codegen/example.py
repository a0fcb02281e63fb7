"""Sizes for the example inputs that an exporter traces a model with.

Small ones, different from each other where that is legal, so that a size which the exporter takes
for another shows; large enough for every window and slice of the model.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping

from compiler import dims
from compiler.codegen.specialised import all_graphs
from compiler.dims import Dim, DimError, Size
from compiler.ir import Apply, Call, Constraint, Graph, ReadParameter

_RELATIONS: Mapping[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_BATCH = 2
_LEAST = (3, 5, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 2, 1)


def example_sizes(model: Graph) -> dict[str, int]:
    """A value of every symbol in the model's input shapes that fits the whole model, if there is.

    The first axis of an input counts as the batch, which is 2.
    """
    names = list(dict.fromkeys(_symbols(model)))
    batch = {name for i in model.inputs for name in _first(i.value.type.shape)}
    found = {*_demands(model)}
    settings = [
        {n: _BATCH if n in batch else least + step * k for k, n in enumerate(names)}
        for step in (1, 0)
        for least in _LEAST
    ]
    settings += [dict.fromkeys(names, least) for least in _LEAST]
    for sizes in settings:
        if all(_holds(demand, sizes) for demand in found):
            return sizes
    return settings[0]


def _first(shape: tuple[Size, ...]) -> Iterator[str]:
    if shape and isinstance(shape[0], Dim):
        yield from dims.symbols(shape[0])


def _symbols(model: Graph) -> Iterator[str]:
    for entry in model.inputs:
        for size in entry.value.type.shape:
            if isinstance(size, Dim):
                yield from sorted(dims.symbols(size))


Demand = tuple[Size, str, Size]


def _demands(model: Graph) -> Iterator[Demand]:
    """What every size of the model must obey: at least 1, and the recorded constraints."""
    for graph in all_graphs(model):
        for constraint in graph.constraints:
            yield _of(constraint)
        for item in graph.body.walk():
            match item:
                case Apply(outputs=outputs) | Call(outputs=outputs):
                    values = outputs
                case ReadParameter(output=output):
                    values = (output,)
                case _:
                    continue
            for value in values:
                yield from ((n, ">=", 1) for n in value.type.shape if isinstance(n, Dim))


def _of(constraint: Constraint) -> Demand:
    return constraint.left, constraint.relation, constraint.right


def _holds(demand: Demand, sizes: Mapping[str, int]) -> bool:
    left, relation, right = demand
    try:
        return _RELATIONS[relation](dims.evaluate(left, sizes), dims.evaluate(right, sizes))
    except (ZeroDivisionError, DimError):
        return False
