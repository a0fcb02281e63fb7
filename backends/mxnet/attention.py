"""Attention in MXNet: products of stacks of matrices, with masks added to the scores."""

from __future__ import annotations

from tercet.backends.mxnet.target import F, held_as, lower
from tercet.codegen.expr import Expr, Helper, default, lift
from tercet.codegen.target import Application
from tercet.compiler.ops.attention import ScaledDotProductAttention


@lower(ScaledDotProductAttention)
def _attention(
    op: ScaledDotProductAttention,
    at: Application,
    q: Expr,
    k: Expr,
    v: Expr,
    mask: Expr | None,
) -> Expr:
    width = at.type(0).shape[-1]
    if op.scale is not None:
        scale = lift(op.scale)
    elif isinstance(width, int):
        scale = 1 / lift(width) ** 0.5
    else:
        q, scale = F.contrib.div_sqrt_dim(q), lift(1.0)
    causal = default(op.causal, False)
    if mask is not None and at.type(3).dtype.is_float:
        return Helper("biased_attention")(F, q, k, v, scale, mask, causal=causal)
    settings: dict[str, object] = {}
    if mask is not None:
        dtype = held_as(at.result.dtype)
        settings["mask"] = mask if dtype == "float32" else F.cast(mask, dtype=dtype)
    return Helper("attention")(F, q, k, v, scale, **settings, causal=causal)
