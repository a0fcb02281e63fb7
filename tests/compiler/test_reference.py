"""The interpreter on small models: sizes, sharing, constraints, inputs, depth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tercet.compiler.graph import weights
from tercet.compiler.graph.ir import Graph
from tercet.compiler.pipeline import load
from tercet.compiler.reference.interpreter import InputError, Step, resolve_sizes, run
from tercet.dsl.source import Source


def compiled(text: str, name: str = "M") -> Graph:
    return load(Source("test.model", text)).program_or_raise().models[name]


MLP = """
block Half(units) {
    input x: f32[N, D]
    output x |> dense(units) |> tanh
}
model M {
    input x: f32[N, 3]
    half = Half(3)
    y = half(half(x)) |> dense(2)
    output y
}
"""


def test_a_shared_block_runs_twice_with_the_same_weights() -> None:
    graph = compiled(MLP)
    found = weights.lively_weights(graph, 0)
    assert set(found) == {"half.dense.weight", "half.dense.bias", "dense.weight", "dense.bias"}
    x = np.random.default_rng(0).normal(size=(5, 3))
    h = x
    for _ in range(2):
        h = np.tanh(h @ found["half.dense.weight"].T.astype(float) + found["half.dense.bias"])
    expected = h @ found["dense.weight"].T.astype(float) + found["dense.bias"]
    y = run(graph, {"x": x}, found)["y"]
    assert y.dtype == np.float64
    np.testing.assert_allclose(y, expected, rtol=1e-13)
    single = run(graph, {"x": x}, found, "float32")["y"]
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=1e-5)


SIZES = """
model M {
    input x: f32[N, 2 * H]
    input t: i64[N, T]
    a = x * H + 0.1
    b = embedding(5, T)
    assert T <= 4, "at most four tokens"
    y = a
    z = embedding(5, 3)(t)
    output y, z
}
"""


def test_sizes_follow_from_the_inputs_and_literals_are_exact() -> None:
    text = SIZES.replace("    b = embedding(5, T)\n", "")
    graph = compiled(text)
    x, t = np.ones((2, 6)), np.zeros((2, 4), dtype=np.int64)
    assert resolve_sizes(graph, {"x": x, "t": t}) == {"N": 2, "H": 3, "T": 4}
    outputs = run(graph, {"x": x, "t": t}, weights.initial_weights(graph, 0))
    assert (outputs["y"] == 3.1).all()  # 0.1 is not rounded to float32 on the way
    assert outputs["z"].shape == (2, 4, 3)


@pytest.mark.parametrize(
    "x, t, words",
    [
        (np.ones((2, 6)), np.zeros((3, 4), int), "axis 0 of `t` is 3, not N = 2 by `x`"),
        (np.ones((2, 5)), np.zeros((2, 4), int), "axis 1 of `x` is 2 * H: 5 does not tell H"),
        (np.ones((2, 6)), np.zeros((2, 5), int), "at most four tokens"),
        (np.ones((2, 6)), np.zeros((2, 0), int), "empty along axis 1"),
        (np.ones((2, 6)), np.zeros(2, int), "the array has shape [2]"),
        (np.ones((2, 6)), np.zeros((2, 4)), "not float64"),
        (np.ones((2, 6), int), np.zeros((2, 4), int), "not int64"),
        (np.ones((2, 6)), np.full((2, 4), 5), "id 5 is outside 0 to 4"),
    ],
)
def test_wrong_inputs_are_refused(x: Any, t: Any, words: str) -> None:
    graph = compiled(SIZES.replace("    b = embedding(5, T)\n", ""))
    with pytest.raises(InputError) as caught:
        run(graph, {"x": x, "t": t}, weights.initial_weights(graph, 0))
    assert words in str(caught.value)


def test_wrong_names_and_weights_are_refused() -> None:
    graph = compiled(MLP)
    found = weights.initial_weights(graph, 0)
    x = np.ones((1, 3))
    with pytest.raises(InputError, match="`x` is missing"):
        run(graph, {}, found)
    with pytest.raises(InputError, match="no input `X`; did you mean `x`"):
        run(graph, {"x": x, "X": x}, found)
    with pytest.raises(InputError, match=r"no weight `dense\.bias`"):
        run(graph, {"x": x}, {k: v for k, v in found.items() if k != "dense.bias"})
    with pytest.raises(InputError, match=r"has shape \[1\], not \[2\]"):
        run(graph, {"x": x}, found | {"dense.bias": np.zeros(1)})


def test_an_observer_sees_every_operation_and_may_change_its_results() -> None:
    graph = compiled(MLP)
    found = weights.lively_weights(graph, 0)
    seen: list[tuple[str, str]] = []

    def observe(step: Step, values: tuple[Any, ...]) -> tuple[Any, ...] | None:
        seen.append((step.path, step.item.op.name))
        return (values[0] * 0,) if step.item.op.name == "tanh" else None

    y = run(graph, {"x": np.ones((1, 3))}, found, observe=observe)["y"]
    half = [("half", "dense"), ("half", "tanh")]
    assert seen == [*half, *half, ("", "dense")]
    np.testing.assert_allclose(y[0], found["dense.bias"])


@pytest.mark.parametrize("shape, result", [("N, 1, 3", "N, 3"), ("N, 3", "N, 3"), ("1, 1", "")])
def test_a_batch_of_one_is_not_squeezed_away(shape: str, result: str) -> None:
    graph = compiled(f"model M {{ input x: f32[{shape}]\n y = squeeze(x)\n output y }}")
    sizes, wanted = (
        tuple(1 if size == "N" else int(size) for size in text.split(", ") if size)
        for text in (shape, result)
    )
    assert run(graph, {"x": np.ones(sizes)}, {})["y"].shape == wanted


def test_long_chains_need_no_recursion() -> None:
    lines = "\n".join("    h = tanh(h)" for _ in range(3000))
    graph = compiled(
        f"model M {{\n    input x: f32[N]\n    h = x\n{lines}\n    y = h\n    output y\n}}"
    )
    y = run(graph, {"x": np.ones(2)}, {})["y"]
    assert 0 < y[0] < 0.1


def test_values_that_nothing_reads_any_more_are_freed() -> None:
    import tracemalloc

    lines = "\n".join("    h = tanh(h)" for _ in range(100))
    graph = compiled(
        f"model M {{\n    input x: f32[N]\n    h = x\n{lines}\n    y = h\n    output y\n}}"
    )
    x = np.ones(100_000)
    tracemalloc.start()
    run(graph, {"x": x}, {})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * x.nbytes
