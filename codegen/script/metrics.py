"""Metrics as printed code: short NumPy classes, for frameworks without the metric in stock.

Each is `Metric.sums` and `Metric.result` in a script's words: `update` adds a batch, `result`
gives the number.  An attribute on which all uses in a script agree is a literal, else an argument
of the constructor.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields

from tercet.codegen.script.pieces import Piece, literal
from tercet.compiler.graph.training import NamedMetric
from tercet.compiler.training.metrics import (
    F1,
    R2,
    Accuracy,
    AreaUnderCurve,
    BinaryAccuracy,
    ClassMetric,
    ClassPrecision,
    ClassRecall,
    CohenKappa,
    Confusion,
    MeanAbsoluteError,
    MeanIntersectionOverUnion,
    MeanSquaredError,
    Metric,
    PairMetric,
    Perplexity,
    Precision,
    Recall,
    RootMeanSquaredError,
    TopKAccuracy,
)
from tercet.dsl.records import dataclass


@dataclass(frozen=True)
class _Class:
    """The parts of a printed class; `{axis}` in a line is the attribute of that name."""

    summary: str
    totals: str
    operands: str
    update: tuple[str, ...]
    result: tuple[str, ...]
    imports: tuple[str, ...] = ()
    start: str = "0"


_COUNTED = ("self.total += correct.size",)
_DECISIONS = ("said, true = prediction > {threshold}, label > 0.5",)
_ERROR = ("difference = prediction.astype(np.float64) - label",)
_SHARE = ("return self.correct / self.total",)
_NUMPY = ("import numpy as np",)
_MATH = ("import math",)


def _share(summary: str, denominator: str, *update: str) -> _Class:
    """A share that may be one of nothing, which is NaN."""
    result = f"return self.right / self.{denominator} if self.{denominator} else math.nan"
    totals = f"right = self.{denominator}"
    return _Class(summary, totals, "prediction, label", (*_DECISIONS, *update), (result,), _MATH)


_COUNT_PAIRS = '''\
def count_pairs(logits, label, axis{ignored}):
    """How many labels of each class (row) are taken for which class (column)."""
    said, classes = logits.argmax(axis=axis), logits.shape[axis]{left_out}
    pairs = label.ravel().astype(np.int64) * classes + said.ravel()
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)'''
_LEFT_OUT = """
    if ignore_index is not None:
        counted = label != ignore_index
        said, label = said[counted], label[counted]"""


def _count_pairs(metrics: Iterable[Metric]) -> str:
    """The function that metrics of pairs call, where there are some."""
    found = [metric for metric in metrics if isinstance(metric, PairMetric)]
    if not found:
        return ""
    if all(metric.ignore_index is None for metric in found):
        return _COUNT_PAIRS.format(ignored="", left_out="")
    return _COUNT_PAIRS.format(ignored=", ignore_index=None", left_out=_LEFT_OUT)


_PAIRS: dict[type[Metric], tuple[str, tuple[str, ...]]] = {
    Confusion: (
        "How many labels of each class (row) were taken for which (column).",
        ("return self.pairs",),
    ),
    ClassPrecision: (
        "Share of right ones among those taken for each class.",
        (
            'with np.errstate(invalid="ignore"):  # a share of nothing is NaN',
            "    return np.diag(self.pairs) / self.pairs.sum(axis=0)",
        ),
    ),
    ClassRecall: (
        "Share of the labels of each class that were found.",
        (
            'with np.errstate(invalid="ignore"):  # a share of nothing is NaN',
            "    return np.diag(self.pairs) / self.pairs.sum(axis=1)",
        ),
    ),
    MeanIntersectionOverUnion: (
        "Mean intersection over union of the classes that are said or true.",
        (
            "right = np.diag(self.pairs)",
            "either = self.pairs.sum(axis=0) + self.pairs.sum(axis=1) - right",
            "met = either > 0",
            "return (right[met] / either[met]).mean() if met.any() else math.nan",
        ),
    ),
    CohenKappa: (
        "Share of right ones beyond that of chance.",
        (
            "pairs = self.pairs.astype(np.float64)",
            "total, chance = pairs.sum(), pairs.sum(axis=0) @ pairs.sum(axis=1)",
            "beyond = total**2 - chance",
            "return (total * np.trace(pairs) - chance) / beyond if beyond else math.nan",
        ),
    ),
}


def _of_pairs(cls: type[Metric], *, ignoring: bool) -> _Class:
    """A metric made from the confusion matrix."""
    summary, result = _PAIRS[cls]
    more = ", {ignore_index}" if ignoring else ""
    update = (f"self.pairs += count_pairs(logits, label, {{axis}}{more})",)
    imports = (*_MATH, *_NUMPY) if any("math." in line for line in result) else _NUMPY
    return _Class(summary, "pairs", "logits, label", update, result, imports)


_CLASSES: dict[type[Metric], _Class] = {
    **{cls: _of_pairs(cls, ignoring=False) for cls in _PAIRS},
    AreaUnderCurve: _Class(
        "How often a positive is above a negative in prediction; equal ones count half.",
        "scores, self.positive",
        "prediction, label",
        (
            "self.scores.append(prediction.ravel())",
            "self.positive.append(label.ravel() > 0.5)",
        ),
        (
            "scores, positive = np.concatenate(self.scores), np.concatenate(self.positive)",
            "_, places, counts = np.unique(scores, return_inverse=True, return_counts=True)",
            "ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]",
            "found = int(positive.sum())",
            "above = ranks[positive].sum() - found * (found + 1) / 2",
            "pairs = found * (len(scores) - found)",
            "return above / pairs if pairs else math.nan",
        ),
        (*_MATH, *_NUMPY),
        start="[], []",
    ),
    Accuracy: _Class(
        "Share of labels that have the largest score.",
        "correct = self.total",
        "logits, label",
        (
            "correct = logits.argmax(axis={axis}) == label",
            "self.correct += correct.sum()",
            *_COUNTED,
        ),
        _SHARE,
    ),
    TopKAccuracy: _Class(
        "Share of labels with fewer than k classes of a larger score.",
        "correct = self.total",
        "logits, label",
        (
            "label = np.expand_dims(label, {axis})",
            "larger = logits > np.take_along_axis(logits, label, {axis})",
            "correct = larger.sum(axis={axis}) < {k}",
            "self.correct += correct.sum()",
            *_COUNTED,
        ),
        _SHARE,
        _NUMPY,
    ),
    Perplexity: _Class(
        "exp of the mean negative log-likelihood of the labels.",
        "loss = self.total",
        "logits, label",
        (
            "logits = logits.astype(np.float64)",
            "logits -= logits.max(axis={axis}, keepdims=True)",
            "own = np.take_along_axis(logits, np.expand_dims(label, {axis}), {axis})",
            "log_sum = np.log(np.exp(logits).sum(axis={axis}, keepdims=True))",
            "self.loss += (log_sum - own).sum()",
            "self.total += label.size",
        ),
        ("return np.exp(self.loss / self.total)",),
        _NUMPY,
    ),
    BinaryAccuracy: _Class(
        "Share of predictions on the label's side of the threshold.",
        "correct = self.total",
        "prediction, label",
        (
            "correct = (prediction > {threshold}) == (label > 0.5)",
            "self.correct += correct.sum()",
            *_COUNTED,
        ),
        _SHARE,
    ),
    Precision: _share(
        "Share of right ones among those said to be positive.",
        "said",
        "self.right += (said & true).sum()",
        "self.said += said.sum()",
    ),
    Recall: _share(
        "Share of the positive ones that were found.",
        "true",
        "self.right += (said & true).sum()",
        "self.true += true.sum()",
    ),
    F1: _share(
        "Harmonic mean of precision and recall.",
        "both",
        "self.right += 2 * (said & true).sum()",
        "self.both += said.sum() + true.sum()",
    ),
    MeanAbsoluteError: _Class(
        "Mean of |prediction - label|.",
        "error = self.total",
        "prediction, label",
        (*_ERROR, "self.error += np.abs(difference).sum()", "self.total += difference.size"),
        ("return self.error / self.total",),
        _NUMPY,
    ),
    MeanSquaredError: _Class(
        "Mean of (prediction - label)^2.",
        "error = self.total",
        "prediction, label",
        (*_ERROR, "self.error += (difference**2).sum()", "self.total += difference.size"),
        ("return self.error / self.total",),
        _NUMPY,
    ),
    RootMeanSquaredError: _Class(
        "Square root of the mean of (prediction - label)^2.",
        "error = self.total",
        "prediction, label",
        (*_ERROR, "self.error += (difference**2).sum()", "self.total += difference.size"),
        ("return math.sqrt(self.error / self.total)",),
        (*_MATH, *_NUMPY),
    ),
    R2: _Class(
        "Coefficient of determination.",
        "residual = self.squares = self.sum = self.total",
        "prediction, label",
        (
            "label = label.astype(np.float64)",
            "self.residual += ((prediction - label) ** 2).sum()",
            "self.squares += (label**2).sum()",
            "self.sum += label.sum()",
            "self.total += label.size",
        ),
        ("return 1 - self.residual / (self.squares - self.sum**2 / self.total)",),
        _NUMPY,
    ),
}


_COUNTED_LABELS = "counted = label != {ignore_index}"
_SHARE_OF_COUNTED = ("return self.correct / self.total if self.total else math.nan",)

_IGNORING: dict[type[Metric], _Class] = {
    **{cls: _of_pairs(cls, ignoring=True) for cls in _PAIRS},
    Accuracy: _Class(
        "Share of labels that have the largest score, of those that count.",
        "correct = self.total",
        "logits, label",
        (
            _COUNTED_LABELS,
            "correct = (logits.argmax(axis={axis}) == label) & counted",
            "self.correct += correct.sum()",
            "self.total += counted.sum()",
        ),
        _SHARE_OF_COUNTED,
        _MATH,
    ),
    TopKAccuracy: _Class(
        "Share of labels with fewer than k classes of a larger score, of those that count.",
        "correct = self.total",
        "logits, label",
        (
            _COUNTED_LABELS,
            "label = np.expand_dims(np.where(counted, label, 0), {axis})",
            "larger = logits > np.take_along_axis(logits, label, {axis})",
            "correct = (larger.sum(axis={axis}) < {k}) & counted",
            "self.correct += correct.sum()",
            "self.total += counted.sum()",
        ),
        _SHARE_OF_COUNTED,
        (*_MATH, *_NUMPY),
    ),
    Perplexity: _Class(
        "exp of the mean negative log-likelihood of the labels that count.",
        "loss = self.total",
        "logits, label",
        (
            _COUNTED_LABELS,
            "label = np.expand_dims(np.where(counted, label, 0), {axis})",
            "logits = logits.astype(np.float64)",
            "logits -= logits.max(axis={axis}, keepdims=True)",
            "own = np.take_along_axis(logits, label, {axis}).squeeze({axis})",
            "log_sum = np.log(np.exp(logits).sum(axis={axis}))",
            "self.loss += (log_sum - own)[counted].sum()",
            "self.total += counted.sum()",
        ),
        ("return np.exp(self.loss / self.total) if self.total else math.nan",),
        (*_MATH, *_NUMPY),
    ),
}
"""Those of metrics that leave out labels."""


def _parts(metrics: Sequence[Metric]) -> _Class:
    """The parts of the class that serves all these, of one kind."""
    ignoring = any(isinstance(m, ClassMetric) and m.ignore_index is not None for m in metrics)
    return (_IGNORING if ignoring else _CLASSES)[type(metrics[0])]


@dataclass(frozen=True)
class PrintedMetrics:
    """The classes, and for every metric by its name the expression that makes an object."""

    piece: Piece
    objects: dict[str, str]
    numbers: bool
    """Whether every result is one number."""

    @property
    def results(self) -> str:
        """What `metrics` have found, by their names, as an expression."""
        if self.numbers:
            return "{name: float(metric.result()) for name, metric in metrics.items()}"
        found = "np.asarray(metric.result()).tolist()"
        return f"{{name: {found} for name, metric in metrics.items()}}"


def printed_metrics(metrics: Sequence[NamedMetric]) -> PrintedMetrics:
    """NumPy classes for these metrics, one for each kind among them."""
    groups: dict[type[Metric], list[NamedMetric]] = {}
    for metric in metrics:
        groups.setdefault(type(metric.metric), []).append(metric)
    texts = [text for text in [_count_pairs(m.metric for m in metrics)] if text]
    imports: list[str] = []
    objects: dict[str, str] = {}
    for cls, members in groups.items():
        parts = _parts([member.metric for member in members])
        varying = _varying([member.metric for member in members])
        texts.append(_class_text(members[0].metric, parts, varying))
        imports += parts.imports
        for member in members:
            arguments = (f"{name}={literal(getattr(member.metric, name))}" for name in varying)
            objects[member.name] = f"{cls.__name__}({', '.join(arguments)})"
    piece = Piece("\n\n\n".join(texts), tuple(dict.fromkeys(imports)))
    ordered = {metric.name: objects[metric.name] for metric in metrics}
    numbers = all(metric.metric.is_number for metric in metrics)
    return PrintedMetrics(piece, ordered, numbers)


def result_lines(loss: str, printed: PrintedMetrics) -> list[str]:
    """What `evaluate` ends with; `loss` is the mean loss, empty where there is none."""
    if not printed.objects:
        return [f'return {{"loss": {loss}}}']
    if not loss:
        return [f"return {printed.results}"]
    return [f"result = {printed.results}", f'return {{"loss": {loss}, **result}}']


def _varying(metrics: Sequence[Metric]) -> tuple[str, ...]:
    """The attributes in which metrics of one kind differ."""
    names = [field.name for field in fields(metrics[0])]
    return tuple(n for n in names if len({literal(getattr(m, n)) for m in metrics}) > 1)


def _class_text(metric: Metric, parts: _Class, varying: Sequence[str]) -> str:
    values = {
        field.name: f"self.{field.name}"
        if field.name in varying
        else literal(getattr(metric, field.name))
        for field in fields(metric)
    }
    body = [line.format_map(values) for line in parts.update]
    return "\n".join(
        (
            f"class {type(metric).__name__}:",
            f'    """{parts.summary}"""',
            "",
            f"    def __init__({', '.join(('self', *varying))}):",
            *(f"        self.{name} = {name}" for name in varying),
            f"        self.{parts.totals} = {parts.start}",
            "",
            f"    def update(self, {parts.operands}):",
            *(f"        {line}" for line in body),
            "",
            "    def result(self):",
            *(f"        {line}" for line in parts.result),
        )
    )
