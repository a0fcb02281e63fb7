"""Asking MXNet for shapes at several sizes of the symbolic dimensions.

A size that MXNet refuses is left out where it was only a try (a network may need sizes divisible by
16); a size the caller states, or a dimension that cannot vary at all, is an error: the exported
file would claim a freedom that the network does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tercet.compiler.dims import Size, evaluate, symbols

from .errors import ConversionError
from .extents import Extent, Point, Shape, base_points, parse_size, variations
from .inference import Entry, SymbolGraph

Shapes = dict[Entry, tuple[int, ...]]
_JOINT_POINTS = 2


@dataclass(frozen=True)
class GraphInput:
    """An input of the ONNX graph, declared with the name of a variable of the Symbol.

    One without axes has the shape [1] in MXNet.

    `dtype` is NumPy's name; a string in `shape` is a symbolic dimension or an expression of some
    ("N", "16 * H").
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The dimensions as expressions.  Raises ConversionError."""
        return tuple(parse_size(dim) if isinstance(dim, str) else dim for dim in self.shape)


@dataclass(frozen=True)
class Probes:
    """Shapes of all entries over the probe points; the first point is the base."""

    points: tuple[Point, ...]
    shapes: Mapping[Entry, Shape]


def probe(
    source: SymbolGraph,
    inputs: Sequence[GraphInput],
    stated: Mapping[str, int | Sequence[int]] | None,
) -> Probes:
    """Infers all shapes at the base point and around it.  Raises ConversionError."""
    names = _symbols(inputs)
    sizes = {
        name: (value,) if isinstance(value, int) else tuple(value)
        for name, value in (stated or {}).items()
    }
    _check_stated(sizes, names)

    def infer(point: Point) -> Shapes:
        return source.shapes(
            {item.name: [evaluate(n, point) for n in item.sizes] or [1] for item in inputs}
        )

    base, at_base = _base(infer, names, sizes)
    found: list[tuple[Point, Shapes]] = [(base, at_base)]
    others = {name: _vary(infer, name, base, sizes, found) for name in names}
    if len(names) > 1:
        found += _together(infer, others)
    return Probes(
        tuple(point for point, _ in found),
        {entry: _extents(source, entry, [shapes for _, shapes in found]) for entry in at_base},
    )


def _symbols(inputs: Sequence[GraphInput]) -> list[str]:
    ordered = [sorted(symbols(size)) for item in inputs for size in item.sizes]
    return list(dict.fromkeys(name for names in ordered for name in names))


def _check_stated(sizes: Mapping[str, Sequence[int]], names: Sequence[str]) -> None:
    for name, values in sizes.items():
        if name not in names:
            raise ConversionError(f"sizes are stated for `{name}`, which no input has")
        if not values or min(values) < 1:
            raise ConversionError(f"sizes of `{name}` must be one or more integers >= 1")


def _base(
    infer: Callable[[Point], Shapes], names: Sequence[str], sizes: Mapping[str, Sequence[int]]
) -> tuple[Point, Shapes]:
    problem: ConversionError | None = None
    for point in base_points(names, sizes):
        try:
            return point, infer(point)
        except ConversionError as error:
            problem = problem or ConversionError(f"{_at(point)}{error}")
    assert problem is not None
    raise problem


def _vary(
    infer: Callable[[Point], Shapes],
    name: str,
    base: Point,
    sizes: Mapping[str, Sequence[int]],
    found: list[tuple[Point, Shapes]],
) -> list[int]:
    """Adds the points that differ from the base in one symbol; returns the sizes that worked."""
    worked: list[int] = []
    problem: ConversionError | None = None
    for size in variations(name, base, sizes):
        point = {**base, name: size}
        try:
            found.append((point, infer(point)))
            worked.append(size)
        except ConversionError as error:
            problem = problem or ConversionError(
                f"dimension `{name}` cannot vary: {name}={base[name]} works, {_at(point)}{error}"
            )
            if size in sizes.get(name, ()):
                break
    if not worked:
        only = ConversionError(f"dimension `{name}` has only one admissible size, {base[name]}")
        raise problem or only
    return worked


def _together(
    infer: Callable[[Point], Shapes], worked: Mapping[str, Sequence[int]]
) -> list[tuple[Point, Shapes]]:
    """Points that differ from the base in all symbols: they tell sums from products."""
    found: list[tuple[Point, Shapes]] = []
    problem: ConversionError | None = None
    for step in range(max(map(len, worked.values()))):
        point = {name: sizes[step % len(sizes)] for name, sizes in worked.items()}
        try:
            found.append((point, infer(point)))
        except ConversionError as error:
            problem = problem or ConversionError(f"{_at(point)}{error}")
        if len(found) == _JOINT_POINTS:
            break
    if problem and not found:
        raise problem
    return found


def _extents(source: SymbolGraph, entry: Entry, shapes: Sequence[Shapes]) -> Shape:
    ranks = {len(at_point[entry]) for at_point in shapes}
    if len(ranks) > 1:
        node = source.nodes[entry[0]]
        raise ConversionError(
            f"{node.operator} `{node.name}`: the number of its axes depends on the sizes"
        )
    return tuple(
        Extent(values) for values in zip(*(at_point[entry] for at_point in shapes), strict=True)
    )


def _at(point: Point) -> str:
    text = ", ".join(f"{name}={size}" for name, size in point.items())
    return f"with {text}: " if text else ""
