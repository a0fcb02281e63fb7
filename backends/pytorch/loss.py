"""Losses in PyTorch: its own where they mean the same, else written out."""

from __future__ import annotations

from tercet.backends.pytorch.target import F, lower
from tercet.codegen.expr import Expr, Template, Temporary, default
from tercet.codegen.target import Application
from tercet.compiler.ops import loss as ops
from tercet.compiler.ops.base import Op
from tercet.compiler.types import DType


@lower(ops.CrossEntropy, ops.Nll)
def _class_loss(
    op: ops.CrossEntropy | ops.Nll, at: Application, x: Expr, target: Expr, weight: Expr | None
) -> Expr:
    rank = at.type(0).rank
    axis = op.axis % rank
    if axis != (1 if rank > 1 else 0):
        x = x.movedim(axis, 1)
    wide = target if at.type(1).dtype is DType.I64 else target.long()
    settings: dict[str, object] = {
        "ignore_index": default(-100 if op.ignore_index is None else op.ignore_index, -100),
        "reduction": default(op.reduction, "mean"),
    }
    if weight is not None:
        settings = {"weight": weight, **settings}
    if isinstance(op, ops.CrossEntropy):
        smoothing = default(op.label_smoothing, 0.0)
        return F.cross_entropy(x, wide, **settings, label_smoothing=smoothing)
    return F.nll_loss(x, wide, **settings)


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
) -> Expr | Template:
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


@lower(ops.KlDiv, ops.Hinge, ops.CosineSimilarity)
def _written_out(
    op: ops.KlDiv | ops.Hinge | ops.CosineSimilarity,
    at: Application,
    x: Expr,
    target: Expr,
    weight: Expr | None,
) -> Expr | Template:
    match op:
        case ops.KlDiv():
            losses = F.kl_div(x, target, reduction="none")
        case ops.Hinge(margin=margin):
            losses = F.relu(margin - x * target)
        case ops.CosineSimilarity(axis=axis, eps=eps):
            losses = 1 - F.cosine_similarity(x, target, dim=axis, eps=eps)
    return _reduced(op, losses, weight)


def _reduced(op: ops.ElementLoss, losses: Expr, weight: Expr | None) -> Expr | Template:
    """The loss of each element, weighed and reduced as the language says."""
    if weight is None:
        return {"none": losses, "sum": losses.sum(), "mean": losses.mean()}[op.reduction]
    weighed = Temporary(0)
    kept = (("losses", losses * weight),)
    match op.reduction:
        case "none":
            return losses * weight
        case "sum":
            return Template(weighed.sum(), kept)
    return Template(weighed.sum() / weight.expand_as(weighed).sum(), kept)
