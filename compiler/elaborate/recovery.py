"""Going on after a wrong reshape, so that what comes after it is checked with true sizes.

The usual slip is a convolution behind a `reshape` that flattens the image: leaving the reshape out
makes everything after it checkable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tercet.compiler import dims
from tercet.compiler.dims import Dim, Size
from tercet.compiler.elaborate.scope import Frame
from tercet.compiler.errors import OpError
from tercet.compiler.graph.ir import Apply, Value
from tercet.compiler.ops.base import Elements, Op
from tercet.compiler.ops.shape import Reshape
from tercet.compiler.types import TensorType
from tercet.dsl.diagnostics import DiagnosticError, Note


def without_reshape(
    frame: Frame, op: Op, inputs: Sequence[Value | None], problem: DiagnosticError
) -> tuple[Value | None, ...] | None:
    """The inputs before the reshape that broke them, if `op` takes those; `problem` is reported."""
    first = inputs[0] if inputs else None
    producer = None if first is None else frame.producers.get(first)
    if not isinstance(producer, Apply) or producer.op.elements is not Elements.RESHAPED:
        return None
    before = (producer.inputs[0], *inputs[1:])
    try:
        op.infer_types([None if v is None else v.type for v in before])
    except OpError:
        return None
    frame.fail(_advised(problem, producer))
    return before


def _advised(problem: DiagnosticError, producer: Apply) -> DiagnosticError:
    (diagnostic,) = problem.diagnostics
    before = producer.inputs[0]
    assert before is not None
    name = producer.op.name
    note = Note(f"`{name}` makes {producer.outputs[0].type} of {before.type} here", producer.span)
    help = f"leave out the `{name}`: {before.type} is what stands before it"
    return DiagnosticError(replace(diagnostic, help=help, notes=(note,)))


def reshaped(
    frame: Frame, op: Op, inputs: Sequence[Value | None], problem: DiagnosticError
) -> Value | None:
    """The result that a wrong reshape asked for; `problem` is reported with the true size."""
    if not isinstance(op, Reshape) or problem.diagnostics[0].code != "E0308":
        return None
    (given,) = inputs
    assert given is not None
    frame.fail(
        DiagnosticError(replace(problem.diagnostics[0], help=_true_size(given.type, op.shape)))
    )
    if -1 in op.shape:
        return None
    return Value(op.name, TensorType(given.type.dtype, op.shape))


def _true_size(type_: TensorType, shape: tuple[Size, ...]) -> str | None:
    """What the last size should have been, where the others fit."""
    total = dims.product(type_.shape)
    others = dims.product(size for size in shape[:-1] if size != -1)
    size = total // others
    if isinstance(size, Dim) or size * others != total:
        return None
    wanted = ", ".join(map(str, (*shape[:-1], size)))
    flat = ", which `flatten` gives too" if len(shape) == 2 else ""
    return f"the last size is {size}: write `reshape([{wanted}])`{flat}"
