"""Attention in TensorFlow, written out: the exporter knows its parts."""

from __future__ import annotations

from backends.tensorflow.target import Placed, lower
from compiler.codegen.expr import Expr, Helper, default
from compiler.ops.attention import ScaledDotProductAttention


@lower(ScaledDotProductAttention)
def _attention(
    op: ScaledDotProductAttention, at: Placed, q: Expr, k: Expr, v: Expr, mask: Expr | None
) -> Expr:
    return Helper("scaled_dot_product_attention")(
        q,
        k,
        v,
        **({} if mask is None else {"mask": mask}),
        causal=default(op.causal, False),
        scale=default(op.scale, None),
    )
