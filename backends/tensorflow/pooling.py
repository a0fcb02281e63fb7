"""Pooling in TensorFlow.

"SAME" is written where it means the source's numbers.  Else a maximum pads by numbers, where
TensorFlow takes none over an input padded with the least number, and an average is corrected by the
share of cells that count.
"""

from __future__ import annotations

from tercet.backends.tensorflow.conv import pad_widths
from tercet.backends.tensorflow.target import Placed, lower, tf
from tercet.codegen.axes import collapse, one_or_all
from tercet.codegen.expr import Expr, Helper, Sequence, default, lift
from tercet.compiler.ops import pooling as ops
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
    axes = zip(sizes, op.output_sizes(sizes), op.kernel, op.strides, pads, strict=True)
    for size, output, kernel, stride, (begin, _) in axes:
        end = (output - 1) * stride + kernel - size - begin
        if not isinstance(end, int):
            return Helper("ceil_padding")(x, op.kernel, op.strides, pads)
        found.append((begin, max(end, 0)))
    return lift(pad_widths(found))


_DOUBLE_VOLUME = lower.limit(
    "in f64", "TensorFlow pools no volumes in float64", ops.MaxPool3d, ops.AvgPool3d
)


def _check_volume(op: ops.Pool, at: Placed) -> None:
    if op.rank == 3 and at.type(0).dtype is DType.F64:
        raise _DOUBLE_VOLUME.refusal()


def _is_half_volume(op: ops.Pool, at: Placed) -> bool:
    """Whether no CPU pools it as it is."""
    return op.rank == 3 and at.type(0).dtype is DType.F16


@lower(ops.MaxPool1d, ops.MaxPool2d, ops.MaxPool3d)
def _max_pool(op: ops.MaxPool, at: Placed, x: Expr) -> Expr:
    _check_volume(op, at)
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
    held = at.dtype(DType.F32 if _is_half_volume(op, at) else at.type(0).dtype)
    dtype = x.dtype if held == at.float32 != tf.float32 else held
    padded = tf.pad(x, widths, constant_values=dtype.min)
    return _MAX[op.rank](padded, kernel, strides, "VALID")


@lower(ops.AvgPool1d, ops.AvgPool2d, ops.AvgPool3d)
def _avg_pool(op: ops.AvgPool, at: Placed, x: Expr) -> Expr:
    _check_volume(op, at)
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


@lower(ops.AdaptiveAvgPool2d)
def _adaptive_avg_pool(op: ops.AdaptiveAvgPool2d, at: Placed, x: Expr) -> Expr:
    whole = tuple(axis for axis, size in enumerate(op.size, 1) if size == 1)
    if len(whole) == 2:
        return tf.reduce_mean(x, axis=whole, keepdims=default(not at.drops_axes, False))
    kernel = list(op.windows(at.type(0)))
    for axis in whole:
        x, kernel[axis - 1] = tf.reduce_mean(x, axis=axis, keepdims=True), 1
    sizes = collapse(kernel)
    return tf.nn.avg_pool2d(x, sizes, sizes, "VALID")


@lower(ops.LpPool2d)
def _lp_pool(op: ops.LpPool2d, at: Placed, x: Expr) -> Expr:
    widths = None if _is_valid(op) else _widths(op, at, x)
    sizes = collapse(op.kernel), collapse(op.strides)
    sums = Helper("sums_of_powers")(x, op.p, *sizes, default(widths, None))
    return sums if op.p == 1 else Helper("root")(sums, default(op.p, 2))
