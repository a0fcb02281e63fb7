"""The processes that run scripts, one per framework, for as long as there are programs."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).parents[2]
_PATIENCE = 300.0
"""Seconds after which a script counts as hanging."""
_JOBS = 250
"""Scripts after which a process is replaced: frameworks keep something of every graph."""


class Worker:
    """A process with one framework, started when it is first needed."""

    def __init__(self, framework: str) -> None:
        self._framework = framework
        self._process: subprocess.Popen[str] | None = None
        self._jobs = 0

    def begin(self, folder: Path, script: str, flags: Sequence[str]) -> None:
        died = self._process is not None and self._process.poll() is not None
        if died or self._jobs >= _JOBS:  # it may die a moment after its answer
            self.end()
        if self._process is None:
            self._process, self._jobs = _start(self._framework), 0
        self._jobs += 1
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # `problem` tells what it died of
            print(json.dumps([str(folder), script, *flags]), file=self._process.stdin, flush=True)

    def problem(self) -> str:
        """What went wrong with the job that was begun; empty where nothing did."""
        assert self._process is not None
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], _PATIENCE)
        line = self._process.stdout.readline() if ready else ""
        if line:
            problem = str(json.loads(line))
            if problem and self._framework == "mxnet":  # after one error its scripts fail for good
                self.end()
            return problem
        self._process.kill()
        code = self._process.wait()
        self._process = None
        return f"the process ended with {code}" if ready else "the script hangs"

    def end(self) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
            self._process.wait()
            self._process = None


def _start(framework: str) -> subprocess.Popen[str]:
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.random_programs.worker", framework],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=quiet,
        text=True,
    )


class Workers:
    """One process for each framework, at work side by side."""

    def __init__(self, frameworks: Iterable[str]) -> None:
        self._workers = {name: Worker(name) for name in frameworks}

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._workers.values():
            worker.end()

    def run(
        self, folder: Path, flags: Mapping[str, Sequence[str]], script: str = "{}.py"
    ) -> dict[str, str]:
        """Runs the scripts of a folder, those of the frameworks named; the problem of each."""
        for name, given in flags.items():
            self._workers[name].begin(folder, script.format(name), given)
        return {name: self._workers[name].problem() for name in flags}
