"""Pooling: over windows of one, two and three spatial axes, and to a given size."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, ClassVar, cast

from tercet.compiler import dims
from tercet.compiler.dims import Size
from tercet.compiler.errors import OpError, require
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import (
    Elements,
    Layout,
    Op,
    Operand,
    Requirement,
    operation,
    require_float,
)
from tercet.compiler.ops.checks import known, require_at_least, require_rank
from tercet.compiler.ops.sizes import at_least_one
from tercet.compiler.ops.windows import (
    NO_PADDING_1,
    NO_PADDING_2,
    NO_PADDING_3,
    AnyPadding,
    Padding1,
    Padding2,
    Padding3,
    Pads,
    Pair,
    Single,
    Triple,
    output_size,
    output_size_ceil,
    require_axes,
    require_output,
    require_padding,
    same_padding,
)
from tercet.compiler.types import Shape, TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


@dataclass(frozen=True)
class Pool(Op):
    """What pooling over windows of every rank shares; `rank` is the number of spatial axes."""

    operands = (Operand("x"),)
    layout = Layout.SPATIAL
    elements = Elements.COMPUTED
    rank: ClassVar[int]

    kernel: tuple[int, ...]
    stride: tuple[int, ...] | None
    padding: AnyPadding
    ceil: bool = False

    def __post_init__(self) -> None:
        for attribute in ("kernel", "stride"):
            value = getattr(self, attribute)
            if value is not None:
                require_axes(value, self.rank, attribute)
                require_at_least(1, value, attribute)
        padding = require_padding(self.padding, self.rank)
        object.__setattr__(self, "padding", padding)
        if padding == "same":
            require(not self.ceil, "ceil", '`ceil` has no meaning with "same" padding')
            return
        for kernel, pair in zip(self.kernel, padding, strict=True):
            message = f"padding of {max(pair)} is not smaller than the kernel of {kernel}"
            require(max(pair) < kernel, "padding", message)

    @property
    def strides(self) -> tuple[int, ...]:
        """`stride`, which is the kernel's size where none is given."""
        return self.kernel if self.stride is None else self.stride

    def pads(self, sizes: Shape) -> Pads:
        """The padding as numbers, for an input of these spatial sizes.  Raises OpError."""
        if self.padding != "same":
            return cast(Pads, self.padding)
        return tuple(map(same_padding, sizes, self.kernel, self.strides))

    def beyond(self, sizes: Shape) -> tuple[int, ...]:
        """Cells after the padding of each axis, with which windows are as many without `ceil`."""
        if not self.ceil:
            return (0,) * len(self.kernel)
        outputs = self.output_sizes(sizes)
        axes = zip(sizes, self.kernel, self.strides, self.pads(sizes), outputs, strict=True)
        found = []
        for size, kernel, stride, (begin, end), output in axes:
            needed = (output - 1) * stride + kernel - size - begin - end
            if isinstance(needed, int):
                found.append(max(0, needed))
            elif end <= kernel - stride:  # then no window starts in the padding, whatever the size
                found.append(stride - 1)
            else:  # the last window then begins before the padding, as `ceil` means it
                found.append(kernel - 1 - end)
        return tuple(found)

    def extended(self, sizes: Shape) -> Pads:
        """The padding with which windows are as many without `ceil`."""
        pairs = zip(self.pads(sizes), self.beyond(sizes), strict=True)
        return tuple((begin, end + more) for (begin, end), more in pairs)

    def output_sizes(self, sizes: Shape) -> Shape:
        """The spatial sizes of the output for those of the input."""
        if self.padding == "same":  # known even where the padding is not
            return tuple((n - 1) // s + 1 for n, s in zip(sizes, self.strides, strict=True))
        formula = output_size_ceil if self.ceil else output_size
        return tuple(map(formula, sizes, self.kernel, self.strides, self.pads(sizes)))

    def infer(self, x: TensorType) -> TensorType:
        require_rank(x, self.rank + 2)
        require_float(x)
        sizes = self.output_sizes(x.shape[2:])
        require_output(x, sizes, self.kernel, self.pads(x.shape[2:]))
        return x.with_shape(*x.shape[:2], *sizes)

    def constraints(self, x: TensorType) -> tuple[Requirement, ...]:
        return at_least_one(self.output_sizes(x.shape[2:]))

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> Size:
        return math.prod(self.kernel) * dims.product(outputs[0].shape)

    def _combine(self, x: Array, fill: float, combine: Callable[[Any, Any], Any]) -> Array:
        """`combine` over each window: axis by axis, as maximum and sum both allow."""
        sizes = x.shape[2:]
        outputs = cast(tuple[int, ...], self.output_sizes(sizes))
        settings = zip(sizes, outputs, self.kernel, self.strides, self.pads(sizes), strict=True)
        for axis, (size, output, kernel, stride, (begin, _)) in enumerate(settings, 2):
            span = stride * (output - 1)
            x = _fitted(x, axis, begin, span + kernel - begin - size, fill)
            parts = [_strided(x, axis, k, k + span + 1, stride) for k in range(kernel)]
            x = reduce(combine, parts)
        return np.asarray(x)


def _fitted(x: Array, axis: int, begin: int, end: int, fill: float) -> Array:
    """Padded at both ends of an axis; a negative `end` cuts cells off that no window reads."""
    if end < 0:
        x, end = _strided(x, axis, 0, x.shape[axis] + end, 1), 0
    widths = [(0, 0)] * x.ndim
    widths[axis] = (begin, end)
    return np.pad(x, widths, constant_values=fill) if begin or end else x


def _strided(x: Array, axis: int, start: int, stop: int, step: int) -> Array:
    index = [slice(None)] * x.ndim
    index[axis] = slice(start, stop, step)
    part: Array = x[tuple(index)]
    return part


class MaxPool(Pool):
    """Greatest value of each window, of any rank; padding never wins."""

    elements = Elements.SELECTED

    def reference(self, x: Array) -> Array:
        return self._combine(x, -np.inf, np.maximum)


@dataclass(frozen=True)
class AvgPool(Pool):
    """Average of each window, of any rank."""

    count_include_pad: bool = False

    def reference(self, x: Array) -> Array:
        total = self._combine(x, 0.0, np.add)
        average: Array = total / self._counts(x).astype(x.dtype)
        return average

    def _counts(self, x: Array) -> Array:
        """Cells of each window that count; those that `ceil` adds beyond the padding never do."""
        counts: Array = np.ones((1, 1, *(1,) * self.rank))
        sizes = x.shape[2:]
        outputs = cast(tuple[int, ...], self.output_sizes(sizes))
        settings = zip(sizes, outputs, self.kernel, self.strides, self.pads(sizes), strict=True)
        for axis, (size, output, kernel, stride, (begin, end)) in enumerate(settings, 2):
            low, high = (-begin, size + end) if self.count_include_pad else (0, size)
            starts = np.arange(output) * stride - begin
            cells = np.minimum(starts + kernel, high) - np.maximum(starts, low)
            shape = [1] * (2 + self.rank)
            shape[axis] = output
            counts = counts * cells.reshape(shape)
        return counts


@operation("max_pool1d")
@dataclass(frozen=True)
class MaxPool1d(MaxPool):
    """Greatest value of each window along one axis.

    x `[N, C, L]` gives `[N, C, (L + padding - kernel) // stride + 1]`, rounded up with
    `ceil = true`; `stride` is the kernel's size by default.  Padding never wins.  ONNX: MaxPool.

        h = x |> max_pool1d(2)
    """

    rank = 1
    kernel: Single
    stride: Single | None = None
    padding: Padding1 = NO_PADDING_1


@operation("max_pool2d")
@dataclass(frozen=True)
class MaxPool2d(MaxPool):
    """Greatest value of each window of an image.

    x `[N, C, H, W]` gives `[N, C, (H + padding - kernel) // stride + 1, …]`, rounded up with
    `ceil = true` (a window that would start in the padding at the end is left out); `stride` is the
    kernel's size by default.  Padding never wins.  ONNX: MaxPool.

        h = x |> max_pool2d(3, stride = 2, padding = 1)
    """

    rank = 2
    kernel: Pair
    stride: Pair | None = None
    padding: Padding2 = NO_PADDING_2


@operation("max_pool3d")
@dataclass(frozen=True)
class MaxPool3d(MaxPool):
    """Greatest value of each window of a volume.

    x `[N, C, D, H, W]` gives `[N, C, D', H', W']`, each size as in `max_pool2d`.  ONNX: MaxPool.

        h = x |> max_pool3d(2)
    """

    rank = 3
    kernel: Triple
    stride: Triple | None = None
    padding: Padding3 = NO_PADDING_3


@operation("avg_pool1d")
@dataclass(frozen=True)
class AvgPool1d(AvgPool):
    """Average of each window along one axis.

    x `[N, C, L]` gives `[N, C, (L + padding - kernel) // stride + 1]`, rounded up with
    `ceil = true`; `stride` is the kernel's size by default.  Padding counts only with
    `count_include_pad = true`.  ONNX: AveragePool.

        h = x |> avg_pool1d(2)
    """

    rank = 1
    kernel: Single
    stride: Single | None = None
    padding: Padding1 = NO_PADDING_1


@operation("avg_pool2d")
@dataclass(frozen=True)
class AvgPool2d(AvgPool):
    """Average of each window of an image.

    x `[N, C, H, W]` gives `[N, C, (H + padding - kernel) // stride + 1, …]`, rounded up with
    `ceil = true` (a window that would start in the padding at the end is left out); `stride` is the
    kernel's size by default.  Padding counts only with `count_include_pad = true`.
    ONNX: AveragePool.

        h = x |> avg_pool2d(2)
    """

    rank = 2
    kernel: Pair
    stride: Pair | None = None
    padding: Padding2 = NO_PADDING_2


@operation("avg_pool3d")
@dataclass(frozen=True)
class AvgPool3d(AvgPool):
    """Average of each window of a volume.

    x `[N, C, D, H, W]` gives `[N, C, D', H', W']`, each size as in `avg_pool2d`.
    ONNX: AveragePool.

        h = x |> avg_pool3d(2)
    """

    rank = 3
    kernel: Triple
    stride: Triple | None = None
    padding: Padding3 = NO_PADDING_3


@operation("lp_pool2d")
@dataclass(frozen=True)
class LpPool2d(Pool):
    """`sum(abs(x) ** p) ** (1 / p)` of each window of an image (Sermanet et al., 2012).

    x `[N, C, H, W]` gives `[N, C, H', W']`, sizes and padding, by zeros, as in `avg_pool2d`.
    The gradient of a window that is all 0 is 0.  ONNX: LpPool.

        h = x |> lp_pool2d(2, p = 3)
    """

    rank = 2
    kernel: Pair
    stride: Pair | None = None
    padding: Padding2 = NO_PADDING_2
    p: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(1, self.p, "p")

    def reference(self, x: Array) -> Array:
        total = self._combine(np.abs(x) ** self.p, 0.0, np.add)
        return np.asarray(total ** (1 / self.p))


# --------------------------------------------------------------------------------- to a given size


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


class GlobalMaxPool(GlobalPool):
    """Greatest value over all spatial axes."""

    elements = Elements.SELECTED

    def reference(self, x: Array) -> Array:
        y: Array = x.max(axis=self.axes, keepdims=True)
        return y


@operation("global_max_pool1d")
class GlobalMaxPool1d(GlobalMaxPool):
    """Greatest value along the last axis: x `[N, C, L]` gives `[N, C, 1]`.

    ONNX: GlobalMaxPool.

        h = x |> global_max_pool1d |> flatten
    """

    rank = 1


@operation("global_max_pool3d")
class GlobalMaxPool3d(GlobalMaxPool):
    """Greatest value of each volume: x `[N, C, D, H, W]` gives `[N, C, 1, 1, 1]`.

    ONNX: GlobalMaxPool.

        h = x |> global_max_pool3d |> flatten
    """

    rank = 3


@operation("global_max_pool2d")
class GlobalMaxPool2d(GlobalMaxPool):
    """Greatest value of each image: x `[N, C, H, W]` gives `[N, C, 1, 1]`.

    ONNX: GlobalMaxPool.

        h = x |> global_max_pool2d |> flatten
    """

    rank = 2


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
