"""Pooling in MXNet: its operator in floor mode, over what is padded explicitly where it must be.

MXNet's ceil mode lets a window lie wholly in the padding, and its own padding is symmetric.
"""

from __future__ import annotations

import math

from tercet.backends.mxnet.conv import padded
from tercet.backends.mxnet.target import F, lower
from tercet.codegen.axes import one_or_all
from tercet.codegen.expr import Expr, Helper, default
from tercet.codegen.pooled import gives_bare
from tercet.codegen.target import Application
from tercet.compiler.ops import pooling as ops
from tercet.compiler.types import Shape

_LOWEST = float("-inf")


def _pool(op: ops.Pool, kind: str, x: Expr, pads: tuple[int, ...] = (), **settings: object) -> Expr:
    rank = len(op.kernel)
    return F.Pooling(
        x,
        kernel=op.kernel,
        stride=op.strides,
        pad=default(pads or (0,) * rank, (0,) * rank),
        pool_type=kind,
        **settings,
    )


def _symmetric(op: ops.Pool, sizes: Shape) -> tuple[int, ...] | None:
    """The padding that the operator can do itself, None where it cannot."""
    pads = op.pads(sizes)
    if any(begin != end for begin, end in pads) or any(op.beyond(sizes)):
        return None
    return tuple(begin for begin, _ in pads)


@lower(ops.MaxPool1d, ops.MaxPool2d, ops.MaxPool3d)
def _max_pool(op: ops.MaxPool, at: Application, x: Expr) -> Expr:
    sizes = at.type(0).shape[2:]
    if op.is_dilated:
        pads = op.extended(sizes)
        x = padded(x, pads, _LOWEST) if any(map(any, pads)) else x
        return _dilated(op, F.maximum, x)
    own = _symmetric(op, sizes)
    if own is not None:
        return _pool(op, "max", x, own)
    return _pool(op, "max", padded(x, op.extended(sizes), _LOWEST))


@lower(ops.AvgPool1d, ops.AvgPool2d, ops.AvgPool3d)
def _avg_pool(op: ops.AvgPool, at: Application, x: Expr) -> Expr:
    """Sums of windows by how many cells of each count: a pooling of ones."""
    sizes = at.type(0).shape[2:]
    own = None if op.is_dilated else _symmetric(op, sizes)
    if own is not None:
        counted = {"count_include_pad": op.count_include_pad} if any(own) else {}
        return _pool(op, "avg", x, own, **counted)
    pads = op.extended(sizes)
    whole = _sums(op, padded(x, pads) if any(map(any, pads)) else x)
    if op.counts_all(sizes):
        return whole / math.prod(op.kernel)
    ones = F.ones_like(
        F.slice_axis(F.slice_axis(x, axis=0, begin=0, end=1), axis=1, begin=0, end=1)
    )
    if op.count_include_pad:
        beyond = tuple((0, more) for more in op.beyond(sizes))
        ones = padded(ones, op.pads(sizes), 1.0)
        ones = padded(ones, beyond) if any(map(any, beyond)) else ones
    else:
        ones = padded(ones, op.extended(sizes))
    return F.broadcast_div(whole, _sums(op, ones))


def _sums(op: ops.Pool, x: Expr) -> Expr:
    return _dilated(op, F.elemwise_add, x) if op.is_dilated else _pool(op, "sum", x)


def _dilated(op: ops.Pool, combine: Expr, x: Expr) -> Expr:
    return Helper("dilated_pool")(F, combine, x, op.kernel, op.strides, op.dilations)


@lower(ops.GlobalAvgPool1d, ops.GlobalAvgPool2d)
def _global_avg_pool(op: ops.GlobalAvgPool, at: Application, x: Expr) -> Expr:
    return F.mean(x, axis=one_or_all(op.axes), keepdims=default(not gives_bare(at), False))


@lower(ops.GlobalMaxPool1d, ops.GlobalMaxPool2d, ops.GlobalMaxPool3d)
def _global_max_pool(op: ops.GlobalMaxPool, at: Application, x: Expr) -> Expr:
    return F.max(x, axis=one_or_all(op.axes), keepdims=default(not gives_bare(at), False))


@lower(ops.AdaptiveAvgPool2d, ops.AdaptiveMaxPool2d)
def _adaptive_pool(op: ops.AdaptivePool2d, at: Application, x: Expr) -> Expr:
    averages = isinstance(op, ops.AdaptiveAvgPool2d)
    reduce = F.mean if averages else F.max
    if op.size == (1, 1):
        return reduce(x, axis=(2, 3), keepdims=default(not gives_bare(at), False))
    gone = op.whole()
    if gone:
        x = reduce(x, axis=gone[0], keepdims=True)
    if not op.is_even(at.type(0)):
        sizes = [1 if axis in gone else n for axis, n in enumerate(at.type(0).shape[2:], 2)]
        return Helper("adaptive_pool")(F, reduce, x, op.size, sizes)
    windows = tuple(1 if axis in gone else n for axis, n in enumerate(op.windows(at.type(0)), 2))
    kind = "avg" if averages else "max"
    return F.Pooling(x, kernel=windows, stride=windows, pool_type=kind)


@lower(ops.LpPool2d)
def _lp_pool(op: ops.LpPool2d, at: Application, x: Expr) -> Expr:
    x = F.square(x) if op.p == 2 else F.abs(x) if op.p == 1 else F.abs(x) ** op.p
    pads = op.extended(at.type(0).shape[2:])
    total = _pool(op, "sum", padded(x, pads) if any(map(any, pads)) else x)
    return total if op.p == 1 else Helper("root")(total, default(op.p, 2))
