"""Losses: ordinary operations, legal in models too.

A weighted mean divides by the sum of the weights.  Predictions come first, then targets.
Those of class indices are in `class_loss`; all are named here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tercet.compiler.errors import require
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import Operand, operation, require_float
from tercet.compiler.ops.checks import (
    normalized_axis,
    require_broadcast,
    require_dtype,
    require_rank,
    require_shape,
)
from tercet.compiler.ops.class_loss import (
    ClassLoss,
    CrossEntropy,
    Nll,
    SoftmaxFocal,
    check_focus,
)
from tercet.compiler.ops.loss_base import Loss, Reduction, reduce_loss
from tercet.compiler.ops.special import softplus
from tercet.compiler.types import Shape, TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array

__all__ = [
    "BinaryCrossEntropy",
    "BinaryCrossEntropyWithLogits",
    "ClassLoss",
    "CosineSimilarity",
    "CrossEntropy",
    "ElementLoss",
    "Focal",
    "Hinge",
    "Huber",
    "KlDiv",
    "Loss",
    "Mae",
    "Mse",
    "Nll",
    "Reduction",
    "SmoothL1",
    "SoftmaxFocal",
]


@dataclass(frozen=True)
class ElementLoss(Loss):
    """What losses of predictions and targets of equal shape share.

    The optional `weight` broadcasts to that shape.
    """

    operands = (
        Operand("prediction"),
        Operand("target"),
        Operand("weight", optional=True, hides=True),
    )

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

    symmetric = True

    def _values(self, x: Array, target: Array) -> Array:
        return np.asarray(np.square(x - target))


@operation("mae")
class Mae(ElementLoss):
    """Absolute error `abs(prediction - target)`, averaged over all elements.

    Both of one shape; `weight` broadcasts to it, and the mean is then `sum(w * loss) / sum(w)`.
    ONNX: Sub, Abs, ReduceMean.

        loss = mae(y, target)
    """

    symmetric = True

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

    symmetric = True

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

    symmetric = True

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

    operands = (
        Operand("probability"),
        Operand("target"),
        Operand("weight", optional=True, hides=True),
    )

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

    operands = (Operand("logits"), Operand("target"), Operand("weight", optional=True, hides=True))

    def _values(self, x: Array, target: Array) -> Array:
        y: Array = softplus(x) - x * target
        return y


@operation("focal")
@dataclass(frozen=True)
class Focal(ElementLoss):
    """Focal loss (Lin et al., 2017): `binary_cross_entropy_with_logits` that counts less where the
    prediction is right already, as RetinaNet has it.

    Of p = `sigmoid(logits)` and targets t (from 0 to 1) of one shape: the cross-entropy times
    `(t * (1 - p) + (1 - t) * p) ** gamma`, and times `alpha * t + (1 - alpha) * (1 - t)` unless
    `alpha = none`.  `weight` broadcasts, and the mean is then `sum(w * loss) / sum(w)`; detectors
    take the sum, over the number of objects.  Of class indices: `softmax_focal`.
    ONNX: Sigmoid, Softplus, Pow, Mul, Sub, ReduceMean.

        loss = focal(logits, target, alpha = 0.25, gamma = 2, reduction = "sum") / (1 + sum(target))
    """

    operands = (Operand("logits"), Operand("target"), Operand("weight", optional=True, hides=True))

    alpha: float | None = 0.25
    gamma: float = 2.0

    def __post_init__(self) -> None:
        fits = self.alpha is None or 0 <= self.alpha <= 1
        require(fits, "alpha", f"`alpha` must be from 0 to 1, not {self.alpha}")
        check_focus(self.gamma)

    def _values(self, x: Array, target: Array) -> Array:
        p, q = np.exp(-softplus(-x)), np.exp(-softplus(x))
        y: Array = (softplus(x) - x * target) * (target * q + (1 - target) * p) ** self.gamma
        if self.alpha is not None:
            y = y * (self.alpha * target + (1 - self.alpha) * (1 - target))
        return y


@operation("kl_div")
class KlDiv(ElementLoss):
    """Kullback-Leibler divergence, element by element: `t * (log t - x)`, 0 where t is 0.

    x holds log probabilities and t probabilities, of one shape.  The mean is over all elements; for
    that over the batch write `kl_div(x, t, reduction = "sum") / N`.  `weight` broadcasts, and the
    mean is then `sum(w * loss) / sum(w)`.  ONNX: Log, Sub, Mul, Where, ReduceMean.

        loss = kl_div(log_softmax(logits), teacher, reduction = "sum") / N
    """

    operands = (
        Operand("log_probability"),
        Operand("target"),
        Operand("weight", optional=True, hides=True),
    )

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

    operands = (Operand("score"), Operand("target"), Operand("weight", optional=True, hides=True))
    symmetric = True

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

    symmetric = True

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
