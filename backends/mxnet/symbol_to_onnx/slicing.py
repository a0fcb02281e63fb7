"""Parts of tensors, and putting tensors together."""

from __future__ import annotations

import numpy as np

from .registry import Node, converts

_FAR = np.iinfo(np.int64).max


@converts("slice")
def _slice(node: Node) -> str:
    """As Python's slices; a missing bound depends on the direction of the step."""
    starts, stops = node.entries("begin"), node.entries("end")
    steps = [1 if step is None else step for step in node.entries("step")] or [1] * len(starts)
    if all(bound is None for bound in (*starts, *stops)) and set(steps) == {1}:
        return node.x.name
    steps += [1] * (len(starts) - len(steps))
    first = [_bound(v, _FAR if s < 0 else 0) for v, s in zip(starts, steps, strict=True)]
    last = [_bound(v, -_FAR if s < 0 else _FAR) for v, s in zip(stops, steps, strict=True)]
    return node.emit(
        "Slice",
        [
            node.x.name,
            node.vector(*first),
            node.vector(*last),
            node.vector(*range(len(starts))),
            node.vector(*steps),
        ],
    )


def _bound(value: int | None, missing: int) -> int:
    return missing if value is None else value


@converts("slice_axis")
def _slice_axis(node: Node) -> str:
    node.fill = node.x.fill
    start, stop = node.integer("begin"), node.optional_integer("end")
    bounds = [node.vector(start), node.vector(_bound(stop, _FAR)), node.vector(node.axis())]
    return node.emit("Slice", [node.x.name, *bounds])


@converts("slice_like")
def _slice_like(node: Node) -> str:
    """The first entries along the axes, as many as the second tensor has there, at run time."""
    left, right = node.inputs
    axes = [axis % left.rank for axis in node.integers("axes")] or list(range(left.rank))
    sizes = node.emit("Shape", [right.name])
    if axes != list(range(right.rank)):
        sizes = node.emit("Gather", [sizes, node.vector(*axes)])
    return node.emit("Slice", [left.name, node.vector(*[0] * len(axes)), sizes, node.vector(*axes)])


@converts("reverse")
def _reverse(node: Node) -> str:
    axes = [axis % node.x.rank for axis in node.integers("axis")]
    count = len(axes)
    bounds = ([-1] * count, [-_FAR] * count, axes, [-1] * count)
    return node.emit("Slice", [node.x.name, *(node.vector(*values) for values in bounds)])


@converts("Concat", irrelevant=("num_args",))
def _concat(node: Node) -> str:
    return node.emit("Concat", node.names, axis=node.axis("dim", 1))


@converts("stack", irrelevant=("num_args",))
def _stack(node: Node) -> str:
    axis = node.axis(default=0, rank=node.x.rank + 1)
    rows = [node.emit("Unsqueeze", [name, node.vector(axis)]) for name in node.names]
    return node.emit("Concat", rows, axis=axis)


@converts("SliceChannel")
def _split(node: Node) -> list[str]:
    """Equal parts; MXNet refuses sizes that cannot be divided."""
    count, axis = node.integer("num_outputs"), node.axis(default=1)
    parts = _equal_parts(node, count, axis)
    return _squeezed(node, parts, axis)


def _equal_parts(node: Node, count: int, axis: int) -> list[str]:
    if count == 1:
        return [node.x.name]
    return node.graph.emit_many("Split", [node.x.name], count, axis=axis)


def _squeezed(node: Node, parts: list[str], axis: int) -> list[str]:
    if not node.flag("squeeze_axis"):
        return parts
    return [node.emit("Squeeze", [part, node.vector(axis)]) for part in parts]


@converts("_split_v2")
def _split_v2(node: Node) -> list[str]:
    """Equal sections, or parts between indices; the last part takes the (symbolic) rest."""
    axis, sections = node.axis(default=1), node.integer("sections", 0)
    indices = node.integers("indices")
    if sections:
        return _squeezed(node, _equal_parts(node, sections, axis), axis)
    stops = [*indices[1:], _FAR]
    parts = [
        node.emit("Slice", [node.x.name, node.vector(start), node.vector(stop), node.vector(axis)])
        for start, stop in zip(indices, stops, strict=True)
    ]
    return _squeezed(node, parts, axis)
