"""Symbolic sizes in attributes and indices: the inferred sizes, and the constraints left over."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tercet.compiler import dims
from tercet.compiler.dims import Size
from tercet.compiler.errors import OpError
from tercet.compiler.ops import indexing, joining, random, resizing, shape
from tercet.compiler.ops.base import Op
from tercet.compiler.ops.slicing import Index, Integer, Item, Slice
from tercet.compiler.types import DType, TensorType

N, T, D, H, W = map(dims.symbol, "NTDHW")


def f32(*sizes: Any) -> TensorType:
    return TensorType(DType.F32, sizes)


CONSTRAINTS: list[tuple[Op, TensorType, str, list[str]]] = [
    (Index((Slice(0, T),)), f32(128, 64), "f32[T, 64]", ["T <= 128"]),
    (Index((Slice(stop=T),)), f32(T + 3, 64), "f32[T, 64]", []),
    (Index((Slice(stop=200),)), f32(128), "f32[128]", []),
    (Index((Slice(1),)), f32(T), "f32[T - 1]", ["2 <= T"]),
    (Index((Slice(stop=-1),)), f32(T), "f32[T - 1]", ["2 <= T"]),
    (Index((Slice(-3),)), f32(T), "f32[3]", ["3 <= T"]),
    (Index((Slice(-T),)), f32(128), "f32[T]", ["T <= 128"]),
    (Index((Slice(1 - T),)), f32(T), "f32[T - 1]", ["2 <= T"]),
    (Index((Slice(stop=1 - T),)), f32(2 * T), "f32[T + 1]", ["2 <= T"]),
    (Index((Slice(stop=1 - T, step=-1),)), f32(T), "f32[T - 2]", ["2 <= T", "3 <= T"]),
    (Index((Slice(T - N),)), f32(T), "f32[N]", ["N <= T"]),
    (Index((Slice(stop=dims.minimum(T - 4, -1)),)), f32(9), "f32[min(T - 4, -1) + 9]", []),
    (Index((Slice(step=2),)), f32(T), "f32[(T + 1) // 2]", []),
    (Index((Slice(step=-1),)), f32(T), "f32[T]", []),
    (Index((Slice(stop=T - 3, step=-1),)), f32(T), "f32[2]", ["3 <= T"]),
    (Index((Slice(stop=-9, step=-1),)), f32(T + 1), "f32[8]", ["7 <= T"]),
    (Index((Slice(1, step=2),)), f32(2 * T), "f32[T]", []),
    (Index((Slice(), Integer(0))), f32(N, T, D), "f32[N, D]", []),
    (Index((Slice(), Integer(-1))), f32(N, T, D), "f32[N, D]", []),
    (Index((Slice(), Integer(-2))), f32(N, T, D), "f32[N, D]", ["2 <= T"]),
    (Index((Integer(3),)), f32(T, 2), "f32[2]", ["4 <= T"]),
    (Index((Integer(T - 1),)), f32(T, 2), "f32[2]", []),
    (Index((Integer(1 - T),)), f32(T, 2), "f32[2]", ["2 <= T"]),
    (Index((Integer(T - N),)), f32(T, 2), "f32[2]", ["N <= T"]),
    (shape.Reshape((N, T, 4, D // 4)), f32(N, T, D), "f32[N, T, 4, D // 4]", ["D == 4 * (D // 4)"]),
    (shape.Reshape((N, T, D)), f32(N, T, 4, D // 4), "f32[N, T, D]", ["4 * (D // 4) == D"]),
    (shape.Reshape((N, -1)), f32(N, 3, H, W), "f32[N, 3 * H * W]", []),
    (shape.Reshape((-1, 4)), f32(N, T), "f32[N * T // 4, 4]", ["N * T == 4 * ((N * T) // 4)"]),
    (shape.Reshape((N * T, 3)), f32(N, T, 3), "f32[N * T, 3]", []),
    (shape.Flatten(), f32(N, 64, 5, 5), "f32[N, 1600]", []),
    (joining.Split(2, axis=1), f32(N, 2 * D), "f32[N, D]", []),
    (joining.Split(2, axis=1), f32(N, D), "f32[N, D // 2]", ["D == 2 * (D // 2)"]),
    (joining.Split((1, T - 1), axis=1), f32(N, T), "f32[N, 1]", ["1 <= T - 1"]),
    (joining.Chunk(2), f32(2 * N), "f32[N]", []),
    (joining.Pad(((0, 0), (3, 0)), "reflect"), f32(N, T), "f32[N, T + 3]", ["4 <= T"]),
    (joining.Repeat(N, 0), f32(3, D), "f32[3 * N, D]", []),
    (joining.Repeat(D - 2, 0), f32(3), "f32[3 * D - 6]", ["1 <= D - 2"]),
    (joining.Tile((N, 2)), f32(3, D), "f32[3 * N, 2 * D]", []),
    (joining.Tile((D - 2,)), f32(3), "f32[3 * D - 6]", ["1 <= D - 2"]),
    (shape.Expand((N, -1, 4)), f32(T, 1), "f32[N, T, 4]", []),
    (shape.Expand((T - 1, -1)), f32(3), "f32[T - 1, 3]", ["1 <= T - 1"]),
    (shape.BroadcastTo((N, 1, T)), f32(T), "f32[N, 1, T]", []),
    (shape.BroadcastTo((T - 1, 3)), f32(3), "f32[T - 1, 3]", ["1 <= T - 1"]),
    (resizing.Upsample(2.0), f32(N, 3, H, W), "f32[N, 3, 2 * H, 2 * W]", []),
    (
        resizing.Upsample((0.5, 1.5)),
        f32(N, 3, H, W),
        "f32[N, 3, H // 2, W + W // 2]",
        ["1 <= H // 2"],
    ),
    (resizing.Resize((T, 2 * W)), f32(N, 3, H, W), "f32[N, 3, T, 2 * W]", []),
    (indexing.TopK(5), f32(N, T), "f32[N, 5]", ["5 <= T"]),
]


@pytest.mark.parametrize("op, x, expected, constraints", CONSTRAINTS)
def test_constraints(op: Op, x: TensorType, expected: str, constraints: list[str]) -> None:
    expected = expected.replace("N * T // 4", "(N * T) // 4")
    assert str(op.infer_types([x])[0]) == expected
    assert [f"{a} {relation} {b}" for a, relation, b in op.constraints(x)] == constraints


def test_arange_of_symbolic_ends() -> None:
    assert indexing.Arange(T).infer().shape == (T,)
    assert indexing.Arange(0, T, 2).infer().shape == ((T + 1) // 2,)
    assert indexing.Arange(T, 0, -1).infer().shape == (T,)
    assert indexing.Arange(3, T).constraints() == ((4, "<=", T),)


def test_filled_tensors_are_not_empty() -> None:
    for op in (indexing.Full((N, T - 1), 0.0), random.RandomNormal((N, T - 1))):
        assert op.constraints() == ((1, "<=", T - 1),)
        with pytest.raises(OpError, match="at least 1, not -T"):
            dataclasses.replace(op, shape=(-T,))


def test_an_ellipsis_is_written_out() -> None:
    assert Index.of([..., Slice(step=2)], 3).items == (Slice(), Slice(), Slice(step=2))
    assert Index.of([Integer(0), ...], 3).items == (Integer(0),)
    assert Index.of([Slice(), Slice()], 3).items == ()
    with pytest.raises(OpError, match="3 indices for 2"):
        Index.of([Integer(0)] * 3, 2)


bounds = st.none() | st.integers(-7, 7) | st.sampled_from([T, T - 1, T - 3, T // 2, -T, 1 - T])
slices = st.builds(Slice, bounds, bounds, st.integers(-3, 3).filter(bool))
items = slices | st.sampled_from(
    [Integer(0), Integer(-1), Integer(3), Integer(T - 1), Integer(1 - T)]
)
axes: st.SearchStrategy[Size] = st.sampled_from([T, T + 2, 2 * T, 6])


def _numbers(item: Item, length: int) -> Item:
    def number(size: Size | None) -> Size | None:
        return None if size is None else dims.evaluate(size, {"T": length})

    match item:
        case Slice(start, stop, step):
            return Slice(number(start), number(stop), step)
        case Integer(value):
            return Integer(dims.evaluate(value, {"T": length}))
    return item


def _turned_negative(item: Item, length: int) -> bool:
    """Whether a symbolic bound, which always counts from the front, is negative at a length."""
    bounds: tuple[Size | None, ...] = ()
    match item:
        case Slice(start, stop):
            bounds = (start, stop)
        case Integer(value):
            bounds = (value,)
    symbolic = [bound for bound in bounds if isinstance(bound, dims.Dim)]
    return any(dims.evaluate(bound, {"T": length}) < 0 for bound in symbolic)


@given(items, axes, st.integers(1, 12))
def test_where_its_constraints_hold_an_index_is_numpys(item: Item, size: Size, length: int) -> None:
    x = f32(size)
    try:
        inferred = Index((item,)).infer(x)
    except OpError:
        assume(False)
    values = {"T": length}
    for left, relation, right in Index((item,)).constraints(x):
        assert relation == "<="
        assume(dims.evaluate(left, values) <= dims.evaluate(right, values))
    array = np.arange(dims.evaluate(size, values))
    result = Index((_numbers(item, length),)).reference(array)
    assert np.shape(result) == tuple(dims.evaluate(s, values) for s in inferred.shape)
    (taken,) = Index((item,)).ranges(x)
    assert np.ravel(result)[0] == dims.evaluate(taken.start, values)


@given(items, axes)
def test_what_is_refused_is_wrong_for_every_size(item: Item, size: Size) -> None:
    try:
        Index((item,)).infer(f32(size))
    except OpError:
        for length in range(1, 20):
            if _turned_negative(item, length):
                continue
            array = np.arange(dims.evaluate(size, {"T": length}))
            try:
                result = Index((_numbers(item, length),)).reference(array)
            except IndexError:
                continue
            assert np.size(result) == 0
