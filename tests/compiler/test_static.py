"""Static evaluation: values, operators and functions that never reach a graph."""

from __future__ import annotations

from typing import Any

import pytest

from tercet.compiler.dims import symbol
from tercet.compiler.elaborate import static
from tercet.compiler.elaborate.functions import FUNCTIONS, call
from tercet.compiler.elaborate.static import StaticError
from tercet.compiler.graph.ir import Bind
from tercet.compiler.graph.values import Comparison, Undecided, describe, frozen, text
from tercet.compiler.initializers import Normal
from tercet.compiler.ops.activation import Relu
from tercet.compiler.types import DType
from tests.compiler.texts import body

N = symbol("N")


def value_of(expression: str) -> Any:
    graph = body(f"value = {expression}\n y = x")
    bind = graph.body.items[-2]
    assert isinstance(bind, Bind)
    return bind.value


@pytest.mark.parametrize(
    "expression, expected",
    [
        ("1 + 2 * 3 ** 2", 19),
        ("-7 // 2", -4),
        ("-7 % 3", 2),
        ("7 / 2", 3.5),
        ("2 ** -1", 0.5),
        ("1_000 + 1e3", 2000.0),
        ("-2 ** 2", -4),
        ('"a" + "b"', "ab"),
        ("[1, 2] + [3]", (1, 2, 3)),
        ("[0] * 3", (0, 0, 0)),
        ("(1, (2, 3))", (1, (2, 3))),
        ("[1, 2, 3][-1]", 3),
        ("[1, 2, 3][1:]", (2, 3)),
        ("[1, 2, 3][::-1]", (3, 2, 1)),
        ('"abc"[1]', "b"),
        ("1 < 2 and 2 < 3", True),
        ("1 > 2 or not false", True),
        ("true == 1", False),
        ("1 == 1.0", True),
        ("[1, 2] == [1, 2]", True),
        ("none == none", True),
        ("relu == relu", True),
        ("relu == gelu", False),
        ("f32 == f32", True),
        ("len([1, 2])", 2),
        ("range(3)", (0, 1, 2)),
        ("range(1, 7, 2)", (1, 3, 5)),
        ("range(3, 0, -1)", (3, 2, 1)),
        ("range(0)", ()),
        ("enumerate([5, 6])", ((0, 5), (1, 6))),
        ("enumerate([5], 1)", ((1, 5),)),
        ("zip([1, 2, 3], [4, 5])", ((1, 4), (2, 5))),
        ("min(3, 1.5)", 1.5),
        ("max([1, 4, 2])", 4),
        ("abs(-3)", 3),
        ("round(2.5)", 2),
        ("round(2.567, 2)", 2.57),
        ("floor(-1.5)", -2),
        ("ceil(1.2)", 2),
        ("sqrt(16)", 4.0),
        ("log(1)", 0.0),
        ("log(8, 2)", 3.0),
        ("int(3.9)", 3),
        ("int(true)", 1),
        ('int("12")', 12),
        ("float(3)", 3.0),
        ("sum([1, 2.5])", 3.5),
        ("str(1.5)", "1.5"),
        ("str([1, none, true])", "[1, none, true]"),
        ("if 1 > 2 { 3 } else { 4 }", 4),
        ("N + 1 - 1", N),
        ("(2 * N) // 2", N),
        ("max(N, 1)", N),
        ("min(N, 0)", 0),
        ("N >= 1", True),
        ("N == N", True),
        ("N == 0", False),
        ("abs(N)", N),
        ("floor(N)", N),
        ("sum([N, N])", 2 * N),
        ("[7, 8, N] == x.shape", False),
        ("x.shape == [N, 8]", True),
        ("x.rank", 2),
        ("normal(std = 0.5)", Normal(std=0.5)),
        ("3 |> str", "3"),
        ("false and (1 / 0 == 1)", False),
    ],
)
def test_values(expression: str, expected: Any) -> None:
    assert frozen(value_of(expression)) == frozen(expected)


def test_undecided_comparisons() -> None:
    assert static.binary("<", 3, N) == Undecided((Comparison(3, "<", N),))
    assert static.binary(">", 3, N) == Undecided((Comparison(3, ">", N),))
    assert static.negated(static.binary("==", N, 3)) == Undecided((Comparison(N, "!=", 3),))
    both = static.conjunction([True, static.binary("<", 3, N), static.binary("<", N, 9)])
    assert str(both) == "3 < N and N < 9"
    assert static.conjunction([both, False]) is False
    with pytest.raises(StaticError, match="cannot be decided"):
        static.negated(both)


def test_every_static_function_is_listed() -> None:
    named = "len range enumerate zip min max abs round floor ceil sqrt log int float sum str"
    assert " ".join(sorted(FUNCTIONS)) == " ".join(sorted(named.split()))


def test_numbers_of_arguments() -> None:
    with pytest.raises(StaticError, match="takes 1 argument, not 0"):
        call("len", [])
    with pytest.raises(StaticError, match="takes 1 to 3 arguments, not 4"):
        call("range", [1, 2, 3, 4])
    with pytest.raises(StaticError, match="takes 1 or more arguments, not 0"):
        call("min", [])


@pytest.mark.parametrize(
    "value, words, written",
    [
        (None, "none", "none"),
        (True, "true", "true"),
        (3, "the number 3", "3"),
        ("a", 'the string "a"', "a"),
        ((1, "a"), "a list of 2", "[1, a]"),
        (N, "the size N", "N"),
        (DType.F32, "the element type f32", "f32"),
        (Relu, "the function `relu`", "relu"),
        (Normal(), "the initializer `normal`", "normal"),
        (Normal, "the initializer `normal`", "normal"),
    ],
)
def test_words_for_values(value: Any, words: str, written: str) -> None:
    assert describe(value) == words
    assert text(value) == written
