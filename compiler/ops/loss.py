"""Losses: ordinary operations, legal in models too.

A weighted mean divides by the sum of the weights.  Predictions come first, then targets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from compiler import dims
from compiler.dims import Size
from compiler.errors import require
from compiler.lazy import np
from compiler.ops.activation import log_softmax, softplus
from compiler.ops.base import Op, Operand, operation, require_float
from compiler.ops.checks import (
    known,
    normalized_axis,
    require_broadcast,
    require_dtype,
    require_integer,
    require_rank,
    require_shape,
)
from compiler.types import Shape, TensorType
from dsl.records import dataclass

if TYPE_CHECKING:
    from compiler.ops.base import Array

Reduction = Literal["mean", "sum", "none"]


def reduce_loss(values: Array, weights: Array | None, reduction: Reduction) -> Array:
    """The loss from that of each element; `weights`, already broadcast, multiply them."""
    if weights is not None:
        values = values * weights
    if reduction == "none":
        return values
    total = values.sum()
    if reduction == "mean":
        total = total / (values.size if weights is None else weights.sum())
    return np.asarray(total, dtype=values.dtype)


class Loss(Op):
    """Base of all losses."""

    def _reduced(self, x: TensorType, shape: Shape, reduction: Reduction) -> TensorType:
        return x.with_shape(*(shape if reduction == "none" else ()))

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> Size:
        x = inputs[0]
        assert x is not None
        return 5 * dims.product(x.shape)


# ------------------------------------------------------------------------- losses of class indices


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
        require_integer(target, "class indices", operand=1)
        require_shape(target, shape, f"the target, {x} without axis {axis},", operand=1)
        if weight is not None:
            classes = known(x.shape[axis], "the number of classes")
            require_dtype(weight, x.dtype, "the weight", operand=2)
            require_shape(weight, (classes,), "the classes' weight", operand=2)
        return self._reduced(x, shape, self.reduction)

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
        total = loss.sum() / (weights.sum() if self.reduction == "mean" else 1)
        return np.asarray(total, dtype=log_p.dtype)


@operation("cross_entropy")
@dataclass(frozen=True)
class CrossEntropy(ClassLoss):
    """Minus the log of the softmax of the target's class.

    logits `[N, C, ...]` (classes along `axis`), target `[N, ...]` of class indices.  The label
    `ignore_index` costs nothing and leaves the denominator of the mean; `weight` `[C]` weighs
    classes: the mean is `sum(w * loss) / sum(w)`, w the weight of each target's class.
    `label_smoothing` e gives `(1 - e) * loss + e * mean over classes of -w * log p` (Szegedy et
    al., 2015). ONNX: SoftmaxCrossEntropyLoss.

        loss = cross_entropy(logits, label, label_smoothing = 0.1)
    """

    operands = (Operand("logits"), Operand("target"), Operand("weight", optional=True))

    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        message = f"`label_smoothing` must be from 0 to 1, not {self.label_smoothing}"
        require(0 <= self.label_smoothing <= 1, "label_smoothing", message)

    def reference(self, logits: Array, target: Array, weight: Array | None = None) -> Array:
        log_p = log_softmax(np.moveaxis(logits, self.axis, -1), -1)
        return self._from_log_probabilities(log_p, target, weight, self.label_smoothing)


@operation("nll")
class Nll(ClassLoss):
    """Negative log likelihood: minus the log probability of the target's class.

    log_probabilities `[N, C, ...]` (classes along `axis`), target `[N, ...]` of class indices.
    `ignore_index` and `weight` as in `cross_entropy`.  ONNX: NegativeLogLikelihoodLoss.

        loss = nll(logits |> log_softmax(axis = 1), label)
    """

    operands = (Operand("log_probabilities"), Operand("target"), Operand("weight", optional=True))

    def reference(self, x: Array, target: Array, weight: Array | None = None) -> Array:
        return self._from_log_probabilities(np.moveaxis(x, self.axis, -1), target, weight, 0.0)


# --------------------------------------------------------------------- losses element by element


@dataclass(frozen=True)
class ElementLoss(Loss):
    """What losses of predictions and targets of equal shape share.

    The optional `weight` broadcasts to that shape.
    """

    operands = (Operand("prediction"), Operand("target"), Operand("weight", optional=True))

    reduction: Reduction = "mean"

    def infer(
        self, x: TensorType, target: TensorType, weight: TensorType | None = None
    ) -> TensorType:
        require_float(x)
        require_dtype(target, x.dtype, "the target", operand=1)
        require_shape(target, x.shape, "the target", operand=1)
        shape = self._loss_shape(x)
        if weight is not None:
            require_dtype(weight, x.dtype, "the weight", operand=2)
            require_broadcast(weight, shape, "the weight", operand=2)
        return self._reduced(x, shape, self.reduction)

    def _loss_shape(self, x: TensorType) -> Shape:
        return x.shape

    def reference(self, x: Array, target: Array, weight: Array | None = None) -> Array:
        values = self._values(x, target)
        weights = None if weight is None else np.broadcast_to(weight, values.shape)
        return reduce_loss(values, weights, self.reduction)

    def _values(self, x: Array, target: Array) -> Array:
        raise NotImplementedError(type(self).__name__)


@operation("mse")
class Mse(ElementLoss):
    """Squared error `(prediction - target) ** 2`, averaged over all elements.

    Both of one shape; `weight` broadcasts to it, and the mean is then `sum(w * loss) / sum(w)`.
    ONNX: Sub, Mul, ReduceMean.

        loss = mse(y, target)
    """

    def _values(self, x: Array, target: Array) -> Array:
        return np.asarray(np.square(x - target))


@operation("mae")
class Mae(ElementLoss):
    """Absolute error `abs(prediction - target)`, averaged over all elements.

    Both of one shape; `weight` broadcasts to it, and the mean is then `sum(w * loss) / sum(w)`.
    ONNX: Sub, Abs, ReduceMean.

        loss = mae(y, target)
    """

    def _values(self, x: Array, target: Array) -> Array:
        return np.asarray(np.abs(x - target))


@operation("huber")
@dataclass(frozen=True)
class Huber(ElementLoss):
    """`d ** 2 / 2` where `abs(d) <= delta`, else `delta * (abs(d) - delta / 2)`, of
    `d = prediction - target` (Huber, 1964).

    Both of one shape; `weight` broadcasts to it, and the mean is then `sum(w * loss) / sum(w)`.
    ONNX: Sub, Abs, Where, ReduceMean.

        loss = huber(y, target, delta = 0.5)
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        require(self.delta > 0, "delta", f"`delta` must be positive, not {self.delta}")

    def _values(self, x: Array, target: Array) -> Array:
        distance = np.abs(x - target)
        linear = self.delta * (distance - self.delta / 2)
        return np.where(distance <= self.delta, np.square(distance) / 2, linear)


@operation("smooth_l1")
@dataclass(frozen=True)
class SmoothL1(ElementLoss):
    """`d ** 2 / (2 * beta)` where `abs(d) < beta`, else `abs(d) - beta / 2`, of
    `d = prediction - target` (Girshick, 2015).

    Both of one shape; `weight` broadcasts to it, and the mean is then `sum(w * loss) / sum(w)`.
    ONNX: Sub, Abs, Where, ReduceMean.

        loss = smooth_l1(boxes, target)
    """

    beta: float = 1.0

    def __post_init__(self) -> None:
        require(self.beta > 0, "beta", f"`beta` must be positive, not {self.beta}", "use `mae`")

    def _values(self, x: Array, target: Array) -> Array:
        distance = np.abs(x - target)
        square = np.square(distance) / (2 * self.beta)
        return np.where(distance < self.beta, square, distance - self.beta / 2)


@operation("binary_cross_entropy")
class BinaryCrossEntropy(ElementLoss):
    """`-(t * log p + (1 - t) * log(1 - p))` of probabilities p and targets t from 0 to 1.

    Logarithms are not let below -100, so that p = 0 and p = 1 stay finite.  Both of one shape;
    `weight` broadcasts to it, and the mean is then `sum(w * loss) / sum(w)`.
    ONNX: Log, Max, Mul, ReduceMean.  Of logits, `binary_cross_entropy_with_logits` is more precise.

        loss = binary_cross_entropy(sigmoid(z), target)
    """

    operands = (Operand("probability"), Operand("target"), Operand("weight", optional=True))

    def _values(self, x: Array, target: Array) -> Array:
        with np.errstate(divide="ignore"):
            log_p = np.maximum(np.log(x), -100)
            log_q = np.maximum(np.log1p(-x), -100)
        y: Array = -(target * log_p + (1 - target) * log_q)
        return y


@operation("binary_cross_entropy_with_logits")
class BinaryCrossEntropyWithLogits(ElementLoss):
    """Binary cross-entropy of `sigmoid(logits)`: `softplus(x) - x * t`, without overflow.

    logits x and targets t (from 0 to 1) of one shape; `weight` broadcasts to it, and the mean is
    then `sum(w * loss) / sum(w)`.  ONNX: Softplus, Mul, Sub, ReduceMean.

        loss = binary_cross_entropy_with_logits(logits, label)
    """

    operands = (Operand("logits"), Operand("target"), Operand("weight", optional=True))

    def _values(self, x: Array, target: Array) -> Array:
        y: Array = softplus(x) - x * target
        return y


@operation("kl_div")
class KlDiv(ElementLoss):
    """Kullback-Leibler divergence, element by element: `t * (log t - x)`, 0 where t is 0.

    x holds log probabilities and t probabilities, of one shape.  The mean is over all elements; for
    that over the batch write `kl_div(x, t, reduction = "sum") / N`.  `weight` broadcasts, and the
    mean is then `sum(w * loss) / sum(w)`.  ONNX: Log, Sub, Mul, Where, ReduceMean.

        loss = kl_div(log_softmax(logits), teacher, reduction = "sum") / N
    """

    operands = (Operand("log_probability"), Operand("target"), Operand("weight", optional=True))

    def _values(self, x: Array, target: Array) -> Array:
        positive = target > 0
        log_t = np.log(np.where(positive, target, 1))
        return np.where(positive, target * (log_t - x), 0).astype(x.dtype)


@operation("hinge")
@dataclass(frozen=True)
class Hinge(ElementLoss):
    """`max(margin - t * x, 0)` of scores x and targets t that are -1 or 1.

    Both of one shape; `weight` broadcasts to it, and the mean is then `sum(w * loss) / sum(w)`.
    ONNX: Mul, Sub, Relu, ReduceMean.

        loss = hinge(score, 2 * label - 1)
    """

    operands = (Operand("score"), Operand("target"), Operand("weight", optional=True))

    margin: float = 1.0

    def _values(self, x: Array, target: Array) -> Array:
        return np.maximum(self.margin - target * x, 0)


@operation("cosine_similarity")
@dataclass(frozen=True)
class CosineSimilarity(ElementLoss):
    """One minus the cosine of the angle between predictions and targets, vectors along `axis`.

    `1 - sum(x * t) / (max(norm(x), eps) * max(norm(t), eps))`: 0 for equal directions, 2 for
    opposite ones.  Both of one shape; the loss lacks `axis`; `weight` broadcasts to it, and the
    mean is then `sum(w * loss) / sum(w)`.  ONNX: Mul, ReduceSum, ReduceL2, Max, Div, Sub.

        loss = cosine_similarity(embedding_a, embedding_b)
    """

    axis: int = -1
    eps: float = 1e-8

    def __post_init__(self) -> None:
        require(self.eps > 0, "eps", f"`eps` must be positive, not {self.eps}")

    def _loss_shape(self, x: TensorType) -> Shape:
        require_rank(x, 1, -1)
        axis = normalized_axis(self.axis, x.rank)
        return (*x.shape[:axis], *x.shape[axis + 1 :])

    def _values(self, x: Array, target: Array) -> Array:
        norms = [
            np.maximum(np.sqrt(np.square(v).sum(axis=self.axis)), self.eps) for v in (x, target)
        ]
        y: Array = 1 - (x * target).sum(axis=self.axis) / (norms[0] * norms[1])
        return y
