"""Reductions over axes; `exclude` names the axes that stay.  MXNet has no rank 0: shape (1,)."""

from __future__ import annotations

import numpy as np

from .arithmetic import working_dtype
from .extents import product
from .registry import Node, converts
from .shape import flattened
from .sizes import size


def _axes(node: Node) -> list[int]:
    """The axes that are reduced."""
    rank = node.x.rank
    named = sorted({axis % rank for axis in node.integers("axis")})
    if node.flag("exclude"):
        return [axis for axis in range(rank) if axis not in named]
    return named or list(range(rank))


def _shaped(node: Node, reduced: str, axes: list[int], keep: bool) -> str:
    if len(axes) == node.x.rank and not keep:
        return node.emit("Reshape", [reduced, node.vector(1)])
    return reduced


@converts("sum", "mean", "max", "min", "prod")
def _reduction(node: Node) -> str:
    axes, keep = _axes(node), node.flag("keepdims")
    result = node.outputs[0].dtype
    dtype = working_dtype(result)
    x = node.cast(node.x.name, node.x.dtype, dtype)
    if not axes:
        return node.cast(x, dtype, result)
    match node.operator:
        case "sum":
            y = _sum(node, x, axes, keep)
        case "mean" if dtype.kind != "f":
            y = node.emit("Div", [_sum(node, x, axes, keep), _count(node, axes, dtype)])
        case name:
            operator = f"Reduce{name.title()}"
            y = node.emit(operator, [x], axes=axes, keepdims=int(keep))
    return _shaped(node, node.cast(y, dtype, result), axes, keep)


def _sum(node: Node, x: str, axes: list[int], keep: bool) -> str:
    return node.emit("ReduceSum", [x, node.vector(*axes)], keepdims=int(keep))


def _count(node: Node, axes: list[int], dtype: np.dtype[np.generic]) -> str:
    """How many elements are reduced to one."""
    total = product((node.x.shape[axis] for axis in axes), node.x.shape[0])
    if total.constant is not None:
        return node.scalar(total.constant, dtype)
    return node.cast(size(node, total, [node.x]), np.int64, dtype)


@converts("norm")
def _norm(node: Node) -> str:
    axes, keep = _axes(node), node.flag("keepdims")
    order, result = node.integer("ord", 2), node.outputs[0].dtype
    node.text("out_dtype", "None")
    x = node.cast(node.x.name, node.x.dtype, result)
    if result.kind != "f":
        node.refuse("the norm of integers has no conversion")
    if order == 1:
        y = _sum(node, node.emit("Abs", [x]), axes, keep)
    elif order == 2:
        squares = node.emit("ReduceSumSquare", [x], axes=axes, keepdims=int(keep))
        y = node.emit("Sqrt", [squares])
    else:
        node.refuse(f"ord={order} has no conversion")
    return _shaped(node, y, axes, keep)


@converts("_np_cumsum")
def _cumsum(node: Node) -> str:
    axis, result = node.optional_integer("axis"), node.outputs[0].dtype
    node.text("dtype", "None")
    x = flattened(node, node.x) if axis is None else node.x
    dtype = working_dtype(result)
    position = node.scalar(0 if axis is None else axis % x.rank, np.int64)
    y = node.emit("CumSum", [node.cast(x.name, x.dtype, dtype), position])
    return node.cast(y, dtype, result)
