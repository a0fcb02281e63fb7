"""Untrained scripts: every parameter of every target starts as the source says.

A layer that says how one of its parameters starts leaves the others as they usually are.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from tercet.compiler.graph.weights import initial_weights
from tercet.project import Project, open_project, script_text

pytestmark = pytest.mark.slow

MODEL = """
model Net {
    input ids: i64[N, T]
    input image: f32[N, 3, 8, 8]

    table = embedding(50, 40, init = normal(std = 0.5))
    x = table(ids) |> dense(60, init = normal(std = 0.3), name = "own_weight")
    x = x |> dense(50, bias_init = ones, name = "own_bias")
    x = x |> layer_norm(init = constant(0.5), name = "own_scale")
    x = x |> rnn(30, init = normal(std = 0.2), name = "rnn_weight")
    x = x |> rnn(32, bias_init = ones, name = "rnn_bias")
    x = x |> lstm(30, init = uniform(-0.5, 0.5), name = "lstm_weight")
    x = x |> lstm(33, layers = 2, bias_init = constant(0.5), name = "lstm_bias")
    x = x |> gru(30, init = normal(std = 0.2), name = "gru_weight")
    x = x |> gru(31, bidirectional = true, bias_init = constant(0.5), name = "gru_bias")
    said = x[:, -1] |> dense(20)

    h = image |> conv2d(20, 3, init = normal(std = 0.2), name = "conv_weight")
    h = h |> conv2d(24, 3, bias_init = constant(0.5), name = "conv_bias")
    h = h |> conv_transpose2d(20, 3, init = orthogonal, name = "up_weight")
    h = h |> batch_norm(bias_init = ones, name = "norm_bias") |> prelu(init = constant(0.1))
    seen = h |> conv2d(16, 3) |> global_avg_pool2d |> flatten |> dense(20)

    output both = said + seen
}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    path = tmp_path_factory.mktemp("initial") / "net.model"
    path.write_text(MODEL, encoding="utf-8")
    return open_project(path)


@pytest.mark.parametrize("target", ["pytorch", "tensorflow", "mxnet"])
def test_start_as_the_source_says(project: Project, target: str, tmp_path: Path) -> None:
    script, saved = tmp_path / f"net_{target}.py", tmp_path / "saved.safetensors"
    script.write_text(script_text(project, target, tmp_path), encoding="utf-8")
    command = [sys.executable, str(script), "--device", "cpu", "--save", str(saved)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found, meant = load_file(saved), initial_weights(project.model, 0)
    assert found.keys() == meant.keys()
    different = {
        name: (_spread(found[name]), _spread(meant[name]))
        for name in meant
        if not _drawn_alike(found[name], meant[name])
    }
    assert not different


def _spread(values: NDArray[Any]) -> tuple[float, float, float]:
    return float(values.mean()), float(values.std()), float(np.abs(values).max())


def _drawn_alike(found: NDArray[Any], meant: NDArray[Any]) -> bool:
    """Whether mean and deviation agree as far as this many numbers can tell, within six sigma."""
    if meant.std() == 0:
        return bool((found == meant).all())
    sigma = meant.std() / np.sqrt(meant.size / 2)
    return bool(
        abs(found.mean() - meant.mean()) < 6 * sigma and abs(found.std() - meant.std()) < 6 * sigma
    )
