"""The whole way, through the command as a user types it: every sample, every target."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from safetensors.numpy import load_file, save_file

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
FRAMEWORKS = ("pytorch", "tensorflow", "mxnet")
TARGETS = (*FRAMEWORKS, "onnx")

VERIFIED: list[tuple[str, tuple[str, ...]]] = [
    *((path.stem, ()) for path in sorted(SAMPLES.glob("*.model"))),
    ("resnet18", ("-P", "classes=10", "-P", "size=32")),
]


def tercet(*arguments: str | Path, timeout: float = 900) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tercet", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


@pytest.mark.parametrize("name, parameters", VERIFIED)
def test_every_sample_is_identical_on_all_targets(
    name: str, parameters: tuple[str, ...], tmp_path: Path
) -> None:
    path = SAMPLES / f"{name}.model"
    done = tercet("verify", path, "-t", "all", "--json", "-o", tmp_path, *parameters)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    report = json.loads(done.stdout)
    assert report["identical"] is True
    assert {target["name"] for target in report["targets"]} == set(TARGETS)
    assert all(pair["verdict"] == "identical" for pair in report["pairs"])


SIZED = """
model Sized {
    input x: f32[N, T, 8]
    values, places = topk(x, 3)
    left, right = x |> dense(6) |> chunk(2, axis = -1)
    output best = values, places, both = concat([right, left], axis = 1), half = x[:, :, ::2]
}
"""


def test_every_file_declares_the_sizes_of_the_source(tmp_path: Path) -> None:
    (tmp_path / "net.model").write_text(SIZED)
    done = tercet("verify", tmp_path / "net.model", "-t", "all", "-o", tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    for target in TARGETS:
        graph = onnx.load(tmp_path / f"{target}.onnx").graph
        shapes = {
            value.name: [
                size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim
            ]
            for value in (*graph.input, *graph.output)
        }
        assert shapes.pop("both")[::2] == ["N", 3]  # 2 * T may be spelt in any way
        assert shapes == {
            "x": ["N", "T", 8],
            "best": ["N", "T", 3],
            "places": ["N", "T", 3],
            "half": ["N", "T", 4],
        }, target


CONSTRAINED = """
model Constrained {
    input image: f32[N, 3, H, W]
    input series: f32[N, T, 3]
    input factor: f32[N, T]
    input exact: f32[N, S]
    assert H == W, "square images, not {H} by {W}"
    assert H % 4 == 0 and H > 40
    assert T > 500, "a series of {T} is too short"
    assert N * T <= 4000
    assert S == 77
    pooled = image |> conv2d(4, 3, padding = 1) |> max_pool2d(4) |> global_avg_pool2d
    output label = pooled |> flatten |> dense(3),
        total = sum(series * reshape(factor, [N, T, 1]), axis = 2),
        parts = reshape(series, [N, 4, T // 4, 3]),
        half = 0.5 * exact
}
"""


def test_a_model_of_many_constraints_is_identical_on_all_targets(tmp_path: Path) -> None:
    (tmp_path / "net.model").write_text(CONSTRAINED)
    done = tercet("verify", tmp_path / "net.model", "-t", "all", "--json", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert json.loads(done.stdout)["identical"] is True
    assert "Warning" not in done.stderr, done.stderr[-3000:]  # of sizes, while tracing


DOUBLE = """
model Double {
    input x: f64[N, 4]
    param scale: f64[4] = uniform(0.5, 1.5)
    buffer kept: bool[8] = ones
    buffer shift: i64[] = ones
    h = layer_norm(x * scale) |> dense(8) |> tanh
    output y = dense(3)(where(kept, h, -h)) + cast(shift, f64)
}
"""


def test_a_model_in_f64_is_identical_on_all_targets(tmp_path: Path) -> None:
    (tmp_path / "net.model").write_text(DOUBLE)
    done = tercet("verify", tmp_path / "net.model", "-t", "all", "--json", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert load_file(tmp_path / "out" / "pytorch_answer0.safetensors")["y"].dtype == np.float64


SPARE = """
model Spare {
    input x: f32[N, T, 4]
    input lengths: i64[N]
    input spare: f32[N, S]
    y, h, c = x |> lstm(3, bidirectional = true, lengths = lengths, return_state = true)
    output y, h, c
}
"""


def test_inputs_that_no_output_needs_are_in_every_export(tmp_path: Path) -> None:
    (tmp_path / "net.model").write_text(SPARE)
    done = tercet("verify", tmp_path / "net.model", "-t", "all", "--json", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.mark.parametrize("trainer", FRAMEWORKS)
def test_weights_trained_by_one_target_mean_the_same_in_the_others(
    trainer: str, tmp_path: Path
) -> None:
    model, weights = SAMPLES / "digits_resnet.model", tmp_path / "trained.safetensors"
    trained = tercet("train", model, "-t", trainer, "--epochs", "5", "--save", weights)
    assert trained.returncode == 0, trained.stderr[-3000:]
    assert "\x1b" not in trained.stderr  # no terminal, so no progress bar
    accuracy = float(trained.stdout.split()[trained.stdout.split().index("accuracy") + 1])
    assert accuracy > 0.9
    images = np.random.default_rng(0).random((5, 1, 8, 8), dtype=np.float32)
    save_file({"image": images}, tmp_path / "in.safetensors")
    logits = {}
    for target in FRAMEWORKS:
        out = tmp_path / f"{target}.safetensors"
        done = tercet(
            *("predict", model, tmp_path / "in.safetensors", out),
            *("-t", target, "--weights", weights),
        )
        assert done.returncode == 0, done.stderr[-3000:]
        logits[target] = load_file(out)["logits"]
    scale = np.abs(logits[trainer]).max()
    for target in FRAMEWORKS:
        assert np.abs(logits[target] - logits[trainer]).max() <= 1e-5 * scale, target
