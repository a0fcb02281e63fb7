"""Normalisation layers and dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tercet.compiler import dims
from tercet.compiler.dims import Size
from tercet.compiler.errors import OpError, require
from tercet.compiler.initializers import Ones, Zeros
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import (
    Elements,
    InTraining,
    LayerOp,
    Layout,
    Op,
    Operand,
    ParameterSpec,
    Requirement,
    SizeCondition,
    operation,
    require_float,
)
from tercet.compiler.ops.checks import known, normalized_axis, require_at_least, require_rank
from tercet.compiler.ops.sizes import at_most
from tercet.compiler.types import TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


def _require_eps(eps: float) -> None:
    hint = "; the number of channels follows from the input" if eps >= 1 else ""
    require(0 < eps < 1, "eps", f"`eps` must be above 0 and below 1, not {eps}{hint}")


def _require_used(op: LayerOp, scaled: bool, shifted: bool) -> None:
    """An initial value is that of a parameter which there is."""
    for attribute, given, there in (
        ("init", op.init, scaled),
        ("bias_init", op.bias_init, shifted),
    ):
        message = f"`{attribute}` is given, and there is no such parameter"
        require(there or given is None, attribute, message)


def _per_channel(values: Array, x: Array) -> Array:
    """[C], ready to broadcast along axis 1 of x."""
    return values.reshape(-1, *(1,) * (x.ndim - 2))


def _standardized(x: Array, axes: tuple[int, ...], eps: float) -> Array:
    """Mean 0 and (biased) variance 1 over the axes."""
    centred = x - x.mean(axis=axes, keepdims=True)
    variance = np.square(centred).mean(axis=axes, keepdims=True)
    y: Array = centred / np.sqrt(variance + eps)
    return y


def _varies(values: Size, what: str) -> tuple[Requirement, ...]:
    """There is a deviation to divide by: of one value nothing would be left but the bias."""
    message = f"{what} of an example has one value only, of which nothing would be left"
    return at_most(2, values, OpError("E0301", message, operand=0))


class ChannelNorm(LayerOp):
    """What normalisations with one weight and bias per channel (axis 1) share.

    Of rank 2 channels come last anyway, so nothing is transposed there for this layout's sake.
    """

    operands = (Operand("x"),)
    layout = Layout.SPATIAL
    elements = Elements.COMPUTED
    in_training = InTraining.SAME
    work = 8

    def infer(self, x: TensorType) -> TensorType:
        require_float(x)
        self._channels(x)
        return x

    def parameters(self, x: TensorType) -> tuple[ParameterSpec, ...]:
        type = x.with_shape(self._channels(x))
        return (
            ParameterSpec("weight", type, self.init or Ones(), "scale"),
            ParameterSpec("bias", type, self.bias_init or Zeros(), "bias"),
        )

    def _channels(self, x: TensorType) -> int:
        require_rank(x, 2, -1)
        return known(x.shape[1], "the number of channels")


@operation("batch_norm")
@dataclass(frozen=True)
class BatchNorm(ChannelNorm):
    """Normalises each channel over the batch (Ioffe and Szegedy, 2015).

    `(x - mean) / sqrt(variance + eps) * weight + bias`, with the batch's mean and biased variance
    in training and the moving averages in inference.  In training
    `running = momentum * running + (1 - momentum) * batch`, of the biased variance too.
    x `[N, C, ...]` keeps its shape; weight, bias (neither with `affine = false`), running_mean,
    running_var `[C]`.
    ONNX: BatchNormalization.

        h = x |> conv2d(64, 3, bias = false) |> batch_norm |> relu
    """

    in_training = InTraining.STATISTICS

    work = 4  # of running statistics, which are computed already
    eps: float = 1e-5
    momentum: float = 0.9
    affine: bool = True

    def __post_init__(self) -> None:
        _require_eps(self.eps)
        _require_used(self, self.affine, self.affine)
        message = f"`momentum` must be from 0 to 1, not {self.momentum}"
        require(0 <= self.momentum <= 1, "momentum", message)

    def parameters(self, x: TensorType) -> tuple[ParameterSpec, ...]:
        type = x.with_shape(self._channels(x))
        return (
            *(super().parameters(x) if self.affine else ()),
            ParameterSpec("running_mean", type, Zeros(), "running_mean", trainable=False),
            ParameterSpec("running_var", type, Ones(), "running_var", trainable=False),
        )

    def conditions_in_training(self, x: TensorType) -> tuple[SizeCondition, ...]:
        values = dims.product((x.shape[0], *x.shape[2:]))
        return (SizeCondition((2, "<=", values), "two values per channel"),)

    def reference(
        self,
        x: Array,
        running_mean: Array,
        running_var: Array,
        weight: Array | None = None,
        bias: Array | None = None,
    ) -> Array:
        scale = (1 if weight is None else weight) / np.sqrt(running_var + self.eps)
        y: Array = (x - _per_channel(running_mean, x)) * _per_channel(scale, x)
        return y if bias is None else y + _per_channel(bias, x)


@operation("group_norm")
@dataclass(frozen=True)
class GroupNorm(ChannelNorm):
    """Normalises groups of channels of each example (Wu and He, 2018).

    `(x - mean) / sqrt(variance + eps) * weight + bias`, mean and biased variance over a group's
    channels and all positions.  x `[N, C, ...]` keeps its shape; weight and bias `[C]`.
    ONNX: GroupNormalization (opset 21), or Reshape and InstanceNormalization.

        h = x |> group_norm(8)
    """

    groups: int
    eps: float = 1e-5

    def __post_init__(self) -> None:
        require_at_least(1, self.groups, "groups")
        _require_eps(self.eps)

    def infer(self, x: TensorType) -> TensorType:
        channels = self._channels(x)
        if channels % self.groups:
            raise OpError(
                "E0312",
                f"{channels} channels cannot be divided into {self.groups} groups",
                operand=0,
                attribute="groups",
            )
        self.constraints(x)
        return super().infer(x)

    def constraints(self, x: TensorType) -> tuple[Requirement, ...]:
        return _varies(dims.product((self._channels(x) // self.groups, *x.shape[2:])), "a group")

    def reference(self, x: Array, weight: Array, bias: Array) -> Array:
        grouped = x.reshape(len(x), self.groups, -1)
        y = _standardized(grouped, (2,), self.eps).reshape(x.shape)
        return y * _per_channel(weight, x) + _per_channel(bias, x)


@operation("instance_norm")
@dataclass(frozen=True)
class InstanceNorm(ChannelNorm):
    """Normalises each channel of each example over its positions (Ulyanov et al., 2016).

    `(x - mean) / sqrt(variance + eps) * weight + bias`, mean and biased variance over all axes
    after the second.  x `[N, C, L, ...]` keeps its shape; weight and bias `[C]`.
    ONNX: InstanceNormalization.

        h = x |> instance_norm
    """

    eps: float = 1e-5

    def __post_init__(self) -> None:
        _require_eps(self.eps)

    def infer(self, x: TensorType) -> TensorType:
        require_rank(x, 3, -1)
        self.constraints(x)
        return super().infer(x)

    def constraints(self, x: TensorType) -> tuple[Requirement, ...]:
        return _varies(dims.product(x.shape[2:]), "a channel")

    def reference(self, x: Array, weight: Array, bias: Array) -> Array:
        y = _standardized(x, tuple(range(2, x.ndim)), self.eps)
        return y * _per_channel(weight, x) + _per_channel(bias, x)


@dataclass(frozen=True)
class TrailingNorm(LayerOp):
    """What normalisations over the last axes share."""

    operands = (Operand("x"),)
    layout = Layout.CANONICAL
    elements = Elements.COMPUTED
    in_training = InTraining.SAME
    work = 8

    axes: tuple[int, ...] = (-1,)
    eps: float = 1e-5

    def __post_init__(self) -> None:
        _require_eps(self.eps)
        require(bool(self.axes), "axes", "`axes` must name at least one axis")

    def count(self, x: TensorType) -> int:
        """How many trailing axes are normalised.  Raises OpError E0309."""
        help = "sizes are not written: they follow from the input"
        found = {normalized_axis(axis, x.rank, "axes", help) for axis in self.axes}
        if found != set(range(x.rank - len(self.axes), x.rank)):
            raise OpError(
                "E0309",
                f"`axes` must be the last ones of {x}, each once, not {list(self.axes)}",
                attribute="axes",
                help="transpose first, so that the normalised axes come last",
            )
        return len(self.axes)

    def infer(self, x: TensorType) -> TensorType:
        require_rank(x, 1, -1)
        require_float(x)
        self._weight_type(x)
        return x

    def _weight_type(self, x: TensorType) -> TensorType:
        sizes = x.shape[x.rank - self.count(x) :]
        return x.with_shape(*(known(size, "the size of a normalised axis") for size in sizes))

    def parameters(self, x: TensorType) -> tuple[ParameterSpec, ...]:
        return (ParameterSpec("weight", self._weight_type(x), self.init or Ones(), "scale"),)


@operation("layer_norm")
@dataclass(frozen=True)
class LayerNorm(TrailingNorm):
    """Normalises each position over its last axis or axes (Ba et al., 2016).

    `(x - mean) / sqrt(variance + eps) * weight + bias` with the biased variance over `axes`, which
    must be trailing ones of known size.  x keeps its shape; weight and bias have the sizes of
    `axes`; without bias with `bias = false`, without both with `affine = false`.
    ONNX: LayerNormalization.

        x = x + (x |> layer_norm |> dense(4 * dim) |> gelu |> dense(dim))
    """

    bias: bool = True
    affine: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_used(self, self.affine, self.affine and self.bias)

    def parameters(self, x: TensorType) -> tuple[ParameterSpec, ...]:
        type = self._weight_type(x)
        found = super().parameters(x) if self.affine else ()
        if not (self.affine and self.bias):
            return found
        return (*found, ParameterSpec("bias", type, self.bias_init or Zeros(), "bias"))

    def reference(self, x: Array, weight: Array | None = None, bias: Array | None = None) -> Array:
        axes = tuple(range(x.ndim - len(self.axes), x.ndim))
        y = _standardized(x, axes, self.eps)
        y = y if weight is None else y * weight
        return y if bias is None else y + bias


@operation("rms_norm")
class RMSNorm(TrailingNorm):
    """Divides by the root of the mean square over the last axis or axes (Zhang and Sennrich, 2019).

    `x / sqrt(mean(x ** 2) + eps) * weight`; x keeps its shape; weight has the sizes of `axes`,
    which must be trailing ones of known size.  ONNX: RMSNormalization (opset 23), or written out.

        h = x |> rms_norm(eps = 1e-6)
    """

    def reference(self, x: Array, weight: Array) -> Array:
        axes = tuple(range(x.ndim - weight.ndim, x.ndim))
        square = np.square(x).mean(axis=axes, keepdims=True)
        y: Array = x / np.sqrt(square + self.eps) * weight
        return y


@operation("local_response_norm")
@dataclass(frozen=True)
class LocalResponseNorm(Op):
    """`x / (k + alpha / size * s) ** beta`, s being the sum of the squares of the `size` channels
    around each one (Krizhevsky et al., 2012).

    x `[N, C, H, W]` keeps its shape; `size` is odd, and beyond the first and last channel there are
    zeros.  ONNX: LRN, whose `bias` is k.

        h = x |> relu |> local_response_norm(5, alpha = 1e-4, beta = 0.75, k = 2)
    """

    operands = (Operand("x"),)
    layout = Layout.SPATIAL
    elements = Elements.COMPUTED
    work = 8

    size: int
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0

    def __post_init__(self) -> None:
        require_at_least(1, self.size, "size")
        message = f"`size` must be odd, not {self.size}: frameworks differ about an even one"
        require(self.size % 2 == 1, "size", message)
        require(self.k > 0, "k", f"`k` must be positive, not {self.k}")
        require(self.alpha >= 0, "alpha", f"`alpha` must not be negative, but it is {self.alpha}")

    def infer(self, x: TensorType) -> TensorType:
        require_rank(x, 4)
        return require_float(x)

    def reference(self, x: Array) -> Array:
        half = self.size // 2
        squares = np.pad(np.square(x), ((0, 0), (half, half), (0, 0), (0, 0)))
        near = sum(squares[:, i : i + x.shape[1]] for i in range(self.size))
        y: Array = x / (self.k + self.alpha / self.size * near) ** self.beta
        return y


@dataclass(frozen=True)
class Dropping(LayerOp):
    """What layers share that set numbers to zero in training, and in inference do nothing."""

    operands = (Operand("x"),)
    elements = Elements.COMPUTED
    in_training = InTraining.RANDOM
    work = 0

    rate: float = 0.5

    def __post_init__(self) -> None:
        message = f"`rate` must be at least 0 and below 1, not {self.rate}"
        require(0 <= self.rate < 1, "rate", message)

    def infer(self, x: TensorType) -> TensorType:
        return require_float(x)

    def parameters(self, x: TensorType) -> tuple[ParameterSpec, ...]:
        return ()

    def reference(self, x: Array) -> Array:
        return x


@operation("dropout")
class Dropout(Dropping):
    """In training, sets elements to zero with probability `rate` and divides the others by
    `1 - rate` (Srivastava et al., 2014); in inference, does nothing.

    x of any shape keeps it.  ONNX: Dropout, or nothing in a file for inference.

        h = x |> dropout(0.25)
    """

    layout = Layout.AGNOSTIC


@operation("channel_dropout")
class ChannelDropout(Dropping):
    """In training, sets whole channels of an example to zero with probability `rate` and divides
    the others by `1 - rate` (Tompson et al., 2014); in inference, does nothing.

    x `[N, C, ...]` keeps its shape.  ONNX: nothing in a file for inference.

        h = x |> conv2d(64, 3) |> relu |> channel_dropout(0.1)
    """

    layout = Layout.SPATIAL

    def infer(self, x: TensorType) -> TensorType:
        require_rank(x, 2, -1)
        return require_float(x)


@operation("stochastic_depth")
class StochasticDepth(Dropping):
    """In training, sets whole examples to zero with probability `rate` and divides the others by
    `1 - rate` (Huang et al., 2016); in inference, does nothing.

    x `[N, ...]` keeps its shape.  What a shortcut goes round is left out so.  ONNX: nothing in a
    file for inference.

        h = x + (branch(x) |> stochastic_depth(0.1))
    """

    layout = Layout.AGNOSTIC

    def infer(self, x: TensorType) -> TensorType:
        require_rank(x, 1, -1)
        return require_float(x)
