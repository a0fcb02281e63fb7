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
from tercet.compiler.ops.sizes import at_least_one, at_most
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
    extent,
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
        require_axes(self.dilations, self.rank, "dilation")
        require_at_least(1, self.dilations, "dilation")
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

    @property
    def dilations(self) -> tuple[int, ...]:
        """The distance of neighbours in a window along each axis, of kinds that have it."""
        given: tuple[int, ...] = getattr(self, "dilation", (1,) * self.rank)
        return given

    @property
    def is_dilated(self) -> bool:
        return any(d > 1 and k > 1 for d, k in zip(self.dilations, self.kernel, strict=True))

    @property
    def extents(self) -> tuple[int, ...]:
        """Cells that a window spans along each axis, dilation included."""
        return tuple(map(extent, self.kernel, self.dilations))

    def pads(self, sizes: Shape) -> Pads:
        """The padding as numbers, for an input of these spatial sizes.  Raises OpError."""
        if self.padding != "same":
            return cast(Pads, self.padding)
        return tuple(map(same_padding, sizes, self.extents, self.strides))

    def beyond(self, sizes: Shape) -> tuple[int, ...]:
        """Cells after the padding of each axis, with which windows are as many without `ceil`."""
        if not self.ceil:
            return (0,) * len(self.kernel)
        outputs = self.output_sizes(sizes)
        axes = zip(sizes, self.extents, self.strides, self.pads(sizes), outputs, strict=True)
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
        return tuple(map(formula, sizes, self.extents, self.strides, self.pads(sizes)))

    def infer(self, x: TensorType) -> TensorType:
        require_rank(x, self.rank + 2)
        require_float(x)
        sizes = self.output_sizes(x.shape[2:])
        require_output(x, sizes, self.extents, self.pads(x.shape[2:]))
        self._reaches(x)
        return x.with_shape(*x.shape[:2], *sizes)

    def constraints(self, x: TensorType) -> tuple[Requirement, ...]:
        return (*at_least_one(self.output_sizes(x.shape[2:])), *self._reaches(x))

    def _reaches(self, x: TensorType) -> tuple[Requirement, ...]:
        """No window steps from the padding before x into that behind it."""
        if not self.is_dilated or (self.padding != "same" and not any(map(any, self.padding))):
            return ()
        found: list[Requirement] = []
        for size, dilation in zip(x.shape[2:], self.dilations, strict=True):
            message = f"a dilation of {dilation} steps over an axis of size {size}"
            problem = OpError("E0311", message, operand=0, attribute="dilation")
            found += at_most(dilation, size, problem)
        return tuple(found)

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> Size:
        return math.prod(self.kernel) * dims.product(outputs[0].shape)

    def _combine(self, x: Array, fill: float, combine: Callable[[Any, Any], Any]) -> Array:
        """`combine` over each window: axis by axis, as maximum and sum both allow."""
        sizes = x.shape[2:]
        outputs = cast(tuple[int, ...], self.output_sizes(sizes))
        windows = zip(self.kernel, self.dilations, self.strides, strict=True)
        settings = zip(sizes, outputs, windows, self.pads(sizes), strict=True)
        for axis, (size, output, (kernel, dilation, stride), (begin, _)) in enumerate(settings, 2):
            span = stride * (output - 1)
            x = _fitted(x, axis, begin, span + extent(kernel, dilation) - begin - size, fill)
            starts = [k * dilation for k in range(kernel)]
            parts = [_strided(x, axis, start, start + span + 1, stride) for start in starts]
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
        average: Array = total / self.counts(x.shape[2:]).astype(x.dtype)
        return average

    def counts_all(self, sizes: Shape) -> bool:
        """Whether all cells of all windows count."""
        if self.count_include_pad:
            return not any(self.beyond(sizes))
        return not any(map(any, self.extended(sizes)))

    def counts(self, sizes: tuple[int, ...]) -> Array:
        """Cells of each window that count; those that `ceil` adds beyond the padding never do."""
        counts: Array = np.ones((1, 1, *(1,) * self.rank))
        outputs = cast(tuple[int, ...], self.output_sizes(sizes))
        windows = zip(self.kernel, self.dilations, self.strides, strict=True)
        settings = zip(sizes, outputs, windows, self.pads(sizes), strict=True)
        for axis, (size, output, (kernel, dilation, stride), (begin, end)) in enumerate(
            settings, 2
        ):
            low, high = (-begin, size + end) if self.count_include_pad else (0, size)
            starts = np.arange(output) * stride - begin
            read = starts[:, None] + np.arange(kernel) * dilation
            cells = np.count_nonzero((read >= low) & (read < high), axis=1)
            shape = [1] * (2 + self.rank)
            shape[axis] = output
            counts = counts * cells.reshape(shape)
        return counts


@operation("max_pool1d")
@dataclass(frozen=True)
class MaxPool1d(MaxPool):
    """Greatest value of each window along one axis.

    x `[N, C, L]` gives `[N, C, (L + padding - dilation * (kernel - 1) - 1) // stride + 1]`, rounded
    up with `ceil = true`; `stride` is the kernel's size by default.  Padding never wins.
    ONNX: MaxPool.

        h = x |> max_pool1d(2)
    """

    rank = 1
    kernel: Single
    stride: Single | None = None
    padding: Padding1 = NO_PADDING_1
    dilation: Single = (1,)


@operation("max_pool2d")
@dataclass(frozen=True)
class MaxPool2d(MaxPool):
    """Greatest value of each window of an image.

    x `[N, C, H, W]` gives `[N, C, H', W']`, `H' = (H + padding - dilation * (kernel - 1) - 1) //
    stride + 1`, `W'` alike, rounded up with `ceil = true` (a window that would start in the
    padding at the end is left out); `stride` is the kernel's size by default.  Padding never
    wins.  ONNX: MaxPool.

        h = x |> max_pool2d(3, stride = 2, padding = 1)
    """

    rank = 2
    kernel: Pair
    stride: Pair | None = None
    padding: Padding2 = NO_PADDING_2
    dilation: Pair = (1, 1)


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
    dilation: Triple = (1, 1, 1)


@operation("avg_pool1d")
@dataclass(frozen=True)
class AvgPool1d(AvgPool):
    """Average of each window along one axis.

    x `[N, C, L]` gives `[N, C, (L + padding - dilation * (kernel - 1) - 1) // stride + 1]`, rounded
    up with `ceil = true`; `stride` is the kernel's size by default.  Padding counts only with
    `count_include_pad = true`.  ONNX: AveragePool.

        h = x |> avg_pool1d(2)
    """

    rank = 1
    kernel: Single
    stride: Single | None = None
    padding: Padding1 = NO_PADDING_1
    dilation: Single = (1,)


@operation("avg_pool2d")
@dataclass(frozen=True)
class AvgPool2d(AvgPool):
    """Average of each window of an image.

    x `[N, C, H, W]` gives `[N, C, H', W']`, `H' = (H + padding - dilation * (kernel - 1) - 1) //
    stride + 1`, `W'` alike, rounded up with `ceil = true` (a window that would start in the
    padding at the end is left out); `stride` is the kernel's size by default.  Padding counts only
    with `count_include_pad = true`.  ONNX: AveragePool.

        h = x |> avg_pool2d(2)
    """

    rank = 2
    kernel: Pair
    stride: Pair | None = None
    padding: Padding2 = NO_PADDING_2
    dilation: Pair = (1, 1)


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
    dilation: Triple = (1, 1, 1)


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


@dataclass(frozen=True)
class AdaptivePool2d(Op):
    """Windows that cover each axis, as many as `size` says, and overlap where they must."""

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
        for axis, output in enumerate(self.size, 2):
            if output > 1:
                known(x.shape[axis], f"the size of axis {axis}")
        return x.with_shape(*x.shape[:2], *self.size)

    def is_even(self, x: TensorType) -> bool:
        """Whether the windows are equal and do not overlap."""
        pairs = zip(self.size, x.shape[2:], strict=True)
        return all(output == 1 or size % output == 0 for output, size in pairs)

    def windows(self, x: TensorType) -> tuple[Size, Size]:
        """Kernel and stride along both axes, where windows are equal."""
        height, width = x.shape[2:]
        return height // self.size[0], width // self.size[1]

    def whole(self) -> tuple[int, ...]:
        """The axes of which one element is left; they may be of any size."""
        return tuple(axis for axis, size in enumerate(self.size, 2) if size == 1)

    def reference(self, x: Array) -> Array:
        for axis, output in enumerate(self.size, 2):
            ends = [adaptive_window(i, x.shape[axis], output) for i in range(output)]
            parts = [self._pooled(_strided(x, axis, *pair, 1), axis) for pair in ends]
            x = np.concatenate(parts, axis)
        return x

    def _pooled(self, x: Array, axis: int) -> Array:
        raise NotImplementedError(type(self).__name__)


def adaptive_window(index: int, size: int, outputs: int) -> tuple[int, int]:
    """Begin and end of one of the windows that cover an axis."""
    return index * size // outputs, -(-(index + 1) * size // outputs)


@operation("adaptive_avg_pool2d")
class AdaptiveAvgPool2d(AdaptivePool2d):
    """Averages of windows that cover the image, as many as `size` says.

    x `[N, C, H, W]` gives `[N, C, *size]`; window i of n along H is from `i * H // n` to
    `(i + 1) * H / n` rounded up.  H and W must be known (along an axis of `size` 1 they may be
    any).  ONNX: AveragePool of equal windows, GlobalAveragePool for size 1, else ReduceMeans.

        h = x |> adaptive_avg_pool2d(7)
    """

    def _pooled(self, x: Array, axis: int) -> Array:
        return np.asarray(x.mean(axis, keepdims=True))


@operation("adaptive_max_pool2d")
class AdaptiveMaxPool2d(AdaptivePool2d):
    """Greatest values of windows that cover the image, as many as `size` says.

    x `[N, C, H, W]` gives `[N, C, *size]`; windows and sizes as of `adaptive_avg_pool2d`.
    ONNX: MaxPool of equal windows, GlobalMaxPool for size 1, else ReduceMaxes.

        h = x |> adaptive_max_pool2d([2, 3])
    """

    elements = Elements.SELECTED

    def _pooled(self, x: Array, axis: int) -> Array:
        return np.asarray(x.max(axis, keepdims=True))
