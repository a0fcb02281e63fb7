"""Tensors made from sizes and numbers alone."""

from __future__ import annotations

import numpy as np

from .builder import Tensor
from .extents import Extent, product
from .registry import Node, converts
from .sizes import reshape, size, size_vector


def _filled(node: Node, value: float) -> str:
    """A tensor of one number in the shape of the output, computed where it is symbolic.

    MXNet may infer the shape from where the tensor is used (the zero states of a recurrent layer).
    """
    node.fill = value
    output = node.outputs[0]
    static = [extent.constant for extent in output.shape]
    if None not in static:
        shape = [extent for extent in static if extent is not None]
        return node.graph.constant(np.full(shape, value, output.dtype))
    sizes = size_vector(node, output.shape, node.inputs)
    return node.emit("Expand", [node.scalar(value, output.dtype), sizes])


@converts("_zeros", irrelevant=("shape", "ctx", "dtype"))
def _zeros(node: Node) -> str:
    return _filled(node, 0)


@converts("_ones", irrelevant=("shape", "ctx", "dtype"))
def _ones(node: Node) -> str:
    return _filled(node, 1)


@converts("_full", irrelevant=("shape", "ctx", "dtype"))
def _full(node: Node) -> str:
    return _filled(node, node.real("value"))


@converts("zeros_like")
def _zeros_like(node: Node) -> str:
    return _filled(node, 0)


@converts("ones_like")
def _ones_like(node: Node) -> str:
    return _filled(node, 1)


@converts("_arange", "_linspace", "_eye")
def _constant(node: Node) -> str:
    """Without inputs, so MXNet computes it once and for all."""
    for key in node.symbol.attributes:
        node.text(key)
    output = node.outputs[0]
    if any(extent.constant is None for extent in output.shape):
        return node.refuse("its length depends on a symbolic size")
    value = node.source.constant((node.symbol.index, 0))
    assert value is not None
    return node.graph.constant(value.astype(output.dtype))


@converts("_contrib_arange_like", irrelevant=("ctx",))
def _arange_like(node: Node) -> str:
    """start + step * (0, 1, ..), as many as the axis has or, without one, in the tensor's shape."""
    axis = node.optional_integer("axis")
    start, step = node.real("start", 0.0), node.real("step", 1.0)
    if node.integer("repeat", 1) != 1:
        node.refuse("repeat has no conversion")
    shape = node.x.shape
    length = product(shape, shape[0]) if axis is None else shape[axis % node.x.rank]
    values = _progression(node, length, start, step)
    if axis is None:
        return reshape(node, Tensor(values, node.outputs[0].dtype, (length,)), shape, [node.x])
    return values


def _progression(node: Node, length: Extent, start: float, step: float) -> str:
    dtype = node.outputs[0].dtype
    if length.constant is not None:
        return node.graph.constant((start + step * np.arange(length.constant)).astype(dtype))
    count = node.emit("Squeeze", [size(node, length, [node.x]), node.vector(0)])
    zero, one = node.scalar(0, np.int64), node.scalar(1, np.int64)
    values = node.cast(node.emit("Range", [zero, count, one]), np.int64, dtype)
    if step != 1:
        values = node.emit("Mul", [values, node.scalar(step, dtype)])
    return values if start == 0 else node.emit("Add", [values, node.scalar(start, dtype)])
