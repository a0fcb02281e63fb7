"""Running statistics for verification fit the activations, layer after layer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tercet.compiler.graph.weights import lively_weights
from tercet.compiler.pipeline import load
from tercet.compiler.reference.calibration import calibrated
from tercet.compiler.reference.interpreter import run
from tercet.dsl.source import Source

DEEP = """\
block Unit() {
    input x: f32[N, C, H, W]
    output x |> conv2d(C, 3, padding = 1, groups = C, bias = false) |> batch_norm
             |> conv2d(C, 1, bias = false) |> batch_norm |> relu6
}
model Deep {
    input x: f32[N, 8, 6, 6]
    h = x
    for _ in range(20) { h = h |> Unit }
    output y = h
}
"""


def test_signals_of_a_deep_network_neither_grow_nor_die() -> None:
    graph = load(Source("deep.model", DEEP)).program_or_raise().models["Deep"]
    inputs = {"x": np.random.default_rng(0).normal(size=(2, 8, 6, 6)).astype(np.float32)}
    drawn = lively_weights(graph, 0)
    weights = calibrated(graph, drawn, inputs, 0)
    assert weights.keys() == drawn.keys()
    changed = {k for k in drawn if not np.array_equal(drawn[k], weights[k])}
    assert changed == {k for k in drawn if "running_" in k}
    seen: list[NDArray[np.float64]] = []
    run(graph, inputs, weights, observe=lambda step, y: seen.append(y[0]))
    spreads = [y.std() for y in seen]
    assert min(spreads) > 0.1
    assert max(spreads) < 10


def test_what_has_no_statistics_stays_as_it_is() -> None:
    text = "model Flat { input x: f32[N, 3] \n output y = x |> dense(2) }"
    graph = load(Source("flat.model", text)).program_or_raise().models["Flat"]
    drawn = lively_weights(graph, 0)
    weights = calibrated(graph, drawn, {"x": np.ones((2, 3), np.float32)}, 0)
    assert all(weights[k] is drawn[k] for k in drawn)


def test_too_few_values_of_a_channel_change_nothing() -> None:
    graph = load(Source("deep.model", DEEP)).program_or_raise().models["Deep"]
    drawn = lively_weights(graph, 0)
    small = DEEP.replace("[N, 8, 6, 6]", "[N, 8, 2, 2]")
    graph = load(Source("small.model", small)).program_or_raise().models["Deep"]
    weights = calibrated(graph, drawn, {"x": np.ones((2, 8, 2, 2), np.float32)}, 0)
    assert all(weights[k] is drawn[k] for k in drawn)
