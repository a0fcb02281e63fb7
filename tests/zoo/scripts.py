"""The scripts of small networks, run in processes that keep their framework between them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from tercet.project import FRAMEWORKS, script_name
from tercet.runner import Finished, Job
from tercet.verification import run as verification
from tercet.verification.report import Report
from tests.random_programs.workers import Workers
from tests.zoo.networks import Network


@dataclass(frozen=True)
class Small:
    """The small instance of a network in a folder of its own."""

    network: Network
    folder: Path
    workers: Workers

    def verified(self) -> Report:
        """`tercet verify` on all targets, but for the processes that the scripts run in."""
        project = self.network.opened(self.network.small)
        request = verification.Request((*FRAMEWORKS, "onnx"), device="cpu", folder=self.folder)
        with mock.patch.object(verification, "run_all", self._run_all):
            return verification.verify_project(project, request)

    def _run_all(
        self, jobs: Sequence[Job], *, on_end: Callable[[Finished], None], **_: object
    ) -> None:
        scripts = {job.name: self._script(job.name) for job in jobs}
        flags = {job.name: _flags(job, scripts[job.name]) for job in jobs}
        problems = self.workers.run(self.folder, flags, f"{self.network.name}_{{}}.py")
        for job in jobs:
            on_end(Finished(job, int(bool(problems[job.name])), 0.0, problems[job.name]))

    def trained(self) -> dict[str, list[dict[str, Any]]]:
        """What each framework logs of every epoch, training by the scripts that were verified."""
        given = ["--device", "cpu", "--batch-size", str(self.network.batch)]
        given += ["--epochs", str(self.network.epochs)]
        flags = {name: [*given, "--log-dir", str(self.folder / name)] for name in FRAMEWORKS}
        problems = self.workers.run(self.folder, flags, f"{self.network.name}_{{}}.py")
        assert not any(problems.values()), problems
        return {name: _epochs(self.folder / name / "metrics.jsonl") for name in FRAMEWORKS}

    def _script(self, target: str) -> str:
        return str(self.folder / script_name(self.network.opened(self.network.small), target))


def _flags(job: Job, script: str) -> list[str]:
    """What comes after the script in the command that would run it."""
    command = list(job.command)
    return command[command.index(script) + 1 :]


def _epochs(log: Path) -> list[dict[str, Any]]:
    lines = map(json.loads, log.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if "loss" in line]
