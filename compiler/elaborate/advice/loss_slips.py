"""Losses and metrics that are given what they hardly want: legal, and of no use in training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from tercet.compiler.elaborate.errors import warning
from tercet.compiler.elaborate.liveness import outputs
from tercet.compiler.graph.ir import Apply, Call, Value
from tercet.compiler.ops.activation import Sigmoid, Softmax
from tercet.compiler.ops.base import Elements
from tercet.compiler.ops.conv import AnyConvolution
from tercet.compiler.ops.linear import Dense
from tercet.compiler.ops.loss import (
    BinaryCrossEntropy,
    BinaryCrossEntropyWithLogits,
    CrossEntropy,
    Focal,
    KlDiv,
    Loss,
    Nll,
    SoftmaxFocal,
)
from tercet.compiler.ops.sequence_loss import Ctc
from tercet.dsl.diagnostics import Note
from tercet.dsl.operators import excerpt

if TYPE_CHECKING:
    from tercet.compiler.elaborate.scope import Frame
    from tercet.compiler.graph.ir import Graph
    from tercet.compiler.ops.base import Op
    from tercet.compiler.signature import Given
    from tercet.compiler.training.metrics import Metric
    from tercet.dsl.source import Span

_LAYERS: Final = (Dense, AnyConvolution)


def check_loss(
    frame: Frame,
    op: Op,
    inputs: Sequence[Value | None],
    span: Span,
    givens: Sequence[Given | None],
) -> None:
    """Warns of a loss of logits that is given probabilities, or the other way round."""
    if not isinstance(op, Loss) or inputs[0] is None:
        return
    check_order(frame, op, inputs, givens)
    producer = _producer(frame, inputs[0])
    if producer is None:
        return
    made = producer.op
    match op:
        case CrossEntropy() | Ctc() | SoftmaxFocal() if isinstance(made, Softmax):
            _is_applied_itself(frame, op, producer, span)
        case BinaryCrossEntropyWithLogits() | Focal() if isinstance(made, Sigmoid):
            _is_applied_itself(frame, op, producer, span)
        case BinaryCrossEntropy() if isinstance(made, _LAYERS):
            help = "apply `sigmoid` first, or write `binary_cross_entropy_with_logits`"
            _takes(frame, op, "probabilities", producer, span, help)
        case Nll() if isinstance(made, (*_LAYERS, Softmax)):
            help = "apply `log_softmax` to logits first, or write `cross_entropy` of logits"
            _takes(frame, op, "log-probabilities", producer, span, help)
        case KlDiv() if isinstance(made, (*_LAYERS, Softmax)):
            help = "apply `log_softmax` to logits first"
            _takes(frame, op, "log-probabilities", producer, span, help)


def _is_applied_itself(frame: Frame, loss: Op, producer: Apply, span: Span) -> None:
    name = producer.op.name
    note = Note(f"`{name}` is applied here", producer.span)
    message = f"`{loss.name}` takes logits and applies `{name}` itself"
    frame.warn(warning("W0906", message, span, f"leave out the `{name}`", note))


def _takes(frame: Frame, loss: Op, what: str, producer: Apply, span: Span, help: str) -> None:
    note = Note(f"`{producer.op.name}` is applied here", producer.span)
    message = f"`{loss.name}` takes {what}, which `{producer.op.name}` does not give"
    frame.warn(warning("W0911", message, span, help, note))


def check_order(
    frame: Frame, op: Loss | Metric, inputs: Sequence[Value | None], givens: Sequence[Given | None]
) -> None:
    """Warns of a loss or metric in `train` whose first operand is the target, as in Keras."""
    first, second = inputs[:2]
    if not frame.in_training or op.symmetric or first is None or second is None:
        return
    texts = [excerpt(given.span) for given in givens[:2] if given is not None]
    if givens[0] and not _is_computed(frame, first) and _is_computed(frame, second):
        message = f"`{op.name}` takes the prediction first, and `{texts[0]}` is none"
        help = f"write `{op.name}({texts[1]}, {texts[0]})`"
        frame.warn(warning("W0912", message, givens[0].span, help))


def _is_computed(frame: Frame, value: Value) -> bool:
    """Whether a tensor depends on anything trained."""
    pending: list[Value | None] = [value]
    seen: set[Value] = set()
    while pending:
        one = pending.pop()
        if one is None or one in seen:
            continue
        seen.add(one)
        match frame.producers.get(one):
            case Apply(layer=layer, inputs=inputs):
                if layer is not None:
                    return True
                pending.extend(inputs)
            case Call(graph=graph, inputs=inputs):
                if any(graph.parameters()):
                    return True
                pending.extend(inputs)
    return False


def _producer(frame: Frame, value: Value) -> Apply | None:
    """The operation that computes the elements of a tensor, be it in a block that was called."""
    find: Callable[[Value], Apply | Call | None] = frame.producers.get
    while True:
        match find(value):
            case Call() as call:
                value = call.graph.outputs[call.outputs.index(value)].value
                find = _finder(call.graph)
            case Apply(op=op, inputs=(Value() as first,)) if op.elements is not Elements.COMPUTED:
                value = first
            case Apply() as found:
                return found
            case None:
                return None


def _finder(graph: Graph) -> Callable[[Value], Apply | Call | None]:
    def find(value: Value) -> Apply | Call | None:
        for item in graph.body.walk():
            if isinstance(item, Apply | Call) and value in outputs(item):
                return item
        return None

    return find
