"""Transposed convolutions of one, two and three spatial axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from tercet.compiler import dims
from tercet.compiler.dims import Size
from tercet.compiler.errors import OpError, require
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import operation
from tercet.compiler.ops.checks import require_at_least
from tercet.compiler.ops.conv_base import AnyConvolution
from tercet.compiler.ops.windows import (
    NO_PADDING_1,
    NO_PADDING_2,
    NO_PADDING_3,
    Padding1,
    Padding2,
    Padding3,
    Pads,
    Pair,
    Single,
    Triple,
    require_axes,
)
from tercet.compiler.types import Shape, TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


@dataclass(frozen=True)
class ConvTranspose(AnyConvolution):
    """Transposed convolution of any rank; weight [in, channels / groups, *kernel]."""

    output_padding: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        require_axes(self.output_padding, self.rank, "output_padding")
        require_at_least(0, self.output_padding, "output_padding")
        for extra, stride, dilation in zip(
            self.output_padding, self.stride, self.dilation, strict=True
        ):
            message = "`output_padding` must be below the stride or the dilation"
            require(extra < max(stride, dilation), "output_padding", message)
        if self.padding == "same":
            message = '"same" padding needs a kernel that spans at least the stride'
            require(all(total >= 0 for total in self._same_totals), "padding", message)

    @property
    def _same_totals(self) -> tuple[int, ...]:
        triples = zip(self.extents, self.stride, self.output_padding, strict=True)
        return tuple(window - stride + extra for window, stride, extra in triples)

    def pads(self, sizes: Shape) -> Pads:
        if self.padding != "same":
            return cast(Pads, self.padding)
        return tuple((total // 2, total - total // 2) for total in self._same_totals)

    def _full_sizes(self, sizes: Shape) -> Shape:
        """Spatial sizes of the output before `padding` is cut off."""
        axes = zip(sizes, self.stride, self.extents, self.output_padding, strict=True)
        return tuple(stride * (n - 1) + window + extra for n, stride, window, extra in axes)

    def output_sizes(self, sizes: Shape) -> Shape:
        full = self._full_sizes(sizes)
        return tuple(n - sum(pads) for n, pads in zip(full, self.pads(sizes), strict=True))

    def weight_shape(self, inputs: int) -> tuple[int, ...]:
        return (inputs, self.channels // self.groups, *self.kernel)

    def _require_output(self, x: TensorType, sizes: Shape) -> None:
        for axis, (size, full) in enumerate(
            zip(sizes, self._full_sizes(x.shape[2:]), strict=True), 2
        ):
            if dims.less_equal(size, 0):
                raise OpError(
                    "E0311",
                    f"the output would be empty: padding cuts off all {full} cells of axis {axis}",
                    operand=0,
                    attribute="padding",
                )

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> Size:
        (x,) = inputs
        assert x is not None
        return 2 * (self.channels // self.groups) * math.prod(self.kernel) * dims.product(x.shape)

    def _apply(self, x: Array, weight: Array, pads: Pads) -> Array:
        sizes = x.shape[2:]
        matrices = weight.reshape(self.groups, -1, weight[0].size).transpose(0, 2, 1)
        columns = matrices @ x.reshape(len(x), self.groups, -1, math.prod(sizes))
        columns = columns.reshape(len(x), self.channels, *self.kernel, *sizes)
        full_sizes = cast(tuple[int, ...], self._full_sizes(sizes))
        full = np.zeros((len(x), self.channels, *full_sizes), dtype=columns.dtype)
        every = (slice(None), slice(None))
        for offset in np.ndindex(*self.kernel):
            axes = zip(offset, self.dilation, self.stride, sizes, strict=True)
            cells = tuple(slice(k * d, k * d + s * (n - 1) + 1, s) for k, d, s, n in axes)
            full[every + cells] += columns[every + offset]
        kept = tuple(slice(b, n - e) for n, (b, e) in zip(full_sizes, pads, strict=True))
        y: Array = full[every + kept]
        return y


@operation("conv_transpose1d")
@dataclass(frozen=True)
class ConvTranspose1d(ConvTranspose):
    """Transposed convolution along one axis: the gradient of `conv1d` with respect to its input.

    x `[N, C, L]` gives `[N, channels, L']` where
    `L' = stride * (L - 1) + dilation * (kernel - 1) + 1 + output_padding - padding`;
    weight `[C, channels / groups, kernel]`, bias `[channels]`.  ONNX: ConvTranspose.  Initial
    weight: he_uniform.  `padding` cuts cells off the output; "same" gives `stride * L`.

        h = x |> conv_transpose1d(32, 4, stride = 2, padding = 1)
    """

    rank = 1
    kernel: Single
    stride: Single = (1,)
    padding: Padding1 = NO_PADDING_1
    dilation: Single = (1,)
    output_padding: Single = (0,)


@operation("conv_transpose2d")
@dataclass(frozen=True)
class ConvTranspose2d(ConvTranspose):
    """Transposed convolution over images: the gradient of `conv2d` with respect to its input.

    x `[N, C, H, W]` gives `[N, channels, H', W']` where
    `H' = stride * (H - 1) + dilation * (kernel - 1) + 1 + output_padding - padding`, `W'` alike;
    weight `[C, channels / groups, kernel, kernel]`, bias `[channels]`.  ONNX: ConvTranspose.
    Initial weight: he_uniform, with the fans of the mirrored convolution as in all frameworks.
    `padding` cuts cells off the output; "same" gives `stride * H`.

        h = x |> conv_transpose2d(16, 2, stride = 2)
    """

    rank = 2
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Padding2 = NO_PADDING_2
    dilation: Pair = (1, 1)
    output_padding: Pair = (0, 0)


@operation("conv_transpose3d")
@dataclass(frozen=True)
class ConvTranspose3d(ConvTranspose):
    """Transposed convolution over volumes: the gradient of `conv3d` with respect to its input.

    x `[N, C, D, H, W]` gives `[N, channels, D', H', W']`, each size as in `conv_transpose2d`;
    weight `[C, channels / groups, kernel, kernel, kernel]`, bias `[channels]`.  ONNX:
    ConvTranspose.  Initial weight: he_uniform.

        h = x |> conv_transpose3d(8, 2, stride = 2)
    """

    rank = 3
    kernel: Triple
    stride: Triple = (1, 1, 1)
    padding: Padding3 = NO_PADDING_3
    dilation: Triple = (1, 1, 1)
    output_padding: Triple = (0, 0, 0)
