"""Convolution and transposed convolution in one to three dimensions, channels first."""

from __future__ import annotations

from collections.abc import Sequence

from .registry import Node, converts

CHANNELS_FIRST = ("NCW", "NCHW", "NCDHW")
_TUNING = ("num_filter", "workspace", "cudnn_tune", "cudnn_off")


def per_axis(values: Sequence[int], axes: int, default: int) -> list[int]:
    """A spatial attribute, which MXNet leaves empty for the default."""
    return list(values) if values else [default] * axes


@converts("Convolution", irrelevant=_TUNING)
def _convolution(node: Node) -> str:
    axes = node.x.rank - 2
    node.expect("layout", *CHANNELS_FIRST)
    padding = per_axis(node.integers("pad"), axes, 0)
    return node.emit(
        "Conv",
        _data_weight_bias(node, no_bias=False),
        kernel_shape=list(node.integers("kernel")),
        strides=per_axis(node.integers("stride"), axes, 1),
        dilations=per_axis(node.integers("dilate"), axes, 1),
        pads=padding * 2,
        group=node.integer("num_group", 1),
    )


def _data_weight_bias(node: Node, no_bias: bool) -> list[str]:
    return node.names[:2] if node.flag("no_bias", no_bias) else node.names[:3]


@converts("Deconvolution", irrelevant=_TUNING)
def _deconvolution(node: Node) -> str:
    axes = node.x.rank - 2
    node.expect("layout", *CHANNELS_FIRST)
    kernel = list(node.integers("kernel"))
    strides = per_axis(node.integers("stride"), axes, 1)
    dilations = per_axis(node.integers("dilate"), axes, 1)
    padding = per_axis(node.integers("pad"), axes, 0)
    adjustment = per_axis(node.integers("adj"), axes, 0)
    if any(node.integers("target_shape")):
        node.refuse("target_shape has no conversion: state pad and adj")
    return node.emit(
        "ConvTranspose",
        _data_weight_bias(node, no_bias=True),
        kernel_shape=kernel,
        strides=strides,
        dilations=dilations,
        pads=padding * 2,
        output_padding=adjustment,
        group=node.integer("num_group", 1),
    )
