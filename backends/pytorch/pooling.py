"""Pooling in PyTorch."""

from __future__ import annotations

import math

from tercet.backends.pytorch.conv import pad_widths
from tercet.backends.pytorch.target import DTYPES, F, lower, torch
from tercet.codegen.axes import collapse, one_or_all
from tercet.codegen.expr import Expr, Helper, default
from tercet.codegen.pooled import gives_bare
from tercet.codegen.target import Application
from tercet.compiler.ops import pooling as ops
from tercet.compiler.ops.windows import Pads
from tercet.compiler.types import DType


@lower(ops.MaxPool1d, ops.MaxPool2d, ops.MaxPool3d)
def _max_pool(op: ops.MaxPool, at: Application, x: Expr) -> Expr:
    function = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}[op.rank]
    pads = op.pads(at.type(0).shape[2:])
    own = symmetric(pads, op.kernel)
    if own is None:
        x = F.pad(x, pad_widths(_needed(op, at)), value=float("-inf"))
    return function(
        x,
        collapse(op.kernel),
        stride=default(collapse(op.strides), collapse(op.kernel)),
        padding=default(own or 0, 0),
        dilation=default(collapse(op.dilations), 1),
        ceil_mode=default(op.ceil, False),
    )


def symmetric(pads: tuple[tuple[int, int], ...], kernel: tuple[int, ...]) -> object:
    """The padding that PyTorch's pooling can do itself, None where it cannot."""
    alike = all(b == e and 2 * b <= k for (b, e), k in zip(pads, kernel, strict=True))
    return collapse(tuple(b for b, _ in pads)) if alike else None


_UNEVEN_CEIL = lower.limit(
    "with `ceil` and other padding at the end than at the begin of an axis of any size",
    "how many windows begin in the padding depends on the size",
    ops.AvgPool1d,
    ops.AvgPool2d,
    ops.AvgPool3d,
    ops.MaxPool1d,
    ops.MaxPool2d,
    ops.MaxPool3d,
    help="write the size as a number, or pad before with `pad`",
)


def _needed(op: ops.Pool, at: Application) -> Pads:
    """Padding under which PyTorch makes no window that would start in the padding at the end.

    It leaves those out where it pads itself, but does not know what was padded before.
    """
    sizes = at.type(0).shape[2:]
    pads = op.pads(sizes)
    if not op.ceil:
        return pads
    found: list[tuple[int, int]] = []
    axes = zip(sizes, op.output_sizes(sizes), op.extents, op.strides, pads, strict=True)
    for size, output, kernel, stride, (begin, end) in axes:
        if end > max(kernel - stride, 0):
            used = (output - 1) * stride + kernel - size - begin
            if not isinstance(used, int):
                raise _UNEVEN_CEIL.refusal()
            end = max(0, min(end, used))
        found.append((begin, end))
    return tuple(found)


@lower(ops.GlobalAvgPool1d, ops.GlobalAvgPool2d)
def _global_avg_pool(op: ops.GlobalAvgPool, at: Application, x: Expr) -> Expr:
    return x.mean(dim=one_or_all(op.axes), keepdim=default(not gives_bare(at), False))


@lower(ops.GlobalMaxPool1d, ops.GlobalMaxPool2d, ops.GlobalMaxPool3d)
def _global_max_pool(op: ops.GlobalMaxPool, at: Application, x: Expr) -> Expr:
    return x.amax(dim=one_or_all(op.axes), keepdim=default(not gives_bare(at), False))


@lower(ops.AdaptiveAvgPool2d, ops.AdaptiveMaxPool2d)
def _adaptive_pool(op: ops.AdaptivePool2d, at: Application, x: Expr) -> Expr:
    """With an axis of any size, which the exporter needs to know, first by what is left of it."""
    averages = isinstance(op, ops.AdaptiveAvgPool2d)
    if gives_bare(at):
        return x.mean(dim=(2, 3)) if averages else x.amax(dim=(2, 3))
    own = F.adaptive_avg_pool2d if averages else F.adaptive_max_pool2d
    sizes = list(at.type(0).shape[2:])
    if not all(isinstance(size, int) for size in sizes):
        whole = op.whole()
        along: dict[str, object] = {"dim": one_or_all(whole), "keepdim": True}
        x = x.mean(**along) if averages else x.amax(**along)
        if len(whole) == 2:
            return x
        sizes = [1 if axis in whole else n for axis, n in enumerate(sizes, 2)]
    if all(n % m == 0 for n, m in zip(sizes, op.size, strict=True)):
        return own(x, collapse(op.size))
    return Helper("adaptive_pool")(own, x, op.size, sizes)


@lower(ops.AvgPool1d, ops.AvgPool2d, ops.AvgPool3d)
def _avg_pool(op: ops.AvgPool, at: Application, x: Expr) -> Expr:
    dtype = at.type(0).dtype
    if op.rank == 3 and dtype in (DType.F16, DType.BF16):  # which no CPU averages in volumes
        return _averages(op, at, x.float()).to(DTYPES[dtype])
    return _averages(op, at, x)


def _averages(op: ops.AvgPool, at: Application, x: Expr) -> Expr:
    if op.is_dilated:
        return _dilated_average(op, at, x)
    function = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}[op.rank]
    pads = op.pads(at.type(0).shape[2:])
    own = symmetric(pads, op.kernel)
    settings: dict[str, object] = {
        "stride": default(collapse(op.strides), collapse(op.kernel)),
        "padding": default(own or 0, 0),
        "ceil_mode": default(op.ceil, False),
    }
    kernel = collapse(op.kernel)
    if own is not None:
        counted = default(op.count_include_pad or not any(map(any, pads)), True)
        return function(x, kernel, **settings, count_include_pad=counted)
    widths = pad_widths(_needed(op, at))
    average = function(F.pad(x, widths), kernel, **settings)
    if op.count_include_pad:
        return average
    return average / function(F.pad(torch.ones_like(x), widths), kernel, **settings)


def _dilated_average(op: ops.AvgPool, at: Application, x: Expr) -> Expr:
    """Sums of windows by how many cells of each count."""
    sizes = at.type(0).shape[2:]
    window = op.kernel, op.strides, op.dilations
    total = Helper("dilated_sum")(_padded(x, op.extended(sizes)), *window)
    if op.counts_all(sizes):
        return total / math.prod(op.kernel)
    ones = torch.ones_like(x)
    if op.count_include_pad:
        ones = _padded(_padded(ones, op.pads(sizes), 1.0), tuple((0, n) for n in op.beyond(sizes)))
    else:
        ones = _padded(ones, op.extended(sizes))
    return total / Helper("dilated_sum")(ones, *window)


def _padded(x: Expr, pads: Pads, value: float = 0.0) -> Expr:
    return F.pad(x, pad_widths(pads), value=default(value, 0.0)) if any(map(any, pads)) else x


@lower(ops.LpPool2d)
def _lp_pool(op: ops.LpPool2d, at: Application, x: Expr) -> Expr:
    """PyTorch's means x itself by an odd power, and pads nothing."""
    x = x.abs() if op.p % 2 else x
    pads = op.extended(at.type(0).shape[2:])
    x = F.pad(x, pad_widths(pads)) if any(map(any, pads)) else x
    stride = default(collapse(op.strides), collapse(op.kernel))
    return F.lp_pool2d(x, float(op.p), collapse(op.kernel), stride=stride)
