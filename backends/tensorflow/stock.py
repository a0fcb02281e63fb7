"""Losses and metrics that Keras has in stock with the meaning of the source.

They serve a model of one output that is applied once, to its own inputs, and compared with one
target.  Everything else is written out.
"""

from __future__ import annotations

from tercet.codegen.expr import Expr, Name, default
from tercet.compiler.graph.ir import Apply, Call, Graph, Value
from tercet.compiler.graph.training import NamedMetric, Training
from tercet.compiler.ops import loss as losses
from tercet.compiler.training import metrics as kinds
from tercet.compiler.types import DType
from tercet.dsl.records import dataclass

_losses = Name("keras").losses
_metrics = Name("keras").metrics


@dataclass(frozen=True)
class Applied:
    """How a loss or evaluation graph applies the model."""

    graph: Graph
    model: Graph
    inputs: int
    """How many of the graph's inputs the model takes, the others being targets."""

    @property
    def calls(self) -> list[Call]:
        return [call for call in self.graph.calls if call.graph is self.model]

    @property
    def is_plain(self) -> bool:
        """Whether the model is applied once, to its own inputs."""
        calls = self.calls
        if len(calls) != 1:
            return False
        own = [entry.value for entry in self.graph.inputs][: self.inputs]
        return len(calls[0].inputs) == len(own) and all(map(_same, calls[0].inputs, own))

    def compares(self, prediction: Value | None, target: Value | None) -> bool:
        """Whether these are the only output of the model and the only target."""
        targets = [entry.value for entry in self.graph.inputs[self.inputs :]]
        return (
            self.is_plain
            and len(targets) == 1
            and target is targets[0]
            and len(self.calls[0].outputs) == 1
            and prediction is self.calls[0].outputs[0]
        )

    def maker(self, value: Value) -> Apply | None:
        """The operation that a value comes from."""
        for item in self.graph.body.walk():
            if isinstance(item, Apply) and any(value is output for output in item.outputs):
                return item
        return None


def _same(left: Value, right: Value) -> bool:
    return left is right


def stock_loss(applied: Applied) -> Expr | None:
    """Keras' loss for the graph, None where there is none that means the same."""
    item = applied.maker(applied.graph.outputs[0].value)
    if item is None or len(item.inputs) < 2 or not applied.compares(*item.inputs[:2]):
        return None
    if any(extra is not None for extra in item.inputs[2:]):
        return None
    prediction = item.inputs[0]
    assert prediction is not None
    if getattr(item.op, "reduction", None) != "mean" or not prediction.type.rank:
        return None
    match item.op:
        case losses.CrossEntropy(axis=axis, ignore_index=None, label_smoothing=0.0):
            last = axis % prediction.type.rank == prediction.type.rank - 1
            target = item.inputs[1]
            if last and target is not None and target.type.dtype.is_integer:
                return _losses.SparseCategoricalCrossentropy(from_logits=True)
        case losses.BinaryCrossEntropyWithLogits():
            return _losses.BinaryCrossentropy(from_logits=True)
        case losses.Mse():
            return _losses.MeanSquaredError()
        case losses.Mae():
            return _losses.MeanAbsoluteError()
        case losses.Huber(delta=delta):
            return _losses.Huber(delta=default(delta, 1.0))
    return None


def stock_metrics(training: Training, applied: Applied) -> list[Expr] | None:
    """Keras' metrics, None where not all of them mean the same."""
    outputs = {output.name: output.value for output in applied.graph.outputs}
    found = []
    for metric in training.metrics:
        operands = [outputs[name] for name in metric.operands]
        if len(operands) != 2 or not applied.compares(*operands):
            return None
        made = _metric(metric, operands[0])
        if made is None:
            return None
        found.append(made)
    return found


def _metric(metric: NamedMetric, prediction: Value) -> Expr | None:
    """Element-wise ones of Keras average over the last axis first, so it must not be the batch.

    Its BinaryAccuracy counts only labels of exactly 0 and 1 as right.
    """
    name, rank = {"name": metric.name}, prediction.type.rank
    match metric.metric:
        case kinds.Accuracy(axis=axis, ignore_index=None) if axis % rank == rank - 1:
            return _metrics.SparseCategoricalAccuracy(**name)
        case kinds.TopKAccuracy(axis=axis, k=k, ignore_index=None) if axis % rank == rank - 1:
            if prediction.type.dtype is DType.F64:  # TensorFlow's operation knows no doubles
                return None
            return _metrics.SparseTopKCategoricalAccuracy(k, **name)
    if rank < 2:
        return None
    match metric.metric:
        case kinds.MeanAbsoluteError():
            return _metrics.MeanAbsoluteError(**name)
        case kinds.RootMeanSquaredError():
            return _metrics.RootMeanSquaredError(**name)
        case kinds.MeanSquaredError():
            return _metrics.MeanSquaredError(**name)
    return None
