"""Sizes recognised from probe points; no framework is needed for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from tercet.backends.mxnet.symbol_to_onnx.errors import ConversionError
from tercet.backends.mxnet.symbol_to_onnx.extents import (
    Extent,
    base_points,
    parse_size,
    recognise,
    variations,
)

Sizes = Mapping[str, int]


def _points(names: str, stated: Mapping[str, tuple[int, ...]] | None = None) -> list[Sizes]:
    sizes = stated or {}
    base = next(base_points(list(names), sizes))
    found = [base]
    for name in names:
        found += [{**base, name: size} for size in variations(name, base, sizes)]
    return [*found, {name: size + 1 for name, size in base.items()}]


def _recognised(function: Callable[[Sizes], int], points: list[Sizes]) -> str:
    return str(recognise(Extent(tuple(function(point) for point in points)), points))


@pytest.mark.parametrize(
    "text, function",
    [
        ("12", lambda s: 12),
        ("N", lambda s: s["N"]),
        ("2 * T", lambda s: 2 * s["T"]),
        ("3 * T - 1", lambda s: 3 * s["T"] - 1),
        ("N * T", lambda s: s["N"] * s["T"]),
        ("4 * N * T", lambda s: 4 * s["N"] * s["T"]),
        ("N + T + 3", lambda s: s["N"] + s["T"] + 3),
        ("(T + 1) // 2", lambda s: (s["T"] + 1) // 2),
        ("(T + 3) // 4", lambda s: ((s["T"] - 1) // 2 + 1 + 1) // 2),
        ("3 * ((T + 1) // 2)", lambda s: 3 * ((s["T"] + 1) // 2)),
    ],
)
def test_an_expression_is_found(text: str, function: Callable[[Sizes], int]) -> None:
    assert _recognised(function, _points("NT")) == text


@pytest.mark.parametrize(
    "function",
    [
        lambda s: s["T"] ** 2,
        lambda s: s["T"] // 50 + s["T"] % 3,
        lambda s: s["N"] * s["T"] + s["T"] ** 2,
    ],
)
def test_what_is_not_understood_has_no_name(function: Callable[[Sizes], int]) -> None:
    assert _recognised(function, _points("NT")) == "None"


def test_an_ambiguous_division_has_no_name() -> None:
    """Of T // 32 the points between 64 and 72 show two values only: no offset is certain."""
    points = _points("T", {"T": (60, 72)})
    assert _recognised(lambda s: s["T"] // 32, points) == "None"


def test_stated_sizes_are_not_exceeded() -> None:
    points = _points("T", {"T": (20, 24)})[:-1]
    assert {point["T"] for point in points} == {20, 21, 22, 23, 24}


@pytest.mark.parametrize("size", [1, 2, 128])
def test_one_stated_size_is_varied(size: int) -> None:
    found = variations("T", {"T": size}, {"T": (size,)})
    assert found
    assert max(found) <= max(size, 4)
    assert size not in found


def test_base_sizes_are_distinct() -> None:
    for point in base_points([f"D{index}" for index in range(20)], {}):
        assert len(set(point.values())) == 20


@pytest.mark.parametrize("text", ["", "N -", "N / 2", "f(N)", "1.5", "N // 0", "'N'", "N.real"])
def test_a_wrong_size_is_refused(text: str) -> None:
    with pytest.raises(ConversionError, match="is not a size"):
        parse_size(text)


def test_sizes_are_read_as_the_source_writes_them() -> None:
    assert str(parse_size("16 * H")) == "16 * H"
    assert str(parse_size("(H - 1) // 2 + 1")) == "(H + 1) // 2"
