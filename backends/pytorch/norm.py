"""Normalisation and dropout in PyTorch."""

from __future__ import annotations

from tercet.backends.pytorch.target import DTYPES, F, construct, lower, nn
from tercet.codegen.expr import Attribute, Call, Expr, Helper, Made, default
from tercet.codegen.target import Application
from tercet.compiler.graph.ir import Layer
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

_MODULES = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}


@construct(BatchNorm)
def _batch_norm(op: BatchNorm, layer: Layer) -> Expr:
    channels = layer.parameter("running_mean").type.shape[0]
    share = round(1 - op.momentum, 12)
    return _MODULES.get(layer.input.rank, nn.BatchNorm1d)(
        channels,
        eps=default(op.eps, 1e-5),
        momentum=default(share, 0.1),
        affine=default(op.affine, True),
    )


@construct.exact(BatchNorm)
def _exact_batch_norm(op: BatchNorm, layer: Layer) -> Expr:
    match _batch_norm(op, layer):
        case Call(Attribute(_, member), positional, keywords):
            return Call(Helper(member), positional, keywords)
    raise AssertionError


@construct(GroupNorm)
def _group_norm(op: GroupNorm, layer: Layer) -> Expr:
    channels = layer.parameter("weight").type.shape[0]
    return nn.GroupNorm(op.groups, channels, eps=default(op.eps, 1e-5))


@construct(InstanceNorm)
def _instance_norm(op: InstanceNorm, layer: Layer) -> Expr:
    channels = layer.parameter("weight").type.shape[0]
    return nn.GroupNorm(channels, channels, eps=default(op.eps, 1e-5))


@construct(LayerNorm)
def _layer_norm(op: LayerNorm, layer: Layer) -> Expr:
    return nn.LayerNorm(
        _widths(op, layer),
        eps=default(op.eps, 1e-5),
        elementwise_affine=default(op.affine, True),
        bias=default(op.bias, True),
    )


@construct(RMSNorm)
def _rms_norm(op: RMSNorm, layer: Layer) -> Expr:
    return Helper("RMSNorm")(_widths(op, layer), op.eps)


def _widths(op: TrailingNorm, layer: Layer) -> object:
    shape = layer.input.shape[-op.count(layer.input) :]
    return shape[0] if len(shape) == 1 else shape


@construct(Dropout)
def _dropout(op: Dropout, layer: Layer) -> Expr:
    return nn.Dropout(op.rate)


@construct.exact(ChannelDropout, StochasticDepth)
def _exact_whole_dropout(op: ChannelDropout | StochasticDepth, layer: Layer) -> Expr:
    return Helper("Dropout")(op.rate, axes=2 if isinstance(op, ChannelDropout) else 1)


@construct.exact(Dropout)
def _exact_dropout(op: Dropout, layer: Layer) -> Expr:
    return Helper("Dropout")(op.rate)


@construct(ChannelDropout)
def _channel_dropout(op: ChannelDropout, layer: Layer) -> Expr:
    rank = layer.input.rank
    own = {2: nn.Dropout, 3: nn.Dropout1d, 4: nn.Dropout2d, 5: nn.Dropout3d}
    return own[rank](op.rate) if rank in own else Helper("WholeDropout")(op.rate, 2)


@construct(StochasticDepth)
def _stochastic_depth(op: StochasticDepth, layer: Layer) -> Expr:
    return Helper("WholeDropout")(op.rate, 1)


@lower(BatchNorm)
def _apply_batch_norm(op: BatchNorm, at: Application, x: Expr) -> Expr:
    """PyTorch's takes five axes at most; of more, all places are one axis."""
    if at.type(0).rank > max(_MODULES):
        return Made()(x.flatten(2)).reshape_as(x)
    return Made()(x)


@lower(GroupNorm, InstanceNorm, LayerNorm, RMSNorm)
@lower(Dropout, ChannelDropout, StochasticDepth)
def _apply(op: object, at: Application, x: Expr) -> Expr:
    return Made()(x)


@lower(LocalResponseNorm)
def _local_response_norm(op: LocalResponseNorm, at: Application, x: Expr) -> Expr:
    settings = {"alpha": op.alpha, "beta": op.beta, "k": op.k}
    dtype = at.type(0).dtype
    if dtype in (DType.F16, DType.BF16):  # it averages in volumes, as no CPU does in these
        return F.local_response_norm(x.float(), op.size, **settings).to(DTYPES[dtype])
    return F.local_response_norm(x, op.size, **settings)
