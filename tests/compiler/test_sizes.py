"""Sizes for symbols: admissible ones are found, good ones where there is a choice."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tercet.compiler import dims
from tercet.compiler.dims import Size, symbol
from tercet.compiler.elaborate import elaborate
from tercet.compiler.graph.ir import Graph
from tercet.compiler.sizing.search import Demand, Search
from tercet.compiler.sizing.sizes import alternatives, example_sizes, smallest_sizes, two_settings
from tercet.dsl.diagnostics import Diagnostic, DiagnosticError
from tercet.dsl.source import Source
from tests.compiler.texts import compiled, model

IMAGE = "input x: f32[N, 3, H, W]"
TABLE = "input x: f32[N, T]"
TWO = "input x: f32[N, T]\ninput y: f32[M, S]"
RESNET = """
    h = x |> conv2d(4, 7, stride = 2, padding = 3) |> max_pool2d(3, stride = 2, padding = 1)
          |> conv2d(4, 3, stride = 2, padding = 1) |> conv2d(4, 3, stride = 2, padding = 1)
          |> conv2d(4, 3, stride = 2, padding = 1) |> avg_pool2d(7)
    output y = h |> flatten |> sum(axis = 1)"""


def _text(inputs: str, body: str) -> str:
    output = "" if "output" in body else "\noutput result = 2.0 * x"
    return f"model M {{\n{inputs}\n{body}{output}\n}}"


def _model(inputs: str, body: str) -> Graph:
    return model(_text(inputs, body))


def _admitted(graph: Graph, sizes: dict[str, int]) -> bool:
    """Whether the sizes meet what the model records.  As brute as possible."""
    return all(eval(str(c), {"min": min, "max": max}, dict(sizes)) for c in graph.constraints)


ADMISSIBLE = [
    ("input x: i64[N, T]", "param p: f32[3, 4] = normal()\noutput y = p[0:T]", "T <= 3"),
    (TABLE, "output y = reshape(x, [N, 4, T // 4])", "T % 4 == 0"),
    (TABLE, "assert T % 4 == 0", "T % 4 == 0"),
    (TABLE, "assert T == 4 * (T // 4)", "T % 4 == 0"),
    (
        TABLE,
        "assert T % 4 == 0\nassert T % 6 == 3 * (N % 2)",
        "T % 4 == 0 and T % 6 == 3 * (N % 2)",
    ),
    (TABLE, "assert N * T <= 100", "N * T <= 100"),
    (TABLE, "assert N * T == 10007", "N * T == 10007"),
    (TABLE, 'assert T >= 100, "long"', "T >= 100"),
    (TABLE, 'assert T == 77, "exact"', "T == 77"),
    (TABLE, "assert T == 2", "T == 2 and N != 2"),
    (TABLE, "assert T == 2 and N == 2", "T == 2 == N"),
    (TABLE, "assert T > 500", "T > 500"),
    (TABLE, "assert T > 70_000\nassert T % 100 == 7", "T > 70_000 and T % 100 == 7"),
    (TABLE, "assert T // 3 > 5000", "T // 3 > 5000"),
    (TABLE, "assert (T - 1) // 64 == 9", "(T - 1) // 64 == 9"),
    (TABLE, "assert T != 5 and N != 2", "T != 5 and N != 2"),
    (TABLE, "values, places = x |> topk(30)\noutput values, places", "T >= 30"),
    (TABLE, "output y = x[:, 9:]", "T >= 10"),
    (TABLE, "output y = x[:, -T:]", "T >= 1"),
    (TABLE, "output y = x[:, T - 3:]", "T >= 3"),
    (TABLE, "assert (N + T) % 1000 == 0", "(N + T) % 1000 == 0"),
    (TABLE, "assert T % N == 0 and T > N", "T % N == 0 and T > N"),
    (TABLE, "assert T % (N - 1) == 0", "T % (N - 1) == 0"),
    (TABLE, "assert max(N, T) <= 3", "max(N, T) <= 3"),
    (TABLE, "assert min(N, T) > 90", "min(N, T) > 90"),
    (TWO, "assert T == 3 * S + 1000\noutput z = x, w = y", "T == 3 * S + 1000"),
    (TWO, "assert T * S == 14 ** 4\noutput z = x, w = y", "T * S == 14 ** 4"),
    (TWO, "assert N + M + T + S == 1000\noutput z = x, w = y", "N + M + T + S == 1000"),
    (TWO, "assert M < N and N < S and S < T\noutput z = x, w = y", "M < N < S < T"),
    ("input x: f32[N, T, T]", 'assert N > T, "wide"', "N > T"),
    ("input x: f32[N, 16 * H]", "assert H > 20", "H > 20"),
    (IMAGE, "assert H == W", "H == W != N"),
    (IMAGE, "assert H == W and H % 32 == 0", "H == W and H % 32 == 0"),
    (IMAGE, "output y = x |> max_pool2d(17)", "min(H, W) >= 17"),
    (IMAGE, "output y = x |> conv2d(2, 5) |> conv2d(2, 5) |> max_pool2d(4)", "min(H, W) >= 12"),
    (IMAGE, RESNET, "min(H, W) >= 193"),
]


@pytest.mark.parametrize("inputs, body, demand", ADMISSIBLE, ids=lambda text: text[:40])
def test_admissible_sizes_are_found(inputs: str, body: str, demand: str) -> None:
    graph = _model(inputs, body)
    first, second = two_settings(graph)
    for sizes in (first, second, smallest_sizes(graph), example_sizes(graph)):
        assert _admitted(graph, sizes), sizes
    for sizes in (first, second):
        assert eval(demand, {"min": min, "max": max}, dict(sizes)), sizes
    for name, numbers in alternatives(graph, first).items():
        assert first[name] not in numbers
        assert all(_admitted(graph, {**first, name: number}) for number in numbers)


def test_constraints_of_blocks_are_obeyed() -> None:
    graph = model("""
        block Halves { input x: f32[N, T]
            assert T % 2 == 0, "even"
            output x[:, 0:T // 2] }
        model M { input x: f32[N, T]
            output y = x |> Halves }
    """)
    assert two_settings(graph) == ({"N": 2, "T": 4}, {"N": 3, "T": 6})


# ------------------------------------------------------------------------------------------ choice


def test_two_settings_differ_in_every_size_and_sizes_differ_from_each_other() -> None:
    graph = _model(
        "input x: f32[N, T, 4]\ninput y: f32[M, T]\ninput image: f32[N, 3, H, W]",
        "output a = x + 1.0, b = y * 2.0, c = image",
    )
    first, second = two_settings(graph)
    assert first == {"N": 2, "T": 5, "M": 3, "H": 16, "W": 15}
    assert len(set(second.values())) == 5
    assert all(first[name] != second[name] for name in first)
    assert example_sizes(graph) == first
    assert set(smallest_sizes(graph).values()) == {1}


@pytest.mark.parametrize(
    "inputs, body, first, second",
    [
        (TABLE, "assert T == 2", {"N": 3, "T": 2}, {"N": 4, "T": 2}),
        (IMAGE, "assert H == W", {"N": 2, "H": 16, "W": 16}, {"N": 3, "H": 19, "W": 19}),
        (TABLE, "assert T <= 2", {"N": 3, "T": 2}, {"N": 2, "T": 1}),
        (TABLE, "assert T % 4 == 0", {"N": 2, "T": 4}, {"N": 3, "T": 8}),
    ],
)
def test_what_is_free_stays_different(
    inputs: str, body: str, first: dict[str, int], second: dict[str, int]
) -> None:
    assert two_settings(_model(inputs, body)) == (first, second)


def test_a_model_without_symbols_has_one_setting() -> None:
    assert two_settings(_model("input x: f32[2, 3]", "")) == ({}, {})


# ---------------------------------------------------------------------------------------- refusals


def _refused(inputs: str, body: str) -> Diagnostic:
    """The error of checking the model; whatever asks for its sizes gives the same."""
    text = _text(inputs, body)
    (diagnostic,) = compiled(text).diagnostics
    program, _ = elaborate(Source("test.model", text))
    assert program is not None
    for search in (two_settings, example_sizes, smallest_sizes):
        with pytest.raises(DiagnosticError) as caught:
            search(program.models["M"])
        assert caught.value.diagnostics[0].message == diagnostic.message
    return diagnostic


def test_what_cannot_be_met_together_is_named_and_nothing_else() -> None:
    asserts = "assert N > 2\nassert T % 2 == 1\nassert T < 90\nassert T % 4 == 2"
    problem = _refused(TABLE, asserts)
    assert problem.code == "E0315"
    assert problem.message == "no size of T was found for which `T % 2 == 1` and `T % 4 == 2`"
    assert problem.span.line == 4
    assert [note.span.line for note in problem.notes if note.span] == [6]


@pytest.mark.parametrize(
    "inputs, body, named",
    [
        (TABLE, "assert T * T == 10", ["T * T == 10"]),
        (TABLE, "assert N * T == 17 and N + T == 17", ["N * T == 17", "N + T == 17"]),
        (TABLE, "assert N > 10_000_000", ["N > 10000000"]),
        (
            IMAGE,
            "assert H < 20\noutput y = x |> max_pool2d(30)",
            ["H < 20", "H >= 30"],
        ),
        (
            TWO,
            "assert N == 2 * M and M == 2 * N\noutput z = x, w = y",
            ["N == 2 * M", "M == 2 * N"],
        ),
        (TABLE, "assert T <= 3\noutput y = x[:, 3:]", ["T <= 3", "T >= 4"]),
    ],
)
def test_impossible_constraints_are_told(inputs: str, body: str, named: list[str]) -> None:
    problem = _refused(inputs, body)
    assert sorted(problem.message.split("`")[1::2]) == sorted(named)


# ----------------------------------------------------------------------- against all of the numbers

SYMBOLS = ("A", "B", "C")
_few = st.integers(1, 12)


def _size(depth: int) -> st.SearchStrategy[Size]:
    leaves = st.sampled_from(SYMBOLS).map(symbol) | st.integers(0, 60)
    if not depth:
        return leaves
    inner = _size(depth - 1)
    return st.one_of(
        leaves,
        st.builds(lambda a, b: a + b, inner, inner),
        st.builds(lambda a, b: a - b, inner, inner),
        st.builds(lambda a, b: a * b, _few, inner),
        st.builds(lambda a, b: a * b, inner, inner),
        st.builds(lambda a, b: a // b, inner, _few),
        st.builds(lambda a, b: a % b, inner, _few),
        st.builds(lambda a, b: dims.minimum(a, b), inner, inner),
        st.builds(lambda a, b: dims.maximum(a, b), inner, inner),
    )


_relations = st.sampled_from(["==", "==", "!=", "<", "<=", ">", ">="])
_demands = st.lists(
    st.builds(Demand, _size(2), _relations, _size(2)).filter(lambda d: bool(d.symbols)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=100)
@given(_demands)
def test_what_is_found_holds_and_what_small_numbers_meet_is_found(demands: list[Demand]) -> None:
    names = sorted({name for demand in demands for name in demand.symbols})
    found = Search(demands, dict.fromkeys(names, 5), {}).run()
    meets = _as_python(demands, names)
    if found is None:
        numbers = range(1, 41 if len(names) < 3 else 16)
        assert not any(meets(*choice) for choice in product(numbers, repeat=len(names)))
    else:
        assert found.keys() == {*names}
        assert min(found.values()) >= 1
        assert meets(*(found[name] for name in names))


def _as_python(demands: list[Demand], names: list[str]) -> Callable[..., bool]:
    texts = [f"({d.left}) {d.relation} ({d.right})" for d in demands]
    function: Callable[..., bool] = eval(f"lambda {', '.join(names)}: {' and '.join(texts)}")
    return function
