"""Pooling in PyTorch."""

from __future__ import annotations

from tercet.backends.pytorch.conv import pad_widths
from tercet.backends.pytorch.target import DTYPES, F, lower, torch
from tercet.codegen.axes import collapse, one_or_all
from tercet.codegen.expr import Expr, default
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
    axes = zip(sizes, op.output_sizes(sizes), op.kernel, op.strides, pads, strict=True)
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


@lower(ops.AdaptiveAvgPool2d)
def _adaptive_avg_pool(op: ops.AdaptiveAvgPool2d, at: Application, x: Expr) -> Expr:
    """With an axis of any size, which the exporter needs to know, by the mean along it."""
    if gives_bare(at):
        return x.mean(dim=(2, 3))
    height, width = op.windows(at.type(0))
    if isinstance(height, int) and isinstance(width, int):
        return F.adaptive_avg_pool2d(x, collapse(op.size))
    along = {2: height, 3: width}
    whole = tuple(axis for axis, n in zip((2, 3), op.size, strict=True) if n == 1)
    x = x.mean(dim=one_or_all(whole), keepdim=True)
    if len(whole) == 2:
        return x
    kernel = tuple(1 if axis in whole else n for axis, n in along.items())
    return F.avg_pool2d(x, kernel)


@lower(ops.AvgPool1d, ops.AvgPool2d, ops.AvgPool3d)
def _avg_pool(op: ops.AvgPool, at: Application, x: Expr) -> Expr:
    dtype = at.type(0).dtype
    if op.rank == 3 and dtype in (DType.F16, DType.BF16):  # which no CPU averages in volumes
        return _averages(op, at, x.float()).to(DTYPES[dtype])
    return _averages(op, at, x)


def _averages(op: ops.AvgPool, at: Application, x: Expr) -> Expr:
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


@lower(ops.LpPool2d)
def _lp_pool(op: ops.LpPool2d, at: Application, x: Expr) -> Expr:
    """PyTorch's means x itself by an odd power, and pads nothing."""
    x = x.abs() if op.p % 2 else x
    pads = op.extended(at.type(0).shape[2:])
    x = F.pad(x, pad_widths(pads)) if any(map(any, pads)) else x
    stride = default(collapse(op.strides), collapse(op.kernel))
    return F.lp_pool2d(x, float(op.p), collapse(op.kernel), stride=stride)
