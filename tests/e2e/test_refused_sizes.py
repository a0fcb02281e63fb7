"""Sizes that break what a model demands end in one clear line, before anything is computed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tercet.cli import main
from tests.e2e.running import Runner, running

MODEL = """
model Net {
    input x: f32[N, T, 3]
    input y: f32[N, T]
    input wide: f32[N, 4 * K]
    assert T <= 12, "{T} steps are more than\\n\\"{{twelve}}\\""
    assert N * T <= 40 and N > 1
    assert T % (K - 1) == 0, "windows of {K}"
    h = (x * reshape(y, [N, T, 1])) |> transpose([0, 2, 1]) |> avg_pool1d(3)
    output logits = (sum(h, axis = 2) + wide[:, 0:3]) |> dense(2)
}
train Net {
    target label: i64[N]
    data = npz("rows.npz") { x = x, y = y, wide = wide, label = label }
    loss = cross_entropy(logits, label)
    metrics = { accuracy = accuracy(logits, label) }
    optimizer = sgd(lr = 0.1)
    batch = 4
    epochs = 1
}
"""


@pytest.fixture(scope="module", params=["pytorch", "tensorflow", "mxnet"])
def run(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Runner]:
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "net.model").write_text(MODEL)
    random = np.random.default_rng(0)
    np.savez(
        folder / "rows.npz",
        x=random.normal(size=(20, 6, 3)).astype(np.float32),
        y=random.normal(size=(20, 6)).astype(np.float32),
        wide=random.normal(size=(20, 12)).astype(np.float32),
        label=random.integers(0, 2, 20),
    )
    with running(folder, request.param) as runner:
        yield runner


def _write(path: Path, rows: int, steps: int, width: int) -> None:
    arrays = {
        "x": np.ones((rows, steps, 3), np.float32),
        "y": np.ones((rows, steps), np.float32),
        "wide": np.ones((rows, width), np.float32),
    }
    save_file(arrays, path)


PREDICTED = [
    # rows, steps, width of `wide`, what is said
    (3, 6, 12, ""),
    (2, 12, 16, ""),
    (3, 13, 12, '13 steps are more than "{twelve}": T <= 12 must hold, and T is 13'),
    (5, 10, 12, "N * T <= 40 must hold, and N is 5, T is 10"),
    (1, 6, 12, "N > 1 must hold, and N is 1"),
    (3, 2, 12, "T >= 3 must hold, and T is 2"),
    (3, 6, 13, "no K makes 4 * K 13"),
    (3, 5, 12, "windows of 3: T % (K - 1) == 0 must hold, and K is 3, T is 5"),
    (3, 6, 4, "windows of 1: T % (K - 1) == 0 must hold, and K is 1, T is 6"),
    (0, 6, 12, "x is float32 [0, 6, 3], not float32 [N, T, 3]"),
]


@pytest.mark.slow
@pytest.mark.parametrize("rows, steps, width, said", PREDICTED)
def test_inputs_of_a_file(run: Runner, rows: int, steps: int, width: int, said: str) -> None:
    source, result = run.folder / "in.safetensors", run.folder / "out.safetensors"
    _write(source, rows, steps, width)
    result.unlink(missing_ok=True)
    done = run("--epochs", "0", "--predict", source.name, result.name)
    if said:
        assert (done.code, result.exists()) == (1, False)
        assert done.stderr.replace("torch.", "") == f"{source.name}: {said}\n"
    else:
        assert done.code == 0, done.stderr
        assert load_file(result)["logits"].shape == (rows, 2)


TRAINED = [
    (4, ""),
    (6, ""),
    (7, "7: 6 * N <= 40 must hold, and N is 7"),
    (1, "1: N > 1 must hold, and N is 1"),
    (3, "3: N > 1 must hold, and N is 1"),  # the last batch of the 4 test rows
]


@pytest.mark.slow
@pytest.mark.parametrize("batch, said", TRAINED)
def test_batches(run: Runner, batch: int, said: str) -> None:
    weights = run.folder / "trained.safetensors"
    weights.unlink(missing_ok=True)
    done = run("--batch-size", str(batch), "--save", weights.name)
    assert weights.exists() is not bool(said), done.stderr
    if said:
        assert (done.code, done.stderr) == (1, f"--batch-size {said}\n")


def test_predict_names_the_file_and_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "net.model").write_text(MODEL.split("train Net")[0])
    _write(tmp_path / "in.safetensors", 5, 10, 12)
    names = [str(tmp_path / name) for name in ("net.model", "in.safetensors", "out.npz")]
    code = main(["predict", *names, "--weights", "none.safetensors", "-t", "pytorch"])
    said = capsys.readouterr().err
    assert code == 2
    assert "in.safetensors: N * T <= 40 must hold, and N is 5, T is 10" in said
    assert "net.model:7:5" in said


CROWD = Path(__file__).parents[1] / "cases/11-leftover-one"


@pytest.mark.slow
@pytest.mark.parametrize("target", ["pytorch", "tensorflow", "mxnet"])
def test_batches_of_a_batch_norm(target: str, tmp_path: Path) -> None:
    """A rest of one row is left out; one row at a time has no variance."""
    shutil.copy(CROWD / "crowd.model", tmp_path / "net.model")
    with np.load(CROWD / "crowd.npz") as arrays:
        assert len(arrays["x"]) % 4 == 1
    shutil.copy(CROWD / "crowd.npz", tmp_path)
    needs = "`batch_norm` needs two values per channel in training: 2 <= N must hold, and N is 1"
    with running(tmp_path, target) as run:
        done = run("--save", "trained.safetensors")
        assert (done.code, (tmp_path / "trained.safetensors").exists()) == (0, True), done.stderr
        done = run("--batch-size", "1")
        assert (done.code, done.stderr) == (1, f"--batch-size 1: {needs}\n")


def test_a_batch_given_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(CROWD / "crowd.model")
    assert main(["check", model]) == 0
    capsys.readouterr()
    assert main(["check", model, "-T", "batch=1"]) == 1
    said = capsys.readouterr().err
    assert said.count("error[") == 1
    assert "`batch_norm` needs two values per channel in training" in said
