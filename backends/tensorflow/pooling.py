"""Pooling in TensorFlow.

"SAME" is written where it means the source's numbers.  Else a maximum pads by numbers, where
TensorFlow takes none over an input padded with the least number, and an average is corrected by the
share of cells that count.
"""

from __future__ import annotations

import math

from tercet.backends.tensorflow.conv import pad_widths
from tercet.backends.tensorflow.target import Placed, lower, tf
from tercet.codegen.axes import collapse, one_or_all
from tercet.codegen.expr import Expr, Helper, Sequence, default, lift
from tercet.compiler.ops import pooling as ops
from tercet.compiler.ops.windows import Pads
from tercet.compiler.types import DType

_MAX = {1: tf.nn.max_pool1d, 2: tf.nn.max_pool2d, 3: tf.nn.max_pool3d}
_AVERAGE = {1: tf.nn.avg_pool1d, 2: tf.nn.avg_pool2d, 3: tf.nn.avg_pool3d}


def _is_same(op: object) -> bool:
    """Whether TensorFlow's "SAME" pads what the operation says."""
    if not isinstance(op, ops.Pool) or op.padding == "same":
        return True
    wanted = tuple(((k - 1) // 2, k // 2) for k in op.kernel)
    return all(s == 1 for s in op.strides) and op.padding == wanted


def _is_valid(op: object) -> bool:
    assert isinstance(op, ops.Pool)
    return op.padding != "same" and not op.ceil and not any(map(any, op.padding))


def _widths(op: ops.Pool, at: Placed, x: Expr) -> Expr:
    """The widths of `tf.pad`, with what `ceil` adds at the ends."""
    sizes = at.type(0).shape[2:]
    pads = op.pads(sizes)
    if not op.ceil:
        return lift(pad_widths(pads))
    found: list[tuple[int, int]] = []
    axes = zip(sizes, op.output_sizes(sizes), op.extents, op.strides, pads, strict=True)
    for size, output, kernel, stride, (begin, _) in axes:
        end = (output - 1) * stride + kernel - size - begin
        if not isinstance(end, int):
            return Helper("ceil_padding")(x, op.extents, op.strides, pads)
        found.append((begin, max(end, 0)))
    return lift(pad_widths(found))


def _by_slices(op: ops.Pool, at: Placed) -> bool:
    """Whether TensorFlow has no such pool: with gaps, or of volumes in float64."""
    return op.is_dilated or (op.rank == 3 and at.type(0).dtype is DType.F64)


def _is_half_volume(op: ops.Pool, at: Placed) -> bool:
    """Whether no CPU pools it as it is."""
    return op.rank == 3 and at.type(0).dtype is DType.F16


@lower(ops.MaxPool1d, ops.MaxPool2d, ops.MaxPool3d)
def _max_pool(op: ops.MaxPool, at: Placed, x: Expr) -> Expr:
    if _by_slices(op, at):
        widths = op.extended(at.type(0).shape[2:])
        if any(map(any, widths)):
            x = tf.pad(x, pad_widths(widths), constant_values=_least(at.type(0).dtype, at, x))
        return Helper("dilated_pool")(tf.maximum, x, op.kernel, op.strides, op.dilations)
    if _is_half_volume(op, at):
        return tf.cast(_greatest(op, at, tf.cast(x, tf.float32)), tf.float16)
    return _greatest(op, at, x)


def _greatest(op: ops.MaxPool, at: Placed, x: Expr) -> Expr:
    kernel, strides = collapse(op.kernel), collapse(op.strides)
    if all(map(_is_valid, at.siblings)):
        return _MAX[op.rank](x, kernel, strides, "VALID")
    if all(map(_is_same, at.siblings)):
        return _MAX[op.rank](x, kernel, strides, "SAME")
    widths = _widths(op, at, x)
    if op.rank == 2 and isinstance(widths, Sequence):
        return tf.nn.max_pool2d(x, kernel, strides, widths)
    least = _least(DType.F32 if _is_half_volume(op, at) else at.type(0).dtype, at, x)
    return _MAX[op.rank](tf.pad(x, widths, constant_values=least), kernel, strides, "VALID")


def _least(dtype: DType, at: Placed, x: Expr) -> Expr:
    held = at.dtype(dtype)
    return x.dtype.min if held == at.float32 != tf.float32 else held.min


@lower(ops.AvgPool1d, ops.AvgPool2d, ops.AvgPool3d)
def _avg_pool(op: ops.AvgPool, at: Placed, x: Expr) -> Expr:
    if _by_slices(op, at):
        return _dilated_average(op, at, x)
    if _is_half_volume(op, at):
        return tf.cast(_averages(op, at, tf.cast(x, tf.float32)), tf.float16)
    return _averages(op, at, x)


def _averages(op: ops.AvgPool, at: Placed, x: Expr) -> Expr:
    kernel, strides = collapse(op.kernel), collapse(op.strides)
    siblings = [o for o in at.siblings if isinstance(o, ops.AvgPool)]
    if all(map(_is_valid, siblings)):
        return _AVERAGE[op.rank](x, kernel, strides, "VALID")
    if all(_is_same(o) and not o.count_include_pad for o in siblings):
        return _AVERAGE[op.rank](x, kernel, strides, "SAME")
    if all(o.count_include_pad and not o.ceil for o in siblings):
        padded = tf.pad(x, _widths(op, at, x))
        return _AVERAGE[op.rank](padded, kernel, strides, "VALID")
    counted = op.pads(at.type(0).shape[2:]) if op.count_include_pad else ((0, 0),) * op.rank
    return Helper("average_pool")(x, kernel, strides, _widths(op, at, x), pad_widths(counted))


@lower(ops.GlobalAvgPool1d, ops.GlobalAvgPool2d)
def _global_avg_pool(op: ops.GlobalAvgPool, at: Placed, x: Expr) -> Expr:
    return tf.reduce_mean(x, **_all_axes(op, at))


@lower(ops.GlobalMaxPool1d, ops.GlobalMaxPool2d, ops.GlobalMaxPool3d)
def _global_max_pool(op: ops.GlobalMaxPool, at: Placed, x: Expr) -> Expr:
    return tf.reduce_max(x, **_all_axes(op, at))


def _all_axes(op: ops.GlobalPool, at: Placed) -> dict[str, object]:
    axes = tuple(range(1, 1 + op.rank))
    return {"axis": one_or_all(axes), "keepdims": default(not at.drops_axes, False)}


def _dilated_average(op: ops.AvgPool, at: Placed, x: Expr) -> Expr:
    """Sums of windows by how many cells of each count."""
    sizes = at.type(0).shape[2:]
    window = op.kernel, op.strides, op.dilations
    pads, beyond = op.pads(sizes), tuple((0, n) for n in op.beyond(sizes))
    total = Helper("dilated_pool")(tf.add, _padded(x, op.extended(sizes)), *window)
    if op.counts_all(sizes):
        return total / math.prod(op.kernel)
    ones = _padded(tf.ones_like(x), pads, 1.0 if op.count_include_pad else 0.0)
    return total / Helper("dilated_pool")(tf.add, _padded(ones, beyond), *window)


def _padded(x: Expr, pads: Pads, value: float = 0.0) -> Expr:
    if not any(map(any, pads)):
        return x
    return tf.pad(x, pad_widths(pads), constant_values=default(value, 0.0))


@lower(ops.AdaptiveAvgPool2d, ops.AdaptiveMaxPool2d)
def _adaptive_pool(op: ops.AdaptivePool2d, at: Placed, x: Expr) -> Expr:
    averages = isinstance(op, ops.AdaptiveAvgPool2d)
    reduce = tf.reduce_mean if averages else tf.reduce_max
    whole = tuple(axis - 1 for axis in op.whole())
    if len(whole) == 2:
        return reduce(x, axis=whole, keepdims=default(not at.drops_axes, False))
    if not op.is_even(at.type(0)):
        left = [1 if k in whole else n for k, n in enumerate(at.type(0).shape[2:], 1)]
        x = reduce(x, axis=whole[0], keepdims=True) if whole else x
        return Helper("adaptive_pool")(reduce, x, op.size, left)
    kernel = list(op.windows(at.type(0)))
    for axis in whole:
        x, kernel[axis - 1] = reduce(x, axis=axis, keepdims=True), 1
    sizes = collapse(kernel)
    return (tf.nn.avg_pool2d if averages else tf.nn.max_pool2d)(x, sizes, sizes, "VALID")


@lower(ops.LpPool2d)
def _lp_pool(op: ops.LpPool2d, at: Placed, x: Expr) -> Expr:
    widths = None if _is_valid(op) else _widths(op, at, x)
    sizes = collapse(op.kernel), collapse(op.strides)
    sums = Helper("sums_of_powers")(x, op.p, *sizes, default(widths, None))
    return sums if op.p == 1 else Helper("root")(sums, default(op.p, 2))
