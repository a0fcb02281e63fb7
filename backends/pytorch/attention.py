"""Attention in PyTorch."""

from __future__ import annotations

from backends.pytorch.target import F, lower
from compiler.codegen.expr import Expr, default
from compiler.codegen.target import Application
from compiler.ops.attention import ScaledDotProductAttention


@lower(ScaledDotProductAttention)
def _attention(
    op: ScaledDotProductAttention,
    at: Application,
    q: Expr,
    k: Expr,
    v: Expr,
    mask: Expr | None,
) -> Expr:
    settings: dict[str, object] = {} if mask is None else {"attn_mask": mask}
    return F.scaled_dot_product_attention(
        q,
        k,
        v,
        **settings,
        is_causal=default(op.causal, False),
        scale=default(op.scale, None),
    )
