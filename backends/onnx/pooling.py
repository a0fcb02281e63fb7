"""Pooling in ONNX."""

from __future__ import annotations

from typing import Any

from tercet.backends.onnx.builder import Context, lower
from tercet.backends.onnx.conv import onnx_pads
from tercet.compiler.ops.pooling import (
    AdaptiveAvgPool2d,
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
)
from tercet.compiler.ops.windows import Pads

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
    axes = zip(sizes, c.result.shape[2:], op.kernel, op.strides, pads, strict=True)
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
    return c.node("MaxPool", c.x, **_attributes(op, *_without_extra_windows(op, c)))


@lower(AvgPool1d, AvgPool2d, AvgPool3d)
def _avg_pool(op: AvgPool, c: Context) -> str:
    pads = op.pads(c.type.shape[2:])
    needed, ceil = _without_extra_windows(op, c)
    if not op.count_include_pad:
        return c.node("AveragePool", c.x, **_attributes(op, needed, ceil))
    if ceil or not op.ceil:
        return c.node("AveragePool", c.x, **_attributes(op, pads, op.ceil), count_include_pad=1)
    counted, rest = _counted(pads, needed)
    padded = c.node("Pad", c.x, c.ints(0, 0, *_begins(counted), 0, 0, *_ends(counted)))
    return c.node("AveragePool", padded, **_attributes(op, rest, ceil=False))


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


@lower(AdaptiveAvgPool2d)
def _adaptive_avg_pool(op: AdaptiveAvgPool2d, c: Context) -> str:
    """An axis of output size 1 may be symbolic: it is averaged whole."""
    x = c.x
    whole = [axis for axis, size in enumerate(op.size, 2) if size == 1]
    if len(whole) == 2:
        return c.node("GlobalAveragePool", x)
    if whole:
        x = c.node("ReduceMean", x, axes=whole, keepdims=1)
    windows = [1 if n == 1 else w for n, w in zip(op.size, op.windows(c.type), strict=True)]
    return c.node("AveragePool", x, kernel_shape=windows, strides=windows)


@lower(LpPool2d)
def _lp_pool(op: LpPool2d, c: Context) -> str:
    """Padded before, for LpPool wants a kernel larger than its padding, and has no `ceil_mode`."""
    pads, x = op.extended(c.type.shape[2:]), c.x
    if any(map(any, pads)):
        x = c.node("Pad", x, c.ints(0, 0, *_begins(pads), 0, 0, *_ends(pads)))
    return c.node("LpPool", x, kernel_shape=list(op.kernel), strides=list(op.strides), p=op.p)
