"""Other sizes in TensorFlow: `tf.image.resize` where it is equal, else elements by index.

That is where half pixels count; it computes in float32.  Its cubic is another at the borders.
"""

from __future__ import annotations

from tercet.backends.tensorflow.target import Placed, lower, tf
from tercet.codegen.expr import Expr, Helper
from tercet.compiler.lazy import np
from tercet.compiler.ops.resizing import Resize, Resizing, Upsample, gives_in_float32
from tercet.compiler.types import DType


@lower(Resize, Upsample)
def _resize(op: Resizing, at: Placed, x: Expr) -> Expr:
    sizes, outputs = at.type(0).shape[2:], at.result.shape[2:]
    if len(sizes) == 2 and op.repeats(sizes) is not None:
        return tf.image.resize(x, outputs, "nearest")
    bilinear = op.mode == "linear" and op.coordinates == "half_pixel" and op.by_sizes(sizes)
    if bilinear and len(sizes) == 2 and at.type(0).dtype is DType.F32 and _is_exported(op, at):
        resized = tf.image.resize(x, outputs, "bilinear")
        return resized if at.float32 == tf.float32 else tf.cast(resized, x.dtype)
    return _by_index(op, at, x)


def _is_exported(op: Resizing, at: Placed) -> bool:
    """Whether tf2onnx, which makes float32 scales of the sizes, gets these sizes by them."""
    sizes, outputs = at.type(0).shape[2:], at.result.shape[2:]
    return op.multiples(sizes) is not None or all(
        isinstance(n, int)
        and isinstance(m, int)
        and gives_in_float32(n, m, np.float32(m) / np.float32(n))
        for n, m in zip(sizes, outputs, strict=True)
    )


@lower.exact(Resize, Upsample)
def _exact_resize(op: Resizing, at: Placed, x: Expr) -> Expr:
    sizes, outputs = at.type(0).shape[2:], at.result.shape[2:]
    if len(sizes) == 2 and op.repeats(sizes) is not None:
        return tf.image.resize(x, outputs, "nearest")
    return _by_index(op, at, x)


def _by_index(op: Resizing, at: Placed, x: Expr) -> Expr:
    sizes, outputs = at.type(0).shape[2:], at.result.shape[2:]
    named = Helper("nearest" if op.mode == "nearest" else "interpolated")
    slope = {"a": op.a} if op.mode == "cubic" else {}
    for axis, (places, size) in enumerate(zip(op.places(sizes), outputs, strict=True), 1):
        if places.stays and size == sizes[axis - 1]:
            continue
        if op.mode == "nearest":
            places = places.rounded(op.rounding)
        over = tf.maximum(places.over, 1) if places.may_be_over_nothing else places.over
        x = named(x, axis, size, places.step, places.start, over, **slope)
    return x
