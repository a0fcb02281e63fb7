"""Normalisations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .registry import Node, converts

_STATISTICS = ("momentum", "use_global_stats", "cudnn_off", "min_calib_range", "max_calib_range")


def _moved(node: Node, value: str, axes: Sequence[int]) -> str:
    if list(axes) == sorted(axes):
        return value
    return node.emit("Transpose", [value], perm=list(axes))


def _refuse_statistics(node: Node) -> None:
    if node.flag("output_mean_var"):
        node.refuse("output_mean_var=True has no conversion")


@converts("BatchNorm", irrelevant=_STATISTICS)
def _batch_norm(node: Node) -> str:
    """With the moving statistics; `fix_gamma` (MXNet's default) ignores gamma and takes 1."""
    _refuse_statistics(node)
    gamma, *others = node.names[1:]
    if node.flag("fix_gamma", True):
        channels = node.inputs[1].static_shape
        assert channels is not None
        gamma = node.graph.constant(np.ones(channels, node.inputs[1].dtype))
    axis = node.axis(default=1)
    axes = list(range(node.x.rank))
    axes.insert(1, axes.pop(axis))
    x = _moved(node, node.x.name, axes)
    epsilon = node.real("eps", 1e-3)
    y = node.emit("BatchNormalization", [x, gamma, *others], epsilon=epsilon)
    return _moved(node, y, [axes.index(i) for i in range(node.x.rank)])


@converts("LayerNorm")
def _layer_norm(node: Node) -> str:
    """Over one axis; ONNX's normalises the last one, so another is moved there."""
    _refuse_statistics(node)
    rank, axis = node.x.rank, node.axis(default=-1)
    axes = [i for i in range(rank) if i != axis] + [axis]
    inputs = [_moved(node, node.x.name, axes), *node.names[1:]]
    y = node.emit("LayerNormalization", inputs, axis=-1, epsilon=node.real("eps", 1e-5))
    return _moved(node, y, [axes.index(i) for i in range(rank)])


@converts("InstanceNorm")
def _instance_norm(node: Node) -> str:
    return node.emit("InstanceNormalization", node.names, epsilon=node.real("eps", 1e-3))


@converts("GroupNorm")
def _group_norm(node: Node) -> str:
    """MXNet's gamma and beta have one entry per group: that is ONNX's instance norm of groups."""
    _refuse_statistics(node)
    groups = node.integer("num_groups", 1)
    grouped = node.emit("Reshape", [node.x.name, node.vector(0, groups, -1)])
    inputs = [grouped, *node.names[1:]]
    y = node.emit("InstanceNormalization", inputs, epsilon=node.real("eps", 1e-5))
    return node.emit("Reshape", [y, node.emit("Shape", [node.x.name])])


@converts("L2Normalization")
def _l2_normalization(node: Node) -> str:
    """x / sqrt(sum x^2 + eps) over all but the batch, the channels, or the space."""
    mode = node.text("mode", "instance")
    first, last = {"instance": (1, None), "channel": (1, 2), "spatial": (2, None)}[mode]
    axes = list(range(node.x.rank))[first:last]
    total = node.emit("ReduceSumSquare", node.names, axes=axes, keepdims=1)
    norm = node.emit("Sqrt", [node.emit("Add", [total, node.scalar(node.real("eps", 1e-10))])])
    return node.emit("Div", [node.x.name, norm])


@converts("LRN")
def _local_response_norm(node: Node) -> str:
    return node.emit(
        "LRN",
        node.names,
        size=node.integer("nsize"),
        alpha=node.real("alpha", 1e-4),
        beta=node.real("beta", 0.75),
        bias=node.real("knorm", 2.0),
    )
