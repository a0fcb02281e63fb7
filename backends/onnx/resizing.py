"""Other sizes in ONNX: Resize; where float32 may err about which element is nearest, Gather."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tercet.backends.onnx.builder import Context, lower
from tercet.compiler.dims import Size
from tercet.compiler.lazy import np
from tercet.compiler.ops.resizing import Places, Resize, Resizing, Upsample, gives_in_float32
from tercet.compiler.types import DType

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


@lower(Resize, Upsample)
def _resize(op: Resizing, c: Context) -> str:
    sizes, outputs = c.type.shape[2:], c.result.shape[2:]
    if op.mode == "nearest" and not _decides_in_float32(op, sizes, outputs):
        x = c.x
        for axis, (places, size) in enumerate(zip(op.places(sizes), outputs, strict=True), 2):
            index = _indices(c, places.rounded(op.rounding), sizes[axis - 2], size)
            x = c.node("Gather", x, index, axis=axis)
        return x
    attributes: dict[str, object] = {
        "mode": op.mode,
        "coordinate_transformation_mode": op.coordinates,
    }
    if op.mode == "nearest":
        attributes["nearest_mode"] = op.rounding
    if op.mode == "cubic":
        attributes["cubic_coeff_a"] = op.a
    scales = _scales(op, sizes, outputs)
    if scales is None:
        return c.node("Resize", c.x, None, None, c.shape(c.result.shape), **attributes)
    return c.node("Resize", c.x, None, c.constant(scales, DType.F32), **attributes)


def _scales(op: Resizing, sizes: tuple[Size, ...], outputs: tuple[Size, ...]) -> Array | None:
    """The scales of all axes, as float32 numbers that give the sizes; None where sizes tell all."""
    if op.scale is None:
        return None
    found = [np.float32(1), np.float32(1)]
    for n, m, scale in zip(sizes, outputs, op.scales(len(sizes)), strict=True):
        number = np.float32(scale)
        if isinstance(n, int) and isinstance(m, int):
            while not gives_in_float32(n, m, number):
                number = np.nextafter(number, np.float32(np.inf if number * n < m + 0.5 else 0))
        found.append(number)
    return np.array(found, np.float32)


def _decides_in_float32(op: Resizing, sizes: tuple[Size, ...], outputs: tuple[Size, ...]) -> bool:
    """Whether ONNX Runtime, which computes places in float32, finds the nearest elements."""
    known = [n for n in sizes if isinstance(n, int)]
    if len(known) < len(sizes):  # a quotient by such a scale is rounded once
        return op.scale is not None and op.coordinates != "align_corners"
    scales = _scales(op, sizes, outputs)
    axes = zip(known, outputs, op.nearest(tuple(known)), strict=True)
    for axis, (n, m, wanted) in enumerate(axes, 2):
        assert isinstance(m, int)
        scale = np.float32(m) / np.float32(n) if scales is None else scales[axis]
        if not np.array_equal(np.clip(_nearest(op, n, m, scale), 0, n - 1), wanted):
            return False
    return True


def _nearest(op: Resizing, n: int, m: int, scale: np.float32) -> Array:
    """As ONNX Runtime computes it."""
    i, half = np.arange(m, dtype=np.float32), np.float32(0.5)
    place: Array = i / scale
    if op.coordinates == "half_pixel":
        place = (i + half) / scale - half
    elif op.coordinates == "align_corners":
        place = i * np.float32(n - 1) / np.float32(max(m - 1, 1))
    if op.rounding.startswith("round"):
        place = place + (-half if op.rounding == "round_prefer_floor" else half)
    rounds_up = op.rounding in ("ceil", "round_prefer_floor")
    return np.asarray(np.ceil(place) if rounds_up else np.floor(place))


def _indices(c: Context, places: Places, size: Size, count: Size) -> str:
    """Which element of the axis each place of the result holds."""
    if isinstance(size, int) and isinstance(count, int):
        exact = [f.numerator // f.denominator for f in places.exact(count)]
        return c.constant(np.clip(exact, 0, size - 1).astype(np.int64), DType.I64)
    zero, one = c.scalar(0, DType.I64), c.scalar(1, DType.I64)
    index = c.node("Range", zero, c.size_scalar(count), one)
    index = c.node("Add", c.node("Mul", index, c.size(places.step)), c.size(places.start))
    over = c.size(places.over)
    if places.may_be_over_nothing:
        over = c.node("Max", over, c.ints(1))
    index = c.node("Div", index, over)  # what is below 0 is clipped all the same
    last = c.size(size - 1)
    return c.node("Min", c.node("Max", index, c.ints(0)), last)
