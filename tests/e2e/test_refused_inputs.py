"""What a user gives a script by mistake ends in one clear line and a non-zero exit code.

One table for all targets: the scripts differ in nothing that a caller can see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from tests.e2e.running import Runner, running

pytestmark = pytest.mark.slow

MODEL = """
model Net {
    input features: f32[N, T, 2]
    input kind: i64[N]
    assert T <= 9
    h = mean(features, axis = 1) + (kind |> embedding(3, 2))
    output logits = h |> dense(2)
}
train Net {
    target label: i64[N]
    data = npz("rows.npz") { features = features, kind = kind, label = label }
    loss = cross_entropy(logits, label)
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
    _write_files(folder)
    with running(folder, request.param) as runner:
        done = runner(
            "--epochs", "1", "--save", "good.safetensors", "--checkpoint", "state.safetensors"
        )
        assert done.code == 0, done.stderr
        _write_wrong_files(folder)
        yield runner


def _write_files(folder: Path) -> None:
    (folder / "net.model").write_text(MODEL)
    (folder / "folder").mkdir()
    random = np.random.default_rng(0)
    np.savez(
        folder / "rows.npz",
        features=random.normal(size=(20, 3, 2)).astype(np.float32),
        kind=random.integers(0, 3, 20),
        label=random.integers(0, 2, 20),
    )


def _write_wrong_files(folder: Path) -> None:
    good = load_file(folder / "good.safetensors")
    (folder / "text.safetensors").write_text("not safetensors")
    (folder / "cut.safetensors").write_bytes((folder / "good.safetensors").read_bytes()[:-8])
    save_file({k: v for k, v in good.items() if k != "dense.bias"}, folder / "less.safetensors")
    save_file({**good, "more": np.zeros(1)}, folder / "more.safetensors")
    save_file({**good, "dense.bias": np.zeros(3, np.float32)}, folder / "shape.safetensors")
    save_file({**good, "dense.bias": np.zeros(2, np.int64)}, folder / "dtype.safetensors")
    features, kind = np.zeros((5, 3, 2), np.float32), np.zeros(5, np.int64)
    inputs: dict[str, dict[str, Any]] = {
        "in": {},
        "in_less": {"kind": None},
        "in_more": {"other": kind},
        "in_double": {"features": features.astype(np.float64)},
        "in_int": {"features": features.astype(np.int64)},
        "in_float": {"kind": kind.astype(np.float32)},
        "in_rank": {"features": features[0]},
        "in_width": {"features": np.zeros((5, 3, 4), np.float32)},
        "in_rows": {"kind": kind[:4]},
        "in_long": {"features": np.zeros((5, 10, 2), np.float32)},
    }
    for name, changes in inputs.items():
        arrays = {"features": features, "kind": kind, **changes}
        save_file(
            {k: v for k, v in arrays.items() if v is not None}, folder / f"{name}.safetensors"
        )
    with safe_open(folder / "state.safetensors", "np") as file:
        run = file.metadata()
    save_file(good, folder / "other.safetensors", {**run, "model": "Other"})
    save_file(good, folder / "adam.safetensors", {**run, "optimizer": "adam"})
    save_file({"nothing": np.zeros(1)}, folder / "empty.safetensors", run)
    np.savez(folder / "few.npz", features=features[:2], kind=kind[:2], label=kind[:2])
    np.savez(folder / "less.npz", features=features, kind=kind)
    texts = features.astype("U8")
    np.savez(folder / "dtype.npz", features=texts, kind=kind, label=kind)
    np.savez(folder / "shape.npz", features=features[:, :, :1], kind=kind, label=kind)
    np.savez(folder / "lengths.npz", features=features, kind=kind[:3], label=kind)


def _predict(name: str, out: str = "out.safetensors") -> list[str]:
    return ["--epochs", "0", "--predict", f"{name}.safetensors", out]


def _weights(name: str) -> list[str]:
    return ["--epochs", "0", "--weights", f"{name}.safetensors"]


REFUSED: list[tuple[list[str], int, str]] = [
    (["--epochs", "-1"], 2, "--epochs"),
    (["--epochs", "many"], 2, "--epochs"),
    (["--lr", "abc"], 2, "--lr"),
    (["--lr", "nan"], 2, "--lr"),
    (["--lr", "-0.1"], 2, "--lr"),
    (["--batch-size", "0"], 2, "--batch-size"),
    (["--seed", "-1"], 2, "--seed"),
    (["--seed", "1" * 30], 2, "--seed"),
    (["--checkpoint-every", "2"], 2, "--checkpoint-every"),
    (["--checkpoint", "c", "--checkpoint-every", "-2"], 2, "--checkpoint-every"),
    (["--unknown"], 2, "--unknown"),
    (["--predict", "in.safetensors"], 2, "--predict"),
    (["--device", "cuda"], 1, "device"),
    (["--device", "cuda:7"], 1, "device"),
    (["--device", "cuda:x"], 1, "device"),
    (["--device", "tpu"], 1, "device"),
    (["--device", ""], 1, "device"),
    (_weights("none"), 1, "none.safetensors: .*No such file"),
    (["--epochs", "0", "--weights", "folder"], 1, "folder: "),
    (_weights("text"), 1, "text.safetensors: "),
    (_weights("cut"), 1, "cut.safetensors: "),
    (_weights("less"), 1, r"less.safetensors: missing \['dense.bias'\]"),
    (_weights("more"), 1, r"more.safetensors: unexpected \['more'\]"),
    (_weights("shape"), 1, r"dense.bias is .*float32 \(3,\), the model needs .*float32 \(2,\)"),
    (_weights("dtype"), 1, "dense.bias is .*int64 .*, the model needs .*float32"),
    (["--resume", "none.safetensors"], 1, "none.safetensors: .*No such file"),
    (["--resume", "text.safetensors"], 1, "text.safetensors: "),
    (["--resume", "good.safetensors"], 1, "good.safetensors: format is None"),
    (["--resume", "other.safetensors"], 1, "other.safetensors: model is 'Other', not 'Net'"),
    (["--resume", "adam.safetensors"], 1, "adam.safetensors: optimizer is 'adam', not 'sgd'"),
    (["--resume", "state.safetensors", "--seed", "1"], 1, "seed is '0', not '1'"),
    (["--resume", "empty.safetensors"], 1, "empty.safetensors: "),
    (["--data", "none.npz"], 1, "none.npz: no such file"),
    (["--data", "folder"], 1, "folder: "),
    (["--data", "text.safetensors"], 1, "text.safetensors: "),
    (["--data", "few.npz"], 1, "training rows do not fill a batch of 4"),
    (["--data", "less.npz"], 1, "less.npz: holds"),
    (["--data", "dtype.npz"], 1, "features is <U8"),
    (["--data", "shape.npz"], 1, "features is float32"),
    (["--data", "lengths.npz"], 1, "kind is int64"),
    (_predict("none"), 1, "none.safetensors: .*No such file"),
    (_predict("text"), 1, "text.safetensors: "),
    (_predict("in_less"), 1, r"holds \['features'\], not"),
    (_predict("in_more"), 1, "holds .*other.*, not .*features"),
    (_predict("in_double"), 1, r"features is .*float64 \[5, 3, 2\], not .*float32 \[N, T, 2\]"),
    (_predict("in_int"), 1, r"features is .*int64 \[5, 3, 2\], not .*float32"),
    (_predict("in_float"), 1, "kind is .*float32"),
    (_predict("in_rank"), 1, r"features is .*float32 \[3, 2\]"),
    (_predict("in_width"), 1, "features is"),
    (_predict("in_rows"), 1, r"kind is .*int64 \[4\], not .*int64 \[5\]"),
    (_predict("in_long"), 1, "in_long.safetensors: T <= 9 must hold, and T is 10"),
    (_predict("in", "nowhere/out.safetensors"), 1, "nowhere/out.safetensors"),
    (_predict("in", "folder"), 1, "folder"),
    (["--epochs", "0", "--save", "folder"], 1, "folder"),
    (["--epochs", "0", "--save", "nowhere/w.safetensors"], 1, "nowhere/w.safetensors"),
    (["--checkpoint", "nowhere/w.safetensors"], 1, "nowhere/w.safetensors"),
    (["--epochs", "0", "--export", "nowhere/m"], 1, "nowhere"),
    (["--log-dir", "net.model"], 1, "net.model: not a folder"),
]


@pytest.mark.parametrize(
    "flags, code, message", REFUSED, ids=lambda v: " ".join(v) if isinstance(v, list) else ""
)
def test_a_mistake_ends_in_one_line(run: Runner, flags: list[str], code: int, message: str) -> None:
    done = run(*flags)
    assert done.code == code, done.stderr
    lines = done.stderr.strip().splitlines()
    if code == 2:
        del lines[:-1]  # argparse shows the flags first
    assert len(lines) == 1, done.stderr
    assert re.search(message, lines[0]), lines[0]
