"""References against formulas that are not NumPy's: Python's `math`, loops over places, by hand."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tercet.compiler.ops import elementwise as el
from tercet.compiler.ops import indexing, joining, reduce, scattering, shape
from tercet.compiler.ops.base import Op
from tercet.compiler.types import DType
from tests.ops.cases import BY_NAME
from tests.ops.frame import Array


def _round_half_even(x: float) -> float:
    below = math.floor(x)
    if x - below == 0.5:
        return below + below % 2
    return math.floor(x + 0.5)


SCALAR: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "floor_divide": lambda x, y: math.floor(x / y),
    "floor_divide_integer": operator.floordiv,
    "floor_divide_negative": operator.floordiv,
    "modulo": lambda x, y: math.fmod(x, y) + (y if math.fmod(x, y) < 0 else 0),
    "modulo_integer": operator.mod,
    "modulo_negative": operator.mod,
    "power": math.pow,
    "power_integer": operator.pow,
    "minimum": lambda x, y: x if x < y else y,
    "maximum": lambda x, y: x if x > y else y,
    "negate": operator.neg,
    "abs": lambda x: x if x >= 0 else -x,
    "sign": lambda x: (x > 0) - (x < 0),
    "sign_zero": lambda x: (x > 0) - (x < 0),
    "square": lambda x: x * x,
    "exp": math.exp,
    "expm1": math.expm1,
    "log": math.log,
    "log1p": math.log1p,
    "sqrt": math.sqrt,
    "rsqrt": lambda x: 1 / math.sqrt(x),
    "reciprocal": lambda x: 1 / x,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "asinh": math.asinh,
    "acosh": math.acosh,
    "atanh": math.atanh,
    "erf": math.erf,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": _round_half_even,
    "clip": lambda x: sorted([-0.5, x, 0.7])[1],
    "clip_below": lambda x: max(x, 0.0),
    "clip_above": lambda x: min(x, 0.25),
    "clip_integer": lambda x: sorted([-3, x, 4])[1],
    "cast_integer": math.trunc,
    "cast_bool": lambda x: x != 0,
    "cast_float": float,
    "is_nan": lambda x: x != x,
    "is_inf": lambda x: x in (math.inf, -math.inf),
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "logical_and": lambda x, y: bool(x and y),
    "logical_or": lambda x, y: bool(x or y),
    "logical_not": operator.not_,
    "where": lambda c, x, y: x if c else y,
}


def _broadcast_places(arrays: list[Array]) -> list[tuple[Any, ...]]:
    rank = max(a.ndim for a in arrays)
    shapes = [(1,) * (rank - a.ndim) + a.shape for a in arrays]
    sizes = [max(column) for column in zip(*shapes, strict=True)]
    return [
        tuple(
            a.reshape(s)[tuple(i if n > 1 else 0 for i, n in zip(place, s, strict=True))].item()
            for a, s in zip(arrays, shapes, strict=True)
        )
        for place in itertools.product(*map(range, sizes))
    ]


@pytest.mark.parametrize("name", SCALAR)
def test_element_by_element(name: str) -> None:
    record = BY_NAME[name]
    arrays = [a for a in record.arrays() if a is not None]
    (result,) = record.reference()
    expected = [SCALAR[name](*numbers) for numbers in _broadcast_places(arrays)]
    assert len(set(expected)) > 1
    np.testing.assert_allclose(result.ravel(), expected, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_erf_at_its_ends(dtype: str) -> None:
    x = np.asarray([-np.inf, -30, -6.5, -5.99, -1e-12, 0, 1e-300, 3, 6.01, np.inf, np.nan], dtype)
    with np.errstate(all="ignore"):
        y = el.Erf().reference(x)
    expected = [math.erf(float(v)) for v in x]
    np.testing.assert_allclose(y, expected, rtol=1e-6 if dtype == "float32" else 1e-14)
    assert y.dtype == dtype


# --------------------------------------------------------------------------------------- shapes

_A = np.arange(6).reshape(2, 3)

BY_HAND: list[tuple[str, Op, list[Any], list[Any]]] = [
    ("transpose", shape.Transpose(), [_A], [[[0, 3], [1, 4], [2, 5]]]),
    ("permute", shape.Permute((1, 0)), [_A], [[[0, 3], [1, 4], [2, 5]]]),
    ("reshape", shape.Reshape((3, -1)), [_A], [[[0, 1], [2, 3], [4, 5]]]),
    ("flatten", shape.Flatten(0), [_A], [[0, 1, 2, 3, 4, 5]]),
    ("squeeze", shape.Squeeze(), [[[[7]], [[8]]]], [[7, 8]]),
    ("unsqueeze", shape.Unsqueeze(-1), [[7, 8]], [[[7], [8]]]),
    ("expand", shape.Expand((2, -1, 2)), [[[7], [8]]], [[[[7, 7], [8, 8]]] * 2]),
    ("broadcast", shape.BroadcastTo((2, 2)), [[7, 8]], [[[7, 8], [7, 8]]]),
    ("concat", joining.Concat(1), [_A, [[9], [8]]], [[[0, 1, 2, 9], [3, 4, 5, 8]]]),
    ("stack", joining.Stack(1), [[1, 2], [3, 4]], [[[1, 3], [2, 4]]]),
    ("split", joining.Split(3, 1), [_A], [[[0], [3]], [[1], [4]], [[2], [5]]]),
    ("split_sizes", joining.Split((1, 2), -1), [_A], [[[0], [3]], [[1, 2], [4, 5]]]),
    ("chunk", joining.Chunk(2, 1), [_A], [[[0, 1], [3, 4]], [[2], [5]]]),
    ("chunk_fewer", joining.Chunk(3), [[1, 2, 3, 4]], [[1, 2], [3, 4]]),
    ("pad", joining.Pad(((1, 2),), value=9), [[1, 2]], [[9, 1, 2, 9, 9]]),
    ("pad_edge", joining.Pad(((2, 1),), "edge"), [[1, 2]], [[1, 1, 1, 2, 2]]),
    ("pad_reflect", joining.Pad(((2, 1),), "reflect"), [[1, 2, 3]], [[3, 2, 1, 2, 3, 2]]),
    ("tile", joining.Tile((2, 2)), [[[1, 2]]], [[[1, 2, 1, 2], [1, 2, 1, 2]]]),
    ("repeat", joining.Repeat(2, 0), [[1, 2]], [[1, 1, 2, 2]]),
    ("flip", joining.Flip(1), [_A], [[[2, 1, 0], [5, 4, 3]]]),
    ("gather", indexing.Gather(1), [_A, [[2, 0], [-1, 1]]], [[[[2, 0], [2, 1]], [[5, 3], [5, 4]]]]),
    ("take", indexing.Take(), [_A, [4, -6]], [[4, 0]]),
    (
        "take_along",
        scattering.TakeAlongAxis(1),
        [_A, [[2, 0], [-1, 1]]],
        [[[2, 0], [5, 4]]],
    ),
    ("gather_nd", scattering.GatherNd(), [_A, [[0, 2], [1, -3]]], [[2, 3]]),
    ("gather_nd_rows", scattering.GatherNd(), [_A, [[1], [-1]]], [[[3, 4, 5], [3, 4, 5]]]),
    (
        "scatter",
        scattering.Scatter(axis=1),
        [_A, [[2], [-3]], [[7], [8]]],
        [[[0, 1, 7], [8, 4, 5]]],
    ),
    (
        "scatter_twice",
        scattering.Scatter(axis=1),
        [_A, [[2, 2], [0, 1]], [[7, 9], [8, 6]]],
        [[[0, 1, 9], [8, 6, 5]]],
    ),
    (
        "scatter_add",
        scattering.Scatter("add", axis=1),
        [_A, [[2, 2], [0, 1]], [[7, 9], [8, 6]]],
        [[[0, 1, 18], [11, 10, 5]]],
    ),
    (
        "scatter_nd",
        scattering.ScatterNd(),
        [_A, [[1], [1]], [[7, 7, 7], [8, 8, 8]]],
        [[[0, 1, 2], [8, 8, 8]]],
    ),
    (
        "scatter_nd_add",
        scattering.ScatterNd("add"),
        [_A, [[0, 1], [0, -2]], [10, 20]],
        [[[0, 31, 2], [3, 4, 5]]],
    ),
    ("one_hot", indexing.OneHot(3, DType.I64), [[0, 2, -1, 5]], [np.eye(4, 3)[[0, 2, 2, 3]]]),
    ("one_hot_axis", indexing.OneHot(2, DType.I64, 0), [[0, 1, 1]], [[[1, 0, 0], [0, 1, 1]]]),
    ("cumsum", indexing.CumSum(0), [[1, 2, 3]], [[1, 3, 6]]),
    ("cumsum_exclusive", indexing.CumSum(0, exclusive=True), [[1, 2, 3]], [[0, 1, 3]]),
    ("cumsum_reverse", indexing.CumSum(0, reverse=True), [[1, 2, 3]], [[6, 5, 3]]),
    ("cumsum_both", indexing.CumSum(0, True, True), [[1, 2, 3]], [[5, 3, 0]]),
    ("arange", indexing.Arange(3), [], [[0, 1, 2]]),
    ("arange_step", indexing.Arange(7, 0, -3), [], [[7, 4, 1]]),
    ("full", indexing.Full((2,), True, DType.BOOL), [], [[True, True]]),
    ("tril", indexing.Tril(), [_A], [[[0, 0, 0], [3, 4, 0]]]),
    ("triu", indexing.Triu(1), [_A], [[[0, 1, 2], [0, 0, 5]]]),
    ("argmax", indexing.ArgMax(0), [[3, 7, 7, 1]], [1]),
    ("argmin", indexing.ArgMin(0, keepdims=True), [[3, 1, 7, 1]], [[1]]),
    ("sort", indexing.Sort(), [[3, 7, 1, 7, 3]], [[1, 3, 3, 7, 7], [2, 0, 4, 1, 3]]),
    ("sort_falling", indexing.Sort(0, True), [[3, 7, 7, 1]], [[7, 7, 3, 1], [1, 2, 0, 3]]),
    ("unbind", joining.Unbind(1), [_A], [[0, 3], [1, 4], [2, 5]]),
    (
        "pixel_shuffle",
        shape.PixelShuffle(2),
        [np.arange(8).reshape(1, 8, 1, 1)],
        [[[[[0, 1], [2, 3]], [[4, 5], [6, 7]]]]],
    ),
    (
        "pixel_unshuffle",
        shape.PixelUnshuffle(2),
        [[[[[0, 1], [2, 3]], [[4, 5], [6, 7]]]]],
        [np.arange(8).reshape(1, 8, 1, 1)],
    ),
    ("topk", indexing.TopK(3), [[3, 7, 1, 7, 3]], [[7, 7, 3], [1, 3, 0]]),
    ("topk_least", indexing.TopK(3, largest=False), [[3, 7, 1, 7, 3]], [[1, 3, 3], [2, 0, 4]]),
]


@pytest.mark.parametrize(
    "op, inputs, expected", [e[1:] for e in BY_HAND], ids=[e[0] for e in BY_HAND]
)
def test_by_hand(op: Op, inputs: list[Any], expected: list[Any]) -> None:
    result = op.reference(*map(np.asarray, inputs))
    results = result if isinstance(result, tuple) else (result,)
    assert len(results) == len(expected)
    for array, wanted in zip(results, expected, strict=True):
        np.testing.assert_array_equal(array, wanted)


# ----------------------------------------------------------------------------------- reductions


def _p_norm(p: float) -> Callable[[list[float]], float]:
    return lambda xs: math.fsum(abs(x) ** p for x in xs) ** (1 / p)


def _variance(xs: list[float], correction: int = 0) -> float:
    mean = math.fsum(xs) / len(xs)
    return math.fsum((x - mean) ** 2 for x in xs) / (len(xs) - correction)


REDUCTIONS: dict[str, Callable[[list[Any]], Any]] = {
    "sum": math.fsum,
    "sum_integer": sum,
    "mean": lambda xs: math.fsum(xs) / len(xs),
    "max": max,
    "max_integer": max,
    "min": min,
    "prod": math.prod,
    "var": _variance,
    "var_unbiased": lambda xs: _variance(xs, 1),
    "std": lambda xs: math.sqrt(_variance(xs)),
    "std_unbiased": lambda xs: math.sqrt(_variance(xs, 1)),
    "logsumexp": lambda xs: math.log(math.fsum(map(math.exp, xs))),
    "l1": _p_norm(1),
    "l2": _p_norm(2),
    "norm": _p_norm(2),
    "norm_three": _p_norm(3),
    "sum_square": lambda xs: sum(x * x for x in xs),
    "sum_square_integer": lambda xs: sum(x * x for x in xs),
    "log_sum": lambda xs: math.log(math.fsum(xs)),
    "any": any,
    "all": all,
}


@pytest.mark.parametrize(
    "name", [n for n in BY_NAME if isinstance(BY_NAME[n].op, reduce.Reduction)]
)
def test_reduction(name: str) -> None:
    record = BY_NAME[name]
    formula = REDUCTIONS[name.removesuffix("_axis").removesuffix("_kept")]
    assert isinstance(record.op, reduce.Reduction)
    (x,) = record.arrays()
    assert x is not None
    given = record.op.axis
    axes = [a % x.ndim for a in ((given,) if isinstance(given, int) else given or range(x.ndim))]
    groups: dict[tuple[int, ...], list[Any]] = {}
    for place in np.ndindex(*x.shape):
        kept = tuple(i for axis, i in enumerate(place) if axis not in axes)
        groups.setdefault(kept, []).append(x[place].item())
    (result,) = record.reference()
    expected = [formula(groups[place]) for place in sorted(groups)]
    np.testing.assert_allclose(np.ravel(result), expected, rtol=1e-13, atol=1e-14)


def test_logsumexp_of_large_and_infinite_numbers() -> None:
    x = np.asarray([[1e4, 1e4], [-np.inf, -np.inf], [-1e4, -np.inf]])
    with np.errstate(all="ignore"):
        y = reduce.ReduceLogSumExp(axis=1).reference(x)
    np.testing.assert_allclose(y, [1e4 + math.log(2), -math.inf, -1e4])


# --------------------------------------------------------------------------------------- random


@pytest.mark.parametrize(
    "name, mean, std",
    [
        ("random_normal", 2.0, 0.5),
        ("random_uniform", 1.0, 4 / math.sqrt(12)),
        ("random_bernoulli", 0.3, math.sqrt(0.21)),
    ],
)
def test_moments(name: str, mean: float, std: float) -> None:
    (x,) = BY_NAME[name].reference()
    assert abs(x.mean() - mean) < 4 * std / math.sqrt(x.size)
    assert abs(x.std() - std) < 0.05 * std
