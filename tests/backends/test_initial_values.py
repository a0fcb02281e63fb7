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

INITIALIZERS = (
    "he_normal",
    "he_uniform",
    "glorot_normal",
    "glorot_uniform",
    "lecun_normal",
    "normal(std = 0.3, mean = 0.1)",
    "truncated_normal(std = 0.3)",
    "uniform(-0.2, 0.6)",
    "constant(0.3)",
)
KINDS = {
    "dense_{n}_weight": "x |> dense(40, init = {init})",
    "dense_{n}_bias": "x |> dense(300, bias_init = {init})",
    "embedding_{n}": "embedding(120, 4, init = {init})(ids)",
    "table_{n}": "x @ f32_{n}",
    "layer_norm_{n}": "x |> layer_norm(init = {init}, bias_init = {init})",
    "lstm_{n}": "x |> lstm(20, init = {init}, bias_init = {init})",
    "gru_{n}": "x |> gru(24, init = {init}, bias_init = {init})",
    "conv_{n}": "image |> conv2d(16, 3, init = {init}, bias_init = {init})",
    "grouped_{n}": "image |> conv2d(18, 3, groups = 2, init = {init})",
    "depthwise_{n}": "image |> conv2d(60, 3, groups = 6, init = {init})",
    "up_{n}": "image |> conv_transpose2d(16, 3, init = {init})",
    "prelu_{n}": "many |> prelu(init = {init})",
}
"""One layer of each kind for each initializer, with some hundred numbers in most parameters."""


def every_start() -> str:
    """A model in which every kind of parameter starts in every way."""
    lines = [
        "model Net {",
        "    input ids: i64[N, T]",
        "    input x: f32[N, T, 30]",
        "    input image: f32[N, 6, 8, 8]",
        "    input many: f32[N, 300, 8]",
        "    total = 0.0",
    ]
    for n, init in enumerate(INITIALIZERS):
        lines += [
            f"    param f32_{n}: f32[30, 40] = {init}",
            f"    param vector_{n}: f32[300] = {init}",
            f"    param cube_{n}: f32[5, 10, 12] = {init}",
            f"    total = total + sum(vector_{n}) + sum(cube_{n})",
        ]
        for name, text in KINDS.items():
            call = text.format(n=n, init=init)
            if "|> " in call:
                call = call[:-1] + f', name = "{name.format(n=n)}")'
            lines.append(f"    total = total + sum({call})")
    return "\n".join([*lines, "    output total", "}"])


@pytest.fixture(scope="module", params=[MODEL, every_start()], ids=["usual", "every"])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    path = tmp_path_factory.mktemp("initial") / "net.model"
    path.write_text(request.param, encoding="utf-8")
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
