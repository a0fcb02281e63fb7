"""What all losses share: how the values of the elements become one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from compiler import dims
from compiler.dims import Size
from compiler.lazy import np
from compiler.ops.base import Op
from compiler.types import Shape, TensorType

if TYPE_CHECKING:
    from compiler.ops.base import Array


Reduction = Literal["mean", "sum", "none"]


def reduce_loss(values: Array, weights: Array | None, reduction: Reduction) -> Array:
    """The loss from that of each element; `weights`, already broadcast, multiply them."""
    if weights is not None:
        values = values * weights
    if reduction == "none":
        return values
    total = values.sum()
    if reduction == "mean":
        total = total / (values.size if weights is None else weights.sum())
    return np.asarray(total, dtype=values.dtype)


class Loss(Op):
    """Base of all losses."""

    def _reduced(self, x: TensorType, shape: Shape, reduction: Reduction) -> TensorType:
        return x.with_shape(*(shape if reduction == "none" else ()))

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> Size:
        x = inputs[0]
        assert x is not None
        return 5 * dims.product(x.shape)
