"""Pooling in ONNX."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

from tercet.backends.onnx.builder import Context, lower
from tercet.backends.onnx.conv import onnx_pads
from tercet.compiler.ops.pooling import (
    AdaptiveAvgPool2d,
    AdaptiveMaxPool2d,
    AdaptivePool2d,
    AvgPool,
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    GlobalAvgPool,
    GlobalAvgPool1d,
    GlobalAvgPool2d,
    GlobalMaxPool,
    GlobalMaxPool1d,
    GlobalMaxPool2d,
    GlobalMaxPool3d,
    LpPool2d,
    MaxPool,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
    Pool,
    adaptive_window,
)
from tercet.compiler.ops.windows import Pads

_MOST = 2**63 - 1
"""An end that Slice clamps to the axis's own."""

_CUT_CEIL = lower.limit(
    "with `ceil` where cells of an axis are in no window, beside one of symbolic size",
    "ONNX before opset 22 miscounts them",
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
    help="write all sizes as numbers, or slice those cells off first",
)


def _attributes(op: Pool, pads: Pads, ceil: bool) -> dict[str, Any]:
    return {
        "kernel_shape": list(op.kernel),
        "strides": list(op.strides),
        "pads": onnx_pads(pads),
        "ceil_mode": int(ceil),
    }


def _without_extra_windows(op: Pool, c: Context) -> tuple[Pads, bool]:
    """Padding and `ceil_mode` that give the right windows everywhere.

    A window that would start in the padding at the end is left out here and by ONNX Runtime, but
    counted by the shape inference of ONNX before opset 22.  So where sizes are known, the padding
    is what the windows need.
    """
    sizes = c.type.shape[2:]
    pads = op.pads(sizes)
    if not op.ceil:
        return pads, False
    known = all(isinstance(size, int) for size in sizes)
    axes = zip(sizes, c.result.shape[2:], op.extents, op.strides, pads, strict=True)
    needed: list[tuple[int, int]] = []
    for size, output, kernel, stride, (begin, end) in axes:
        if isinstance(size, int) and isinstance(output, int):
            end = stride * (output - 1) + kernel - begin - size
            if end < 0 and not known:
                raise _CUT_CEIL.refusal()
        needed.append((begin, max(0, end)))
    return tuple(needed), not known


@lower(MaxPool1d, MaxPool2d, MaxPool3d)
def _max_pool(op: MaxPool, c: Context) -> str:
    """Dilated windows over what is padded before: ONNX Runtime wants less padding than kernel."""
    if not op.is_dilated:
        return c.node("MaxPool", c.x, **_attributes(op, *_without_extra_windows(op, c)))
    x, pads = (
        _padded(c, c.x, op.extended(c.type.shape[2:]), c.scalar(-math.inf)),
        ((0, 0),) * op.rank,
    )
    return c.node("MaxPool", x, **_attributes(op, pads, ceil=False), dilations=list(op.dilations))


@lower(AvgPool1d, AvgPool2d, AvgPool3d)
def _avg_pool(op: AvgPool, c: Context) -> str:
    if op.is_dilated:
        return _dilated_average(op, c)
    pads = op.pads(c.type.shape[2:])
    needed, ceil = _without_extra_windows(op, c)
    if not op.count_include_pad:
        return c.node("AveragePool", c.x, **_attributes(op, needed, ceil))
    if ceil or not op.ceil:
        return c.node("AveragePool", c.x, **_attributes(op, pads, op.ceil), count_include_pad=1)
    counted, rest = _counted(pads, needed)
    padded = c.node("Pad", c.x, c.ints(0, 0, *_begins(counted), 0, 0, *_ends(counted)))
    return c.node("AveragePool", padded, **_attributes(op, rest, ceil=False))


def _dilated_average(op: AvgPool, c: Context) -> str:
    """Sums of windows by how many cells of each count: AveragePool has no gaps before opset 19."""
    sizes = c.type.shape[2:]
    total = _dilated_sum(op, c, _padded(c, c.x, op.extended(sizes)))
    if op.counts_all(sizes):
        return c.node("Div", total, c.scalar(math.prod(op.kernel)))
    known = tuple(n for n in sizes if isinstance(n, int))
    if len(known) == len(sizes):
        counts = op.counts(known).astype(c.type.dtype.numpy_name)
        return c.node("Div", total, c.constant(counts, c.type.dtype))
    one = c.scalar(1)
    ones = c.node("Expand", one, c.shape((1, 1, *sizes)))
    ones = _padded(c, ones, op.pads(sizes), one if op.count_include_pad else None)
    ones = _padded(c, ones, tuple((0, n) for n in op.beyond(sizes)))
    return c.node("Div", total, _dilated_sum(op, c, ones))


def _padded(c: Context, x: str, pads: Pads, value: str | None = None) -> str:
    if not any(map(any, pads)):
        return x
    return c.node("Pad", x, c.ints(0, 0, *_begins(pads), 0, 0, *_ends(pads)), value)


def _dilated_sum(op: AvgPool, c: Context, x: str) -> str:
    windows = zip(op.kernel, op.strides, op.dilations, strict=True)
    for axis, (kernel, stride, dilation) in enumerate(windows, 2):
        parts = [
            c.node(
                "Slice",
                x,
                c.ints(i * dilation),
                c.ints((i + 1 - kernel) * dilation or _MOST),
                c.ints(axis),
                c.ints(stride),
            )
            for i in range(kernel)
        ]
        x = reduce(lambda a, b: c.node("Add", a, b), parts)
    return x


def _counted(pads: Pads, needed: Pads) -> tuple[Pads, Pads]:
    """The padding that counts in an average, and what a window needs beyond it."""
    pairs = [(begin, end, more) for (begin, end), (_, more) in zip(pads, needed, strict=True)]
    counted = tuple((begin, min(end, more)) for begin, end, more in pairs)
    return counted, tuple((0, max(0, more - end)) for _, end, more in pairs)


def _begins(pads: Pads) -> tuple[int, ...]:
    return tuple(begin for begin, _ in pads)


def _ends(pads: Pads) -> tuple[int, ...]:
    return tuple(end for _, end in pads)


@lower(GlobalAvgPool1d, GlobalAvgPool2d)
def _global_avg_pool(op: GlobalAvgPool, c: Context) -> str:
    return c.node("GlobalAveragePool", c.x)


@lower(GlobalMaxPool1d, GlobalMaxPool2d, GlobalMaxPool3d)
def _global_max_pool(op: GlobalMaxPool, c: Context) -> str:
    return c.node("GlobalMaxPool", c.x)


@lower(AdaptiveAvgPool2d, AdaptiveMaxPool2d)
def _adaptive_pool(op: AdaptivePool2d, c: Context) -> str:
    """An axis of output size 1 may be symbolic: nothing but one element is left of it."""
    kind = "Average" if isinstance(op, AdaptiveAvgPool2d) else "Max"
    reduction = "ReduceMean" if kind == "Average" else "ReduceMax"
    x, whole = c.x, op.whole()
    if len(whole) == 2:
        return c.node(f"Global{kind}Pool", x)
    if whole:
        x = c.node(reduction, x, axes=list(whole), keepdims=1)
    if op.is_even(c.type):
        windows = [1 if n == 1 else w for n, w in zip(op.size, op.windows(c.type), strict=True)]
        return c.node(f"{kind}Pool", x, kernel_shape=windows, strides=windows)
    for axis, (count, size) in enumerate(zip(op.size, c.type.shape[2:], strict=True), 2):
        if isinstance(size, int) and count > 1:
            ends = (adaptive_window(i, size, count) for i in range(count))
            parts = [c.node("Slice", x, *map(c.ints, pair), c.ints(axis)) for pair in ends]
            parts = [c.node(reduction, part, axes=[axis], keepdims=1) for part in parts]
            x = c.node("Concat", *parts, axis=axis)
    return x


@lower(LpPool2d)
def _lp_pool(op: LpPool2d, c: Context) -> str:
    """Padded before, for LpPool wants a kernel larger than its padding, and has no `ceil_mode`."""
    pads, x = op.extended(c.type.shape[2:]), c.x
    if any(map(any, pads)):
        x = c.node("Pad", x, c.ints(0, 0, *_begins(pads), 0, 0, *_ends(pads)))
    return c.node("LpPool", x, kernel_shape=list(op.kernel), strides=list(op.strides), p=op.p)
