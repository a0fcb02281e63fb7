"""The rules that layers share, each broken with the same code and in the same words everywhere."""

from __future__ import annotations

from collections.abc import Sequence

from tercet.compiler import dims
from tercet.compiler.dims import Dim, Size
from tercet.compiler.errors import OpError, require
from tercet.compiler.types import DType, Shape, TensorType, shape_text


def require_at_least(least: int, value: Size | Sequence[Size], attribute: str) -> None:
    """An integer attribute, or each number of one, is not below `least`, whatever symbols are."""
    for number in (value,) if isinstance(value, int | Dim) else value:
        legal = dims.less_equal(least, number) is not False
        require(legal, attribute, f"`{attribute}` must be at least {least}, not {number}")


def require_rank(x: TensorType, least: int, most: int | None = None, *, operand: int = 0) -> None:
    """The number of axes is `least`, or up to `most` where that is given; -1 sets no limit."""
    most = least if most is None else most
    if x.rank < least or (most != -1 and x.rank > most):
        wanted = f"{least}" if most == least else f"{least} to {most}"
        wanted = f"at least {least}" if most == -1 else wanted
        axes = "axis" if wanted.endswith(" 1") or wanted == "1" else "axes"
        raise OpError("E0303", f"needs {wanted} {axes}, but {x} has {x.rank}", operand=operand)


def require_dtype(x: TensorType, dtype: DType, what: str, *, operand: int) -> None:
    """The element type is that of another operand."""
    if x.dtype is not dtype:
        message = f"{what} must be {dtype}, not {x.dtype}"
        help = f"convert it with `cast(…, {dtype})`"
        raise OpError("E0304", message, operand=operand, help=help)


def require_integer(x: TensorType, what: str, *, operand: int) -> None:
    """The elements are i32 or i64: class indices, ids, lengths."""
    if x.dtype not in (DType.I32, DType.I64):
        raise OpError(
            "E0305",
            f"{what} must be i64 or i32, not {x.dtype}",
            operand=operand,
            help="declare the input as i64, or convert with `cast(x, i64)`",
        )


def require_shape(x: TensorType, shape: Shape, what: str, *, operand: int) -> None:
    """The shape is exactly this one, for all values of its symbols."""
    same = x.rank == len(shape) and all(
        dims.equal(a, b) is True for a, b in zip(x.shape, shape, strict=True)
    )
    if not same:
        wanted = shape_text(shape)
        code = "E0301" if x.rank == len(shape) else "E0303"
        raise OpError(code, f"{what} must have shape {wanted}, not {x}", operand=operand)


def require_broadcast(x: TensorType, shape: Shape, what: str, *, operand: int) -> None:
    """The shape broadcasts to this one without making it larger."""
    fits = x.rank <= len(shape) and all(
        a == 1 or dims.equal(a, b) is True
        for a, b in zip(reversed(x.shape), reversed(shape), strict=False)
    )
    if not fits:
        wanted = shape_text(shape)
        raise OpError("E0302", f"{what} {x} does not broadcast to {wanted}", operand=operand)


def broadcast_shapes(a: Shape, b: Shape, *, operand: int = 1) -> Shape:
    """The common shape under NumPy's rule."""
    longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
    padded = (1,) * (len(longer) - len(shorter)) + shorter
    result: list[Size] = []
    for left, right in zip(longer, padded, strict=True):
        size = dims.broadcast(left, right)
        if size is None:
            raise _not_broadcast(a, b, left, right, operand)
        result.append(size)
    return tuple(result)


def _not_broadcast(a: Shape, b: Shape, left: Size, right: Size, operand: int) -> OpError:
    shapes = " and ".join(shape_text(shape) for shape in (a, b))
    help = f"{left} and {right} must be equal, or one of them 1"
    if dims.symbols(left) or dims.symbols(right):
        help = "a symbolic size goes with 1 or an equal size only"
    message = f"the shapes {shapes} do not broadcast: {left} is not {right}"
    return OpError("E0302", message, operand=operand, help=help)


def known(size: Size, what: str, *, operand: int = 0) -> int:
    """A size that parameters depend on, which must be a number.  Raises OpError E0314."""
    if isinstance(size, int):
        return size
    raise OpError(
        "E0314",
        f"{what} must be known when the model is compiled, but it is {size}",
        operand=operand,
        help="parameters have fixed shapes: write a number for this size in the input's type",
    )


def normalized_axis(axis: int, rank: int, attribute: str = "axis", help: str | None = None) -> int:
    """The axis counted from the front.  Raises OpError E0309."""
    if not -rank <= axis < rank:
        span = f"from {-rank} to {rank - 1}" if rank else "none: it is a scalar"
        message = f"axis {axis} does not exist: axes are {span}"
        raise OpError("E0309", message, attribute=attribute, help=help)
    return axis % rank


def normalized_axes(axis: int | tuple[int, ...], rank: int) -> tuple[int, ...]:
    """The axes from the front, in order.  Raises OpError E0309, or E0504 for none or one twice.

    No axes are refused because targets differ about them: some take that for all.
    """
    given = (axis,) if isinstance(axis, int) else axis
    require(bool(given), "axis", "`axis` must name at least one axis")
    axes = [normalized_axis(a, rank) for a in given]
    require(len(set(axes)) == len(axes), "axis", f"{shape_text(given)} names an axis twice")
    return tuple(sorted(axes))
