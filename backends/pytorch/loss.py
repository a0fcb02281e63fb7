"""Losses in PyTorch: its own where they mean the same, else written out."""

from __future__ import annotations

from backends.pytorch.target import F, lower
from compiler.codegen.expr import Expr, Template, Temporary, default
from compiler.codegen.target import Application
from compiler.ops import loss as ops
from compiler.ops.base import Op
from compiler.types import DType


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


def _reduced(op: ops.ElementLoss, losses: Expr, weight: Expr | None) -> Expr | Template:
    """The loss of each element, weighed and reduced as the language says."""
    if weight is None:
        return {"none": losses, "sum": losses.sum(), "mean": losses.mean()}[op.reduction]
    weighed = Temporary(0)
    whole = Template(weighed, (("losses", losses * weight),))
    match op.reduction:
        case "none":
            return losses * weight
        case "sum":
            return Template(weighed.sum(), whole.temporaries)
    total = weighed.sum() / weight.expand_as(weighed).sum()
    return Template(total, whole.temporaries)


@lower(ops.KlDiv)
def _kl_div(
    op: ops.KlDiv, at: Application, x: Expr, target: Expr, weight: Expr | None
) -> Expr | Template:
    return _reduced(op, F.kl_div(x, target, reduction="none"), weight)


@lower(ops.Hinge)
def _hinge(
    op: ops.Hinge, at: Application, x: Expr, target: Expr, weight: Expr | None
) -> Expr | Template:
    return _reduced(op, F.relu(op.margin - x * target), weight)


@lower(ops.CosineSimilarity)
def _cosine_similarity(
    op: ops.CosineSimilarity, at: Application, x: Expr, target: Expr, weight: Expr | None
) -> Expr | Template:
    similarity = F.cosine_similarity(x, target, dim=op.axis, eps=op.eps)
    return _reduced(op, 1 - similarity, weight)
