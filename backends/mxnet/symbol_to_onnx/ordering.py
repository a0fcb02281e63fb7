"""Sorting, the largest elements, and where they are.

MXNet gives indices as float32 unless told otherwise.
"""

from __future__ import annotations

import numpy as np

from .builder import Tensor
from .extents import Extent
from .registry import Node, converts
from .shape import flattened
from .sizes import reshape, size


def _optional_axis(node: Node, default: int | None) -> int | None:
    """The axis; None, where MXNet is told so, means all elements."""
    if "axis" not in node.symbol.attributes:
        return default
    return node.optional_integer("axis")


def _length(node: Node, extent: Extent, witness: Tensor) -> str:
    return size(node, extent, [witness])


def _top(node: Node, x: Tensor, axis: int, count: str, ascending: bool) -> list[str]:
    """Values and int64 indices."""
    return node.graph.emit_many(
        "TopK", [x.name, count], 2, axis=axis, largest=int(not ascending), sorted=1
    )


@converts("topk")
def _topk(node: Node) -> list[str]:
    axis = _optional_axis(node, -1)
    node.text("axis", "-1")
    kind, ascending = node.text("ret_typ", "indices"), node.flag("is_ascend")
    count = node.integer("k", 1)
    node.text("dtype", "float32")
    x = flattened(node, node.x) if axis is None else node.x
    position = 0 if axis is None else axis % x.rank
    number = node.vector(count) if count > 0 else _length(node, x.shape[position], x)
    values, indices = _top(node, x, position, number, ascending)
    match kind:
        case "value":
            return [values]
        case "indices":
            return [node.cast(indices, np.int64, node.outputs[0].dtype)]
        case "both":
            return [values, node.cast(indices, np.int64, node.outputs[1].dtype)]
        case "mask":
            return [_mask(node, x, position, values, indices)]
    return node.refuse(f"ret_typ={kind} has no conversion")


def _mask(node: Node, x: Tensor, axis: int, values: str, indices: str) -> str:
    """Ones at the top elements."""
    zeros, ones = (
        node.emit("Expand", [node.scalar(number, x.dtype), node.emit("Shape", [name])])
        for number, name in ((0, x.name), (1, values))
    )
    mask = node.emit("ScatterElements", [zeros, indices, ones], axis=axis)
    return reshape(node, Tensor(mask, x.dtype, x.shape), node.x.shape, [node.x])


@converts("sort", "argsort")
def _sort(node: Node) -> str:
    axis = _optional_axis(node, -1)
    node.text("axis", "-1")
    node.text("dtype", "float32")
    x = flattened(node, node.x) if axis is None else node.x
    position = 0 if axis is None else axis % x.rank
    length = _length(node, x.shape[position], x)
    values, indices = _top(node, x, position, length, node.flag("is_ascend", True))
    if node.operator == "sort":
        return values
    return node.cast(indices, np.int64, node.outputs[0].dtype)


@converts("argmax", "argmin")
def _argument(node: Node) -> str:
    """The first of equal extremes; without an axis, in all elements, shape (1,)."""
    axis, keep = node.optional_integer("axis"), node.flag("keepdims")
    x = flattened(node, node.x) if axis is None else node.x
    operator = "ArgMin" if node.operator == "argmin" else "ArgMax"
    position = 0 if axis is None else axis % x.rank
    keep_axis = keep or x.rank == 1
    index = node.emit(operator, [x.name], axis=position, keepdims=int(keep_axis))
    index = node.cast(index, np.int64, node.outputs[0].dtype)
    if axis is None and keep:
        ones = [1] * node.x.rank
        return node.emit("Reshape", [index, node.vector(*ones)])
    return index
