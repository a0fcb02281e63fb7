"""Convolutions and transposed convolutions of one, two and three spatial axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from tercet.compiler import dims
from tercet.compiler.dims import Size
from tercet.compiler.errors import OpError, require
from tercet.compiler.initializers import HeUniform, Zeros
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import (
    Elements,
    InTraining,
    LayerOp,
    Layout,
    Operand,
    ParameterSpec,
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
    extent,
    output_size,
    require_axes,
    require_output,
    require_padding,
    same_padding,
    windows_of,
)
from tercet.compiler.types import Shape, TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


@dataclass(frozen=True)
class AnyConvolution(LayerOp):
    """What convolutions and transposed convolutions of every rank share.

    `rank` is the number of spatial axes.
    """

    operands = (Operand("x"),)
    layout = Layout.SPATIAL
    elements = Elements.COMPUTED
    in_training = InTraining.SAME
    rank: ClassVar[int]

    channels: int
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: AnyPadding
    dilation: tuple[int, ...]
    groups: int = 1
    bias: bool = True

    def __post_init__(self) -> None:
        for attribute in ("kernel", "stride", "dilation"):
            value = getattr(self, attribute)
            require_axes(value, self.rank, attribute)
            require_at_least(1, value, attribute)
        require_at_least(1, self.channels, "channels")
        require_at_least(1, self.groups, "groups")
        require(
            self.channels % self.groups == 0,
            "groups",
            f"{self.channels} output channels cannot be divided into {self.groups} groups",
        )
        object.__setattr__(self, "padding", require_padding(self.padding, self.rank))

    @property
    def extents(self) -> tuple[int, ...]:
        """Cells that the kernel spans along each axis, dilation included."""
        return tuple(map(extent, self.kernel, self.dilation))

    def pads(self, sizes: Shape) -> Pads:
        """The padding as numbers, for an input of these spatial sizes.  Raises OpError."""
        raise NotImplementedError(type(self).__name__)

    def output_sizes(self, sizes: Shape) -> Shape:
        """The spatial sizes of the output for those of the input."""
        raise NotImplementedError(type(self).__name__)

    def weight_shape(self, inputs: int) -> tuple[int, ...]:
        raise NotImplementedError(type(self).__name__)

    def infer(self, x: TensorType) -> TensorType:
        require_rank(x, self.rank + 2)
        require_float(x)
        self._inputs(x)
        sizes = self.output_sizes(x.shape[2:])
        self._require_output(x, sizes)
        return x.with_shape(x.shape[0], self.channels, *sizes)

    def _require_output(self, x: TensorType, sizes: Shape) -> None:
        """No output axis is empty for certain.  Raises OpError E0311."""
        require_output(x, sizes, self.extents, self.pads(x.shape[2:]))

    def constraints(self, x: TensorType) -> tuple[Requirement, ...]:
        return at_least_one(self.output_sizes(x.shape[2:]))

    def parameters(self, x: TensorType) -> tuple[ParameterSpec, ...]:
        shape = self.weight_shape(self._inputs(x))
        field = math.prod(self.kernel)
        fans = (shape[1] * field, shape[0] * field)
        weight = ParameterSpec(
            "weight", x.with_shape(*shape), self.init or HeUniform(), "weight", fans
        )
        if not self.bias:
            return (weight,)
        bias = ParameterSpec(
            "bias", x.with_shape(self.channels), self.bias_init or Zeros(), "bias", fans
        )
        return weight, bias

    def _inputs(self, x: TensorType) -> int:
        inputs = known(x.shape[1], "the number of input channels")
        if inputs % self.groups:
            raise OpError(
                "E0312",
                f"{inputs} input channels cannot be divided into {self.groups} groups",
                operand=0,
                attribute="groups",
            )
        return inputs

    def reference(self, x: Array, weight: Array, bias: Array | None = None) -> Array:
        y = self._apply(x, weight, self.pads(x.shape[2:]))
        return y if bias is None else y + bias.reshape(-1, *(1,) * self.rank)

    def _apply(self, x: Array, weight: Array, pads: Pads) -> Array:
        raise NotImplementedError(type(self).__name__)


# ------------------------------------------------------------------------------------------- plain


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


# -------------------------------------------------------------------------------------- transposed


@dataclass(frozen=True)
class ConvTranspose(AnyConvolution):
    """Transposed convolution of any rank; weight [in, channels / groups, *kernel]."""

    output_padding: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        require_axes(self.output_padding, self.rank, "output_padding")
        require_at_least(0, self.output_padding, "output_padding")
        for extra, stride in zip(self.output_padding, self.stride, strict=True):
            # ONNX also allows it up to the dilation, but ONNX Runtime does not run that
            message = (
                f"`output_padding` must be below the stride, and {extra} is not below {stride}"
            )
            require(extra < stride, "output_padding", message)
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
