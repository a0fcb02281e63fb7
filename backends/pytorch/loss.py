"""Losses in PyTorch: its own where they mean the same, else written out."""

from __future__ import annotations

from tercet.backends.pytorch.target import DTYPES, F, lower
from tercet.codegen.expr import Expr, Helper, default
from tercet.codegen.target import Application
from tercet.compiler.graph.reach import carries_gradient
from tercet.compiler.ops import loss as ops
from tercet.compiler.ops.base import Op
from tercet.compiler.ops.sequence_loss import Ctc
from tercet.compiler.types import DType

_TRAINED_WEIGHT = lower.limit(
    "with a `weight` that is trained",
    "PyTorch gives the weights of classes no gradient",
    ops.CrossEntropy,
    ops.Nll,
    help="`stop_gradient` says that there is none",
)


@lower(ops.CrossEntropy, ops.Nll)
def _class_loss(
    op: ops.CrossEntropy | ops.Nll, at: Application, x: Expr, target: Expr, weight: Expr | None
) -> Expr:
    rank, whole = at.type(0).rank, x
    axis = op.axis % rank
    if axis != (1 if rank > 1 else 0):
        x = x.movedim(axis, 1)
    if rank == 4 and isinstance(op, ops.Nll):  # the gradient of images fails for other strides
        x = x.contiguous()
    if at.type(1).dtype.is_float:
        return _soft_labels(op, x, target if x is whole else target.movedim(axis, 1), weight)
    wide = _long(at, 1, target)
    settings: dict[str, object] = {
        "ignore_index": default(-100 if op.ignore_index is None else op.ignore_index, -100),
        "reduction": default(op.reduction, "mean"),
    }
    if weight is not None:
        given = at.item.inputs[2]
        if given is not None and carries_gradient(at.graph, given):
            raise _TRAINED_WEIGHT.refusal()
        settings = {"weight": weight, **settings}
    function = F.nll_loss
    if isinstance(op, ops.CrossEntropy):
        function = F.cross_entropy
        settings["label_smoothing"] = default(op.label_smoothing, 0.0)
    if op.reduction == "mean" and (weight is not None or op.ignore_index is not None):
        del settings["reduction"]
        return Helper("mean_of_counted")(function, x, wide, **settings)
    return function(x, wide, **settings)


def _soft_labels(
    op: ops.CrossEntropy | ops.Nll, x: Expr, target: Expr, weight: Expr | None
) -> Expr:
    """Of probabilities of classes, which lie along axis 1; PyTorch's own mean takes no weights."""
    smoothing = {"label_smoothing": default(getattr(op, "label_smoothing", 0.0), 0.0)}
    if weight is not None and op.reduction == "mean":
        return Helper("mean_of_soft_labels")(x, target, weight, **smoothing)
    more = {} if weight is None else {"weight": weight}
    return F.cross_entropy(x, target, **more, reduction=default(op.reduction, "mean"), **smoothing)


@lower(ops.SoftmaxFocal)
def _softmax_focal(
    op: ops.SoftmaxFocal, at: Application, x: Expr, target: Expr, weight: Expr | None
) -> Expr:
    rank = at.type(0).rank
    if (axis := op.axis % rank) != rank - 1:
        x = x.movedim(axis, -1)
    return Helper("softmax_focal_loss")(
        x,
        _long(at, 1, target),
        op.gamma,
        **({} if weight is None else {"weight": weight}),
        ignore_index=default(op.ignore_index, None),
        reduction=default(op.reduction, "mean"),
    )


def _long(at: Application, operand: int, x: Expr) -> Expr:
    """Integers as PyTorch's losses want them."""
    return x if at.type(operand).dtype is DType.I64 else x.long()


@lower(Ctc)
def _ctc(
    op: Ctc, at: Application, x: Expr, target: Expr, target_lengths: Expr, lengths: Expr | None
) -> Expr:
    dtype = at.type(0).dtype
    narrow = dtype in (DType.F16, DType.BF16)
    losses = Helper("ctc_loss")(
        x.float() if narrow else x,
        _long(at, 1, target),
        _long(at, 2, target_lengths),
        **({} if lengths is None else {"lengths": _long(at, 3, lengths)}),
        blank=default(op.blank, 0),
        zero_infinity=default(op.zero_infinity, False),
    )
    losses = {"none": losses, "sum": losses.sum(), "mean": losses.mean()}[op.reduction]
    return losses.to(DTYPES[dtype]) if narrow else losses


_STOCK: dict[type[Op], Expr] = {
    ops.Mse: F.mse_loss,
    ops.Mae: F.l1_loss,
    ops.BinaryCrossEntropy: F.binary_cross_entropy,
    ops.BinaryCrossEntropyWithLogits: F.binary_cross_entropy_with_logits,
    ops.Huber: F.huber_loss,
    ops.SmoothL1: F.smooth_l1_loss,
}


@lower(*_STOCK)
def _stock(
    op: ops.ElementLoss, at: Application, x: Expr, target: Expr, weight: Expr | None
) -> Expr:
    function = _STOCK[type(op)]
    settings: dict[str, object] = {}
    match op:
        case ops.Huber(delta=delta):
            settings["delta"] = default(delta, 1.0)
        case ops.SmoothL1(beta=beta):
            settings["beta"] = default(beta, 1.0)
    if weight is None:
        return function(x, target, reduction=default(op.reduction, "mean"), **settings)
    return _reduced(op, function(x, target, reduction="none", **settings), weight)


@lower(ops.KlDiv, ops.Focal, ops.Hinge, ops.CosineSimilarity)
def _written_out(
    op: ops.KlDiv | ops.Focal | ops.Hinge | ops.CosineSimilarity,
    at: Application,
    x: Expr,
    target: Expr,
    weight: Expr | None,
) -> Expr:
    match op:
        case ops.KlDiv():
            losses = F.kl_div(x, target, reduction="none")
        case ops.Focal(alpha=alpha, gamma=gamma):
            losses = Helper("focal_loss")(x, target, gamma, alpha=default(alpha, None))
        case ops.Hinge(margin=margin):
            losses = F.relu(margin - x * target)
        case ops.CosineSimilarity(axis=axis, eps=eps):
            losses = 1 - F.cosine_similarity(x, target, dim=axis, eps=eps)
    return _reduced(op, losses, weight)


def _reduced(op: ops.ElementLoss, losses: Expr, weight: Expr | None) -> Expr:
    """The loss of each element, weighed and reduced as the language says."""
    if weight is None:
        return {"none": losses, "sum": losses.sum(), "mean": losses.mean()}[op.reduction]
    match op.reduction:
        case "none":
            return losses * weight
        case "sum":
            return (losses * weight).sum()
    return Helper("weighted_mean")(losses, weight)
