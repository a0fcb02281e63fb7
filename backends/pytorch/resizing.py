"""Other sizes in PyTorch: `F.interpolate` where it is equal, else elements of an axis by index."""

from __future__ import annotations

from tercet.backends.pytorch.target import F, lower
from tercet.codegen.axes import collapse
from tercet.codegen.expr import Expr, Helper, Name, default
from tercet.codegen.target import Application
from tercet.compiler.lazy import np
from tercet.compiler.ops.resizing import Resize, Resizing, Upsample, gives_in_float32

_MOST_REPEATS = 16
"""Up to here `F.interpolate`, which multiplies by 1 / scale in float32, repeats as it should."""

_MODES = {
    ("linear", 1): "linear",
    ("linear", 2): "bilinear",
    ("linear", 3): "trilinear",
    ("cubic", 2): "bicubic",
}


@lower(Resize, Upsample)
def _resize(op: Resizing, at: Application, x: Expr) -> Expr:
    sizes, outputs = at.type(0).shape[2:], at.result.shape[2:]
    repeats = op.repeats(sizes)
    if repeats is not None and max(repeats) <= _MOST_REPEATS:
        return F.interpolate(x, scale_factor=_plain(repeats), mode="nearest")
    if op.mode != "nearest" and _is_own(op, at):
        settings: dict[str, object] = {"mode": _MODES[op.mode, len(sizes)]}
        settings["align_corners"] = default(op.coordinates == "align_corners", False)
        if op.scale is not None:
            return F.interpolate(x, scale_factor=_plain(op.scales(len(sizes))), **settings)
        return F.interpolate(x, size=collapse(outputs), **settings)
    named = Helper("nearest" if op.mode == "nearest" else "interpolated")
    slope = {"a": op.a} if op.mode == "cubic" else {}
    for axis, (places, size) in enumerate(zip(op.places(sizes), outputs, strict=True), 2):
        if places.stays and size == sizes[axis - 2]:
            continue
        if op.mode == "nearest":
            places = places.rounded(op.rounding)
        over = Name("max")(places.over, 1) if places.may_be_over_nothing else places.over
        x = named(x, axis, size, places.step, places.start, over, **slope)
    return x


def _is_own(op: Resizing, at: Application) -> bool:
    """Whether `F.interpolate` and its export give these places and sizes."""
    if op.coordinates == "asymmetric" or (op.mode == "cubic" and op.a != -0.75):
        return False
    sizes, outputs = at.type(0).shape[2:], at.result.shape[2:]
    if op.scale is None:
        return True
    scales = zip(sizes, outputs, op.scales(len(sizes)), strict=True)
    return all(  # ONNX has scales in float32
        not isinstance(n, int) or gives_in_float32(n, m, np.float32(scale))
        for n, m, scale in scales
    )


def _plain(scales: tuple[float, ...]) -> object:
    """2 instead of 2.0, and one number where all are the same."""
    return collapse(tuple(int(s) if s == int(s) else s for s in scales))
