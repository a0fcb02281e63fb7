"""Classes and rows of tables that are not there end a script in one line, before it computes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from tercet.cli import main
from tests.e2e.running import Runner, running

MODEL = """
block Tower {
    input kinds: i64[N, K]
    first, second = kinds |> split(2, axis = 1)
    output sum(first |> embedding(3, 2), axis = 1) + embedding(4, 2)(second[:, 0] - 1)
}
model Net {
    input kinds: i64[N, 2]
    input place: i32[N]
    input level: f32[N]
    input byte: u8[N]
    input series: f32[N, 2 * T, 1]
    input ends: i64[N]
    param table: f32[5, 2] = normal()
    h = (kinds |> Tower) + gather(table, place) + (cast(level * 10, i64) |> embedding(10, 2))
    _, state = gru(2, return_state = true)(series[:, 1:], lengths = ends)
    output logits = (h + state[0] + (cast(byte, i64) |> embedding(256, 2))) |> dense(3)
}
train Net {
    target label: i64[N]
    target best: i64[N]
    data = npz("rows.npz") {
        kinds = kinds, place = place, level = level, byte = byte, series = series, ends = ends,
        label = label, best = best
    }
    loss = cross_entropy(logits, label, ignore_index = -100)
    metrics = { accuracy = accuracy(logits, label), top = top_k_accuracy(logits, best, k = 2) }
    optimizer = sgd(lr = 0.1)
    batch = 4
    epochs = 1
}
"""


def _rows(**changes: tuple[int, object]) -> dict[str, NDArray[Any]]:
    """Twenty legal rows, at the ends of what is legal, with one value of some columns changed."""
    arrays = {
        "kinds": np.tile([[0, 1], [2, 4]], (10, 1)),
        "place": np.tile([-5, 4], 10).astype(np.int32),
        "level": np.tile([-0.09, 0.99], 10).astype(np.float32),
        "byte": np.tile([0, 255], 10).astype(np.uint8),
        "series": np.zeros((20, 4, 1), np.float32),
        "ends": np.tile([1, 3], 10),
        "label": np.tile([0, 2, -100, 1], 5),
        "best": np.tile([0, 2], 10),
    }
    for name, (row, value) in changes.items():
        arrays[name][row] = value
    return arrays


REFUSED: list[tuple[str, int, object, str]] = [
    ("label", 17, 3, "label must be from 0 to 2 or -100; row 17 holds 3"),
    ("label", 0, -1, "label must be from 0 to 2 or -100; row 0 holds -1"),
    ("best", 4, 3, "best must be from 0 to 2; row 4 holds 3"),
    ("best", 4, -100, "best must be from 0 to 2; row 4 holds -100"),
    ("kinds", 5, [3, 1], "kinds[:, 0:1] must be from 0 to 2; row 5 holds 3"),
    ("kinds", 5, [0, 0], "kinds[:, 1:2][:, 0] - 1 must be from 0 to 3; row 5 holds -1"),
    ("kinds", 5, [0, 5], "kinds[:, 1:2][:, 0] - 1 must be from 0 to 3; row 5 holds 4"),
    ("place", 19, 5, "place must be from -5 to 4; row 19 holds 5"),
    ("place", 19, -6, "place must be from -5 to 4; row 19 holds -6"),
    ("ends", 7, 0, "ends must be from 1 to 3; row 7 holds 0"),
    ("ends", 6, 4, "ends must be from 1 to 3; row 6 holds 4"),
    ("level", 3, 1.01, "cast(level * 10, i64) must be from 0 to 9; row 3 holds 10"),
]


@pytest.fixture(scope="module", params=["pytorch", "tensorflow", "mxnet"])
def run(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Runner]:
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "net.model").write_text(MODEL)
    np.savez(folder / "rows.npz", **_rows())
    with running(folder, request.param) as runner:
        yield runner


@pytest.mark.slow
@pytest.mark.parametrize("name, row, value, said", REFUSED)
def test_data(run: Runner, name: str, row: int, value: object, said: str) -> None:
    np.savez(run.folder / "wrong.npz", **_rows(**{name: (row, value)}))
    weights = run.folder / "trained.safetensors"
    weights.unlink(missing_ok=True)
    done = run("--data", "wrong.npz", "--save", weights.name)
    assert (done.code, done.stderr) == (1, f"wrong.npz: {said}\n")
    assert not weights.exists()


@pytest.mark.slow
def test_data_at_the_ends_of_what_is_legal(run: Runner) -> None:
    done = run("--evaluate")
    assert done.code == 0, done.stderr


INPUTS = ("kinds", "place", "level", "byte", "series", "ends")


def _write(path: Path, **changes: tuple[int, object]) -> None:
    arrays = _rows(**changes)
    save_file({name: arrays[name] for name in INPUTS}, path)


@pytest.mark.slow
@pytest.mark.parametrize("name, row, value, said", [r for r in REFUSED if r[0] in INPUTS])
def test_inputs_of_a_file(run: Runner, name: str, row: int, value: object, said: str) -> None:
    _write(run.folder / "in.safetensors", **{name: (row, value)})
    result = run.folder / "out.safetensors"
    result.unlink(missing_ok=True)
    done = run("--epochs", "0", "--predict", "in.safetensors", result.name)
    assert (done.code, done.stderr) == (1, f"in.safetensors: {said}\n")
    assert not result.exists()


@pytest.mark.slow
def test_inputs_at_the_ends_of_what_is_legal(run: Runner) -> None:
    _write(run.folder / "in.safetensors")
    done = run("--epochs", "0", "--predict", "in.safetensors", "out.safetensors")
    assert done.code == 0, done.stderr
    assert load_file(run.folder / "out.safetensors")["logits"].shape == (20, 3)


@pytest.mark.parametrize("name, row, value, said", [r for r in REFUSED if r[0] in INPUTS])
def test_predict_tells_before_it_runs_a_script(
    name: str,
    row: int,
    value: object,
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "net.model").write_text(MODEL.split("train Net")[0])
    _write(tmp_path / "in.safetensors", **{name: (row, value)})
    files = [str(tmp_path / file) for file in ("net.model", "in.safetensors", "out.npz")]
    code = main(["predict", *files, "--weights", "none.safetensors", "-t", "pytorch"])
    assert (code, f"in.safetensors: {said}\n" in capsys.readouterr().err) == (2, True)
