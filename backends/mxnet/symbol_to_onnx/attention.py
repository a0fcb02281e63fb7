"""MXNet's interleaved attention products.

Queries, keys and values lie interleaved per head in the last axis of one projection,
[T, N, heads * 3 * D]; attention matrices are [N * heads, T, T].
"""

from __future__ import annotations

import numpy as np

from .builder import Tensor
from .extents import Extent, Shape
from .registry import Node, converts
from .sizes import reshape


def _constant(extent: Extent, value: int) -> Extent:
    return Extent((value,) * len(extent.values))


def _heads(node: Node, tensor: Tensor, parts: int, part: int, heads: int) -> tuple[str, Shape]:
    """One interleaved part as [N * heads, T, D]."""
    length, batch, width = tensor.shape
    if width.constant is None:
        node.refuse("a symbolic width has no conversion")
    depth = width.constant // (heads * parts)
    grouped = node.emit("Reshape", [tensor.name, node.vector(0, 0, heads, parts, depth)])
    one = node.emit("Gather", [grouped, node.graph.constant(np.array(part, np.int64))], axis=3)
    moved = node.emit("Transpose", [one], perm=[1, 2, 0, 3])
    split = (batch, _constant(batch, heads), length, _constant(batch, depth))
    shape = (batch * split[1], length, split[3])
    return reshape(node, Tensor(moved, tensor.dtype, split), shape), shape


def _scores(node: Node, query: tuple[str, Shape], key: tuple[str, Shape]) -> str:
    depth = query[1][2].constant
    assert depth is not None
    scaled = node.emit("Mul", [query[0], node.scalar(depth**-0.5)])
    return node.emit("MatMul", [scaled, node.emit("Transpose", [key[0]], perm=[0, 2, 1])])


def _mixed(node: Node, value: tuple[str, Shape], batch: Extent, heads: int) -> str:
    """Attention times values, back as [T, N, heads * D]."""
    name, (_, _, depth) = value
    mixed = node.emit("MatMul", [node.names[1], name])
    length = node.inputs[1].shape[1]
    split = (batch, _constant(batch, heads), length, depth)
    merged = Tensor(mixed, node.x.dtype, (batch * split[1], length, depth))
    moved = node.emit("Transpose", [reshape(node, merged, split, [node.x])], perm=[2, 0, 1, 3])
    back = Tensor(moved, node.x.dtype, (length, batch, split[1], depth))
    return reshape(node, back, node.outputs[0].shape)


@converts("_contrib_interleaved_matmul_selfatt_qk")
def _self_scores(node: Node) -> str:
    heads = node.integer("heads")
    query, key = (_heads(node, node.x, 3, part, heads) for part in (0, 1))
    return _scores(node, query, key)


@converts("_contrib_interleaved_matmul_selfatt_valatt")
def _self_values(node: Node) -> str:
    heads = node.integer("heads")
    return _mixed(node, _heads(node, node.x, 3, 2, heads), node.x.shape[1], heads)


@converts("_contrib_interleaved_matmul_encdec_qk")
def _cross_scores(node: Node) -> str:
    heads = node.integer("heads")
    query = _heads(node, node.x, 1, 0, heads)
    return _scores(node, query, _heads(node, node.inputs[1], 2, 0, heads))


@converts("_contrib_interleaved_matmul_encdec_valatt")
def _cross_values(node: Node) -> str:
    heads = node.integer("heads")
    return _mixed(node, _heads(node, node.x, 2, 1, heads), node.x.shape[1], heads)
