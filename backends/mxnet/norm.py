"""Normalisation and dropout in MXNet."""

from __future__ import annotations

from collections.abc import Mapping

from tercet.backends.mxnet.initial import initial
from tercet.backends.mxnet.target import F, construct, lower, nn
from tercet.codegen.expr import Call, Expr, Helper, Made, default
from tercet.codegen.target import Application
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
)
from tercet.compiler.types import DType

_GLUON = {"weight": "gamma_initializer", "bias": "beta_initializer"}
_HELPERS = {"weight": "weight_initializer", "bias": "bias_initializer"}


def _initial(layer: Layer, keywords: Mapping[str, str]) -> dict[str, object]:
    """Initial values other than ones and zeros, which are the defaults here."""
    ones = layer.parameter("weight").init == Ones()
    return initial(layer, **{k: v for k, v in keywords.items() if not (ones and k == "weight")})


@construct(BatchNorm)
def _batch_norm(op: BatchNorm, layer: Layer) -> Expr:
    if not op.affine:
        channels = layer.parameter("running_mean").type.shape[0]
        settings = {"momentum": default(op.momentum, 0.9), "epsilon": default(op.eps, 1e-5)}
        return Helper("PlainBatchNorm")(channels, **settings)
    return nn.BatchNorm(
        momentum=default(op.momentum, 0.9),
        epsilon=default(op.eps, 1e-5),
        **_initial(layer, _GLUON),
    )


@construct(InstanceNorm)
def _instance_norm(op: InstanceNorm, layer: Layer) -> Expr:
    if layer.parameter("weight").type.dtype is DType.F64:
        return _exact_instance_norm(op, layer)
    return nn.InstanceNorm(
        epsilon=default(op.eps, 1e-5),
        scale=True,
        **_initial(layer, _GLUON),
    )


@construct(LayerNorm)
def _layer_norm(op: LayerNorm, layer: Layer) -> Expr:
    if not (op.bias and op.affine):
        return _plain_layer_norm(op, layer)
    shape = layer.parameter("weight").type.shape
    own = _initial(layer, _GLUON)
    if len(shape) == 1:
        return nn.LayerNorm(epsilon=default(op.eps, 1e-5), **own)
    return Helper("LayerNorm")(shape, epsilon=default(op.eps, 1e-5), **own)


def _plain_layer_norm(op: LayerNorm, layer: Layer) -> Expr:
    settings: dict[str, object] = {"epsilon": default(op.eps, 1e-5)}
    if op.affine:
        settings["shape"] = layer.parameter("weight").type.shape
        settings |= _initial(layer, _GLUON)
    return Helper("PlainLayerNorm")(len(op.axes), **settings)


@construct.exact(BatchNorm)  # Gluon's has its momentum in float32
def _exact_batch_norm(op: BatchNorm, layer: Layer) -> Expr:
    made = _batch_norm(op, layer)
    assert isinstance(made, Call)
    exact = Helper("BatchNorm" if op.affine else "ExactPlainBatchNorm")
    return Call(exact, made.positional, made.keywords)


@construct.exact(LayerNorm)  # Gluon's has its epsilon in float32
def _exact_layer_norm(op: LayerNorm, layer: Layer) -> Expr:
    if not (op.bias and op.affine):
        return _plain_layer_norm(op, layer)
    shape = layer.parameter("weight").type.shape
    epsilon = default(op.eps, 1e-5)
    return Helper("LayerNorm")(shape, epsilon=epsilon, **_initial(layer, _GLUON))


@construct.exact(InstanceNorm)  # Gluon's computes in float32 only
def _exact_instance_norm(op: InstanceNorm, layer: Layer) -> Expr:
    return Helper("InstanceNorm")(
        epsilon=default(op.eps, 1e-5),
        scale=True,
        in_channels=layer.parameter("weight").type.shape[0],
        **_initial(layer, _GLUON),
    )


@construct(GroupNorm)
def _group_norm(op: GroupNorm, layer: Layer) -> Expr:
    channels = layer.parameter("weight").type.shape[0]
    own = _initial(layer, _HELPERS)
    return Helper("GroupNorm")(op.groups, channels, epsilon=default(op.eps, 1e-5), **own)


@construct(RMSNorm)
def _rms_norm(op: RMSNorm, layer: Layer) -> Expr:
    shape = layer.parameter("weight").type.shape
    own = _initial(layer, _HELPERS)
    return Helper("RMSNorm")(shape, epsilon=default(op.eps, 1e-5), **own)


@construct(Dropout)
def _dropout(op: Dropout, layer: Layer) -> Expr:
    return nn.Dropout(op.rate)


@construct.exact(ChannelDropout, StochasticDepth)
def _exact_whole_dropout(op: ChannelDropout | StochasticDepth, layer: Layer) -> Expr:
    return Helper("Dropout")(op.rate, first=2 if isinstance(op, ChannelDropout) else 1)


@construct.exact(Dropout)
def _exact_dropout(op: Dropout, layer: Layer) -> Expr:
    return Helper("Dropout")(op.rate)


@construct(ChannelDropout, StochasticDepth)
def _whole_dropout(op: ChannelDropout | StochasticDepth, layer: Layer) -> Expr:
    """The axes are those along which all goes or stays."""
    first = 2 if isinstance(op, ChannelDropout) else 1
    return nn.Dropout(op.rate, axes=default(tuple(range(first, layer.input.rank)), ()))


@lower(BatchNorm)
def _apply_batch_norm(op: BatchNorm, at: Application, x: Expr) -> Expr:
    if len(at.type(0).shape) in (3, 5):
        return Helper("normalize")(F, Made(), x)
    return Made()(x)


@lower(GroupNorm, InstanceNorm, LayerNorm, RMSNorm)
@lower(Dropout, ChannelDropout, StochasticDepth)
def _apply(op: object, at: Application, x: Expr) -> Expr:
    return Made()(x)


@lower(LocalResponseNorm)
def _local_response_norm(op: LocalResponseNorm, at: Application, x: Expr) -> Expr:
    if at.type(0).dtype is DType.F64:
        return _written_out(op, x)
    return F.LRN(x, nsize=op.size, alpha=op.alpha, beta=op.beta, knorm=op.k)


@lower.exact(LocalResponseNorm)  # MXNet's takes no float64
def _exact_local_response_norm(op: LocalResponseNorm, at: Application, x: Expr) -> Expr:
    return _written_out(op, x)


def _written_out(op: LocalResponseNorm, x: Expr) -> Expr:
    return Helper("local_response_norm")(F, x, op.size, op.alpha, op.beta, op.k)
