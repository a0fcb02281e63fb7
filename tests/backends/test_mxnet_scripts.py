"""A generated MXNet script as its users run it: flags, errors, checkpoints, export."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tercet.backends.base import Place
from tercet.backends.mxnet import BACKEND
from tercet.backends.mxnet.export import specification
from tercet.compiler.pipeline import load, model_of
from tercet.dsl.source import Source

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
_MODEL = """
model Net(width = 16) {{
    input features: f32[N, 4]
    h = features |> dense(width, name = "hidden") |> batch_norm |> relu |> dropout(0.3)
    output logits = h |> dense(3)
}}
train Net {{
    target label: i64[N]
    data = iris(split = 0.8) {{ features = features, label = label }}
    loss = cross_entropy(logits, label){loss}
    optimizer = {optimizer}
    schedule = cosine(warmup = 3)
    metrics = {{ accuracy = accuracy(logits, label) }}
    clip = global_norm(1.0)
    batch = 16
    epochs = 3
}}
"""
SGD = "sgd(lr = 0.05, momentum = 0.9, weight_decay = 1e-4)"
NOISE = " + 0.01 * mean(random_normal(logits.shape) * stop_gradient(logits))"


def write_script(folder: Path, optimizer: str = SGD, loss: str = "") -> Path:
    source = Source("net.model", _MODEL.format(optimizer=optimizer, loss=loss))
    program = load(source).program_or_raise()
    graph = model_of(program, source)
    path = folder / "net_mxnet.py"
    place = Place("net.model", folder, folder, path.name)
    path.write_text(BACKEND.render(graph, program.trainings[graph.name], place))
    (folder / "spec.json").write_text(json.dumps(specification(graph)))
    return path


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_script(tmp_path_factory.mktemp("script"))


def run(script: Path, *flags: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(script), "--device", "cpu", *map(str, flags)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, env=environment
    )


def refused(script: Path, *flags: object) -> str:
    """The one line of the error."""
    done = run(script, *flags)
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.strip().splitlines()
    return line


def test_training_evaluates_logs_and_saves(script: Path, tmp_path: Path) -> None:
    weights = tmp_path / "w.safetensors"
    done = run(script, "--epochs", 6, "--save", weights, "--log-dir", tmp_path / "log")
    assert done.returncode == 0, done.stderr
    words = done.stdout.splitlines()[-1].split()
    assert words[::2] == ["loss", "accuracy"]
    assert float(words[3]) > 0.6
    records = [json.loads(s) for s in (tmp_path / "log/metrics.jsonl").read_text().splitlines()]
    assert [r["step"] for r in records] == [7, 14, 21, 28, 35, 42, 42]
    assert records[0]["loss"] > records[-2]["loss"]
    assert records[-1]["test"].keys() == {"loss", "accuracy"}
    assert {"hidden.weight", "batch_norm.running_var"} <= load_file(weights).keys()
    again = run(script, "--epochs", 0, "--weights", weights, "--evaluate")
    assert again.stdout.splitlines()[-1] == done.stdout.splitlines()[-1]


def test_prediction_and_export(script: Path, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    probes = []
    for rows in (2, 5):
        given, found = tmp_path / f"in{rows}", tmp_path / f"out{rows}"
        values = np.random.default_rng(rows).normal(size=(rows, 4)).astype(np.float32)
        save_file({"features": values}, given)
        probes += ["--predict", given, found]
    done = run(script, "--epochs", 0, *probes, "--export", tmp_path / "net")
    assert done.returncode == 0, done.stderr
    files = [f"{tmp_path}/net-symbol.json", f"{tmp_path}/net-0000.params"]
    files += [str(script.parent / "spec.json"), str(tmp_path / "net.onnx")]
    command = [sys.executable, "-m", "tercet.backends.mxnet.symbol_to_onnx", *files]
    converted = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert converted.returncode == 0, converted.stderr
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    for rows in (2, 5):
        (ours,) = session.run(["logits"], load_file(tmp_path / f"in{rows}"))
        np.testing.assert_allclose(load_file(tmp_path / f"out{rows}")["logits"], ours, atol=1e-5)


@pytest.mark.parametrize(
    ("optimizer", "loss"), [(SGD, ""), ("nadam(lr = 0.01)", NOISE), ("adam(lr = 0.01)", "")]
)
def test_a_killed_run_goes_on_bit_for_bit(optimizer: str, loss: str, tmp_path: Path) -> None:
    script = write_script(tmp_path, optimizer, loss)
    whole, state, resumed = (tmp_path / name for name in ("whole", "state", "resumed"))
    flags = ["--epochs", "12", "--device", "cpu"]
    flags += ["--checkpoint-every", "3", "--checkpoint"]
    assert run(script, *flags, tmp_path / "other", "--save", whole).returncode == 0
    command = [sys.executable, str(script), *flags, str(state)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        while not state.exists() and process.poll() is None:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    done = run(script, *flags, state, "--resume", state, "--save", resumed)
    assert done.returncode == 0, done.stderr
    assert whole.read_bytes() == resumed.read_bytes()


def test_slips_are_refused_in_one_line(script: Path, tmp_path: Path) -> None:
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    assert run(script, "--epochs", 0, "--save", right).returncode == 0
    tensors = load_file(right)
    save_file({k: v for k, v in tensors.items() if k != "dense.bias"}, wrong)
    assert "missing ['dense.bias']" in refused(script, "--epochs", 0, "--weights", wrong)
    save_file({**tensors, "dense.bias": np.zeros(5, np.float32)}, wrong)
    line = refused(script, "--epochs", 0, "--weights", wrong)
    assert "dense.bias is float32 (5,), the model needs float32 (3,)" in line
    assert "absent" in refused(script, "--epochs", 0, "--weights", tmp_path / "absent")
    assert "do not fill a batch" in refused(script, "--batch-size", 1000)
    assert "cuda:7" in refused(script, "--epochs", 0, "--device", "cuda:7")


def test_the_script_is_formatted_and_clean(script: Path) -> None:
    for command in (["format", "--check"], ["check", "--select", "E,F,W,I,UP,B"]):
        done = subprocess.run(
            ["ruff", *command, "--isolated", "--line-length", "88", str(script)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        )
        assert done.returncode == 0, done.stdout


_DECODER = """
model Decoder() {
    input image: f32[N, 1, 8, 8]
    h = image |> conv2d(16, 3, stride = 2, padding = 1) |> relu
    code = mean(h, axis = [2, 3])
    pair = h |> conv_transpose2d(2, 4, stride = 2, padding = 1)
    output restored = pair[:, 0:1], code
}
train Decoder {
    data = digits(split = 0.9) { image = pixels / 16 }
    loss = mse(restored, image) + 0.1 * mean(code)
    optimizer = adamw(lr = 0.01)
    batch = 64
    epochs = 1
}
"""


def test_a_sum_of_losses_of_two_outputs_trains(tmp_path: Path) -> None:
    source = Source("decoder.model", _DECODER)
    program = load(source).program_or_raise()
    graph = model_of(program, source)
    path = tmp_path / "decoder_mxnet.py"
    place = Place("decoder.model", tmp_path, tmp_path, path.name)
    path.write_text(BACKEND.render(graph, program.trainings[graph.name], place))
    losses = []
    for epochs in (1, 3):
        done = run(path, "--epochs", epochs)
        assert done.returncode == 0, done.stderr[-3000:]
        losses.append(float(done.stdout.split()[1]))
    assert losses[1] < losses[0] < 0.5
