"""Attention in ONNX, written out: the operator Attention came with opset 23."""

from __future__ import annotations

from functools import reduce

from tercet.backends.onnx.builder import Context, lower
from tercet.compiler.dims import Size
from tercet.compiler.ops.attention import ScaledDotProductAttention
from tercet.compiler.types import DType


@lower(ScaledDotProductAttention)
def _attention(op: ScaledDotProductAttention, c: Context) -> str:
    q, k, v = c[0], c[1], c[2]
    queries, width = c.type.shape[-2:]
    keys = c.type_of(1).shape[-2]
    rank = c.type.rank
    order = [*range(rank - 2), rank - 1, rank - 2]
    scores = c.node("MatMul", q, c.node("Transpose", k, perm=order))
    scores = _scaled(op, c, scores, width)
    masks = [name for name in (c.operand(3),) if name is not None]
    if masks and c.type_of(3).dtype.is_float:  # -infinity hides a key
        bias, least = masks[0], c.scalar(float("-inf"))
        masks = [c.node("Greater", bias, least)]
        added = c.node("Where", masks[0], bias, c.scalar(0.0))
        scores = c.node("Add", scores, added)
    if op.causal:
        masks.append(_causal_mask(c, queries, keys))
    if masks:
        visible = reduce(lambda a, b: c.node("And", a, b), masks)
        scores = c.node("Where", visible, scores, c.scalar(float("-inf")))
    weights = c.node("Softmax", scores, axis=-1)
    if c.operand(3) is not None:  # a query that sees no key has weights NaN
        weights = c.node("Where", visible, weights, c.scalar(0.0))
    return c.node("MatMul", weights, v)


def _scaled(op: ScaledDotProductAttention, c: Context, scores: str, width: Size) -> str:
    if isinstance(width, int) or op.scale is not None:
        factor = op.factor(width if isinstance(width, int) else 1)
        return c.node("Mul", scores, c.scalar(factor))
    root = c.node("Sqrt", c.cast(c.size(width), DType.I64, c.type.dtype))
    return c.node("Div", scores, root)


def _causal_mask(c: Context, queries: Size, keys: Size) -> str:
    """True where the key's place is not after the query's; one for all layers of these sizes."""

    def places(size: Size) -> str:
        bounds = (c.scalar(0, DType.I64), c.size_scalar(size), c.scalar(1, DType.I64))
        return c.node("Range", *bounds)

    def make() -> str:
        rows = c.node("Unsqueeze", places(queries), c.ints(1))
        return c.node("LessOrEqual", places(keys), rows)

    return c.once(("causal mask", queries, keys), make)
