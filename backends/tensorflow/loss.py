"""Losses in TensorFlow, of each element first, then weighed and reduced as the language says."""

from __future__ import annotations

from backends.tensorflow.target import Placed, lower, tf
from compiler.codegen.expr import Expr, Helper, Template, Temporary, default
from compiler.ops import loss as ops
from compiler.ops.loss import Reduction


@lower(ops.CrossEntropy, ops.Nll)
def _class_loss(
    op: ops.CrossEntropy | ops.Nll, at: Placed, x: Expr, target: Expr, weight: Expr | None
) -> Expr:
    rank = at.type(0).rank
    axis = op.axis % rank
    if axis != rank - 1:
        x = tf.transpose(x, (*(k for k in range(rank) if k != axis), axis))
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


def _plainly(losses: Expr, reduction: Reduction) -> Expr:
    match reduction:
        case "none":
            return losses
        case "sum":
            return tf.reduce_sum(losses)
    return tf.reduce_mean(losses)


def _reduced(losses: Expr, weight: Expr | None, reduction: Reduction) -> Expr | Template:
    if weight is None:
        return _plainly(losses, reduction)
    if reduction != "mean":
        return _plainly(losses * weight, reduction)
    weighed = Temporary(0)
    spread = tf.broadcast_to(weight, tf.shape(weighed))
    total = tf.reduce_sum(weighed) / tf.reduce_sum(spread)
    return Template(total, (("losses", losses * weight),))


@lower(ops.Mse)
def _mse(op: ops.Mse, at: Placed, x: Expr, target: Expr, weight: Expr | None) -> Expr | Template:
    return _reduced(tf.math.squared_difference(x, target), weight, op.reduction)


@lower(ops.Mae)
def _mae(op: ops.Mae, at: Placed, x: Expr, target: Expr, weight: Expr | None) -> Expr | Template:
    return _reduced(tf.abs(x - target), weight, op.reduction)


@lower(ops.BinaryCrossEntropyWithLogits)
def _with_logits(
    op: ops.BinaryCrossEntropyWithLogits, at: Placed, x: Expr, target: Expr, weight: Expr | None
) -> Expr | Template:
    losses = tf.nn.sigmoid_cross_entropy_with_logits(target, x)
    return _reduced(losses, weight, op.reduction)


@lower(ops.BinaryCrossEntropy)
def _binary(
    op: ops.BinaryCrossEntropy, at: Placed, x: Expr, target: Expr, weight: Expr | None
) -> Expr | Template:
    return _reduced(Helper("binary_cross_entropy")(x, target), weight, op.reduction)


@lower(ops.Huber)
def _huber(
    op: ops.Huber, at: Placed, x: Expr, target: Expr, weight: Expr | None
) -> Expr | Template:
    return _reduced(Helper("huber")(x, target, op.delta), weight, op.reduction)


@lower(ops.SmoothL1)
def _smooth_l1(
    op: ops.SmoothL1, at: Placed, x: Expr, target: Expr, weight: Expr | None
) -> Expr | Template:
    losses = Helper("huber")(x, target, op.beta)
    return _reduced(losses / op.beta if op.beta != 1 else losses, weight, op.reduction)


@lower(ops.KlDiv)
def _kl_div(
    op: ops.KlDiv, at: Placed, x: Expr, target: Expr, weight: Expr | None
) -> Expr | Template:
    return _reduced(Helper("kl_divergence")(x, target), weight, op.reduction)


@lower(ops.Hinge)
def _hinge(
    op: ops.Hinge, at: Placed, x: Expr, target: Expr, weight: Expr | None
) -> Expr | Template:
    return _reduced(tf.nn.relu(op.margin - target * x), weight, op.reduction)


@lower(ops.CosineSimilarity)
def _cosine(
    op: ops.CosineSimilarity, at: Placed, x: Expr, target: Expr, weight: Expr | None
) -> Expr | Template:
    losses = Helper("cosine_distance")(
        x, target, axis=default(op.axis, -1), eps=default(op.eps, 1e-8)
    )
    return _reduced(losses, weight, op.reduction)
