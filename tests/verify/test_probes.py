"""Probes lie within what the model demands, and try what an export may get wrong."""

from __future__ import annotations

from textwrap import dedent

import numpy as np
import pytest

from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.weights import lively_weights
from tercet.compiler.pipeline import load, model_of
from tercet.compiler.reference.interpreter import run
from tercet.dsl.source import Source
from tercet.verification.probes import make_probes
from tercet.verification.ranges import input_ranges
from tercet.verification.truth import reference_answers


def compiled(text: str) -> Graph:
    source = Source("test.model", dedent(text))
    return model_of(load(source).program_or_raise(), source)


def _model(inputs: str, body: str) -> Graph:
    return compiled(f"model M {{\n{inputs}\n{body}\n}}")


# ------------------------------------------------------------------------------------------ ranges


def _range(graph: Graph, name: str, **sizes: int) -> tuple[int, int]:
    types = {given.value.name: given.value.type.dtype for given in graph.inputs}
    return input_ranges(graph)[name].at(sizes, types[name])


def test_ids_lie_below_the_count_of_every_table_they_reach() -> None:
    graph = compiled("""
        block Inner {
            input ids: i64[N, T]
            first, second = ids |> transpose |> split([1, T - 1], axis = 0)
            output (second - 2) |> embedding(7, 2)
        }
        model M {
            input ids: i64[N, T]
            input more: i64[N, T]
            both = concat([ids, more], axis = 0)
            output a = both |> embedding(9, 2), b = ids |> Inner
        }
    """)
    assert _range(graph, "ids", N=2, T=5) == (2, 9)
    assert _range(graph, "more", N=2, T=5) == (0, 9)


@pytest.mark.parametrize(
    "dtype, body, expected",
    [
        ("i64", "output y = one_hot(x, 6)", (0, 6)),
        ("i32", "output y = one_hot(cast(x, i64), 6)", (0, 6)),
        ("i64", "param p: f32[4, 3] = normal()\noutput y = gather(p, x, axis = 1)", (0, 3)),
        ("i64", "param p: f32[4, 3] = normal()\noutput y = take(p, x)", (0, 12)),
        ("i64", "output y = embedding(7, 2)(x - 1)", (1, 8)),
        ("i64", "output y = embedding(7, 2)(where(x < 0, x, x - 1 + 3))", (0, 5)),
        ("u8", "output y = embedding(7, 2)(1 + cast(x, i64))", (0, 6)),
        ("i64", "output y = x + 1", (-8, 9)),
        ("u8", "output y = x * 2", (0, 16)),
    ],
)
def test_ranges_of_operands(dtype: str, body: str, expected: tuple[int, int]) -> None:
    assert _range(_model(f"input x: {dtype}[N]", body), "x", N=2) == expected


def test_lengths_are_from_one_to_the_number_of_steps() -> None:
    graph = _model(
        "input x: f32[N, T, 3]\ninput n: i64[N]", "layer = gru(4)\noutput y = layer(x, lengths = n)"
    )
    assert _range(graph, "n", N=2, T=5) == (1, 6)


# ------------------------------------------------------------------------------------------ probes

TOKENS = """
    model M(vocab = 11) {
        input tokens: i64[N, T]
        input scale: f32[N, 1, 1]
        input mask: bool[N, 1, T]
        x = (tokens |> embedding(vocab, 4)) * scale
        output y = scaled_dot_product_attention(x, x, x, mask)
    }
"""


def test_the_reference_answers_every_probe() -> None:
    graph = compiled(TOKENS)
    weights = lively_weights(graph, 0)
    for probe in make_probes(graph, 0):
        answers = run(graph, probe.inputs, weights)
        assert np.isfinite(answers["y"]).all(), probe.name


def test_outputs_that_depend_on_a_nan_are_known() -> None:
    """0 / 0 where all is zero; what a choice leaves out moves nothing."""
    graph = compiled("""
    model M { input x: f32[N, 3]
        share = x / sum(abs(x), axis = 1, keepdims = true)
        safe = where(x == 0, x, share)
        output share, best = argmax(share, axis = 1), kept = argmax(safe, axis = 1), safe }
    """)
    probes = make_probes(graph, 0)
    undefined = reference_answers(graph, {}, probes).undefined
    found = {probe.name: names for probe, names in zip(probes, undefined, strict=True) if names}
    assert found == {"zeros": {"share", "best"}}


@pytest.mark.parametrize(
    "body",
    [
        "output y = instance_norm(1 + x / 1000)",
        "output y = group_norm(1)(1 + x / 1000)",
        "output y = (1 + x / 1000) |> reshape([N, 16384]) |> layer_norm",
        "output y = mean(1 + x / 1000, axis = [2, 3])",
        "output y = sum(1 + x / 1000)",
    ],
)
def test_one_sample_of_rounding_adds_in_order(body: str) -> None:
    """Of thousands of almost equal numbers that loses much; where nothing is added, nothing."""
    graph = _model("input x: f32[N, 1, 128, 128]", f"{body}, same = -x")
    weights = lively_weights(graph, 0)
    found = reference_answers(graph, weights, make_probes(graph, 0)[:1])
    exact, pairwise, in_order = (a[0] for a in (found.exact, found.rounded, found.in_order))
    lost, kept = (np.abs(sample["y"] - exact["y"]).max() for sample in (in_order, pairwise))
    assert 10 * kept < lost < 0.2 * np.abs(exact["y"]).max()
    assert type(in_order["y"]) is np.ndarray
    assert in_order["y"].dtype == np.float32
    np.testing.assert_array_equal(in_order["same"], pairwise["same"])


def test_ordinary_and_edge_probes() -> None:
    probes = {probe.name: probe for probe in make_probes(compiled(TOKENS), 0)}
    assert list(probes) == ["first", "redrawn", "other sizes", "zeros", "large", "negative"]
    assert probes["first"].sizes == {"N": 2, "T": 5}
    assert probes["other sizes"].sizes == {"N": 3, "T": 7}
    assert (probes["zeros"].inputs["scale"] == 0).all()
    assert (probes["zeros"].inputs["tokens"] == 0).all()
    assert (probes["large"].inputs["tokens"] == 10).all()
    assert (probes["negative"].inputs["scale"] < 0).all()
    assert np.abs(probes["large"].inputs["scale"]).max() > 20
    masks = {name: probe.inputs["mask"] for name, probe in probes.items()}
    assert not masks.pop("zeros").any()
    assert masks.pop("large").all()
    assert all(mask[..., 0].all() for mask in masks.values())
    assert all(probe.inputs["scale"].dtype == np.float32 for probe in probes.values())


@pytest.mark.parametrize("dtype", ["f32", "i64", "bool"])
def test_probes_of_an_input_without_axes_are_arrays(dtype: str) -> None:
    graph = _model(f"input x: {dtype}[]\ninput z: f32[N]", "output y = cast(x, f32) * z")
    for probe in make_probes(graph, 0):
        assert isinstance(probe.inputs["x"], np.ndarray), probe.name
        assert probe.inputs["x"].shape == ()


def test_probes_follow_from_the_seed() -> None:
    first, again, other = (make_probes(compiled(TOKENS), seed) for seed in (0, 0, 1))
    for a, b in zip(first, again, strict=True):
        for name, array in a.inputs.items():
            np.testing.assert_array_equal(array, b.inputs[name])
    assert (first[0].inputs["scale"] != other[0].inputs["scale"]).any()
    assert (first[0].inputs["scale"] != first[1].inputs["scale"]).any()
