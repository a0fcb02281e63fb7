"""Attention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tercet.compiler import dims
from tercet.compiler.dims import Size
from tercet.compiler.errors import OpError, require
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import Elements, Layout, Op, Operand, operation, require_float
from tercet.compiler.ops.checks import require_broadcast, require_dtype, require_rank
from tercet.compiler.ops.special import softmax
from tercet.compiler.types import DType, TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


@operation("scaled_dot_product_attention")
@dataclass(frozen=True)
class ScaledDotProductAttention(Op):
    """`softmax(q @ transpose(k) * scale) @ v` (Vaswani et al., 2017).

    q `[..., T, D]`, k `[..., S, D]`, v `[..., S, E]` with equal leading axes give `[..., T, E]`.
    `scale` is `1 / sqrt(D)` by default.  The `mask` broadcasts to `[..., T, S]`: of bools, it is
    true where a key is visible; of q's dtype, it is added to the scores, as a bias, and -infinity
    hides a key.  `causal = true` shows query t the keys 0 to t; with both, a key must be visible in
    both.  A query that sees no key gives 0, with gradient 0.  ONNX: MatMul, Mul, Where or Add,
    Softmax, MatMul (Attention from opset 23 on).

        h = scaled_dot_product_attention(q, k, v, causal = true)
    """

    operands = (
        Operand("q"),
        Operand("k"),
        Operand("v"),
        Operand("mask", optional=True, hides=True),
    )
    layout = Layout.CANONICAL
    elements = Elements.COMPUTED
    of_nothing = 0.0

    causal: bool = False
    scale: float | None = None

    def __post_init__(self) -> None:
        if self.scale is not None:
            require(self.scale > 0, "scale", f"`scale` must be positive, not {self.scale}")

    def infer(
        self, q: TensorType, k: TensorType, v: TensorType, mask: TensorType | None = None
    ) -> TensorType:
        require_rank(q, 2, -1)
        require_float(q)
        for operand, (name, x) in enumerate((("k", k), ("v", v)), 1):
            require_rank(x, q.rank, operand=operand)
            require_dtype(x, q.dtype, name, operand=operand)
            _require_equal(x, q, range(q.rank - 2), operand)
        _require_equal(k, q, [q.rank - 1], 1)
        _require_equal(v, k, [q.rank - 2], 2)
        if mask is not None:
            if mask.dtype not in (DType.BOOL, q.dtype):
                raise OpError(
                    "E0305",
                    f"the mask must be bool, true where a key is visible, or {q.dtype}, added to "
                    f"the scores, not {mask.dtype}",
                    operand=3,
                    help="compare to get one, as in `tokens != 0`",
                )
            require_broadcast(mask, (*q.shape[:-1], k.shape[-2]), "the mask", operand=3)
        return q.with_shape(*q.shape[:-1], v.shape[-1])

    def reference(self, q: Array, k: Array, v: Array, mask: Array | None = None) -> Array:
        scores = (q @ np.swapaxes(k, -1, -2)) * self.factor(q.shape[-1])
        visible = np.ones(scores.shape[-2:], dtype=np.bool_)
        if self.causal:
            visible = np.tril(visible)
        if mask is not None and mask.dtype == np.bool_:
            visible = mask & visible
        elif mask is not None:
            visible = (mask != -np.inf) & visible
            scores = scores + np.where(visible, mask, 0)
        with np.errstate(invalid="ignore"):  # -inf - -inf where no key is visible
            weights = softmax(np.where(visible, scores, -np.inf), -1)
        y: Array = np.where(visible, weights, 0) @ v
        return y.astype(q.dtype)

    def factor(self, width: int) -> float:
        """What scores are multiplied by, for vectors of this width."""
        return 1 / math.sqrt(width) if self.scale is None else self.scale

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> Size:
        q, k = inputs[:2]
        assert q is not None
        assert k is not None
        scores = dims.product(q.shape[:-1]) * k.shape[-2]
        return scores * (2 * q.shape[-1] + 2 * outputs[0].shape[-1] + 6)


def _require_equal(x: TensorType, other: TensorType, axes: Sequence[int], operand: int) -> None:
    for axis in axes:
        a, b = x.shape[axis], other.shape[axis]
        if dims.equal(a, b) is not True:
            raise OpError(
                "E0301",
                f"axis {axis} of {x} and {other} must be equal: {a} is not {b}",
                operand=operand,
            )
