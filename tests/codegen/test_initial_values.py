"""`initial_value` of exact scripts draws what the compiler draws, for every initializer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tercet.codegen.script.initial import initial_piece
from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.weights import initial_weights
from tercet.compiler.initializers import INITIALIZERS, Values
from tercet.compiler.pipeline import load
from tercet.compiler.stored import Stored
from tercet.dsl.source import Source

SAMPLES = sorted(Path("samples").glob("*.model"))
EVERY = """
block Part(scale = 0.5) {
    input x: f32[N, D]
    param shift: f32[D] = uniform(low = -0.3, high = 0.1)
    h = x |> dense(4, init = truncated_normal(std = 0.2, mean = 0.1), bias_init = normal())
    h = (h + shift) |> dense(D, init = orthogonal(gain = 0.7))
    output h |> rms_norm(init = constant(scale))
}
model M {
    input x: f32[N, 4]
    param one: f32[4, 4] = identity()
    param number: f32[] = normal(std = 2)
    param row: f32[3] = glorot_normal()
    param table: f32[4, 4] = he_uniform()
    buffer count: i64[2] = ones()
    buffer seen: bool[2] = [true, false]
    param listed: f32[2, 2] = [[1e-3, 2], [-0.5, 1e30]]
    h = x @ one @ table * number + sum(row) + cast(sum(count), f32)
    h = h + where(all(seen), sum(listed), 0)
    for i in range(3) { h = h |> Part(0.25) }
    h = h |> dense(6, init = he_normal(), bias_init = glorot_uniform()) |> prelu
    h = h |> dense(4, init = lecun_normal()) |> batch_norm |> dense(4, init = zeros())
    h = h |> reshape([N, 2, 2]) |> gru(3, bidirectional = true, layers = 2)
    output y = h |> lstm(2) |> flatten
}
"""


def _values(model: Graph, seed: int) -> dict[str, Any]:
    piece = initial_piece(model)
    scope: dict[str, Any] = {}
    exec("\n".join(piece.imports) + "\n" + piece.text, scope)
    shapes = {path: p.type.shape for path, p in model.parameters()}
    return {name: scope["initial_value"](name, shape, seed) for name, shape in shapes.items()}


def _models(source: Path | Source) -> list[Graph]:
    return list(load(source).program_or_raise().models.values())


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples_start_as_the_compiler_says(path: Path) -> None:
    for model in _models(path):
        _compare(model)


def test_every_initializer_is_drawn_alike() -> None:
    (model,) = _models(Source("test.model", EVERY))
    used = {type(parameter.init) for _, parameter in model.parameters()}
    drawn = {Values, *INITIALIZERS.values()} - {Stored}  # which is read, not drawn
    assert used >= drawn - {INITIALIZERS["glorot_uniform"]}
    _compare(model)


def _compare(model: Graph) -> None:
    expected = initial_weights(model, 7)
    found = _values(model, 7)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert np.shape(found[name]) == value.shape
        np.testing.assert_array_equal(np.asarray(found[name], value.dtype), value, name)
