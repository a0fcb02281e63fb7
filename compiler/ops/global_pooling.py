"""Pooling to a given size: to one value per channel, or to as many windows as asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tercet.compiler.dims import Size
from tercet.compiler.errors import OpError
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import Elements, Layout, Op, Operand, operation, require_float
from tercet.compiler.ops.checks import known, require_at_least, require_rank
from tercet.compiler.ops.windows import Pair, require_axes
from tercet.compiler.types import TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


@dataclass(frozen=True)
class GlobalPool(Op):
    """One value per channel; the spatial axes stay, with size 1."""

    operands = (Operand("x"),)
    layout = Layout.SPATIAL
    elements = Elements.COMPUTED
    reduces = True
    rank: ClassVar[int]

    def infer(self, x: TensorType) -> TensorType:
        require_rank(x, self.rank + 2)
        require_float(x)
        return x.with_shape(*x.shape[:2], *(1,) * self.rank)

    @property
    def axes(self) -> tuple[int, ...]:
        """The spatial axes, counted from the front."""
        return tuple(range(2, 2 + self.rank))


class GlobalAvgPool(GlobalPool):
    """Average over all spatial axes."""

    def reference(self, x: Array) -> Array:
        y: Array = x.mean(axis=self.axes, keepdims=True)
        return y


@operation("global_avg_pool1d")
class GlobalAvgPool1d(GlobalAvgPool):
    """Average over the last axis: x `[N, C, L]` gives `[N, C, 1]`.

    ONNX: GlobalAveragePool.

        h = x |> global_avg_pool1d |> flatten
    """

    rank = 1


@operation("global_avg_pool2d")
class GlobalAvgPool2d(GlobalAvgPool):
    """Average over each image: x `[N, C, H, W]` gives `[N, C, 1, 1]`.

    ONNX: GlobalAveragePool.

        logits = x |> global_avg_pool2d |> flatten |> dense(classes)
    """

    rank = 2


@operation("global_max_pool2d")
class GlobalMaxPool2d(GlobalPool):
    """Greatest value of each image: x `[N, C, H, W]` gives `[N, C, 1, 1]`.

    ONNX: GlobalMaxPool.

        h = x |> global_max_pool2d |> flatten
    """

    elements = Elements.SELECTED

    rank = 2

    def reference(self, x: Array) -> Array:
        y: Array = x.max(axis=self.axes, keepdims=True)
        return y


@operation("adaptive_avg_pool2d")
@dataclass(frozen=True)
class AdaptiveAvgPool2d(Op):
    """Average of equal windows, as many as `size` says.

    x `[N, C, H, W]` gives `[N, C, *size]`; H and W must be known multiples of `size` (along an axis
    of `size` 1 they may be any).  ONNX: AveragePool, or GlobalAveragePool for size 1.

        h = x |> adaptive_avg_pool2d(7)
    """

    operands = (Operand("x"),)
    layout = Layout.SPATIAL
    elements = Elements.COMPUTED
    reduces = True

    size: Pair

    def __post_init__(self) -> None:
        require_axes(self.size, 2, "size")
        require_at_least(1, self.size, "size")

    def infer(self, x: TensorType) -> TensorType:
        require_rank(x, 4)
        require_float(x)
        for axis, (output, size) in enumerate(zip(self.size, x.shape[2:], strict=True), 2):
            if output > 1 and known(size, f"the size of axis {axis}") % output:
                raise OpError(
                    "E0312",
                    f"axis {axis} of {x} is not a multiple of {output}: {size} % {output} is not 0",
                    operand=0,
                    attribute="size",
                )
        return x.with_shape(*x.shape[:2], *self.size)

    def windows(self, x: TensorType) -> tuple[Size, Size]:
        """Kernel and stride along both axes."""
        height, width = x.shape[2:]
        return height // self.size[0], width // self.size[1]

    def reference(self, x: Array) -> Array:
        n, c, height, width = x.shape
        rows, columns = self.size
        y: Array = x.reshape(n, c, rows, height // rows, columns, width // columns)
        return np.asarray(y.mean(axis=(3, 5)))
