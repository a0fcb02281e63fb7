"""Weights of several blocks, and parameters of loops, are trained in every framework alike."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.weights import lively_weights
from tercet.project import FRAMEWORKS, open_project, script_text
from tests.backends.onnx_graphs import Array
from tests.codegen.jobs import graph_of

pytestmark = pytest.mark.slow

MODEL = """
block Mix(layer) {
    input x: f32[N, D]
    param gain: f32[D] = ones
    output x + tanh(layer(x)) * gain
}
block Tied(layer) {
    input x: f32[N, D]
    output x @ transpose(layer.weight)
}
block Wrap(inner, layers) {
    input x: f32[N, D]
    h = inner(x)
    for i in range(2) {
        param scale: f32[D] = ones
        buffer shift: f32[D] = constant(0.1)
        h = h * scale + shift
    }
    for layer in layers { h = h |> layer |> tanh }
    output h
}
model M {
    input x: f32[N, 6]
    shared = dense(6)
    own = dense(6)
    mixed = Mix(shared)
    h = x |> Mix(shared) |> Wrap(mixed, [own, shared]) |> Mix(own) |> Tied(shared)
    output value = h |> dense(1)
}
block Change(net) {
    input x: f32[N, D]
    output net(2 * x) - net(x)
}
train Training(net = M()) {
    input x: f32[N, 6]
    target y: f32[N, 1]
    data = synthetic(rows = 64, split = 0.75) {
        x = uniform(-1, 1),
        y = x[:, 0:1] * 2 - x[:, 1:2]
    }
    loss = mse(net(x), y) + 0.1 * mean(Change(net)(x) ** 2)
    optimizer = sgd(lr = 0.05)
    batch = 8
    epochs = 2
    seed = 1
}
"""


def _run(script: Path, *flags: str | Path) -> None:
    command = [sys.executable, str(script), "--device", "cpu", *map(str, flags)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def graph() -> Graph:
    return graph_of(MODEL)


@pytest.fixture(scope="module")
def trained(graph: Graph, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Array]]:
    """What two epochs make of the same weights, in each framework."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "m.model").write_text(MODEL)
    save_file(lively_weights(graph, 0), folder / "start.safetensors")
    project = open_project(folder / "m.model")
    found = {}
    for target in FRAMEWORKS:
        script = folder / f"m_{target}.py"
        script.write_text(script_text(project, target, folder))
        saved, checkpoint = (folder / f"{target}_{part}.safetensors" for part in ("end", "half"))
        resumed = folder / f"{target}_resumed.safetensors"
        start = ("--weights", folder / "start.safetensors")
        _run(script, *start, "--save", saved)
        _run(script, *start, "--epochs", "1", "--checkpoint", checkpoint)
        _run(script, "--resume", checkpoint, "--save", resumed)
        found[target] = load_file(saved)
        again = load_file(resumed)
        assert again.keys() == found[target].keys()
        for name, array in found[target].items():
            np.testing.assert_array_equal(again[name], array, f"{target}: {name} after a resume")
    return found


@pytest.mark.parametrize("target", FRAMEWORKS)
def test_every_weight_learns_as_in_the_others(
    target: str, graph: Graph, trained: dict[str, dict[str, Array]]
) -> None:
    start, end, first = lively_weights(graph, 0), trained[target], trained[FRAMEWORKS[0]]
    assert end.keys() == start.keys()
    for name, array in end.items():
        moved = np.abs(first[name] - start[name]).max()
        if name.split(".")[-2] == "shift":
            np.testing.assert_array_equal(array, start[name], name)
            continue
        assert moved > 1e-3, name
        assert np.abs(array - first[name]).max() <= 1e-4 * moved, name
