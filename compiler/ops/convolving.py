"""Convolutions with a weight that is a tensor: computed, shared, normalised.

They are what layers compute; all but where the weight comes from is said by the layer's class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from tercet.compiler.dims import Size
from tercet.compiler.ops.base import (
    Elements,
    Layout,
    Op,
    Operand,
    Requirement,
    operation,
    require_float,
)
from tercet.compiler.ops.checks import (
    known,
    require_at_least,
    require_dtype,
    require_rank,
    require_shape,
)
from tercet.compiler.ops.conv import (
    AnyConvolution,
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from tercet.compiler.ops.windows import (
    NO_PADDING_1,
    NO_PADDING_2,
    NO_PADDING_3,
    AnyPadding,
    Padding1,
    Padding2,
    Padding3,
    Pair,
    Single,
    Triple,
    require_axes,
    require_padding,
)
from tercet.compiler.types import TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


@dataclass(frozen=True)
class Convolving(Op):
    """What convolutions with a given weight share; `layer` is the class of those that own one."""

    operands = (Operand("x"), Operand("weight"), Operand("bias", optional=True))
    layout = Layout.SPATIAL
    elements = Elements.COMPUTED
    layer: ClassVar[type[AnyConvolution]]

    stride: tuple[int, ...]
    padding: AnyPadding
    dilation: tuple[int, ...]
    groups: int = 1

    def __post_init__(self) -> None:
        for attribute in ("stride", "dilation"):
            require_axes(getattr(self, attribute), self.rank, attribute)
            require_at_least(1, getattr(self, attribute), attribute)
        require_at_least(1, self.groups, "groups")
        object.__setattr__(self, "padding", require_padding(self.padding, self.rank))

    @property
    def rank(self) -> int:
        return self.layer.rank

    def as_layer(self, weight: Sequence[int]) -> AnyConvolution:
        """The layer that owns a weight of this shape, without a bias.  Raises OpError."""
        return self._made(weight[0], weight)

    def _made(self, channels: int, weight: Sequence[int], **more: Any) -> AnyConvolution:
        settings: dict[str, Any] = {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
        }
        kernel = tuple(weight[2:])
        return self.layer(channels, kernel, **settings, groups=self.groups, bias=False, **more)

    def infer(
        self, x: TensorType, weight: TensorType, bias: TensorType | None = None
    ) -> TensorType:
        require_float(x)
        require_rank(x, self.rank + 2)
        require_rank(weight, self.rank + 2, operand=1)
        require_dtype(weight, x.dtype, "the weight", operand=1)
        layer = self.as_layer(_numbers(weight))
        result = layer.infer(x)
        wanted = layer.parameters(x)[0].type.shape
        require_shape(weight, wanted, f"the weight for {x}", operand=1)
        if bias is not None:
            require_dtype(bias, x.dtype, "the bias", operand=2)
            require_shape(bias, (layer.channels,), "the bias", operand=2)
        return result

    def constraints(
        self, x: TensorType, weight: TensorType, bias: TensorType | None = None
    ) -> tuple[Requirement, ...]:
        return self.as_layer(_numbers(weight)).constraints(x)

    def reference(self, x: Array, weight: Array, bias: Array | None = None) -> Array:
        return self.as_layer(weight.shape).reference(x, weight, bias)

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> Size:
        x, weight, *_ = inputs
        assert x is not None
        assert weight is not None
        return self.as_layer(_numbers(weight)).flops([x], outputs)


def _numbers(weight: TensorType) -> tuple[int, ...]:
    """The weight's shape, which must be known.  Raises OpError E0314."""
    return tuple(known(size, "a size of the weight", operand=1) for size in weight.shape)


@operation("convolve1d")
@dataclass(frozen=True)
class Convolve1d(Convolving):
    """`conv1d` with a given weight: what `conv1d(weight = w)(x)` stands for.

    x `[N, C, L]`, weight `[channels, C / groups, kernel]`, bias `[channels]` or none; the other
    arguments as of `conv1d`.  ONNX: Conv.

        h = x |> conv1d(weight = w, padding = 1)
        h = convolve1d(x, w, padding = 1)
    """

    layer = Conv1d
    stride: Single = (1,)
    padding: Padding1 = NO_PADDING_1
    dilation: Single = (1,)


@operation("convolve2d")
@dataclass(frozen=True)
class Convolve2d(Convolving):
    """`conv2d` with a given weight: what `conv2d(weight = w)(x)` stands for.

    x `[N, C, H, W]`, weight `[channels, C / groups, kernel, kernel]`, bias `[channels]` or none;
    the other arguments as of `conv2d`.  ONNX: Conv.

        standardised = (w - mean(w, axis = [1, 2, 3], keepdims = true)) / (
            std(w, axis = [1, 2, 3], keepdims = true) + 1e-5)
        h = x |> conv2d(weight = standardised, stride = 2, padding = 1)
        h = convolve2d(x, standardised, stride = 2, padding = 1)
    """

    layer = Conv2d
    stride: Pair = (1, 1)
    padding: Padding2 = NO_PADDING_2
    dilation: Pair = (1, 1)


@operation("convolve3d")
@dataclass(frozen=True)
class Convolve3d(Convolving):
    """`conv3d` with a given weight: what `conv3d(weight = w)(x)` stands for.

    x `[N, C, D, H, W]`, weight `[channels, C / groups, kernel, kernel, kernel]`, bias `[channels]`
    or none; the other arguments as of `conv3d`.  ONNX: Conv.

        h = x |> conv3d(weight = w, padding = 1)
        h = convolve3d(x, w, padding = 1)
    """

    layer = Conv3d
    stride: Triple = (1, 1, 1)
    padding: Padding3 = NO_PADDING_3
    dilation: Triple = (1, 1, 1)


# -------------------------------------------------------------------------------------- transposed


@dataclass(frozen=True)
class ConvolvingTranspose(Convolving):
    """A transposed convolution with a given weight `[C, channels / groups, *kernel]`."""

    output_padding: tuple[int, ...] = ()

    def as_layer(self, weight: Sequence[int]) -> AnyConvolution:
        more = {"output_padding": self.output_padding}
        return self._made(weight[1] * self.groups, weight, **more)


@operation("convolve_transpose1d")
@dataclass(frozen=True)
class ConvolveTranspose1d(ConvolvingTranspose):
    """`conv_transpose1d` with a given weight: what `conv_transpose1d(weight = w)(x)` stands for.

    x `[N, C, L]`, weight `[C, channels / groups, kernel]`, bias `[channels]` or none; the other
    arguments as of `conv_transpose1d`.  ONNX: ConvTranspose.

        h = x |> conv_transpose1d(weight = w, stride = 2)
        h = convolve_transpose1d(x, w, stride = 2)
    """

    layer = ConvTranspose1d
    stride: Single = (1,)
    padding: Padding1 = NO_PADDING_1
    dilation: Single = (1,)
    output_padding: Single = (0,)


@operation("convolve_transpose2d")
@dataclass(frozen=True)
class ConvolveTranspose2d(ConvolvingTranspose):
    """`conv_transpose2d` with a given weight: what `conv_transpose2d(weight = w)(x)` stands for.

    x `[N, C, H, W]`, weight `[C, channels / groups, kernel, kernel]`, bias `[channels]` or none;
    the other arguments as of `conv_transpose2d`.  ONNX: ConvTranspose.

        h = x |> conv_transpose2d(weight = w, stride = 2)
        h = convolve_transpose2d(x, w, stride = 2)
    """

    layer = ConvTranspose2d
    stride: Pair = (1, 1)
    padding: Padding2 = NO_PADDING_2
    dilation: Pair = (1, 1)
    output_padding: Pair = (0, 0)


@operation("convolve_transpose3d")
@dataclass(frozen=True)
class ConvolveTranspose3d(ConvolvingTranspose):
    """`conv_transpose3d` with a given weight: what `conv_transpose3d(weight = w)(x)` stands for.

    x `[N, C, D, H, W]`, weight `[C, channels / groups, kernel, kernel, kernel]`, bias `[channels]`
    or none; the other arguments as of `conv_transpose3d`.  ONNX: ConvTranspose.

        h = x |> conv_transpose3d(weight = w, stride = 2)
        h = convolve_transpose3d(x, w, stride = 2)
    """

    layer = ConvTranspose3d
    stride: Triple = (1, 1, 1)
    padding: Padding3 = NO_PADDING_3
    dilation: Triple = (1, 1, 1)
    output_padding: Triple = (0, 0, 0)


FUNCTIONAL: dict[type[AnyConvolution], type[Convolving]] = {
    cls.layer: cls
    for cls in (
        Convolve1d,
        Convolve2d,
        Convolve3d,
        ConvolveTranspose1d,
        ConvolveTranspose2d,
        ConvolveTranspose3d,
    )
}
"""By the class of the layers: what `weight = …` makes of a call of the kind."""
