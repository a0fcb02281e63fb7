"""What TensorFlow says while it starts is left out, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tercet.noise import Quiet
from tercet.runner import Job, run
from tests.cases.test_hostile_files import CASES

STARTUP = [
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    "I0000 00:00:1796072648.736700     707 port.cc:153] oneDNN custom operations are on.",
    "W0000 00:00:1796072648.736700     707 cpu_feature_guard.cc:227] This TensorFlow binary",
    "2025-11-30 21:04:08.736700: I tensorflow/core/util/port.cc:153] oneDNN custom operations",
    "2025-11-30 21:04:08.7: I external/local_xla/xla/tsl/cuda/cudart_stub.cc:32] Could not find",
    "E0000 00:00:1796072648.736700 707 cuda_dnn.cc:8579] Unable to register cuDNN factory: A",
    "To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow with",
]
MEANT = [
    "Traceback (most recent call last):",
    "net.ck: step is '', not a number of steps",
    "2025-11-30 21:04:08.736700: E tensorflow/core/framework/op.cc:1] real error",
    "F0000 00:00:1796072648.736700     707 port.cc:153] Check failed",
    "WARNING: something of the user's",
    "I would like to say",
    "To be or not to be",
    "16/16 - 4s - loss: 1.2277",
    "",
]


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_lines(size: int) -> None:
    lines = [line for pair in zip(STARTUP, MEANT, strict=False) for line in pair] + MEANT[7:]
    text = "".join(f"{line}\n" for line in lines) + "the end"
    quiet = Quiet()
    shown = "".join(quiet.feed(text[k : k + size], False) for k in range(0, len(text), size))
    assert shown + quiet.feed("", True) == "".join(f"{line}\n" for line in MEANT) + "the end"


def test_a_line_that_is_surely_meant_is_shown_at_once() -> None:
    assert Quiet().feed("epoch 1: ", False) == "epoch 1: "


@pytest.mark.parametrize("inherit", [True, False])
def test_a_job(inherit: bool, capfd: pytest.CaptureFixture[str]) -> None:
    text = (
        f"import sys; print('out'); sys.stderr.write({STARTUP[0]!r} + '\\nmeant\\n'); sys.exit(3)"
    )
    heard: list[str] = []
    job = Job("job", [sys.executable, "-c", text], quiet=True)
    finished = run(job, inherit=inherit, on_text=lambda _, text: heard.append(text))
    assert finished.exit_code == 3
    said = "".join(capfd.readouterr()) if inherit else "".join(heard)
    assert sorted(said.splitlines()) == ["meant", "out"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", ["train long.model -T epochs=1", "export lin.model", "verify lin.model"]
)
def test_tensorflow_starts_in_silence(command: str, tmp_path: Path) -> None:
    for path in (CASES / "overwrite_source").iterdir():
        (tmp_path / path.name).write_text(path.read_text())
    arguments = [*command.split(), "-t", "tensorflow"]
    done = subprocess.run(
        [sys.executable, "-m", "tercet", *arguments], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert not [line for line in said.splitlines() if "absl" in line or ".cc:" in line]
