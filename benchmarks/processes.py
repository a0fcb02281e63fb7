"""Processes under measurement: the wall-clock and processor time of whole commands."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples"
TARGETS = ("pytorch", "tensorflow", "mxnet")


@dataclass(frozen=True)
class Spent:
    """Seconds that a command took."""

    wall: float
    processor: float


def tercet(*arguments: object) -> list[str]:
    """The command `tercet`, by this interpreter."""
    return [sys.executable, "-m", "tercet", *map(str, arguments)]


def environment() -> dict[str, str]:
    """The environment of every measured command.

    Bytecode is kept, as pip keeps it when installing; one thread, so that frameworks compete with
    nothing but themselves.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
    return {**kept, **quiet, "OMP_NUM_THREADS": "1"}


def run(
    command: Sequence[str], folder: Path | None = None, more: Mapping[str, str] | None = None
) -> Spent:
    """Run a command to its end, with `more` variables in its environment.

    Raises SystemExit with its last words where it fails.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder or ROOT,
        env={**environment(), **(more or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}\nexit code {process.returncode}\n{said[-2000:]}")
    return Spent(wall, usage.ru_utime + usage.ru_stime)


Name = TypeVar("Name", bound=Hashable)


def rounds(commands: Mapping[Name, Sequence[str]], count: int) -> dict[Name, list[Spent]]:
    """Every command `count` times, by turns, so that a busy spell hits all of them alike.

    The first round is a warm-up and does not count.
    """
    spent: dict[Name, list[Spent]] = {name: [] for name in commands}
    for k in range(count + 1):
        for name, command in commands.items():
            measured = run(command)
            if k:
                spent[name].append(measured)
    return spent
