"""What a mapping of data may do with rows: each is mapped alone, whatever stands beside it.

The mapping runs once, over all rows, before they are cut into batches: a mean over the rows would
tell the training part what the test part holds, and their number is not that of a batch.
"""

from __future__ import annotations

from collections.abc import Iterator

from tercet.compiler import dims
from tercet.compiler.dims import Dim
from tercet.compiler.elaborate.errors import error
from tercet.compiler.graph.ir import Apply, Region, Value
from tercet.compiler.ops import elementwise, indexing, reduce, shape
from tercet.compiler.types import TensorType

_ALONE = "a mapping works on each row alone; what needs several rows belongs into the loss"


def check_rows(body: Region, rows: Dim) -> None:
    """Raises DiagnosticError E0512 for what mixes rows or computes with a symbolic size."""
    for item in body.walk():
        if isinstance(item, Apply):
            _check(item, rows)


def _check(item: Apply, rows: Dim) -> None:
    if isinstance(item.op, elementwise.Constant) and isinstance(item.op.value, Dim):
        message = f"{item.op.value} is no number where data are mapped"
        help = f"data are mapped before they are cut into batches: compute with {item.op.value} "
        raise error("E0512", message, item.span, f"{help}in the model or the loss")
    for value in item.inputs:
        if value is not None and _mixed(item, value, rows):
            message = f"`{item.op.name}` over the rows cannot stand in the mapping of `data`"
            raise error("E0512", message, item.span, _ALONE)


def _mixed(item: Apply, value: Value, rows: Dim) -> bool:
    """Whether the operation makes an element out of several rows of the value, or moves rows."""
    places = [axis for axis, size in enumerate(value.type.shape) if _counts(size, rows)]
    match item.op:
        case shape.Reshape() | shape.Flatten():
            kept = item.outputs[0].type.shape
            return any(value.type.shape[: k + 1] != kept[: k + 1] for k in places)
        case op:
            return any(axis in places for axis in _worked(op, value.type))


def _counts(size: object, rows: Dim) -> bool:
    return isinstance(size, Dim) and bool(dims.symbols(size) & dims.symbols(rows))


def _worked(op: object, x: TensorType) -> Iterator[int]:
    """The axes along which an operation takes elements together, apart or to other places."""
    match op:
        case reduce.Reduction() | shape.Flip():
            yield from op.axes(x.rank)
        case indexing.ArgMax() | indexing.ArgMin():
            yield op.axis % x.rank
        case shape.Index():
            taken = (item for item in op.items if not isinstance(item, shape.NewAxis))
            yield from (axis for axis, item in enumerate(taken) if item != shape.Slice())
