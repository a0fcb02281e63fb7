"""The setting `precision`: the type in which a training step of a model in f32 computes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tercet.compiler.elaborate.errors import error
from tercet.compiler.graph.ir import Apply, Graph, Value
from tercet.compiler.graph.values import describe
from tercet.compiler.types import DType
from tercet.dsl import nodes
from tercet.dsl.diagnostics import Note
from tercet.dsl.source import Span

_CHOICES: Final = (DType.F32, DType.BF16, DType.F16)


def precision_of(value: Any, node: nodes.Expr) -> DType:
    """The precision that a setting names.  Raises DiagnosticError E0608."""
    if isinstance(value, DType) and value in _CHOICES:
        return value
    help = None
    if value is DType.F64:
        help = "for training in double precision, declare the model's inputs as f64"
    if value in tuple(map(str, _CHOICES)):
        help = f"write `precision = {value}`, without quotation marks"
    message = f"`precision` is f32, bf16 or f16, not {describe(value)}"
    raise error("E0608", message, node.span, help)


def check_precision(precision: DType, model: Graph, place: Span | None) -> None:
    """Mixed precision is for models in f32.  Raises DiagnosticError E0608."""
    if precision is DType.F32 or place is None:
        return
    for value, span in _tensors(model):
        dtype = value.type.dtype
        if dtype.is_float and dtype is not DType.F32:
            raise error(
                "E0608",
                f"`precision = {precision}` trains models whose tensors are f32, not {dtype}",
                place,
                "leave `precision` out: the model is trained in the types that it declares",
                Note(f"{dtype} here", span),
            )


def _tensors(model: Graph) -> Iterator[tuple[Value, Span]]:
    """The inputs of a model and what every operation gives, with their places."""
    yield from ((entry.value, entry.span) for entry in model.inputs)
    pending, seen = [model], {model}
    while pending:
        graph = pending.pop()
        for item in graph.body.walk():
            if isinstance(item, Apply):
                yield from ((output, item.span) for output in item.outputs)
        called = {call.graph for call in graph.calls} - seen
        seen |= called
        pending += called
