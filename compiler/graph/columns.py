"""How a mapping uses the columns of its source: as which dtypes, and whether it looks for gaps."""

from __future__ import annotations

from collections.abc import Iterator

from tercet.compiler.graph.ir import Apply, Graph, Value
from tercet.compiler.ops import elementwise
from tercet.compiler.types import DType
from tercet.dsl.records import dataclass


@dataclass(frozen=True)
class Use:
    """`dtypes` are those that the mapping takes the column as: its own, or what it casts it to.

    `gaps`: whether the mapping asks which of its numbers are NaN or infinite, so that they may be.
    """

    dtypes: frozenset[DType]
    gaps: bool


def column_uses(mapping: Graph) -> dict[str, Use]:
    """The uses of every column that a mapping reads, by its name."""
    columns = {given.value: given.value.name for given in mapping.inputs}
    dtypes: dict[str, set[DType]] = {name: set() for name in columns.values()}
    for output in mapping.outputs:
        if output.value in columns:
            dtypes[columns[output.value]].add(output.value.type.dtype)
    origins: dict[Value, frozenset[str]] = {v: frozenset([name]) for v, name in columns.items()}
    gaps: set[str] = set()
    for item in _operations(mapping):
        found = frozenset[str]().union(*(origins.get(v, frozenset()) for v in item.inputs if v))
        origins.update(dict.fromkeys(item.outputs, found))
        if isinstance(item.op, elementwise.IsNan | elementwise.IsInf):
            gaps |= found
        for value in item.inputs:
            if value in columns:
                used = item.outputs[0] if isinstance(item.op, elementwise.Cast) else value
                dtypes[columns[value]].add(used.type.dtype)
    return {name: Use(frozenset(dtypes[name]), name in gaps) for name in columns.values()}


def may_be_undefined(mapping: Graph) -> list[str]:
    """The outputs of floats that may be NaN or infinite where no column without gaps is."""
    uses = column_uses(mapping)
    open_ = {given.value for given in mapping.inputs if uses[given.value.name].gaps}
    constants: dict[Value, object] = {}
    for item in _operations(mapping):
        if isinstance(item.op, elementwise.Constant):
            constants[item.outputs[0]] = item.op.value
        elif _undefined(item, constants) or any(value in open_ for value in item.inputs):
            open_.update(item.outputs)
    outputs = mapping.outputs
    return [o.name for o in outputs if o.value.type.dtype.is_float and o.value in open_]


def _undefined(item: Apply, constants: dict[Value, object]) -> bool:
    if not item.op.partial:
        return False
    if isinstance(item.op, elementwise.Power):
        exponent = constants.get(item.inputs[1]) if item.inputs[1] else None
        return not (isinstance(exponent, float) and exponent >= 0 and exponent.is_integer())
    divisor = constants.get(item.inputs[-1]) if item.inputs[-1] else None
    return not divisor  # division by a number other than 0 is as good as multiplication


def _operations(mapping: Graph) -> Iterator[Apply]:
    return (item for item in mapping.body.walk() if isinstance(item, Apply))
