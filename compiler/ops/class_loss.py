"""Losses of classes: of their indices, or of how probable each one is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tercet.compiler.errors import require
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import IndexRange, Operand, operation, require_float
from tercet.compiler.ops.checks import (
    known,
    normalized_axis,
    require_dtype,
    require_integer,
    require_rank,
    require_shape,
)
from tercet.compiler.ops.loss_base import Loss, Reduction, mean_of, reduce_loss
from tercet.compiler.ops.special import log_softmax
from tercet.compiler.types import TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


@dataclass(frozen=True)
class ClassLoss(Loss):
    """What losses of class indices share."""

    axis: int = 1
    ignore_index: int | None = None
    reduction: Reduction = "mean"

    def infer(
        self, x: TensorType, target: TensorType, weight: TensorType | None = None
    ) -> TensorType:
        require_rank(x, 1, -1)
        require_float(x)
        axis = normalized_axis(self.axis, x.rank)
        shape = (*x.shape[:axis], *x.shape[axis + 1 :])
        if self._of_probabilities(x, target):
            require_dtype(target, x.dtype, "the probabilities", operand=1)
            require_shape(target, x.shape, "the probabilities of the classes", operand=1)
        else:
            require_integer(target, "class indices", operand=1)
            require_shape(target, shape, f"the target, {x} without axis {axis},", operand=1)
        if weight is not None:
            classes = known(x.shape[axis], "the number of classes")
            require_dtype(weight, x.dtype, "the weight", operand=2)
            require_shape(weight, (classes,), "the classes' weight", operand=2)
        return self._reduced(x, shape, self.reduction)

    def index_ranges(
        self, x: TensorType, target: TensorType, weight: TensorType | None = None
    ) -> tuple[IndexRange, ...]:
        if not target.dtype.is_integer:
            return ()
        return (IndexRange(1, 0, x.shape[self.axis] - 1, self.ignore_index),)

    def _of_probabilities(self, x: TensorType, target: TensorType) -> bool:
        """Whether the target says how probable each class is."""
        return False

    def _from_log_probabilities(
        self, log_p: Array, target: Array, weight: Array | None, smoothing: float
    ) -> Array:
        """The loss of log probabilities [..., classes]."""
        classes = log_p.shape[-1]
        kept = np.ones(target.shape, dtype=np.bool_)
        if self.ignore_index is not None:
            kept = target != self.ignore_index
        labels = np.where(kept, target, 0).astype(np.int64)
        wrong = (labels < 0) | (labels >= classes)
        if wrong.any():
            raise ValueError(f"class {labels[wrong][0]} is outside 0 to {classes - 1}")
        class_weight = np.ones(classes, log_p.dtype) if weight is None else weight
        weights = class_weight[labels] * kept
        loss = -np.take_along_axis(log_p, labels[..., None], axis=-1)[..., 0] * weights
        if smoothing:
            uniform = -(log_p * class_weight).mean(axis=-1) * kept
            loss = (1 - smoothing) * loss + smoothing * uniform
        if self.reduction == "none":
            return np.asarray(loss)
        total = loss.sum()
        if self.reduction == "mean":
            total = mean_of(total, weights.sum())
        return np.asarray(total, dtype=log_p.dtype)


def check_focus(gamma: float) -> None:
    """Raises OpError for a power that is no focus, or has an infinite derivative at 0."""
    message = f"`gamma` must be 0 or at least 1, not {gamma}"
    help = "below 1 what is predicted with certainty has no gradient"
    require(gamma == 0 or gamma >= 1, "gamma", message, help)


@operation("cross_entropy")
@dataclass(frozen=True)
class CrossEntropy(ClassLoss):
    """Minus the log of the softmax of the target's class.

    logits `[N, C, ...]` (classes along `axis`), target `[N, ...]` of class indices.  The label
    `ignore_index` costs nothing and leaves the denominator of the mean; `weight` `[C]` weighs
    classes: the mean is `sum(w * loss) / sum(w)`, w the weight of each target's class.  Where no
    label counts the mean is 0, and so are its gradients.
    `label_smoothing` e gives `(1 - e) * loss + e * mean over classes of -w * log p` (Szegedy et
    al., 2015).

    A target of the logits' shape and dtype holds the probability t of each class instead: the loss
    is `-sum(w * t * log p)` with t smoothed to `(1 - e) * t + e / C`, and the weight of a target
    `sum(w * t)`.  Such targets have no `ignore_index`; where t is one class alone the loss is that
    of its index.  ONNX: SoftmaxCrossEntropyLoss of indices.

        loss = cross_entropy(logits, label, label_smoothing = 0.1)
        loss = cross_entropy(student, softmax(teacher, axis = 1))
    """

    operands = (Operand("logits"), Operand("target"), Operand("weight", optional=True, hides=True))

    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        message = f"`label_smoothing` must be from 0 to 1, not {self.label_smoothing}"
        require(0 <= self.label_smoothing <= 1, "label_smoothing", message)

    def _of_probabilities(self, x: TensorType, target: TensorType) -> bool:
        if not target.dtype.is_float or target.rank != x.rank:
            return False
        message = "`ignore_index` is about class indices, and the target holds probabilities"
        require(self.ignore_index is None, "ignore_index", message, "leave it out")
        return True

    def reference(self, logits: Array, target: Array, weight: Array | None = None) -> Array:
        log_p = log_softmax(np.moveaxis(logits, self.axis, -1), -1)
        if target.dtype.kind == "f":
            shares = np.moveaxis(target, self.axis, -1)
            smooth = (1 - self.label_smoothing) * shares + self.label_smoothing / log_p.shape[-1]
            if weight is None:
                return reduce_loss(-(smooth * log_p).sum(axis=-1), None, self.reduction)
            losses = -(weight * smooth * log_p).sum(axis=-1)
            if self.reduction != "mean":
                return reduce_loss(losses, None, self.reduction)
            total = mean_of(losses.sum(), (weight * shares).sum())
            return np.asarray(total, dtype=log_p.dtype)
        return self._from_log_probabilities(log_p, target, weight, self.label_smoothing)


@operation("nll")
class Nll(ClassLoss):
    """Negative log likelihood: minus the log probability of the target's class.

    log_probabilities `[N, C, ...]` (classes along `axis`), target `[N, ...]` of class indices.
    `ignore_index` and `weight` as in `cross_entropy`.  ONNX: NegativeLogLikelihoodLoss.

        loss = nll(logits |> log_softmax(axis = 1), label)
    """

    operands = (
        Operand("log_probabilities"),
        Operand("target"),
        Operand("weight", optional=True, hides=True),
    )

    def reference(self, x: Array, target: Array, weight: Array | None = None) -> Array:
        return self._from_log_probabilities(np.moveaxis(x, self.axis, -1), target, weight, 0.0)


@operation("softmax_focal")
@dataclass(frozen=True)
class SoftmaxFocal(ClassLoss):
    """Focal loss of several classes (Lin et al., 2017): `-(1 - p) ** gamma * log p`, p the softmax
    of the target's class.

    logits `[N, C, ...]` (classes along `axis`), target `[N, ...]` of class indices.  `ignore_index`
    and `weight`, the paper's alpha for each class, as in `cross_entropy`, which it is at
    `gamma = 0`.  ONNX: LogSoftmax, GatherElements, Exp, Pow, Mul, ReduceMean.

        loss = softmax_focal(logits, label, gamma = 2)
    """

    operands = (Operand("logits"), Operand("target"), Operand("weight", optional=True, hides=True))

    gamma: float = 2.0

    def __post_init__(self) -> None:
        check_focus(self.gamma)

    def reference(self, logits: Array, target: Array, weight: Array | None = None) -> Array:
        log_p = log_softmax(np.moveaxis(logits, self.axis, -1), -1)
        focused = (-np.expm1(log_p)) ** self.gamma * log_p
        return self._from_log_probabilities(focused, target, weight, 0.0)
