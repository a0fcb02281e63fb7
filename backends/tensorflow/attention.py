"""Attention in TensorFlow, written out: the exporter knows its parts."""

from __future__ import annotations

from tercet.backends.tensorflow.target import Placed, lower, tf
from tercet.codegen.expr import Expr, Helper, default
from tercet.compiler.ops.attention import ScaledDotProductAttention


@lower(ScaledDotProductAttention)
def _attention(
    op: ScaledDotProductAttention, at: Placed, q: Expr, k: Expr, v: Expr, mask: Expr | None
) -> Expr:
    scale: object = op.scale
    if scale is None and not isinstance(at.type(0).shape[-1], int):
        scale = tf.math.rsqrt(tf.cast(tf.shape(q)[-1], q.dtype))
    more = {"causal": default(op.causal, False), "scale": default(scale, None)}
    if mask is not None and at.type(3).dtype.is_float:
        return Helper("biased_attention")(q, k, v, mask, **more)
    shown = {} if mask is None else {"mask": mask}
    return Helper("scaled_dot_product_attention")(q, k, v, **shown, **more)
