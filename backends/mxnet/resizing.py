"""Other sizes in MXNet: its own operators where they are equal, else elements by index.

`F.take` clips indices, so what lies beyond the ends of an axis is its outermost element.
"""

from __future__ import annotations

from functools import reduce
from operator import add

from tercet.backends.mxnet.symbolic_shape import length_of, positions, witness
from tercet.backends.mxnet.target import F, held_as, is_eager, lower
from tercet.codegen.expr import Expr, Helper, Name, default
from tercet.codegen.target import Application
from tercet.compiler.dims import Dim, Product, Size, Sum, product
from tercet.compiler.ops.resizing import Places, Resize, Resizing, Upsample
from tercet.compiler.types import DType


@lower(Resize, Upsample)
def _resize(op: Resizing, at: Application, x: Expr) -> Expr:
    own = _repeated(op, at, x)
    if own is None and at.type(0).dtype is DType.F32:
        own = _bilinear(op, at, x)
    return _by_index(op, at, x) if own is None else own


@lower.exact(Resize, Upsample)  # MXNet's bilinear one has its weights in float32
def _exact_resize(op: Resizing, at: Application, x: Expr) -> Expr:
    own = _repeated(op, at, x)
    return _by_index(op, at, x) if own is None else own


def _repeated(op: Resizing, at: Application, x: Expr) -> Expr | None:
    sizes = at.type(0).shape[2:]
    repeats = op.repeats(sizes)
    if repeats is None:
        return None
    if len(sizes) == 2 and len(set(repeats)) == 1:
        return F.UpSampling(x, scale=repeats[0], sample_type="nearest")
    for axis, count in enumerate(repeats, 2):
        x = F.repeat(x, repeats=count, axis=axis) if count > 1 else x
    return x


def _bilinear(op: Resizing, at: Application, x: Expr) -> Expr | None:
    """MXNet's own, which has half pixels wrong where one element is left of an axis."""
    sizes, outputs = at.type(0).shape[2:], at.result.shape[2:]
    if op.mode != "linear" or len(sizes) != 2 or op.coordinates == "asymmetric":
        return None
    aligned = {"align_corners": default(op.coordinates == "align_corners", True)}
    if not op.by_sizes(sizes):
        return None
    height, width = outputs
    if isinstance(height, int) and isinstance(width, int):
        if 1 in outputs and op.coordinates == "half_pixel":
            return None
        return F.contrib.BilinearResize2D(x, height=height, width=width, **aligned)
    multiples = op.multiples(sizes)
    if multiples is None or 1 in multiples:
        return None
    high, wide = multiples
    return F.contrib.BilinearResize2D(x, scale_height=high, scale_width=wide, **aligned)


def _by_index(op: Resizing, at: Application, x: Expr) -> Expr:
    sizes, outputs = at.type(0).shape[2:], at.result.shape[2:]
    rank, slope = at.type(0).rank, {"a": op.a} if op.mode == "cubic" else {}
    for axis, (places, size) in enumerate(zip(op.places(sizes), outputs, strict=True), 2):
        if places.stays and size == sizes[axis - 2]:
            continue
        if op.mode == "nearest":
            index = F.floor(_places(at, places.rounded(op.rounding), size))
            x = F.take(x, index, axis=axis, mode="clip")
        else:
            x = Helper("interpolated")(F, x, _places(at, places, size), axis, rank, **slope)
    return x


def _places(at: Application, places: Places, count: Size) -> Expr:
    """Where the elements of the result lie along an axis of x, as a vector."""
    dtype = held_as(at.type(0).dtype)
    if isinstance(count, int) or is_eager(at):
        found = F.arange(count, dtype=default(dtype, "float32"))
    else:
        found = F.cast(positions(witness(at, count), 0), dtype=dtype)
    if places.step != 1:
        found = _with(at, found, "mul", places.step)
    if places.start != 0:
        found = _with(at, found, "add", places.start)
    if places.may_be_over_nothing:
        if is_eager(at):
            return found / Name("max")(places.over, 1)
        return F.broadcast_div(found, F.maximum(_number(at, places.over), 1))
    return found if places.over == 1 else _with(at, found, "div", places.over)


def _with(at: Application, vector: Expr, how: str, size: Size) -> Expr:
    """The vector times, plus or by a size."""
    if not isinstance(size, int) and not is_eager(at):
        operator: Expr = getattr(F, f"broadcast_{how}")
        return operator(vector, _number(at, size))
    match how:
        case "mul":
            return vector * size
        case "add":
            return vector - -size if isinstance(size, int) and size < 0 else vector + size
    return vector / size


def _number(at: Application, size: Size) -> Expr:
    """A size as a tensor of one element.  Raises Unsupported."""
    expression = size.expression if isinstance(size, Dim) else None
    match expression:
        case Product((int(factor), *others)):
            return _number(at, product(others)) * factor
        case Sum():
            parts = [t for t in expression.terms if not isinstance(t, int)]
            total = reduce(add, (_number(at, part) for part in parts))
            rest = sum(t for t in expression.terms if isinstance(t, int))
            return total + rest if rest else total
    return length_of(at, size, held_as(at.type(0).dtype))
