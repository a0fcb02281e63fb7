"""Changes of shape and order of axes, repetition and padding."""

from __future__ import annotations

from .builder import Tensor
from .extents import Extent, product
from .registry import Node, converts
from .sizes import concatenated, reshape


@converts("Reshape", irrelevant=("shape", "reverse", "keep_highest", "target_shape"))
def _reshape(node: Node) -> str:
    """The codes 0, -1, -2, -3, -4 are resolved by MXNet's inference; sizes are found again here."""
    return reshape(node, node.x, node.outputs[0].shape)


@converts("Flatten")
def _flatten(node: Node) -> str:
    return node.emit("Flatten", node.names, axis=1)


@converts("expand_dims")
def _expand_dims(node: Node) -> str:
    axis = node.axis(rank=node.x.rank + 1)
    return node.emit("Unsqueeze", [node.x.name, node.vector(axis)])


@converts("squeeze")
def _squeeze(node: Node) -> str:
    axes = [axis % node.x.rank for axis in node.integers("axis")] or [
        axis for axis, extent in enumerate(node.x.shape) if extent.constant == 1
    ]
    if len(axes) == node.x.rank:  # MXNet has no rank 0
        return node.emit("Reshape", [node.x.name, node.vector(1)])
    return node.emit("Squeeze", [node.x.name, node.vector(*axes)])


@converts("reshape_like")
def _reshape_like(node: Node) -> str:
    """Axes begin..end of the left operand are replaced by axes begin..end of the right one."""
    left, right = node.inputs
    spans = [
        (start, stop)
        for tensor, side in ((left, "lhs"), (right, "rhs"))
        for start, stop in [_span(node, tensor, side)]
    ]
    (left_start, left_stop), (right_start, right_stop) = spans
    parts: list[int | str] = []
    for tensor, start, stop in (
        (left, 0, left_start),
        (right, right_start, right_stop),
        (left, left_stop, left.rank),
    ):
        if start < stop:
            parts.append(node.graph.shape_slice(tensor.name, start, stop))
    return node.emit("Reshape", [left.name, concatenated(node, parts)])


def _span(node: Node, tensor: Tensor, side: str) -> tuple[int, int]:
    start, stop = node.optional_integer(f"{side}_begin"), node.optional_integer(f"{side}_end")
    return (
        0 if start is None else start % tensor.rank,
        tensor.rank if stop is None else stop + tensor.rank if stop < 0 else stop,
    )


@converts("transpose")
def _transpose(node: Node) -> str:
    axes = [axis % node.x.rank for axis in node.integers("axes")]
    return node.emit("Transpose", node.names, perm=axes or list(range(node.x.rank))[::-1])


@converts("SwapAxis")
def _swap_axes(node: Node) -> str:
    axes = list(range(node.x.rank))
    first, second = node.axis("dim1", 0), node.axis("dim2", 0)
    axes[first], axes[second] = axes[second], axes[first]
    return node.emit("Transpose", node.names, perm=axes)


@converts("broadcast_to", "broadcast_axis", irrelevant=("shape", "axis", "size"))
def _broadcast(node: Node) -> str:
    """ONNX's Expand keeps an axis where the wanted size is 1, so kept axes need no size."""
    node.fill = node.x.fill
    sizes = [
        1 if before == after else after.constant
        for before, after in zip(node.x.shape, node.outputs[0].shape, strict=True)
    ]
    if None in sizes:
        node.refuse("an axis is broadcast to a symbolic size that it does not have")
    return node.emit("Expand", [node.x.name, node.vector(*(size or 1 for size in sizes))])


@converts("broadcast_like")
def _broadcast_like(node: Node) -> str:
    left, right = node.inputs
    node.fill = left.fill
    from_axes = [axis % right.rank for axis in node.integers("rhs_axes")]
    to_axes = [axis % left.rank for axis in node.integers("lhs_axes")]
    if not to_axes:
        return node.emit("Expand", [left.name, node.emit("Shape", [right.name])])
    parts: list[int | str] = [1] * left.rank
    for to_axis, from_axis in zip(to_axes, from_axes, strict=True):
        parts[to_axis] = node.graph.shape_slice(right.name, from_axis, from_axis + 1)
    return node.emit("Expand", [left.name, concatenated(node, parts)])


@converts("tile")
def _tile(node: Node) -> str:
    repeats = list(node.integers("reps"))
    x, rank = node.x.name, node.x.rank
    if len(repeats) > rank:
        x = node.emit("Unsqueeze", [x, node.vector(*range(len(repeats) - rank))])
    repeats = [1] * (rank - len(repeats)) + repeats
    return node.emit("Tile", [x, node.vector(*repeats)])


@converts("repeat")
def _repeat(node: Node) -> str:
    """Each element `repeats` times in a row: a new axis after it, which is then merged."""
    repeats = node.integer("repeats")
    axis = node.optional_integer("axis")
    x = node.x
    position = x.rank - 1 if axis is None else axis % x.rank
    new = node.emit("Unsqueeze", [x.name, node.vector(position + 1)])
    counts = [1] * (x.rank + 1)
    counts[position + 1] = repeats
    tiled = node.emit("Tile", [new, node.vector(*counts)])
    if axis is None:
        return node.emit("Reshape", [tiled, node.vector(-1)])
    times = Extent((repeats,) * len(x.shape[0].values))
    shape = (*x.shape[: position + 1], times, *x.shape[position + 1 :])
    return reshape(node, Tensor(tiled, x.dtype, shape), node.outputs[0].shape, [node.x])


@converts("Pad")
def _pad(node: Node) -> str:
    widths = node.integers("pad_width")
    mode = node.text("mode")
    value = node.real("constant_value", 0.0)
    inputs = [node.x.name, node.vector(*widths[::2], *widths[1::2])]
    if mode == "constant":
        inputs.append(node.scalar(value))
    return node.emit("Pad", inputs, mode=mode)


@converts("depth_to_space")
def _depth_to_space(node: Node) -> str:
    return node.emit("DepthToSpace", node.names, blocksize=node.integer("block_size"), mode="DCR")


@converts("space_to_depth")
def _space_to_depth(node: Node) -> str:
    return node.emit("SpaceToDepth", node.names, blocksize=node.integer("block_size"))


def flattened(node: Node, tensor: Tensor) -> Tensor:
    """The tensor with one axis, for operators whose missing `axis` means all elements."""
    if tensor.rank == 1:
        return tensor
    total = product(tensor.shape, tensor.shape[0])
    return Tensor(node.emit("Reshape", [tensor.name, node.vector(-1)]), tensor.dtype, (total,))
