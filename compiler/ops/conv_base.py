"""What convolutions and transposed convolutions have in common."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from tercet.compiler.errors import OpError, require
from tercet.compiler.initializers import HeUniform, Zeros
from tercet.compiler.ops.base import (
    Elements,
    InTraining,
    LayerOp,
    Layout,
    Operand,
    ParameterSpec,
    Requirement,
    require_float,
)
from tercet.compiler.ops.checks import known, require_at_least, require_rank
from tercet.compiler.ops.sizes import at_least_one
from tercet.compiler.ops.windows import (
    AnyPadding,
    Pads,
    extent,
    require_axes,
    require_output,
    require_padding,
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
