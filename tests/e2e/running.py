"""A target's script, run many times without importing its framework anew."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import tercet

FORKS = Path(__file__).parents[1] / "backends/script_forks.py"
IMPORTS = {
    "pytorch": ["torch", "tqdm", "safetensors.torch"],
    "tensorflow": ["tensorflow", "tqdm", "safetensors.numpy"],
    "mxnet": ["mxnet", "tqdm", "safetensors.numpy"],
}


@dataclass(frozen=True)
class Done:
    """How a script ended, and what it said."""

    code: int
    stderr: str
    stdout: str = ""


class Forks:
    """Runs scripts in forks of a process that has imported what those of a target import."""

    def __init__(self, folder: Path, target: str) -> None:
        self.folder = folder
        self.target = target
        command = [sys.executable, str(FORKS), *IMPORTS[target]]
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )

    def run(self, script: str, *flags: str) -> Done:
        """The script of that name in the folder, on the processor."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        path = str(self.folder / script)
        line = json.dumps(["stdout", "stderr", path, "--device", "cpu", *flags])
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        said = (self.folder / name for name in ("stderr", "stdout"))
        return Done(code, *(path.read_text() for path in said))

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=60)


class Runner(Forks):
    """Runs a target's script of `net.model`."""

    def __init__(self, folder: Path, target: str) -> None:
        super().__init__(folder, target)
        self.script = folder / f"net_{target}.py"

    def __call__(self, *flags: str) -> Done:
        return self.run(self.script.name, *flags)


@contextmanager
def running(folder: Path, target: str) -> Iterator[Runner]:
    """The script of `net.model` in the folder, compiled for a target and ready to be run."""
    tercet.compile(folder / "net.model", targets=[target], output=folder)
    runner = Runner(folder, target)
    try:
        yield runner
    finally:
        runner.close()
