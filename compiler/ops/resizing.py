"""Images, lines and volumes at other sizes.

A place of the result lies at a fraction of whole numbers along the axis of x, known or symbolic.
So which element is nearest is decided without rounding, and every target can compute it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from tercet.compiler import dims
from tercet.compiler.dims import Size
from tercet.compiler.errors import OpError, require
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import (
    Elements,
    Layout,
    Op,
    Operand,
    Requirement,
    operation,
    require_float,
)
from tercet.compiler.ops.checks import require_at_least, require_rank
from tercet.compiler.ops.sizes import at_least_one
from tercet.compiler.types import Shape, TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array

Mode = Literal["nearest", "linear", "cubic"]
Coordinates = Literal["half_pixel", "align_corners", "asymmetric"]
Rounding = Literal["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]

_FINEST = 64
"""Symbolic sizes are scaled by multiples of one part of this, which every arithmetic holds."""


@dataclass(frozen=True)
class Places:
    """Place i of the result lies at `(step * i + start) / over` along an axis of x.

    A symbolic `over` may be 0 in a run, which then counts as 1: the result has one place.
    """

    step: Size
    start: Size
    over: Size

    def rounded(self, rounding: Rounding) -> Places:
        """Those of which the quotients, rounded down, are the nearest elements."""
        step, start, over = self.step, self.start, self.over
        match rounding:
            case "floor":
                return self
            case "ceil":
                return Places(step, start + over - 1, over)
            case "round_prefer_floor":
                return Places(2 * step, 2 * start + over - 1, 2 * over)
            case "round_prefer_ceil":
                return Places(2 * step, 2 * start + over, 2 * over)

    @property
    def may_be_over_nothing(self) -> bool:
        """Whether `over` may be 0 in a run."""
        return dims.less_equal(1, self.over) is not True

    @property
    def stays(self) -> bool:
        """Whether place i lies at i."""
        return self.start == 0 and self.step == self.over

    def exact(self, count: int) -> list[Fraction]:
        """All of them, for known sizes."""
        step, start, over = self.step, self.start, self.over
        assert isinstance(step, int)
        assert isinstance(start, int)
        assert isinstance(over, int)
        return [Fraction(step * i + start, over) for i in range(count)]


class Resizing(Op):
    """What `resize` and `upsample` share: new sizes of all axes but the first two."""

    operands = (Operand("x"),)
    layout = Layout.SPATIAL
    elements = Elements.COMPUTED
    work = 6

    sizes: Size | tuple[Size, ...] | None
    scale: float | tuple[float, ...] | None
    mode: Mode
    coordinates: Coordinates
    rounding: Rounding
    a: float

    def infer(self, x: TensorType) -> TensorType:
        require_float(x)
        require_rank(x, 3, 5)
        if self.mode == "cubic" and x.rank != 4:
            message = f"cubic is for images, of 4 axes, and {x} has {x.rank}"
            raise OpError("E0303", message, operand=0, attribute="mode")
        sizes = self.output_sizes(x.shape[2:])
        if any(dims.less_equal(size, 0) for size in sizes):
            message = f"the result would be empty: {x} scaled by {self.scale}"
            raise OpError("E0311", message, operand=0, attribute="scale")
        return x.with_shape(*x.shape[:2], *sizes)

    def constraints(self, x: TensorType) -> tuple[Requirement, ...]:
        return at_least_one(self.output_sizes(x.shape[2:]))

    def moved(self, x: TensorType) -> Elements:
        return Elements.SELECTED if self.mode == "nearest" else Elements.COMPUTED

    def mixed_axes(self, x: TensorType) -> tuple[int, ...]:
        return tuple(range(2, x.rank))

    def output_sizes(self, sizes: Shape) -> Shape:
        """The new sizes of axes of these sizes.  Raises OpError."""
        if self.scale is not None:
            return tuple(map(_scaled, sizes, self.scales(len(sizes))))
        given = self.sizes if isinstance(self.sizes, tuple) else (self.sizes,) * len(sizes)
        _require_one_each(len(given), len(sizes), "sizes")
        return tuple(n for n in given if n is not None)

    def scales(self, count: int) -> tuple[float, ...]:
        """The scale of each axis, where it is given.  Raises OpError."""
        assert self.scale is not None
        given = self.scale if isinstance(self.scale, tuple) else (self.scale,) * count
        _require_one_each(len(given), count, "scale")
        return given

    def places(self, sizes: Shape) -> tuple[Places, ...]:
        """Where the elements of the result lie along each axis, for these sizes of x."""
        outputs = self.output_sizes(sizes)
        if self.coordinates == "align_corners":
            ends = zip(sizes, outputs, strict=True)
            return tuple(Places(n - 1, 0, 1 if m == 1 else m - 1) for n, m in ends)
        ratios: list[tuple[Size, Size]] = list(zip(sizes, outputs, strict=True))
        if self.scale is not None:
            exact = map(_fraction, self.scales(len(sizes)))
            ratios = [(scale.denominator, scale.numerator) for scale in exact]
        if self.coordinates == "asymmetric":
            return tuple(Places(part, 0, whole) for part, whole in ratios)
        return tuple(Places(2 * part, part - whole, 2 * whole) for part, whole in ratios)

    def repeats(self, sizes: Shape) -> tuple[int, ...] | None:
        """How often each element stands in a row along each axis, where all it does is repeat."""
        if self.mode != "nearest" or self.coordinates == "align_corners":
            return None
        if (self.coordinates == "asymmetric") != (self.rounding == "floor"):
            return None
        return self.multiples(sizes)

    def multiples(self, sizes: Shape) -> tuple[int, ...] | None:
        """How many times as large each axis becomes, where all these are whole numbers."""
        found: list[int] = []
        for n, m in zip(sizes, self.output_sizes(sizes), strict=True):
            count = m // n
            if not isinstance(count, int) or count < 1 or dims.equal(count * n, m) is not True:
                return None
            found.append(count)
        exact = self.scale is None or self.scales(len(sizes)) == tuple(map(float, found))
        return tuple(found) if exact else None

    def by_sizes(self, sizes: Shape) -> bool:
        """Whether the places follow from the sizes alone: no scale says otherwise."""
        if self.scale is None or self.coordinates == "align_corners":
            return True
        outputs = self.output_sizes(sizes)
        exact = map(_fraction, self.scales(len(sizes)))
        return all(
            dims.equal(m * scale.denominator, n * scale.numerator) is True
            for n, m, scale in zip(sizes, outputs, exact, strict=True)
        )

    def reference(self, x: Array) -> Array:
        sizes = x.shape[2:]
        outputs = self.output_sizes(sizes)
        for axis, (places, count) in enumerate(zip(self.places(sizes), outputs, strict=True), 2):
            assert isinstance(count, int)
            x = _resampled(x, axis, self._taps(places, count))
        return x

    def _taps(self, places: Places, count: int) -> list[tuple[Array, Array]]:
        """Elements that count for each place of the result, before clipping, and their weights."""
        if self.mode == "nearest":
            nearest = [int(f // 1) for f in places.rounded(self.rounding).exact(count)]
            return [(np.array(nearest), np.ones(count))]
        found = places.exact(count)
        floor = np.array([int(f // 1) for f in found])
        rest = np.array([float(f % 1) for f in found])
        if self.mode == "linear":
            return [(floor, 1 - rest), (floor + 1, rest)]
        return [(floor + k, _cubic(np.abs(rest - k), self.a)) for k in (-1, 0, 1, 2)]

    def nearest(self, sizes: tuple[int, ...]) -> list[Array]:
        """The element of x at each place of the result, for each axis."""
        outputs = self.output_sizes(sizes)
        triples = zip(self.places(sizes), outputs, sizes, strict=True)
        return [
            np.clip(self._taps(places, count)[0][0], 0, n - 1)
            for places, count, n in triples
            if isinstance(count, int)
        ]


def _cubic(distance: Array, a: float) -> Array:
    """Keys (1981): piecewise cubic, 0 from a distance of 2 on."""
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0))


def _resampled(x: Array, axis: int, taps: list[tuple[Array, Array]]) -> Array:
    """Sums of weighed elements along an axis; beyond its ends stands the outermost."""
    along = [1] * x.ndim
    along[axis] = -1
    total: Any = 0
    for places, weights in taps:
        part = np.take(x, np.clip(places, 0, x.shape[axis] - 1), axis)
        total = total + part * weights.astype(x.dtype).reshape(along)
    return np.asarray(total, x.dtype)


def _fraction(scale: float) -> Fraction:
    """The fraction that was meant: 1/3, not the number beside it."""
    near = Fraction(scale).limit_denominator(10**6)
    return near if float(near) == scale else Fraction(scale)


def _scaled(size: Size, scale: float) -> Size:
    if isinstance(size, int):
        return int(size * scale)
    exact = Fraction(scale)
    if _FINEST % exact.denominator:
        raise OpError(
            "E0504",
            f"{size} is not known, so it can be scaled by multiples of 1/{_FINEST} only: "
            f"{scale} rounds differently from target to target",
            attribute="scale",
            help="write the new sizes, or a number for this size in the input's type",
        )
    return (size * exact.numerator) // exact.denominator


def gives_in_float32(size: int, wanted: Size, scale: np.float32) -> bool:
    """Whether a size times a scale in float32 is the wanted one: ONNX and its runtime differ."""
    return int(np.float32(size) * scale) == int(size * float(scale)) == wanted


def _require_one_each(given: int, axes: int, attribute: str) -> None:
    if given != axes:
        message = f"`{attribute}` has {given} numbers, and x has {axes} axes after the first two"
        raise OpError("E0303", message, attribute=attribute, operand=0)


def _check_scale(scale: float | tuple[float, ...]) -> None:
    for number in scale if isinstance(scale, tuple) else (scale,):
        require(number > 0, "scale", f"`scale` must be above 0, not {number}")


@operation("resize")
@dataclass(frozen=True)
class Resize(Resizing):
    """Images, lines or volumes at other sizes, by the nearest elements or between them.

    x `[N, C, ...]` with one to three axes after C gives `[N, C, *sizes]`, or each size times
    `scale`, rounded down.  `mode` is `"nearest"`, `"linear"` (bilinear, trilinear) or `"cubic"`
    (of images, with the slope `a`: -0.75 as in PyTorch, -0.5 as in TensorFlow); beyond the ends
    stands the outermost element.  `coordinates` say where element i of m lies among n:
    `"half_pixel"` `(i + 0.5) * n / m - 0.5`, `"align_corners"` `i * (n - 1) / (m - 1)`,
    `"asymmetric"` `i * n / m`, where n / m is 1 / scale if that is given.  `rounding` chooses the
    nearest one.  A symbolic size is scaled by multiples of 1/64.  ONNX: Resize.

        h = x |> resize([2 * H, 2 * W], mode = "linear")
    """

    sizes: Size | tuple[Size, ...] | None = None
    scale: float | tuple[float, ...] | None = None
    mode: Mode = "nearest"
    coordinates: Coordinates = "half_pixel"
    rounding: Rounding = "round_prefer_floor"
    a: float = -0.75

    def __post_init__(self) -> None:
        message = "`resize` takes either `sizes` or `scale`"
        require((self.sizes is None) != (self.scale is None), "sizes", message)
        if self.sizes is not None:
            require_at_least(1, self.sizes, "sizes")
        if self.scale is not None:
            _check_scale(self.scale)
        for attribute, usual, mode in (
            ("rounding", "round_prefer_floor", "nearest"),
            ("a", -0.75, "cubic"),
        ):
            fits = self.mode == mode or getattr(self, attribute) == usual
            require(fits, attribute, f'`{attribute}` means something in mode "{mode}" only')


@operation("upsample")
@dataclass(frozen=True)
class Upsample(Resizing):
    """`resize` by a scale: each element of the result is the nearest one, or between them.

    x `[N, C, H, W]` gives `[N, C, scale * H, scale * W]`; `mode` and `coordinates` as of `resize`.
    ONNX: Resize.

        h = x |> upsample(2) |> conv2d(64, 3, padding = 1)
    """

    sizes = None
    rounding = "round_prefer_floor"
    a = -0.75
    scale: float | tuple[float, ...]
    mode: Mode = "nearest"
    coordinates: Coordinates = "half_pixel"

    def __post_init__(self) -> None:
        _check_scale(self.scale)
