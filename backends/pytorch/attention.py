"""Attention in PyTorch."""

from __future__ import annotations

from tercet.backends.pytorch.target import F, lower, torch
from tercet.codegen.expr import Expr, Helper, default
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
    scale = default(op.scale, None)
    if mask is None:
        causal = default(op.causal, False)
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal, scale=scale)
    if op.causal:  # PyTorch takes a mask or makes a causal one, not both
        earlier = Helper("visible_keys")(q, k)
        added = at.type(3).dtype.is_float
        mask = torch.where(earlier, mask, float("-inf")) if added else mask & earlier
    elif at.type(3).rank < 2:  # PyTorch asks for an axis of queries and one of keys
        mask = mask.reshape(1, -1)
    if at.type(3).dtype.is_float:
        return Helper("biased_attention")(q, k, v, mask, scale=scale)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)
