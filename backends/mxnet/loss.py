"""Losses in MXNet: Gluon's cross-entropy where it means the same, else written out."""

from __future__ import annotations

from tercet.backends.mxnet.target import F, held_as, lower
from tercet.codegen.expr import Expr, Helper, default
from tercet.codegen.target import Application
from tercet.compiler import dims
from tercet.compiler.ops import loss as ops
from tercet.compiler.ops.sequence_loss import Ctc
from tercet.compiler.types import DType

_DOUBLE_CTC = lower.limit("in f64", "MXNet has it in f32 only", Ctc, help="train in f32")


@lower(ops.CrossEntropy)
def _cross_entropy(
    op: ops.CrossEntropy, at: Application, x: Expr, target: Expr, weight: Expr | None
) -> Expr:
    rank = at.type(0).rank
    if at.type(1).dtype.is_float:
        last = op.axis % rank == rank - 1
        order = (*(k for k in range(rank) if k != op.axis % rank), op.axis % rank)
        return Helper("soft_label_loss")(
            F,
            *(given if last else F.transpose(given, axes=order) for given in (x, target)),
            **({} if weight is None else {"weight": weight}),
            smoothing=default(op.label_smoothing, 0.0),
            reduction=default(op.reduction, "mean"),
        )
    plain = weight is None and op.ignore_index is None and not op.label_smoothing
    if plain and op.axis % rank == rank - 1 and op.reduction == "mean" and rank > 1:
        return F.mean(Helper("softmax_cross_entropy")(x, target))
    log_p = F.log_softmax(x, axis=default(op.axis, -1))
    return _class_loss(op, at, log_p, target, weight, op.label_smoothing)


@lower(ops.Nll)
def _nll(op: ops.Nll, at: Application, x: Expr, target: Expr, weight: Expr | None) -> Expr:
    return _class_loss(op, at, x, target, weight, 0.0)


def _class_loss(
    op: ops.CrossEntropy | ops.Nll,
    at: Application,
    log_p: Expr,
    target: Expr,
    weight: Expr | None,
    smoothing: float,
) -> Expr:
    rank = at.type(0).rank
    axis = op.axis % rank
    if weight is None and op.ignore_index is None and not smoothing:
        picked = -F.pick(log_p, target, axis=axis)
        return {"mean": F.mean(picked), "sum": F.sum(picked), "none": picked}[op.reduction]
    settings: dict[str, object] = {} if weight is None else {"weight": weight}
    if axis != rank - 1:
        order = [k for k in range(rank) if k != axis]
        log_p = F.transpose(log_p, axes=(*order, axis))
    return Helper("class_loss")(
        F,
        log_p,
        target,
        at.type(0).shape[axis],
        **settings,
        ignore_index=default(op.ignore_index, None),
        smoothing=default(smoothing, 0.0),
        reduction=default(op.reduction, "mean"),
        dtype=default(held_as(at.type(0).dtype), "float32"),
    )


@lower(ops.SoftmaxFocal)
def _softmax_focal(
    op: ops.SoftmaxFocal, at: Application, x: Expr, target: Expr, weight: Expr | None
) -> Expr:
    rank = at.type(0).rank
    if (axis := op.axis % rank) != rank - 1:
        x = F.transpose(x, axes=(*(k for k in range(rank) if k != axis), axis))
    return Helper("softmax_focal_loss")(
        F,
        x,
        target,
        op.gamma,
        **({} if weight is None else {"weight": weight}),
        ignore_index=default(op.ignore_index, None),
        reduction=default(op.reduction, "mean"),
        dtype=default(held_as(at.type(0).dtype), "float32"),
    )


@lower(Ctc)
def _ctc(
    op: Ctc, at: Application, x: Expr, target: Expr, target_lengths: Expr, lengths: Expr | None
) -> Expr:
    dtype = at.type(0).dtype
    if dtype is DType.F64:
        raise _DOUBLE_CTC.refusal()
    held_as(dtype)
    losses = Helper("ctc_loss")(
        F,
        x,
        *(F.cast(given, dtype="float32") for given in (target, target_lengths)),
        **({} if lengths is None else {"lengths": F.cast(lengths, dtype="float32")}),
        blank=default(op.blank, 0),
        classes=default(at.type(0).shape[2] if op.blank else None, None),
        fits=default(dims.less_equal(at.type(1).shape[1], at.type(0).shape[1]) is True, False),
        zero_infinity=default(op.zero_infinity, False),
    )
    return {"none": losses, "sum": F.sum(losses), "mean": F.mean(losses)}[op.reduction]


def _reduced(op: ops.ElementLoss, losses: Expr, weight: Expr | None) -> Expr:
    """The loss of each element, weighed and reduced as the language says."""
    if weight is None:
        return {"none": losses, "sum": F.sum(losses), "mean": F.mean(losses)}[op.reduction]
    if op.reduction == "mean":
        return Helper("weighted_mean")(F, losses, weight)
    weighed = F.broadcast_mul(losses, weight)
    return weighed if op.reduction == "none" else F.sum(weighed)


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
    op: ops.ElementLoss, at: Application, x: Expr, target: Expr, weight: Expr | None
) -> Expr:
    return _reduced(op, _of_each(op, at, x, target), weight)


@lower.exact(ops.BinaryCrossEntropyWithLogits)
def _exact_logits_loss(
    op: ops.BinaryCrossEntropyWithLogits,
    at: Application,
    x: Expr,
    target: Expr,
    weight: Expr | None,
) -> Expr:
    return _reduced(op, Helper("softplus")(F, x) - x * target, weight)


def _of_each(op: ops.ElementLoss, at: Application, x: Expr, target: Expr) -> Expr:
    """The loss of each element."""
    match op:
        case ops.Mse():
            return F.square(x - target)
        case ops.Mae():
            return F.abs(x - target)
        case ops.Huber(delta=delta):
            return Helper("huber")(F, x - target, delta)
        case ops.SmoothL1(beta=beta):
            return F.smooth_l1(x - target, scalar=default(beta**-0.5, 1.0))
        case ops.Hinge(margin=margin):
            return F.relu(margin - x * target)
        case ops.Focal(alpha=alpha, gamma=gamma):
            return Helper("focal_loss")(F, x, target, gamma, alpha=default(alpha, None))
        case ops.CosineSimilarity(axis=axis, eps=eps):
            return Helper("cosine_distance")(F, x, target, axis % at.type(0).rank, eps)
    return Helper(op.name)(F, x, target)
