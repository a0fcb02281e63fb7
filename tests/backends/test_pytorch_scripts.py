"""A generated script as its users run it: flags, errors, checkpoints, export."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tercet.backends.base import Place
from tercet.backends.pytorch import BACKEND
from tercet.compiler.pipeline import load, model_of
from tercet.dsl.source import Source

pytestmark = pytest.mark.slow

_MODEL = """
model Net(width = 16) {{
    input features: f32[N, 4]
    h = features |> dense(width, name = "hidden") |> batch_norm |> relu |> dropout(0.3)
    output logits = h |> dense(3)
}}
train Net {{
    target label: i64[N]
    data = iris(split = 0.8) {{ features = features, label = label }}
    loss = cross_entropy(logits, label)
    optimizer = {optimizer}
    schedule = cosine(warmup = 3)
    metrics = {{ accuracy = accuracy(logits, label) }}
    batch = 16
    epochs = 3
}}
"""
SGD, ADAM = "sgd(lr = 0.05, momentum = 0.9, weight_decay = 1e-4)", "adam(lr = 0.01)"
OTHERS = [
    "adamw(lr = 0.01)",
    "rmsprop(lr = 0.01)",
    "adagrad(lr = 0.1)",
    "adadelta(lr = 0.5)",
    "lion(lr = 0.001)",
    "nadam(lr = 0.01)",
]


def write_script(folder: Path, optimizer: str = SGD) -> Path:
    source = Source("net.model", _MODEL.format(optimizer=optimizer))
    program = load(source).program_or_raise()
    graph = model_of(program, source)
    path = folder / "net_pytorch.py"
    place = Place("net.model", folder, folder, path.name)
    path.write_text(BACKEND.render(graph, program.trainings[graph.name], place))
    return path


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_script(tmp_path_factory.mktemp("script"))


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


class Runner:
    """Runs scripts in forks of one process that has imported what they import."""

    def __init__(self, folder: Path) -> None:
        self._files = folder / "stdout", folder / "stderr"
        modules = ["torch", "onnxruntime", "sklearn.datasets", "tqdm", "safetensors.torch"]
        command = [sys.executable, str(Path(__file__).with_name("script_forks.py")), *modules]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, script: Path, *flags: object) -> Done:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = json.dumps([str(part) for part in (*self._files, script, *flags)])
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        stdout, stderr = (path.read_text() for path in self._files)
        return Done(code, stdout, stderr)

    def close(self) -> None:
        self._process.communicate(timeout=60)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    runner = Runner(tmp_path_factory.mktemp("runner"))
    yield runner
    runner.close()


def refused(run: Runner, script: Path, *flags: object) -> str:
    """The one line of the error."""
    done = run(script, *flags)
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.strip().splitlines()
    return line


def test_training_evaluates_logs_and_saves(run: Runner, script: Path, tmp_path: Path) -> None:
    weights = tmp_path / "w.safetensors"
    done = run(script, "--save", weights, "--log-dir", tmp_path / "log")
    assert done.returncode == 0, done.stderr
    words = done.stdout.splitlines()[-1].split()
    assert words[::2] == ["loss", "accuracy"]
    assert float(words[3]) > 0.5
    assert "epoch 3: loss" in done.stderr
    records = [json.loads(s) for s in (tmp_path / "log/metrics.jsonl").read_text().splitlines()]
    assert [r["epoch"] for r in records] == [1, 2, 3, 3]
    assert [r["step"] for r in records] == [7, 14, 21, 21]
    assert records[-1]["test"].keys() == {"loss", "accuracy"}
    assert "hidden.weight" in load_file(weights)
    again = run(script, "--epochs", 0, "--weights", weights, "--evaluate")
    assert again.stdout.splitlines()[-1] == done.stdout.splitlines()[-1]


def test_prediction_and_export(run: Runner, script: Path, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    probes = []
    for rows in (2, 5):
        given, found = tmp_path / f"in{rows}", tmp_path / f"out{rows}"
        values = np.random.default_rng(rows).normal(size=(rows, 4)).astype(np.float32)
        save_file({"features": values}, given)
        probes += ["--predict", given, found]
    done = run(script, "--epochs", 0, *probes, "--export", tmp_path / "net.onnx")
    assert done.returncode == 0, done.stderr
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    for rows in (2, 5):
        (ours,) = session.run(None, load_file(tmp_path / f"in{rows}"))
        np.testing.assert_allclose(load_file(tmp_path / f"out{rows}")["logits"], ours, atol=1e-5)


@pytest.mark.parametrize("optimizer", [SGD, ADAM])
def test_a_killed_run_goes_on_bit_for_bit(run: Runner, optimizer: str, tmp_path: Path) -> None:
    script = write_script(tmp_path, optimizer)
    whole, state, resumed = (tmp_path / name for name in ("whole", "state", "resumed"))
    flags = ["--epochs", "60", "--device", "cpu"]
    assert run(script, *flags, "--save", whole).returncode == 0
    command = [sys.executable, str(script), *flags, "--checkpoint", str(state)]
    command += ["--checkpoint-every", "3"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        while not state.exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(0.2)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    done = run(script, *flags, "--resume", state, "--save", resumed)
    assert done.returncode == 0, done.stderr
    assert whole.read_bytes() == resumed.read_bytes()


@pytest.mark.parametrize("optimizer", OTHERS)
def test_optimizers_resume(run: Runner, optimizer: str, tmp_path: Path) -> None:
    script = write_script(tmp_path, optimizer)
    whole, state, resumed = (tmp_path / name for name in ("whole", "state", "resumed"))
    saved = run(script, "--checkpoint", state, "--epochs", 3, "--save", whole)
    assert saved.returncode == 0, saved.stderr
    again = run(script, "--resume", state, "--epochs", 3, "--save", resumed)
    assert again.returncode == 0, again.stderr
    assert whole.read_bytes() == resumed.read_bytes()


_ON_GPU_1 = """\
import runpy, sys
from types import SimpleNamespace
import torch

states = {name: torch.full((4,), n, dtype=torch.uint8) for n, name in enumerate(["cuda", "cuda:1"])}
torch.cuda.get_rng_state = lambda device="cuda": states[device]
torch.cuda.set_rng_state = lambda state, device="cuda": states.update({device: state + 7})
script, path = runpy.run_path(sys.argv[1]), sys.argv[2]
model = script["Net"]()
optimizer = torch.optim.SGD(model.parameters(), 0.1)
args = SimpleNamespace(device="cuda:1", checkpoint=path, resume=path, seed=0, batch_size=16)
script["save_checkpoint"](args, model, optimizer, 3)
script["load_checkpoint"](args, model, optimizer)
print(states["cuda"].tolist(), states["cuda:1"].tolist())
"""


def test_the_random_state_is_that_of_the_gpu_that_trains(
    run: Runner, script: Path, tmp_path: Path
) -> None:
    """With the second of two GPUs, whose generator stands elsewhere; here they are made up."""
    driver = tmp_path / "driver.py"
    driver.write_text(_ON_GPU_1)
    done = run(driver, script, tmp_path / "state")
    assert done.stdout.strip() == "[0, 0, 0, 0] [8, 8, 8, 8]", done.stderr
    assert load_file(tmp_path / "state")["random/cuda"].tolist() == [1, 1, 1, 1]


def test_wrong_weights_are_refused_in_one_line(run: Runner, script: Path, tmp_path: Path) -> None:
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    assert run(script, "--epochs", 0, "--save", right).returncode == 0
    tensors = load_file(right)
    save_file({k: v for k, v in tensors.items() if k != "dense.bias"}, wrong)
    assert "missing ['dense.bias']" in refused(run, script, "--epochs", 0, "--weights", wrong)
    save_file({**tensors, "more": tensors["dense.bias"]}, wrong)
    assert "unexpected ['more']" in refused(run, script, "--epochs", 0, "--weights", wrong)
    save_file({**tensors, "dense.bias": np.zeros(5, np.float32)}, wrong)
    line = refused(run, script, "--epochs", 0, "--weights", wrong)
    assert "dense.bias is torch.float32 (5,), the model needs torch.float32 (3,)" in line
    wrong.write_bytes(b"nothing of the kind")
    assert str(wrong) in refused(run, script, "--epochs", 0, "--weights", wrong)
    assert "absent" in refused(run, script, "--epochs", 0, "--weights", tmp_path / "absent")


def test_other_slips_are_refused_in_one_line(run: Runner, script: Path, tmp_path: Path) -> None:
    assert "do not fill a batch" in refused(run, script, "--batch-size", 1000)
    state = tmp_path / "state"
    assert run(script, "--epochs", 1, "--checkpoint", state).returncode == 0
    assert "seed is '0', not '1'" in refused(run, script, "--seed", 1, "--resume", state)
    assert "absent" in refused(run, script, "--resume", tmp_path / "absent")
    save_file({"other": np.zeros(2, np.float32)}, tmp_path / "in")
    line = refused(run, script, "--epochs", 0, "--predict", tmp_path / "in", tmp_path / "out")
    assert "holds ['other'], not ['features']" in line
    assert "cuda:7" in refused(run, script, "--epochs", 0, "--device", "cuda:7")


_AS_NOBODY = """\
import os, runpy, sys

script = sys.argv.pop(1)
main = runpy.run_path(script)["main"]
if not os.getuid():  # for root every folder is open
    os.setgid(65534)
    os.setuid(65534)
main()
"""


def test_a_folder_that_cannot_be_written_to_is_told_before_training(
    run: Runner, script: Path, tmp_path: Path
) -> None:
    driver = tmp_path / "driver.py"
    driver.write_text(_AS_NOBODY)
    with TemporaryDirectory() as closed:
        os.chmod(closed, 0o555)
        done = run(driver, script, "--epochs", 1, "--save", f"{closed}/w")
        assert (done.returncode, done.stderr) == (
            1,
            f"{closed}/w: no folder that can be written to\n",
        )
        os.chmod(closed, 0o777)
        assert run(driver, script, "--epochs", 0, "--save", f"{closed}/w").returncode == 0


@pytest.mark.parametrize(
    "flags", [("--batch-size", 0), ("--seed", -1), ("--epochs", -1), ("--checkpoint-every", 2)]
)
def test_flags_without_meaning_are_refused(
    run: Runner, script: Path, flags: tuple[object, ...]
) -> None:
    done = run(script, *flags)
    assert done.returncode == 2, done.stderr
    assert "error: --" in done.stderr


def test_the_seed_decides_everything(run: Runner, script: Path, tmp_path: Path) -> None:
    files = [tmp_path / name for name in "abc"]
    for path, seed in zip(files, (1, 1, 2), strict=True):
        assert run(script, "--epochs", 1, "--seed", seed, "--save", path).returncode == 0
    a, b, c = (path.read_bytes() for path in files)
    assert a == b
    assert a != c
