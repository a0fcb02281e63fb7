"""Metrics: what evaluation reports, over the whole test part.

Nearly every metric is a function of sums over rows: `sums` of one batch are added up over all
batches, `result` makes the number of the totals.  What is no function of sums (`auc`) keeps all
rows.  So a smaller last batch counts by its rows, and the order and the size of batches do not
matter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import field
from typing import TYPE_CHECKING, Any, ClassVar

from tercet.compiler.dims import Size
from tercet.compiler.errors import OpError
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import IndexRange, Operand
from tercet.compiler.settings import Setting, registrar, require
from tercet.compiler.types import TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

Sums = tuple[Any, ...]
"""Numbers or arrays that add up."""
Result = float | list[float] | list[list[int]]
"""A number, one for each class, or a matrix."""


@dataclass(frozen=True)
class Metric(Setting):
    """Base of all metrics."""

    operands: ClassVar[tuple[Operand, ...]] = ()
    symmetric: ClassVar[bool] = False
    """Whether prediction and label may change places."""
    is_number: ClassVar[bool] = True
    """Whether the result is one number."""

    def check(self, *types: TensorType) -> None:
        """Raises OpError where operands of these types mean nothing."""
        raise NotImplementedError(type(self).__name__)

    def index_ranges(self, *types: TensorType) -> tuple[IndexRange, ...]:
        """What operands may hold whose elements count something: as an operation's."""
        return ()

    def sums(self, *arrays: Any) -> Sums:
        """What one batch of the operands, as NumPy arrays, adds to the totals."""
        raise NotImplementedError(type(self).__name__)

    def result(self, *totals: Any) -> Result:
        """The metric from the totals; NaN where it is not defined (nothing to divide by)."""
        return _ratio(*totals)

    def reference(self, batches: Iterable[tuple[Any, ...]]) -> Result:
        """The metric over batches of operands."""
        totals = [sum(parts) for parts in zip(*(self.sums(*b) for b in batches), strict=True)]
        return self.result(*totals)


METRICS: dict[str, type[Metric]] = {}
"""Every metric by its name in the language."""

metric = registrar(METRICS)


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else math.nan


# --------------------------------------------------------------------------------- classification

_CLASSES = (Operand("logits"), Operand("label"))


@dataclass(frozen=True)
class ClassMetric(Metric):
    """`logits`, scores of classes along `axis`, and `label`, class indices (integers) of the other
    sizes: `[N, C, …]` and `[N, …]`, the classes along axis 1, unless `axis` says otherwise.

    Labels of `ignore_index` are left out; without it, those that the loss of the same label
    ignores.
    """

    axis: int = field(default=1, kw_only=True)
    ignore_index: int | None = field(default=None, kw_only=True)

    operands: ClassVar[tuple[Operand, ...]] = _CLASSES

    def check(self, *types: TensorType) -> None:
        logits, label = types
        self._check_axis(logits)
        if not label.dtype.is_integer:
            raise OpError("E0305", f"class indices are integers, not {label.dtype}", operand=1)
        expected = list(logits.shape)
        del expected[self.axis]
        if list(label.shape) != expected:
            wanted = ", ".join(map(str, expected))
            raise OpError(
                "E0301",
                f"the classes of {logits} lie along axis {self.axis}, so the label's shape is "
                f"[{wanted}], not [{', '.join(map(str, label.shape))}]",
                operand=1,
                help="`axis =` says where the classes lie; a language model writes `axis = -1`",
            )

    def _check_axis(self, logits: TensorType) -> None:
        if not -logits.rank <= self.axis < logits.rank:
            raise OpError("E0309", f"{logits} has no axis {self.axis}", operand=0, attribute="axis")

    def index_ranges(self, *types: TensorType) -> tuple[IndexRange, ...]:
        return (IndexRange(1, 0, self.classes(types[0]) - 1, self.ignore_index),)

    def counted(self, label: Array) -> Array:
        """Which labels are not left out."""
        if self.ignore_index is None:
            return np.ones(label.shape, np.bool_)
        return np.asarray(label != self.ignore_index)

    def classes(self, logits: TensorType) -> Size:
        """The number of classes."""
        return logits.shape[self.axis]


@metric("accuracy")
@dataclass(frozen=True)
class Accuracy(ClassMetric):
    """Share of labels that have the largest score; of equal scores the first one counts."""

    def sums(self, *arrays: Any) -> Sums:
        logits, label = arrays
        counted = self.counted(label)
        correct = (logits.argmax(self.axis) == label) & counted
        return int(correct.sum()), int(counted.sum())


@metric("top_k_accuracy")
@dataclass(frozen=True)
class TopKAccuracy(ClassMetric):
    """Share of labels with fewer than `k` classes of a larger score."""

    k: int = 5

    def __post_init__(self) -> None:
        require(self.k > 0, "k", f"must be at least 1, not {self.k}")

    def check(self, *types: TensorType) -> None:
        super().check(*types)
        classes = self.classes(types[0])
        if isinstance(classes, int) and self.k >= classes:
            raise OpError(
                "E0504",
                f"with {classes} classes, the top {self.k} is always right",
                attribute="k",
            )

    def sums(self, *arrays: Any) -> Sums:
        logits, label = arrays
        counted = self.counted(label)
        place = np.expand_dims(np.where(counted, label, 0), self.axis)
        own = np.take_along_axis(logits, place, self.axis)
        correct = ((logits > own).sum(self.axis) < self.k) & counted
        return int(correct.sum()), int(counted.sum())


@metric("perplexity")
@dataclass(frozen=True)
class Perplexity(ClassMetric):
    """`exp` of the mean negative log-likelihood of the labels under softmax."""

    def sums(self, *arrays: Any) -> Sums:
        logits, label = arrays
        logits = logits.astype(np.float64)
        logits = logits - logits.max(self.axis, keepdims=True)
        counted = self.counted(label)
        place = np.expand_dims(np.where(counted, label, 0), self.axis)
        own = np.take_along_axis(logits, place, self.axis)
        log_sum = np.log(np.exp(logits).sum(self.axis, keepdims=True))
        losses = np.squeeze(log_sum - own, self.axis)
        return float(losses[counted].sum()), int(counted.sum())

    def result(self, *totals: Any) -> float:
        return float(np.exp(_ratio(*totals)))


@dataclass(frozen=True)
class PairMetric(ClassMetric):
    """Metrics of how often which class is taken for which: for the one with the largest score, the
    first of equal ones.
    """

    def sums(self, *arrays: Any) -> Sums:
        logits, label = arrays
        counted, classes = self.counted(label), logits.shape[self.axis]
        said, true = logits.argmax(self.axis)[counted], label[counted].astype(np.int64)
        pairs = np.bincount(classes * true + said, minlength=classes**2)
        return (pairs.reshape(classes, classes),)


@metric("confusion")
@dataclass(frozen=True)
class Confusion(PairMetric):
    """The confusion matrix: how many labels of each class (row) have the largest score for which
    class (column).  Printed as a table; in `metrics.jsonl` a list of rows.
    """

    is_number: ClassVar[bool] = False

    def result(self, *totals: Any) -> list[list[int]]:
        (pairs,) = totals
        rows: list[list[int]] = pairs.tolist()
        return rows


@metric("class_precision")
@dataclass(frozen=True)
class ClassPrecision(PairMetric):
    """For each class the share of right ones among those that are taken for it; a list.  NaN where
    there are none.
    """

    is_number: ClassVar[bool] = False

    def result(self, *totals: Any) -> list[float]:
        (pairs,) = totals
        return [_ratio(pairs[k, k], pairs[:, k].sum()) for k in range(len(pairs))]


@metric("class_recall")
@dataclass(frozen=True)
class ClassRecall(PairMetric):
    """For each class the share that was found of those that are in it; a list.  NaN where there are
    none.
    """

    is_number: ClassVar[bool] = False

    def result(self, *totals: Any) -> list[float]:
        (pairs,) = totals
        return [_ratio(pairs[k, k], pairs[k].sum()) for k in range(len(pairs))]


@metric("iou")
@dataclass(frozen=True)
class MeanIntersectionOverUnion(PairMetric):
    """Intersection over union, `TP / (TP + FP + FN)`, of each class that is said or true anywhere;
    the mean of these classes.
    """

    def result(self, *totals: Any) -> float:
        (pairs,) = totals
        right, either = np.diag(pairs), pairs.sum(0) + pairs.sum(1) - np.diag(pairs)
        met = either > 0
        return float((right[met] / either[met]).mean()) if met.any() else math.nan


@metric("cohen_kappa")
@dataclass(frozen=True)
class CohenKappa(PairMetric):
    """Cohen's kappa: the share of right ones beyond that of chance, `(p - q) / (1 - q)`, where q
    is what classes drawn as often as they are said and true would get right.
    """

    def result(self, *totals: Any) -> float:
        pairs = totals[0].astype(np.float64)
        total, chance = pairs.sum(), pairs.sum(0) @ pairs.sum(1)
        return float(_ratio(total * np.trace(pairs) - chance, total**2 - chance))


# --------------------------------------------------------------------------------- binary decisions


def _check_pair(prediction: TensorType, label: TensorType) -> None:
    if prediction.shape != label.shape:
        raise OpError(
            "E0301",
            f"{prediction} and {label} have different shapes",
            operand=1,
            help="reshape one of them; sizes are compared element by element, not broadcast",
        )


@dataclass(frozen=True)
class _BinaryMetric(Metric):
    """`prediction` and `label` of one shape, any numbers or booleans, element by element.

    A prediction above `threshold` says yes, a label above one half is yes.
    """

    threshold: float = 0.5

    operands: ClassVar[tuple[Operand, ...]] = (Operand("prediction"), Operand("label"))

    def check(self, *types: TensorType) -> None:
        _check_pair(*types)

    def decisions(self, prediction: Array, label: Array) -> tuple[Array, Array]:
        """What is said and what is true, as booleans."""
        return prediction > self.threshold, label > 0.5


@metric("binary_accuracy")
@dataclass(frozen=True)
class BinaryAccuracy(_BinaryMetric):
    """Share of predictions on the label's side of `threshold` (0 for logits)."""

    def sums(self, *arrays: Any) -> Sums:
        said, true = self.decisions(*arrays)
        return int((said == true).sum()), said.size


@metric("precision")
@dataclass(frozen=True)
class Precision(_BinaryMetric):
    """Share of right ones among those said to be positive: `TP / (TP + FP)`."""

    def sums(self, *arrays: Any) -> Sums:
        said, true = self.decisions(*arrays)
        return int((said & true).sum()), int(said.sum())


@metric("recall")
@dataclass(frozen=True)
class Recall(_BinaryMetric):
    """Share of the positive ones that were found: `TP / (TP + FN)`."""

    def sums(self, *arrays: Any) -> Sums:
        said, true = self.decisions(*arrays)
        return int((said & true).sum()), int(true.sum())


@metric("f1")
@dataclass(frozen=True)
class F1(_BinaryMetric):
    """Harmonic mean of precision and recall: `2 TP / (2 TP + FP + FN)`."""

    def sums(self, *arrays: Any) -> Sums:
        said, true = self.decisions(*arrays)
        return 2 * int((said & true).sum()), int(said.sum()) + int(true.sum())


@metric("auc")
@dataclass(frozen=True)
class AreaUnderCurve(Metric):
    """Area under the ROC curve: how often a positive has a larger prediction than a negative, of
    all pairs of them; equal ones count one half.  Exact: by the ranks of all rows.

    `prediction` (logits or probabilities) and `label` of one shape, element by element; a label
    above one half is positive.  NaN where all are, or none is.
    """

    operands: ClassVar[tuple[Operand, ...]] = (Operand("prediction"), Operand("label"))

    def check(self, *types: TensorType) -> None:
        _check_pair(*types)

    def reference(self, batches: Iterable[tuple[Any, ...]]) -> float:
        pairs = [(score.ravel(), label.ravel() > 0.5) for score, label in batches]
        scores, positive = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
        _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
        ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
        found = int(positive.sum())
        above = ranks[positive].sum() - found * (found + 1) / 2
        return _ratio(float(above), found * (len(scores) - found))


# --------------------------------------------------------------------------------------- regression


@dataclass(frozen=True)
class _RegressionMetric(Metric):
    """`prediction` and `label` of one shape, compared element by element in float64."""

    operands: ClassVar[tuple[Operand, ...]] = (Operand("prediction"), Operand("label"))

    def check(self, *types: TensorType) -> None:
        _check_pair(*types)


def _difference(prediction: Array, label: Array) -> Array:
    return prediction.astype(np.float64) - label


@metric("mae")
@dataclass(frozen=True)
class MeanAbsoluteError(_RegressionMetric):
    """Mean of `|prediction - label|` over all elements."""

    symmetric: ClassVar[bool] = True

    def sums(self, *arrays: Any) -> Sums:
        difference = _difference(*arrays)
        return float(np.abs(difference).sum()), difference.size


@metric("mse")
@dataclass(frozen=True)
class MeanSquaredError(_RegressionMetric):
    """Mean of `(prediction - label)^2` over all elements."""

    symmetric: ClassVar[bool] = True

    def sums(self, *arrays: Any) -> Sums:
        difference = _difference(*arrays)
        return float((difference**2).sum()), difference.size


@metric("rmse")
@dataclass(frozen=True)
class RootMeanSquaredError(MeanSquaredError):
    """Square root of `mse`."""

    def result(self, *totals: Any) -> float:
        return math.sqrt(_ratio(*totals))


@metric("r2")
@dataclass(frozen=True)
class R2(_RegressionMetric):
    """Coefficient of determination over all elements: `1 - sum (y - p)^2 / sum (y - mean y)^2`."""

    def sums(self, *arrays: Any) -> Sums:
        prediction, label = arrays
        true = label.astype(np.float64)
        residual = float((_difference(prediction, label) ** 2).sum())
        return residual, float((true**2).sum()), float(true.sum()), true.size

    def result(self, *totals: Any) -> float:
        residual, squares, total, count = totals
        return 1 - _ratio(residual, squares - _ratio(total**2, count))
