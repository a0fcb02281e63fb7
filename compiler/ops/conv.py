"""Convolutions of one, two and three spatial axes.

Transposed ones are in `conv_transpose`; all are named here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from tercet.compiler import dims
from tercet.compiler.dims import Size
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import operation
from tercet.compiler.ops.conv_base import AnyConvolution
from tercet.compiler.ops.conv_transpose import (
    ConvTranspose,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
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
    output_size,
    same_padding,
    windows_of,
)
from tercet.compiler.types import Shape, TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array

__all__ = [
    "AnyConvolution",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "Convolution",
]


class Convolution(AnyConvolution):
    """Convolution of any rank; weight [channels, in / groups, *kernel]."""

    def pads(self, sizes: Shape) -> Pads:
        if self.padding != "same":
            return cast(Pads, self.padding)
        return tuple(map(same_padding, sizes, self.extents, self.stride))

    def output_sizes(self, sizes: Shape) -> Shape:
        if self.padding == "same":  # known even where the padding is not
            return tuple((n - 1) // s + 1 for n, s in zip(sizes, self.stride, strict=True))
        return tuple(map(output_size, sizes, self.extents, self.stride, self.pads(sizes)))

    def weight_shape(self, inputs: int) -> tuple[int, ...]:
        return (self.channels, inputs // self.groups, *self.kernel)

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> Size:
        (x,) = inputs
        assert x is not None
        per_value = x.shape[1] // self.groups * math.prod(self.kernel)
        return 2 * per_value * dims.product(outputs[0].shape)

    def _apply(self, x: Array, weight: Array, pads: Pads) -> Array:
        if any(map(any, pads)):
            x = np.pad(x, ((0, 0), (0, 0), *pads))
        view = windows_of(x, self.kernel, self.stride, self.dilation)
        sizes = view.shape[2 + self.rank :]
        columns = view.reshape(len(x), self.groups, weight[0].size, math.prod(sizes))
        matrices = weight.reshape(self.groups, -1, weight[0].size)
        y: Array = (matrices @ columns).reshape(len(x), self.channels, *sizes)
        return y


@operation("conv1d")
@dataclass(frozen=True)
class Conv1d(Convolution):
    """Convolution along one axis (cross-correlation, as in every framework).

    x `[N, C, L]` gives `[N, channels, (L + padding - dilation * (kernel - 1) - 1) // stride + 1]`;
    weight `[channels, C / groups, kernel]`, bias `[channels]`.  ONNX: Conv.  Initial weight:
    he_uniform.  `padding` is a number, (begin, end) pairs, "valid" or "same" (SAME_UPPER).

        h = x |> conv1d(32, 5, padding = 2)
    """

    rank = 1
    kernel: Single
    stride: Single = (1,)
    padding: Padding1 = NO_PADDING_1
    dilation: Single = (1,)


@operation("conv2d")
@dataclass(frozen=True)
class Conv2d(Convolution):
    """Convolution over images (cross-correlation, as in every framework).

    x `[N, C, H, W]` gives `[N, channels, H', W']` where
    `H' = (H + padding - dilation * (kernel - 1) - 1) // stride + 1`, `W'` alike;
    weight `[channels, C / groups, kernel, kernel]`, bias `[channels]`.  ONNX: Conv.  Initial
    weight: he_uniform.  `padding` is a number, one per axis, (begin, end) pairs, "valid" or "same"
    (SAME_UPPER); `groups = C` makes it depthwise.

        h = x |> conv2d(64, 3, stride = 2, padding = 1, bias = false)
    """

    rank = 2
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Padding2 = NO_PADDING_2
    dilation: Pair = (1, 1)


@operation("conv3d")
@dataclass(frozen=True)
class Conv3d(Convolution):
    """Convolution over volumes (cross-correlation, as in every framework).

    x `[N, C, D, H, W]` gives `[N, channels, D', H', W']`, each size as in `conv2d`;
    weight `[channels, C / groups, kernel, kernel, kernel]`, bias `[channels]`.  ONNX: Conv.
    Initial weight: he_uniform.

        h = x |> conv3d(16, 3, padding = "same")
    """

    rank = 3
    kernel: Triple
    stride: Triple = (1, 1, 1)
    padding: Padding3 = NO_PADDING_3
    dilation: Triple = (1, 1, 1)
