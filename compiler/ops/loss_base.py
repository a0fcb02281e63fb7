"""What all losses share: how the values of the elements become one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from tercet.compiler.lazy import np
from tercet.compiler.ops.base import Elements, Layout, Op
from tercet.compiler.types import Shape, TensorType

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


Reduction = Literal["mean", "sum", "none"]


def reduce_loss(values: Array, weights: Array | None, reduction: Reduction) -> Array:
    """The loss from that of each element; `weights`, already broadcast, multiply them."""
    if weights is not None:
        values = values * weights
    if reduction == "none":
        return values
    total = values.sum()
    if reduction == "mean":
        total = mean_of(total, values.size if weights is None else weights.sum())
    return np.asarray(total, dtype=values.dtype)


def mean_of(total: Any, share: Any) -> Any:
    """The mean of what counts, with `share` the sum of its weights; 0 where nothing counts."""
    return total / (share if share else 1)


class Loss(Op):
    """Base of all losses."""

    layout = Layout.CANONICAL
    elements = Elements.COMPUTED
    of_nothing = 0.0
    symmetric: ClassVar[bool] = False
    """Whether prediction and target may change places."""
    work = 5
    reduces = True

    def _reduced(self, x: TensorType, shape: Shape, reduction: Reduction) -> TensorType:
        return x.with_shape(*(shape if reduction == "none" else ()))
