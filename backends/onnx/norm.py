"""Normalisation layers in ONNX; group and RMS normalisation are written out for opset 17."""

from __future__ import annotations

from tercet.backends.onnx.builder import Context, lower
from tercet.compiler.lazy import np
from tercet.compiler.ops.norm import (
    BatchNorm,
    ChannelDropout,
    Dropout,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    LocalResponseNorm,
    RMSNorm,
    StochasticDepth,
)
from tercet.compiler.types import Shape


@lower(BatchNorm)
def _batch_norm(op: BatchNorm, c: Context) -> str:
    channels = c.type.shape[1:2]
    affine = _parameter_or(c, "weight", 1, channels), _parameter_or(c, "bias", 0, channels)
    running = map(c.parameter, ("running_mean", "running_var"))
    return c.node("BatchNormalization", c.x, *affine, *running, epsilon=op.eps)


def _parameter_or(c: Context, name: str, value: float, shape: Shape) -> str:
    """A parameter, or where the layer has none a constant."""
    if c.has(name):
        return c.parameter(name)
    sizes = tuple(size for size in shape if isinstance(size, int))
    return c.constant(np.full(sizes, value, dtype=c.type.dtype.numpy_name), c.type.dtype)


@lower(LayerNorm)
def _layer_norm(op: LayerNorm, c: Context) -> str:
    axis = -op.count(c.type)
    weight = _parameter_or(c, "weight", 1, c.type.shape[axis:])
    bias = c.parameter("bias") if c.has("bias") else None
    return c.node("LayerNormalization", c.x, weight, bias, axis=axis, epsilon=op.eps)


@lower(InstanceNorm)
def _instance_norm(op: InstanceNorm, c: Context) -> str:
    weight, bias = c.parameter("weight"), c.parameter("bias")
    return c.node("InstanceNormalization", c.x, weight, bias, epsilon=op.eps)


@lower(GroupNorm)
def _group_norm(op: GroupNorm, c: Context) -> str:
    """Each group is a channel of InstanceNormalization; weight and bias follow per channel."""
    dtype = c.type.dtype
    ones = c.constant(np.ones(op.groups, dtype=dtype.numpy_name), dtype)
    zeros = c.constant(np.zeros(op.groups, dtype=dtype.numpy_name), dtype)
    grouped = c.node("Reshape", c.x, c.ints(0, op.groups, -1))
    normal = c.node("InstanceNormalization", grouped, ones, zeros, epsilon=op.eps)
    y = c.node("Reshape", normal, c.shape_of(c.x, c.type))
    scaled = c.node("Mul", y, c.per_channel(c.parameter("weight")))
    return c.node("Add", scaled, c.per_channel(c.parameter("bias")))


@lower(RMSNorm)
def _rms_norm(op: RMSNorm, c: Context) -> str:
    axes = list(range(-op.count(c.type), 0))
    square = c.node("ReduceMean", c.node("Mul", c.x, c.x), axes=axes, keepdims=1)
    root = c.node("Sqrt", c.node("Add", square, c.scalar(op.eps)))
    return c.node("Mul", c.node("Div", c.x, root), c.parameter("weight"))


@lower(Dropout, ChannelDropout, StochasticDepth)
def _dropout(op: object, c: Context) -> str:
    """The file is for inference, where dropout does nothing."""
    return c.x


@lower(LocalResponseNorm)
def _local_response_norm(op: LocalResponseNorm, c: Context) -> str:
    return c.node("LRN", c.x, size=op.size, alpha=op.alpha, beta=op.beta, bias=op.k)
