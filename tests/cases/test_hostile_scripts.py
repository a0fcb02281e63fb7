"""Scripts and files that are damaged, in use, or no files: one line that names the file, exit 1."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import safe_open

import tercet
from tests.e2e.running import Done, Runner

pytestmark = pytest.mark.slow

CASES = Path(__file__).parent / "hostile"
Arrays = dict[str, NDArray[Any]]
Metadata = dict[str, str]


@pytest.fixture(scope="module", params=["pytorch", "tensorflow", "mxnet"])
def runner(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Runner]:
    """The case's script, with the weights and the checkpoint of one epoch."""
    folder = tmp_path_factory.mktemp("hostile")
    shutil.copy(CASES / "two_writers/k.model", folder / "net.model")
    tercet.compile(folder / "net.model", targets=[request.param], output=folder)
    found = Runner(folder, request.param)
    done = found("--epochs", "1", "--save", "good.st", "--checkpoint", "good.ck")
    assert done.code == 0, done.stderr
    yield found
    found.close()


def refused(done: Done, name: str) -> str:
    """The one line that a script says of a file; TensorFlow's own lines at its start apart."""
    lines = [line for line in done.stderr.splitlines() if line.startswith(name)]
    assert done.code == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert lines == done.stderr.splitlines()[-1:], done.stderr
    return lines[0]


def contents(path: Path) -> tuple[Arrays, Metadata]:
    with safe_open(path, "np") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118


# ------------------------------------------------------------------------------------ checkpoints

STEPS: Mapping[str, str | None] = {
    "absent": None,
    "text": "abc",
    "a float": "1.5",
    "negative": "-1",
    "huge": "99999999999999999999",
    "beyond the last epoch": "1000",
    "an escape sequence": "\x1b[2J",
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_absurd_steps(step: str | None, runner: Runner) -> None:
    arrays, metadata = contents(runner.folder / "good.ck")
    changed = {**metadata, "step": step}
    kept = {name: value for name, value in changed.items() if value is not None}
    safetensors.numpy.save_file(arrays, runner.folder / "bad.ck", kept)
    line = refused(runner("--epochs", "2", "--resume", "bad.ck"), "bad.ck: ")
    assert line.isprintable()


def _without(prefix: str) -> Callable[[Arrays], Arrays]:
    return lambda arrays: {n: a for n, a in arrays.items() if not n.startswith(prefix)}


def _each(
    prefix: str, change: Callable[[NDArray[Any]], NDArray[Any]]
) -> Callable[[Arrays], Arrays]:
    return lambda arrays: {
        n: np.asarray(change(a)) if n.startswith(prefix) else a for n, a in arrays.items()
    }


def _as_f64(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.float64)


def _as_i64(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.int64)


DAMAGES: Mapping[str, tuple[Callable[[Arrays], Arrays], tuple[str, ...]]] = {
    "weights of another dtype": (_each("weights/", _as_f64), ()),
    "weights absent": (_without("weights/dense.bias"), ()),
    "state of one parameter absent": (_without("optimizer/dense.weight/"), ("pytorch",)),
    "state of another dtype": (_each("optimizer/dense.weight/", _as_i64), ()),
    "state of another shape": (
        _each("optimizer/dense.weight/", lambda a: np.zeros(3, a.dtype)),
        (),
    ),
    "random state absent": (_without("random/"), ("mxnet",)),
    "random state of another dtype": (_each("random/", _as_f64), ("mxnet",)),
    "random state of zeros": (_each("random/", np.zeros_like), ("mxnet", "tensorflow")),
}
"""What is done to a checkpoint, and the targets that can go on from it, or have no such state."""


@pytest.mark.parametrize("damage, without", DAMAGES.values(), ids=DAMAGES)
def test_damaged_checkpoints(
    damage: Callable[[Arrays], Arrays], without: tuple[str, ...], runner: Runner
) -> None:
    if runner.script.stem.removeprefix("net_") in without:
        pytest.skip("nothing to refuse in this target")
    arrays, metadata = contents(runner.folder / "good.ck")
    safetensors.numpy.save_file(damage(arrays), runner.folder / "bad.ck", metadata)
    refused(runner("--epochs", "2", "--resume", "bad.ck"), "bad.ck: ")


def test_another_checkpoint_is_told_apart_in_print(runner: Runner) -> None:
    arrays, metadata = contents(runner.folder / "good.ck")
    safetensors.numpy.save_file(arrays, runner.folder / "bad.ck", {**metadata, "model": "\x1b[2J"})
    assert refused(runner("--epochs", "2", "--resume", "bad.ck"), "bad.ck: ").isprintable()


@pytest.mark.parametrize("file", sorted((CASES / "checkpoints").iterdir()), ids=lambda p: p.name)
def test_files_of_the_case(file: Path, runner: Runner) -> None:
    for flag in ("--weights", "--resume"):
        refused(runner("--epochs", "2", flag, str(file)), f"{file}: ")


def test_a_good_checkpoint_goes_on(runner: Runner) -> None:
    done = runner("--epochs", "2", "--resume", "good.ck", "--checkpoint", "good.ck")
    assert done.code == 0, done.stderr


# ------------------------------------------------------------------------------ two runs, one file


def test_one_writer_at_a_time(runner: Runner) -> None:
    descriptor = os.open(runner.folder / "two.ck.lock", os.O_CREAT | os.O_WRONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        done = runner("--epochs", "1", "--checkpoint", "two.ck")
        assert "another run is writing" in refused(done, "two.ck: ")
    finally:
        os.close(descriptor)
    assert runner("--epochs", "1", "--checkpoint", "two.ck").code == 0


def test_two_runs_at_once(runner: Runner) -> None:
    """Of two runs with one checkpoint the second is refused, and the file of the first is whole."""
    if runner.target != "pytorch":
        pytest.skip("one target is enough: the lock is shared text, tried in each of them above")
    arguments = ("--epochs", "100000", "--checkpoint", "both.ck", "--checkpoint-every", "1")
    command = [sys.executable, str(runner.script), "--device", "cpu", *arguments]
    file = runner.folder / "both.ck"
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=runner.folder, stdout=quiet, stderr=quiet) as first:
        try:
            _wait(file.exists)
            assert "another run is writing" in refused(runner(*arguments), "both.ck: ")
            written = file.stat().st_mtime_ns
            _wait(lambda: file.stat().st_mtime_ns > written)
            assert first.poll() is None
            for _ in range(20):
                assert contents(file)[1]["step"].isdigit()
        finally:
            first.terminate()
    assert contents(file)[1]["step"].isdigit()


def _wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


# ------------------------------------------------------------------------ what is no file, umask


@pytest.mark.parametrize("flag", ["--save", "--checkpoint", "--export"])
@pytest.mark.parametrize("kind", ["model", "folder", "pipe", "device", "input"])
def test_outputs_replace_nothing_but_outputs(flag: str, kind: str, runner: Runner) -> None:
    prefixed = flag == "--export" and runner.script.stem == "net_mxnet"
    if prefixed and kind != "model":
        pytest.skip("MXNet's export adds to the name that it is given")
    name = {"model": "net.model", "folder": "a_folder", "pipe": "a_pipe", "device": "/dev/full"}
    path = name.get(kind, "good.st")
    (runner.folder / "a_folder").mkdir(exist_ok=True)
    if not (runner.folder / "a_pipe").exists():
        os.mkfifo(runner.folder / "a_pipe")
    before = (runner.folder / "net.model").read_text(), (runner.folder / "good.st").read_bytes()
    done = runner("--epochs", "1", "--weights", "good.st", flag, path)
    if not prefixed:
        refused(done, f"{path}: ")
    after = (runner.folder / "net.model").read_text(), (runner.folder / "good.st").read_bytes()
    assert before == after
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


@pytest.mark.parametrize("flags", ["--weights {}", "--resume {}", "--predict {} out.st"])
@pytest.mark.parametrize("path", ["another_pipe", "/dev/zero", "."])
def test_inputs_are_files(flags: str, path: str, runner: Runner) -> None:
    if not (runner.folder / "another_pipe").exists():
        os.mkfifo(runner.folder / "another_pipe")
    refused(runner("--epochs", "1", *flags.format(path).split()), f"{path}: not a file")


def test_the_umask_gives_permissions(runner: Runner) -> None:
    umask = os.umask(0)
    os.umask(umask)
    for name in ("good.st", "good.ck"):
        assert stat.S_IMODE((runner.folder / name).stat().st_mode) == 0o666 & ~umask
