"""Windows that slide over spatial axes: what convolution and pooling have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tercet.compiler import dims
from tercet.compiler.dims import Size
from tercet.compiler.errors import OpError, require
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import Padding, PerAxis
from tercet.compiler.ops.checks import require_at_least
from tercet.compiler.types import Shape, TensorType

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array

Pads = tuple[tuple[int, int], ...]
"""(begin, end) of every spatial axis."""

AnyPadding = Pads | Literal["valid", "same"]

Single = Annotated[tuple[int], PerAxis(1)]
Pair = Annotated[tuple[int, int], PerAxis(2)]
Triple = Annotated[tuple[int, int, int], PerAxis(3)]
Padding1 = Annotated[AnyPadding, Padding(1)]
Padding2 = Annotated[AnyPadding, Padding(2)]
Padding3 = Annotated[AnyPadding, Padding(3)]

NO_PADDING_1: Pads = ((0, 0),)
NO_PADDING_2: Pads = ((0, 0),) * 2
NO_PADDING_3: Pads = ((0, 0),) * 3


def require_axes(values: Sequence[object], count: int, attribute: str) -> None:
    """There is one value for each spatial axis."""
    message = f"`{attribute}` must be one value or one per axis ({count}), not {len(values)}"
    require(len(values) == count, attribute, message)


def require_padding(padding: AnyPadding, count: int) -> Pads | Literal["same"]:
    """The padding, checked, in the form that operations hold: "valid" becomes zeros."""
    if padding == "valid":
        return ((0, 0),) * count
    if isinstance(padding, str):
        message = f'`padding` must be numbers, "valid" or "same", not "{padding}"'
        require(padding == "same", "padding", message)
        return "same"
    require_axes(padding, count, "padding")
    for pair in padding:
        require_at_least(0, pair, "padding")
    return padding


def extent(kernel: int, dilation: int = 1) -> int:
    """Cells from the first to the last that a window reads."""
    return dilation * (kernel - 1) + 1


def same_padding(size: Size, window: int, stride: int) -> tuple[int, int]:
    """ONNX's SAME_UPPER, for an output of ceil(size / stride): the odd cell goes to the end.

    Raises OpError E0504 where a symbolic size leaves the padding open.
    """
    rest = (size - 1) % stride
    if not isinstance(rest, int):
        raise OpError(
            "E0504",
            f'"same" padding at stride {stride} depends on {size}, which is not known',
            attribute="padding",
            help="write the padding as numbers",
        )
    total = max(window - 1 - rest, 0)
    return total // 2, total - total // 2


def output_size(size: Size, window: int, stride: int, pads: tuple[int, int]) -> Size:
    """Number of windows: floor((size + pads - window) / stride) + 1."""
    return (size + sum(pads) - window) // stride + 1


def output_size_ceil(size: Size, window: int, stride: int, pads: tuple[int, int]) -> Size:
    """Number of windows where the last one may reach beyond the end.

    ceil((size + pads - window) / stride) + 1, without windows that would start in the padding at
    the end: ONNX's MaxPool and AveragePool with `ceil_mode = 1`.
    """
    rounded_up = (size + sum(pads) - window + stride - 1) // stride + 1
    return dims.minimum(rounded_up, (size + pads[0] - 1) // stride + 1)


def require_output(
    x: TensorType, sizes: Shape, windows: Sequence[int], pads: Sequence[tuple[int, int]]
) -> None:
    """No output axis is empty for certain.  Raises OpError E0311, which states the true sizes."""
    for axis, (size, window, (begin, end)) in enumerate(zip(sizes, windows, pads, strict=True), 2):
        if dims.less_equal(size, 0):
            padded = f" padded by {begin} + {end}" if begin or end else ""
            raise OpError(
                "E0311",
                f"the output would be empty: a window of {window} does not fit into axis {axis} "
                f"of {x}, of size {x.shape[axis]}{padded}",
                operand=0,
                help="use a smaller kernel, more padding, or a larger input",
            )


def windows_of(
    x: Array, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> Array:
    """A view [N, C, *kernel, *output] of a padded [N, C, *spatial]."""
    rank = len(kernel)
    extents = tuple(extent(k, d) for k, d in zip(kernel, dilation, strict=True))
    sliding: Any = np.lib.stride_tricks.sliding_window_view  # its stub knows one axis only
    view: Array = sliding(x, extents, axis=tuple(range(2, 2 + rank)))
    steps = tuple(slice(None, None, step) for step in (*stride, *dilation))
    view = view[(slice(None), slice(None), *steps)]
    order = (0, 1, *range(2 + rank, 2 + 2 * rank), *range(2, 2 + rank))
    return view.transpose(order)
