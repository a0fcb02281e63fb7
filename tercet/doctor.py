"""What is installed for each target, whether it starts, and whether CUDA really runs.

A version says little: MXNet is there and fails to import under a new NumPy, ONNX Runtime lists a
CUDA provider and computes on the CPU.  So everything is tried, in processes of its own.
"""

from __future__ import annotations

import json
import platform
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tercet.errors import TercetError
from tercet.interpreters import (
    FRAMEWORKS,
    PROBES,
    TARGETS,
    Interpreters,
    TargetInfo,
    installed,
    packages,
)
from tercet.runner import Finished, Job, run_all
from tercet.version import VERSION

_CUDA = "CUDAExecutionProvider"


@dataclass(frozen=True)
class TargetReport:
    """One target: where it runs, how it exports, and what keeps it from working.

    `problem` is None where it works or is simply not installed.  `import_seconds` is None where
    nothing was imported.
    """

    info: TargetInfo
    python: str | None
    export: str
    gpus: tuple[str, ...] = ()
    import_seconds: float | None = None
    problem: str | None = None


@dataclass(frozen=True)
class RuntimeReport:
    """ONNX Runtime: what its wheel holds, and why CUDA does not run (None: it does)."""

    version: str | None
    providers: tuple[str, ...]
    no_cuda: str | None
    problem: str | None = None


@dataclass(frozen=True)
class Report:
    """Everything that was found; `scikit_learn` is its version, None where it is not installed."""

    targets: tuple[TargetReport, ...]
    runtime: RuntimeReport
    scikit_learn: str | None

    @property
    def problems(self) -> tuple[str, ...]:
        """What is installed and does not work."""
        found = [f"{t.info.name}: {t.problem}" for t in self.targets if t.problem]
        return (*found, *([f"ONNX Runtime: {self.runtime.problem}"] * bool(self.runtime.problem)))

    def to_json(self) -> dict[str, Any]:
        """What `tercet doctor --json` prints; times are in seconds."""
        return {
            "tercet": VERSION,
            "python": {"version": platform.python_version(), "executable": sys.executable},
            "targets": [_target_json(target) for target in self.targets],
            "onnxruntime": {
                "version": self.runtime.version,
                "providers": list(self.runtime.providers),
                "cuda": self.runtime.no_cuda is None,
                "why_not_cuda": self.runtime.no_cuda,
            },
            "scikit_learn": self.scikit_learn,
            "problems": list(self.problems),
        }


def _target_json(target: TargetReport) -> dict[str, Any]:
    return {
        "target": target.info.name,
        "framework": FRAMEWORKS[target.info.name].module,
        "version": target.info.version,
        "interpreter": target.info.interpreter,
        "python": target.python,
        "export": target.export,
        "gpus": None if target.import_seconds is None else list(target.gpus),
        "import_seconds": target.import_seconds,
        "install": target.info.install if target.info.version is None else None,
        "problem": target.problem,
    }


def examine(interpreters: Interpreters, *, quick: bool = False, timeout: float = 120.0) -> Report:
    """Look at every target and at ONNX Runtime; with `quick`, without starting a framework.

    `timeout` is in seconds, for each process.  Nothing that is missing or broken raises here.
    """
    targets = [_look_up(target, interpreters) for target in TARGETS]
    jobs = [_cuda_job(timeout)]
    if not quick:
        jobs += [_import_job(t, timeout) for t in targets if _can_be_imported(t)]
    results = {finished.job.name: finished for finished in run_all(jobs, at_once=2)}
    return Report(
        tuple(_with_import(target, results.get(target.info.name)) for target in targets),
        _runtime(results["onnxruntime"]),
        packages(sys.executable, ["sklearn"]).versions["sklearn"],
    )


def _look_up(target: str, interpreters: Interpreters) -> TargetReport:
    """What can be told without starting the framework."""
    framework = FRAMEWORKS[target]
    path = interpreters.path(target)
    try:
        info = installed(target, interpreters)
        found = packages(path, framework.scripts_import)
    except TercetError as error:
        nothing = TargetInfo(target, path, None, framework.extra)
        return TargetReport(nothing, None, framework.export, problem=error.message)
    missing = [module for module, version in found.versions.items() if version is None]
    problem = None
    if info.version is not None and missing:
        problem = f"{', '.join(missing)} not installed in {path}"
    return TargetReport(info, found.python, framework.export, problem=problem)


def _can_be_imported(target: TargetReport) -> bool:
    return target.info.version is not None and target.info.extra is not None


def _import_job(target: TargetReport, timeout: float) -> Job:
    script = str(PROBES / "framework.py")
    command = [target.info.interpreter, script, FRAMEWORKS[target.info.name].module]
    return Job(target.info.name, command, timeout=timeout)


def _cuda_job(timeout: float) -> Job:
    return Job("onnxruntime", [sys.executable, str(PROBES / "cuda.py")], timeout=timeout)


def _with_import(target: TargetReport, finished: Finished | None) -> TargetReport:
    if finished is None:
        return target
    found = _printed(finished)
    if found is None:
        return TargetReport(
            target.info, target.python, target.export, problem=_failure(finished, "import")
        )
    return TargetReport(
        target.info,
        target.python,
        target.export,
        tuple(found["gpus"]),
        float(found["seconds"]),
        target.problem,
    )


def _printed(finished: Finished) -> Mapping[str, Any] | None:
    """The JSON object on the last line that holds one; None where the probe failed."""
    if not finished.ok:
        return None
    for line in reversed(finished.output.splitlines()):
        if line.startswith("{"):
            found: Mapping[str, Any] = json.loads(line)
            return found
    return None


def _failure(finished: Finished, what: str) -> str:
    said = finished.last_lines(1)
    return f"{what} {finished.outcome}{': ' + said if said else ''}"


# ---------------------------------------------------------------------------------- ONNX Runtime


def _runtime(finished: Finished) -> RuntimeReport:
    found = _printed(finished)
    if found is None:
        problem = _failure(finished, "a first session")
        return RuntimeReport(None, (), problem, problem)
    providers = tuple(found["providers"])
    if _CUDA not in providers:
        no_cuda = "this build of ONNX Runtime has no CUDA provider (onnxruntime-gpu has)"
        return RuntimeReport(found["version"], providers, no_cuda)
    return RuntimeReport(
        found["version"], providers, None if found["started"] else why_no_cuda(finished.output)
    )


_REASONS: Sequence[str] = (
    r"Failed to load library \S+ with error: (.+)",
    r"(CUDA failure [^;\n]+)",
    r"(Failed to create CUDAExecutionProvider[^\n]*)",
)


def why_no_cuda(output: str) -> str:
    """The reason in ONNX Runtime's own messages, without its colours, times and source lines."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    for pattern in _REASONS:
        found = re.search(pattern, plain)
        if found:
            return found[1].strip()
    return "ONNX Runtime used the CPU without saying why"
