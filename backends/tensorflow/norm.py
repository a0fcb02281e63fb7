"""Normalisation and dropout in Keras."""

from __future__ import annotations

from tercet.backends.tensorflow.facts import Facts
from tercet.backends.tensorflow.initial import initializer
from tercet.backends.tensorflow.target import TRAINING, Placed, construct, layers, lower, tf
from tercet.codegen.expr import Expr, Helper, Made, default
from tercet.compiler.graph.ir import Layer
from tercet.compiler.initializers import Ones
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
    TrailingNorm,
)
from tercet.compiler.types import DType


def _initializers(layer: Layer) -> dict[str, object]:
    """How gamma and beta start, or that there is none."""
    there = {parameter.name: parameter for parameter in layer.parameters}
    found: dict[str, object] = {}
    for name, switch, keyword, usual in (
        ("weight", "scale", "gamma_initializer", "ones"),
        ("bias", "center", "beta_initializer", "zeros"),
    ):
        if name in there:
            found[keyword] = default(initializer(there[name]), usual)
        else:
            found[switch] = False
    return found


@construct(BatchNorm)
def _batch_norm(op: BatchNorm, layer: Layer, facts: Facts) -> Expr:
    settings = {"momentum": op.momentum, "epsilon": op.eps}
    return layers.BatchNormalization(**settings, **_initializers(layer))


@construct(GroupNorm)
def _group_norm(op: GroupNorm, layer: Layer, facts: Facts) -> Expr:
    return layers.GroupNormalization(op.groups, epsilon=op.eps, **_initializers(layer))


@construct(InstanceNorm)
def _instance_norm(op: InstanceNorm, layer: Layer, facts: Facts) -> Expr:
    return layers.GroupNormalization(-1, epsilon=op.eps, **_initializers(layer))


@construct(LayerNorm)
def _layer_norm(op: LayerNorm, layer: Layer, facts: Facts) -> Expr:
    axis = default(_axis(op, layer), -1)
    return layers.LayerNormalization(axis=axis, epsilon=op.eps, **_initializers(layer))


_OTHER_START = lower.limit("with an `init`", "Keras' RMSNormalization starts with ones", RMSNorm)


@construct(RMSNorm)
def _rms_norm(op: RMSNorm, layer: Layer, facts: Facts) -> Expr:
    if layer.parameter("weight").init != Ones():
        raise _OTHER_START.refusal()
    return layers.RMSNormalization(axis=default(_axis(op, layer), -1), epsilon=op.eps)


def _axis(op: TrailingNorm, layer: Layer) -> int | list[int]:
    """The normalised axes as Keras takes them, counted from the end."""
    count = op.count(layer.input)
    return -1 if count == 1 else list(range(-count, 0))


@construct(Dropout)
def _dropout(op: Dropout, layer: Layer, facts: Facts) -> Expr:
    return layers.Dropout(op.rate)


@construct.exact(ChannelDropout, StochasticDepth)
def _exact_whole_dropout(op: ChannelDropout | StochasticDepth, layer: Layer, facts: Facts) -> Expr:
    return Helper("Dropout")(op.rate, axes=2 if isinstance(op, ChannelDropout) else 1)


@construct.exact(Dropout)
def _exact_dropout(op: Dropout, layer: Layer, facts: Facts) -> Expr:
    return Helper("Dropout")(op.rate)


@lower.exact(Dropout, ChannelDropout, StochasticDepth)
def _apply_exact_dropout(op: object, at: Placed, x: Expr) -> Expr:
    return Made()(x, channels_last=default(at.last, False), **TRAINING)


@construct(ChannelDropout)
def _channel_dropout(op: ChannelDropout, layer: Layer, facts: Facts) -> Expr:
    """Channels are last here."""
    rank = layer.input.rank
    if rank == 2:
        return layers.Dropout(op.rate)
    if rank == 3:
        return layers.SpatialDropout1D(op.rate)
    return layers.Dropout(op.rate, noise_shape=(None, *(1,) * (rank - 2), None))


@construct(StochasticDepth)
def _stochastic_depth(op: StochasticDepth, layer: Layer, facts: Facts) -> Expr:
    return layers.Dropout(op.rate, noise_shape=(None, *(1,) * (layer.input.rank - 1)))


@lower(BatchNorm, Dropout, ChannelDropout, StochasticDepth)
def _apply_trained(op: object, at: Placed, x: Expr) -> Expr:
    return Made()(x, **TRAINING)


@lower(GroupNorm, InstanceNorm, LayerNorm, RMSNorm)
def _apply(op: object, at: Placed, x: Expr) -> Expr:
    return Made()(x)


@lower(LocalResponseNorm)
def _local_response_norm(op: LocalResponseNorm, at: Placed, x: Expr) -> Expr:
    if at.type(0).dtype in (DType.F64, DType.BF16):
        return _written_out(op, x)
    settings = {"bias": op.k, "alpha": op.alpha / op.size, "beta": op.beta}
    return tf.nn.local_response_normalization(x, op.size // 2, **settings)


@lower.exact(LocalResponseNorm)  # TensorFlow's takes no float64
def _exact_local_response_norm(op: LocalResponseNorm, at: Placed, x: Expr) -> Expr:
    return _written_out(op, x)


def _written_out(op: LocalResponseNorm, x: Expr) -> Expr:
    return Helper("local_response_norm")(x, op.size, op.alpha, op.beta, op.k)
