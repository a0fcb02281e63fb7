"""What expressions compute is what NumPy computes for the same text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tercet.compiler.reference.interpreter import run
from tests.compiler.texts import model

X = np.random.default_rng(0).normal(size=(3, 8)).round(2) * 3
I = np.array([[-7, 5, 3], [2, -3, 0]])  # noqa: E741  (as in the texts)


def result(expression: str, inputs: str, **feeds: Any) -> np.ndarray[Any, Any]:
    graph = model(f"model M {{ {inputs}\n output out = {expression} }}")
    return run(graph, feeds, {})["out"]


def as_python(expression: str) -> str:
    """Where the two languages are spelt differently."""
    words = {" and ": " & ", " or ": " | ", "none": "None", "transpose(x)": "x.T"}
    for ours, theirs in words.items():
        expression = expression.replace(ours, theirs)
    return expression


@pytest.mark.parametrize(
    "expression",
    [
        *("x // 2", "x % 3", "-x % 3", "x // -2.5", "x % -2.5"),
        *("-x ** 2", "2 ** -1 * x", "x * 2 ** 3 ** 2", "-2 ** 2 * x", "x ** 2 / 2"),
        *("7 // -2 * x", "-7 % 3 * x", "(7 / 2) * x", "round(2.5) * x", "int(-2.7) * x"),
        *("1 - x", "1 / (x + 10)", "x - x / 2 * 3", "x @ transpose(x)", "x @ transpose(x) * 2"),
        *("x[:, ::-2]", "x[:, -3:]", "x[1:, 5:1:-1]", "x[-1]", "x[..., none, 2]"),
        *("x[0:2, :, none]", "x[:, 2:100]", "x[:, -100:3]", "x[0] + x", "x[:, 0] * x[:, 1]"),
        *("x == x", "x != 0", "(x * x > 1) and (x < 2)", "(x > 0) or (x < -1) and (x > -2)"),
        *("abs(x)", "sum([x, x, 1])", "min(2, 1) * x", "max([1, 3]) * x"),
    ],
)
def test_tensors(expression: str) -> None:
    expected = eval(as_python(expression), {"x": X, "sum": sum})
    found = result(expression, "input x: f32[N, 8]", x=X)
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(
    "expression",
    ["i // 2", "i % 3", "i // -2", "i % -3", "i ** 2", "-i", "abs(i)", "i * 2 + 1", "i > 0"],
)
def test_integers(expression: str) -> None:
    found = result(expression, "input i: i64[N, 3]", i=I)
    expected = eval(expression, {"i": I})
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "condition",
    [
        *("-7 // 2 == -4", "-7 % 3 == 2", "7 / 2 == 3.5", "2 ** 10 == 1024", "2 ** -1 == 0.5"),
        *("round(2.5) == 2", "round(-2.5) == -2", "round(2.567, 2) == 2.57", "int(3.9) == 3"),
        *("floor(-2.5) == -3", "ceil(2.1) == 3", "int(sqrt(16)) == 4", "log(1) == 0"),
        *("[1, 2] + [3] == [1, 2, 3]", "[1, 2, 3][1:] == [2, 3]", "[1, 2, 3][-1] == 3"),
        *("(1, 2) + (3,) == (1, 2, 3)", "[0] * 3 == [0, 0, 0]", "len(range(0)) == 0"),
        *("range(1, 10, 3) == [1, 4, 7]", "range(3, 0, -1) == [3, 2, 1]", "max(1, 2.5) == 2.5"),
        *("sum([1, 2]) == 3", "min([3, 1]) == 1", "abs(-3) == 3", 'str(3) == "3"'),
        *('"w" + str(3) == "w3"', '"abc"[0] == "a"', "float(3) == 3.0", "not (1 == 2 and true)"),
        *("zip([1, 2], [3]) == [(1, 3)]", "enumerate([5]) == [(0, 5)]", "none == none"),
        *("N == x.shape[0]", "(N + 1) * 2 - 2 == 2 * N", "N >= 1", "len(x.shape) == 2"),
    ],
)
def test_static_values(condition: str) -> None:
    """An assertion that fails is an error, one that is not decided a constraint."""
    graph = model(f"model M {{ input x: f32[N, 8]\n assert {condition}\n output y = x + 1 }}")
    assert not graph.constraints
