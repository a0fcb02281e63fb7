"""Sequences of different lengths in one tensor: [T, N, ...], or [N, T, ...] with axis=1."""

from __future__ import annotations

import numpy as np

from .registry import Node, converts
from .sizes import size


def _positions(node: Node, axis: int) -> str:
    """0, 1, .. as int64 along the time axis."""
    extent = node.x.shape[axis]
    if extent.constant is not None:
        return node.vector(*range(extent.constant))
    count = node.emit("Squeeze", [size(node, extent, [node.x]), node.vector(0)])
    return node.emit("Range", [node.scalar(0, np.int64), count, node.scalar(1, np.int64)])


def _lengths(node: Node) -> str:
    lengths = node.inputs[1]
    return node.cast(lengths.name, lengths.dtype, np.int64)


def _visible(node: Node, axis: int) -> str:
    """Whether a position lies within the length of its sequence, [T, N, 1..] or [N, T, 1..]."""
    lengths = node.emit("Unsqueeze", [_lengths(node), node.vector(axis)])
    positions = node.emit("Unsqueeze", [_positions(node, axis), node.vector(1 - axis)])
    visible = node.emit("Less", [positions, lengths])
    if node.x.rank > 2:
        visible = node.emit("Unsqueeze", [visible, node.vector(*range(2, node.x.rank))])
    return visible


@converts("SequenceMask")
def _sequence_mask(node: Node) -> str:
    axis, value = node.integer("axis", 0), node.real("value", 0.0)
    if not node.flag("use_sequence_length"):
        return node.x.name
    return node.emit("Where", [_visible(node, axis), node.x.name, node.scalar(value)])


@converts("SequenceLast")
def _sequence_last(node: Node) -> str:
    axis = node.integer("axis", 0)
    if not node.flag("use_sequence_length"):
        last = node.graph.constant(np.array(-1, np.int64))
        return node.emit("Gather", [node.x.name, last], axis=axis)
    index = node.emit("Sub", [_lengths(node), node.vector(1)])
    others = node.vector(*(i for i in range(node.x.rank) if i != 1 - axis))
    index = node.emit("Unsqueeze", [index, others])
    kept = node.emit("Shape", [node.x.name])
    ones = node.vector(*(0 if i == axis else 1 for i in range(node.x.rank)))
    shape = node.emit("Max", [node.emit("Mul", [kept, ones]), node.vector(1)])
    places = node.emit("Expand", [index, shape])
    picked = node.emit("GatherElements", [node.x.name, places], axis=axis)
    return node.emit("Squeeze", [picked, node.vector(axis)])


@converts("SequenceReverse")
def _sequence_reverse(node: Node) -> str:
    """Each sequence is reversed within its length; what follows stays."""
    if node.integer("axis", 0) != 0:
        node.refuse("only axis=0 has a conversion")
    if not node.flag("use_sequence_length"):
        bounds = ([-1], [-np.iinfo(np.int64).max], [0], [-1])
        return node.emit("Slice", [node.x.name, *(node.vector(*values) for values in bounds)])
    return node.emit("ReverseSequence", [node.x.name, _lengths(node)], time_axis=0, batch_axis=1)
