"""Sizes of dimensions, recognised from what MXNet infers at several probe points.

MXNet's shape inference knows numbers only.  It is asked at a base point and at points that vary one
symbol each, and all at once: what a size is at every point (its `Extent`) tells whether it is
constant, whether it equals another one, and mostly also its expression in the symbols.
"""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tercet.compiler.dims import Size, evaluate, symbol

from .errors import ConversionError

Point = Mapping[str, int]
_PRIMES = (5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43)
_STEPS = (1, 2, 3, 4, 5, 6, 7, 8, 13)
_SCALES = (2, 8, 32)
_MAX_DIVISOR = 64


@dataclass(frozen=True)
class Extent:
    """The size of one dimension at each probe point."""

    values: tuple[int, ...]

    @property
    def constant(self) -> int | None:
        first = self.values[0]
        return first if all(value == first for value in self.values) else None

    def __mul__(self, other: Extent) -> Extent:
        return Extent(tuple(a * b for a, b in zip(self.values, other.values, strict=True)))

    def ratio(self, other: Extent) -> int | None:
        """The integer by which `other` must be multiplied to give this one, at every point."""
        factor, rest = divmod(self.values[0], max(other.values[0], 1))
        scaled = tuple(value * factor for value in other.values)
        return factor if rest == 0 and scaled == self.values else None


Shape = tuple[Extent, ...]


def parse_size(text: str) -> Size:
    """The expression of a symbolic dimension such as `N` or `16 * H`.  Raises ConversionError."""
    try:
        return _size(ast.parse(text, mode="eval").body)
    except (SyntaxError, ArithmeticError, ValueError, TypeError) as error:
        raise ConversionError(f"`{text}` is not a size in symbolic dimensions") from error


def _size(tree: ast.expr) -> Size:
    match tree:
        case ast.Constant(value=None | True | False as name):  # such names are nothing special here
            return symbol(str(name))
        case ast.Constant(value=int(value)):
            return value
        case ast.Name(id=name):
            return symbol(name)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _size(left) + _size(right)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _size(left) - _size(right)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _size(left) * _size(right)
        case ast.BinOp(left=left, op=ast.FloorDiv(), right=right):
            return _size(left) // _size(right)
    raise ValueError(ast.dump(tree))


# --------------------------------------------------------------------------------- probe points


def base_points(symbols: Sequence[str], sizes: Mapping[str, Sequence[int]]) -> Iterator[Point]:
    """Base points to try, smallest first, until MXNet's inference succeeds at one of them.

    Sizes stated by the caller are kept; the others are distinct at every point.
    """
    for scale in (1, 7, 32):
        spread = [p * scale if scale == 32 else p + 5 * (scale - 1) for p in _PRIMES]
        values = itertools.chain(spread, itertools.count(spread[-1] + scale, scale))
        point = {name: sizes[name][0] if name in sizes else next(values) for name in symbols}
        yield point
        if all(name in sizes for name in symbols):
            return


def variations(name: str, base: Point, sizes: Mapping[str, Sequence[int]]) -> list[int]:
    """Sizes other than the base's for one symbol; those that cannot be inferred are left out later.

    Where the caller states sizes, only these and sizes between them, or below a single one: others
    may be inadmissible.
    """
    start = base[name]
    if name not in sizes:
        far = [scale * start + step for step, scale in enumerate(_SCALES, 1)]
        return [*(start + step for step in _STEPS), *far, 2, 3]
    stated = sizes[name]
    low, high = min(stated), max(stated)
    if len(stated) == 1:
        low, high = max(2, low // 2), max(4, high)
    near = [start + step for step in (*_STEPS, *(-step for step in _STEPS))]
    return list(dict.fromkeys([*stated[1:], *(size for size in near if low <= size <= high)]))


# --------------------------------------------------------------------------------- recognition


def recognise(extent: Extent, points: Sequence[Point]) -> Size | None:
    """The size as an integer, or an expression in the symbols that holds at all points, or None.

    Found are `a * s + b` and `k * ((s + b) // c) + d` of each symbol, and sums and products of
    those.  A floor division is taken only where no other one holds at the points.
    """
    if extent.constant is not None:
        return extent.constant
    base = points[0]
    parts: list[Size] = []
    for name in base:
        part = _of_one_symbol(name, extent, points)
        if part is None:
            return None
        parts.append(part)
    symbolic = [part for part in parts if not isinstance(part, int)]
    for candidate in _combinations(symbolic, extent.values[0], base):
        if all(evaluate(candidate, p) == v for p, v in zip(points, extent.values, strict=True)):
            return candidate
    return None


def _of_one_symbol(name: str, extent: Extent, points: Sequence[Point]) -> Size | None:
    base = points[0]
    samples = {
        point[name]: value
        for point, value in zip(points, extent.values, strict=True)
        if all(point[other] == base[other] for other in base if other != name)
    }
    pairs = sorted(samples.items())
    if len(set(samples.values())) == 1:
        return pairs[0][1]
    affine = _affine(name, pairs)
    return _floor_division(name, pairs) if affine is None else affine


def _affine(name: str, pairs: Sequence[tuple[int, int]]) -> Size | None:
    (x, y), (other, value) = pairs[0], pairs[1]
    slope, rest = divmod(value - y, other - x)
    if rest or any(b - y != slope * (a - x) for a, b in pairs):
        return None
    return slope * symbol(name) + (y - slope * x)


def _floor_division(name: str, pairs: Sequence[tuple[int, int]]) -> Size | None:
    values = [value for _, value in pairs]
    factor = math.gcd(*(value - values[0] for value in values))
    found = [
        (divisor, offset, shift)
        for divisor in range(2, _MAX_DIVISOR + 1)
        for offset, shift in _offsets(pairs, factor, divisor)
    ]
    if len(found) != 1:
        return None
    ((divisor, offset, shift),) = found
    return factor * ((symbol(name) + offset) // divisor) + shift


def _offsets(
    pairs: Sequence[tuple[int, int]], factor: int, divisor: int
) -> Iterator[tuple[int, int]]:
    """(b, d) with factor * ((s + b) // divisor) + d right at all pairs, 0 <= b < divisor."""
    for offset in range(divisor):
        shifts = {value - factor * ((size + offset) // divisor) for size, value in pairs}
        if len(shifts) == 1:
            yield offset, shifts.pop()


def _combinations(parts: Sequence[Size], value: int, base: Point) -> Iterator[Size]:
    """The sum, then the product, of functions of one symbol that have this value at the base."""
    total: Size = value
    for part in parts:
        total = total + (part - value)
    yield total
    numerator: Size = 1
    for part in parts:
        numerator = numerator * _primitive(part)
    at_base = evaluate(numerator, base)
    if at_base > 0 and value % at_base == 0:
        yield (value // at_base) * numerator


def _primitive(size: Size) -> Size:
    if isinstance(size, int):
        return 1
    divisor = math.gcd(*(coefficient for _, coefficient in size.terms))
    return size // divisor if divisor > 1 else size


def product(extents: Iterable[Extent], like: Extent) -> Extent:
    """The product at every point; `like` gives the number of points where there is no factor."""
    total = Extent((1,) * len(like.values))
    for extent in extents:
        total = total * extent
    return total
