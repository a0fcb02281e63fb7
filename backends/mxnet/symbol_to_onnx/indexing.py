"""Elements by index.  MXNet's indices may be floats; those out of range are clipped, or wrap."""

from __future__ import annotations

import numpy as np

from .builder import Tensor
from .registry import Node, converts
from .shape import flattened
from .sizes import concatenated, size, size_vector


def _integers(node: Node, tensor: Tensor) -> str:
    """Indices in int64."""
    return node.cast(tensor.name, tensor.dtype, np.int64)


def _within(node: Node, indices: str, data: Tensor, axis: int, mode: str) -> str:
    """int64 indices made valid for the axis, as `mode` says."""
    if mode == "raise":
        return indices
    length = data.shape[axis].constant
    if mode == "wrap":
        count = node.vector(length) if length else size(node, data.shape[axis], [data])
        return node.emit("Mod", [indices, count])
    if mode != "clip":
        node.refuse(f"mode={mode} has no conversion")
    if length is not None:
        bounds = [node.scalar(0, np.int64), node.scalar(length - 1, np.int64)]
        return node.emit("Clip", [indices, *bounds])
    last = node.emit("Sub", [size(node, data.shape[axis], [data]), node.vector(1)])
    return node.emit("Min", [node.emit("Max", [indices, node.vector(0)]), last])


@converts("Embedding", irrelevant=("input_dim", "output_dim", "sparse_grad"))
def _embedding(node: Node) -> str:
    node.text("dtype", "None")
    indices, weight = node.inputs
    valid = _within(node, _integers(node, indices), weight, 0, "clip")
    return node.emit("Gather", [weight.name, valid], axis=0)


@converts("take")
def _take(node: Node) -> str:
    data, indices = node.inputs
    axis, mode = node.axis(default=0), node.text("mode", "clip")
    values = node.constant(1)
    length = data.shape[axis].constant
    if values is not None and length is not None and mode != "raise":
        whole = values.astype(np.int64)
        whole = whole % length if mode == "wrap" else whole.clip(0, length - 1)
        return node.emit("Gather", [data.name, node.graph.constant(whole)], axis=axis)
    valid = _within(node, _integers(node, indices), data, axis, mode)
    return node.emit("Gather", [data.name, valid], axis=axis)


@converts("pick")
def _pick(node: Node) -> str:
    """One element along the axis for each index; the axis may be kept in the indices as 1."""
    data, indices = node.inputs
    index = _integers(node, indices)
    mode, keep = node.text("mode", "clip"), node.flag("keepdims")
    axis_or_none = -1 if "axis" not in node.symbol.attributes else node.optional_integer("axis")
    if axis_or_none is None:
        flat = flattened(node, data)
        valid = _within(node, index, flat, 0, mode)
        return node.emit("Gather", [flat.name, valid], axis=0)
    node.text("axis", "-1")
    axis = axis_or_none % data.rank
    if indices.rank < data.rank:
        index = node.emit("Unsqueeze", [index, node.vector(axis)])
    valid = _within(node, index, data, axis, mode)
    picked = node.emit("GatherElements", [data.name, valid], axis=axis)
    if keep:
        return picked
    if data.rank == 1:
        return picked
    return node.emit("Squeeze", [picked, node.vector(axis)])


@converts("one_hot")
def _one_hot(node: Node) -> str:
    """Compared with 0..depth: an index out of range gives a row without a hit, as in MXNet."""
    dtype, depth = node.outputs[0].dtype, node.integer("depth")
    on, off = node.real("on_value", 1.0), node.real("off_value", 0.0)
    node.text("dtype", "float32")
    index = node.emit("Unsqueeze", [_integers(node, node.x), node.vector(node.x.rank)])
    hit = node.emit("Equal", [index, node.vector(*range(depth))])
    if (on, off) == (1.0, 0.0):
        return node.cast(hit, np.bool_, dtype)
    return node.emit("Where", [hit, node.scalar(on, dtype), node.scalar(off, dtype)])


def _index_tuples(node: Node, indices: Tensor) -> str:
    """MXNet's [axes, ...] as ONNX's [..., axes]."""
    order = [*range(1, indices.rank), 0]
    return node.emit("Transpose", [_integers(node, indices)], perm=order)


@converts("gather_nd")
def _gather_nd(node: Node) -> str:
    return node.emit("GatherND", [node.x.name, _index_tuples(node, node.inputs[1])])


@converts("scatter_nd", irrelevant=("shape",))
def _scatter_nd(node: Node) -> str:
    """Into zeros."""
    data, indices = node.inputs
    wanted = node.outputs[0].shape
    target = node.emit("Expand", [node.scalar(0, data.dtype), size_vector(node, wanted, [])])
    return node.emit("ScatterND", [target, _index_tuples(node, indices), data.name])


@converts("shape_array")
def _shape_array(node: Node) -> str:
    return node.emit("Shape", node.names)


@converts("size_array")
def _size_array(node: Node) -> str:
    return concatenated(
        node, [node.emit("Reshape", [node.emit("Size", node.names), node.vector(1)])]
    )


@converts("_contrib_index_copy")
def _index_copy(node: Node) -> str:
    """Rows put at their places."""
    rows, indices, updates = node.inputs
    places = node.emit("Unsqueeze", [_integers(node, indices), node.vector(1)])
    return node.emit("ScatterND", [rows.name, places, updates.name])
