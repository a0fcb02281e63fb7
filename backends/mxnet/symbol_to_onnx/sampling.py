"""Images at other sizes and at other places."""

from __future__ import annotations

import numpy as np

from .extents import Extent
from .registry import Node, converts
from .sizes import concatenated, size


@converts("UpSampling", irrelevant=("num_args", "num_filter", "multi_input_mode", "workspace"))
def _upsampling(node: Node) -> str:
    node.expect("sample_type", "nearest")
    if len(node.inputs) != 1:
        node.refuse("several inputs have no conversion")
    scale = float(node.integer("scale"))
    scales = node.graph.constant(np.array([1, 1, scale, scale], np.float32))
    return node.emit(
        "Resize",
        [node.x.name, "", scales],
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


@converts("_contrib_BilinearResize2D", irrelevant=("height", "width"))
def _bilinear_resize(node: Node) -> str:
    """To a size given as a number, by an integral scale, or by another tensor."""
    node.expect("mode", "size", "like")
    for key in ("scale_height", "scale_width"):
        if (scale := node.optional_real(key)) is not None and scale != int(scale):
            node.refuse(f"{key}={scale} has no conversion")
    kept = node.graph.shape_slice(node.x.name, 0, 2)
    wanted = [_target(node, extent) for extent in node.outputs[0].shape[2:]]
    aligned = node.flag("align_corners", True)
    return node.emit(
        "Resize",
        [node.x.name, "", "", concatenated(node, [kept, *wanted])],
        mode="linear",
        coordinate_transformation_mode="align_corners" if aligned else "half_pixel",
    )


def _target(node: Node, extent: Extent) -> int | str:
    if extent.constant is not None:
        return extent.constant
    return size(node, extent, node.inputs[::-1])


@converts("BilinearSampler", irrelevant=("cudnn_off",))
def _bilinear_sampler(node: Node) -> str:
    """The grid is [N, 2, H, W] in -1..1 between the centres of the corners; zeros outside."""
    data, grid = node.names
    places = node.emit("Transpose", [grid], perm=[0, 2, 3, 1])
    return node.emit(
        "GridSample",
        [data, places],
        mode="bilinear",
        padding_mode="zeros",
        align_corners=1,
    )
