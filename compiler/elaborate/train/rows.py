"""What a mapping of data may do with rows: each is mapped alone, whatever stands beside it.

The mapping runs once, over all rows, before they are cut into batches: a mean over the rows would
tell the training part what the test part holds, and their number is not that of a batch.
"""

from __future__ import annotations

from tercet.compiler import dims
from tercet.compiler.dims import Dim
from tercet.compiler.elaborate.errors import error
from tercet.compiler.graph.ir import Apply, Region, Value
from tercet.compiler.ops import elementwise

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
        if value is not None:
            _require_alone(item, value, rows)


def _require_alone(item: Apply, value: Value, rows: Dim) -> None:
    """Raises DiagnosticError E0512 where several rows of the value become one, or rows move."""
    counting = [axis for axis, size in enumerate(value.type.shape) if _counts(size, rows)]
    mixed = item.op.mixed_axes(value.type)
    if counting and (mixed is None or set(counting) & set(mixed)):
        over = "" if mixed is None else " over the rows"
        message = f"`{item.op.name}`{over} cannot stand in the mapping of `data`"
        raise error("E0512", message, item.span, _ALONE)


def _counts(size: object, rows: Dim) -> bool:
    return isinstance(size, Dim) and bool(dims.symbols(size) & dims.symbols(rows))
