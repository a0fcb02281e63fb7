"""Pooling in one to three dimensions, floor mode, and adaptive average pooling."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .conv import CHANNELS_FIRST, per_axis
from .registry import Node, converts


@converts("Pooling", irrelevant=("cudnn_off", "kernel", "stride", "pad", "pooling_convention"))
def _pooling(node: Node) -> str:
    node.expect("layout", *CHANNELS_FIRST)
    kind = node.text("pool_type", "max")
    include_padding = node.text("count_include_pad", "None") not in ("False", "0")
    power = node.optional_integer("p_value")
    if node.flag("global_pool"):
        return _global(node, kind, power)
    if node.text("pooling_convention", "valid") != "valid":
        node.refuse("only pooling_convention=valid (floor mode) has a conversion")
    axes = node.x.rank - 2
    kernel = list(node.integers("kernel"))
    window = {
        "kernel_shape": kernel,
        "strides": per_axis(node.integers("stride"), axes, 1),
        "pads": per_axis(node.integers("pad"), axes, 0) * 2,
    }
    match kind:
        case "max":
            return node.emit("MaxPool", node.names, **window)
        case "avg":
            counted = int(include_padding)
            return node.emit("AveragePool", node.names, count_include_pad=counted, **window)
        case "sum":
            mean = node.emit("AveragePool", node.names, count_include_pad=1, **window)
            return node.emit("Mul", [mean, node.scalar(math.prod(kernel))])
        case "lp":
            return node.emit("LpPool", node.names, p=power, **window)
    return node.refuse(f"pool_type={kind} has no conversion")


def _global(node: Node, kind: str, power: int | None) -> str:
    match kind:
        case "max":
            return node.emit("GlobalMaxPool", node.names)
        case "avg":
            return node.emit("GlobalAveragePool", node.names)
        case "sum":
            spatial = node.vector(*range(2, node.x.rank))
            return node.emit("ReduceSum", [node.x.name, spatial], keepdims=1)
        case "lp":
            return node.emit("GlobalLpPool", node.names, p=power)
    return node.refuse(f"pool_type={kind} has no conversion")


@converts("_contrib_AdaptiveAvgPooling2D")
def _adaptive_average_pooling(node: Node) -> str:
    """Windows differ in size: a product with a matrix of weights for each axis."""
    target = node.integers("output_size") or (1,)
    height, width = target * 2 if len(target) == 1 else target
    if (height, width) == (1, 1):
        return node.emit("GlobalAveragePool", node.names)
    rows, columns = (extent.constant for extent in node.x.shape[2:])
    if rows is None or columns is None:
        node.refuse("adaptive pooling of a symbolic dimension has no conversion")
    left = node.graph.constant(_means(rows, height).astype(node.x.dtype))
    right = node.graph.constant(_means(columns, width).T.astype(node.x.dtype))
    return node.emit("MatMul", [node.emit("MatMul", [left, node.x.name]), right])


def _means(size: int, windows: int) -> npt.NDArray[Any]:
    """[windows, size] rows, each the mean of the elements from i * size / windows to the next."""
    weights = np.zeros((windows, size))
    for window in range(windows):
        start, stop = window * size // windows, -(-(window + 1) * size // windows)
        weights[window, start:stop] = 1 / (stop - start)
    return weights
