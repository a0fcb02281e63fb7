"""Losses in TensorFlow, of each element first, then weighed and reduced as the language says."""

from __future__ import annotations

from tercet.backends.tensorflow.target import Placed, lower, tf
from tercet.codegen.expr import Expr, Helper, default
from tercet.compiler.ops import loss as ops
from tercet.compiler.ops.loss import Reduction
from tercet.compiler.ops.sequence_loss import Ctc
from tercet.compiler.types import DType


@lower(ops.CrossEntropy, ops.Nll)
def _class_loss(
    op: ops.CrossEntropy | ops.Nll, at: Placed, x: Expr, target: Expr, weight: Expr | None
) -> Expr:
    rank = at.type(0).rank
    axis = op.axis % rank
    if axis != rank - 1:
        x = tf.transpose(x, (*(k for k in range(rank) if k != axis), axis))
        if at.type(1).dtype.is_float:
            target = tf.transpose(target, (*(k for k in range(rank) if k != axis), axis))
    if at.type(1).dtype.is_float:
        return Helper("soft_label_loss")(
            x,
            target,
            **({} if weight is None else {"weight": weight}),
            smoothing=default(getattr(op, "label_smoothing", 0.0), 0.0),
            reduction=default(op.reduction, "mean"),
        )
    plain = weight is None and op.ignore_index is None and not getattr(op, "label_smoothing", 0.0)
    if plain and isinstance(op, ops.CrossEntropy):
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(target, x)
        return _plainly(losses, op.reduction)
    if isinstance(op, ops.CrossEntropy):
        x = tf.nn.log_softmax(x)
    return Helper("class_loss")(
        x,
        target,
        **({} if weight is None else {"weight": weight}),
        ignore_index=default(op.ignore_index, None),
        smoothing=default(getattr(op, "label_smoothing", 0.0), 0.0),
        reduction=default(op.reduction, "mean"),
    )


@lower(ops.SoftmaxFocal)
def _softmax_focal(
    op: ops.SoftmaxFocal, at: Placed, x: Expr, target: Expr, weight: Expr | None
) -> Expr:
    rank = at.type(0).rank
    if (axis := op.axis % rank) != rank - 1:
        x = tf.transpose(x, (*(k for k in range(rank) if k != axis), axis))
    return Helper("softmax_focal_loss")(
        x,
        target,
        op.gamma,
        **({} if weight is None else {"weight": weight}),
        ignore_index=default(op.ignore_index, None),
        reduction=default(op.reduction, "mean"),
    )


@lower(Ctc)
def _ctc(
    op: Ctc, at: Placed, x: Expr, target: Expr, target_lengths: Expr, lengths: Expr | None
) -> Expr:
    dtype = at.type(0).dtype
    narrow = dtype in (DType.F16, DType.BF16)
    losses = Helper("ctc_loss")(
        Helper("double_ctc_loss") if dtype is DType.F64 else tf.nn.ctc_loss,
        tf.cast(x, tf.float32) if narrow else x,
        *(_int32(at, k, given) for k, given in ((1, target), (2, target_lengths))),
        **({} if lengths is None else {"lengths": _int32(at, 3, lengths)}),
        blank=default(op.blank, 0),
        zero_infinity=default(op.zero_infinity, False),
    )
    losses = _plainly(losses, op.reduction)
    return tf.cast(losses, at.dtype(dtype)) if narrow else losses


def _int32(at: Placed, operand: int, x: Expr) -> Expr:
    return x if at.type(operand).dtype is DType.I32 else tf.cast(x, tf.int32)


def _plainly(losses: Expr, reduction: Reduction) -> Expr:
    match reduction:
        case "none":
            return losses
        case "sum":
            return tf.reduce_sum(losses)
    return tf.reduce_mean(losses)


def _reduced(losses: Expr, weight: Expr | None, reduction: Reduction) -> Expr:
    if weight is None:
        return _plainly(losses, reduction)
    if reduction != "mean":
        return _plainly(losses * weight, reduction)
    return Helper("weighted_mean")(losses, weight)


@lower(
    ops.Mse,
    ops.Mae,
    ops.Huber,
    ops.SmoothL1,
    ops.BinaryCrossEntropy,
    ops.BinaryCrossEntropyWithLogits,
    ops.Focal,
    ops.KlDiv,
    ops.Hinge,
    ops.CosineSimilarity,
)
def _element_loss(
    op: ops.ElementLoss, at: Placed, x: Expr, target: Expr, weight: Expr | None
) -> Expr:
    return _reduced(_of_each(op, x, target), weight, op.reduction)


def _of_each(op: ops.ElementLoss, x: Expr, target: Expr) -> Expr:
    """The loss of each element."""
    match op:
        case ops.Mse():
            return tf.math.squared_difference(x, target)
        case ops.Mae():
            return tf.abs(x - target)
        case ops.Huber(delta=delta):
            return Helper("huber")(x, target, delta)
        case ops.SmoothL1(beta=beta):
            losses = Helper("huber")(x, target, beta)
            return losses / beta if beta != 1 else losses
        case ops.BinaryCrossEntropyWithLogits():
            return tf.nn.sigmoid_cross_entropy_with_logits(target, x)
        case ops.Focal(alpha=alpha, gamma=gamma):
            return Helper("focal_loss")(x, target, gamma, alpha=default(alpha, None))
        case ops.KlDiv():
            return Helper("kl_divergence")(x, target)
        case ops.Hinge(margin=margin):
            return tf.nn.relu(margin - target * x)
        case ops.CosineSimilarity(axis=axis, eps=eps):
            settings = {"axis": default(axis, -1), "eps": default(eps, 1e-8)}
            return Helper("cosine_distance")(x, target, **settings)
    return Helper(op.name)(x, target)
