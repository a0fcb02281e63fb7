"""Generated scripts as programs: written to a folder, run by a target's interpreter."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tercet.guarding import temporary_folder
from tercet.interpreters import PROBES, Interpreters
from tercet.project import Project, script_name, script_text
from tercet.runner import Job, run


@dataclass(frozen=True)
class Script:
    """A script on disk and the interpreter that runs it."""

    target: str
    path: Path
    interpreter: str

    def job(self, arguments: Sequence[str], timeout: float | None = None) -> Job:
        """A run with these flags (docs/scripts.md), in the caller's working directory."""
        return self.job_of([self.interpreter, str(self.path), *arguments], timeout)

    def job_of(self, command: Sequence[str], timeout: float | None) -> Job:
        """A run of the script by this command."""
        quiet = self.target == "tensorflow"
        aliases = {f"{self.path.parent}{os.sep}": ""}
        return Job(self.target, command, timeout=timeout, quiet=quiet, aliases=aliases)


@contextmanager
def temporary_script(project: Project, target: str, interpreters: Interpreters) -> Iterator[Script]:
    """The script of a target in a folder of its own, removed afterwards.

    Raises DiagnosticError for what the target cannot express.
    """
    with temporary_folder() as folder:
        path = folder / script_name(project, target)
        path.write_text(script_text(project, target, None), encoding="utf-8")
        yield Script(target, path, interpreters.path(target))


def export_flags(project: Project, weights: Path | None) -> list[str]:
    """The flags of a run that only exports: no training, no data."""
    flags = ["--epochs", "0"] if project.training is not None else []
    return [*flags, "--device", "cpu", *(["--weights", str(weights)] if weights else [])]


def export_job(
    project: Project,
    script: Script,
    flags: Sequence[str],
    path: Path,
    timeout: float | None,
    prefix: Path | None = None,
) -> Job:
    """A run with these flags that also writes the ONNX file of the framework's own graph.

    MXNet's script writes its Symbol to files that begin with `prefix` (by default, that of the
    script), and the same process converts them.
    """
    if script.target != "mxnet":
        return script.job([*flags, "--export", str(path)], timeout)
    from tercet.backends.mxnet.export import specification

    prefix = prefix or script.path.with_suffix("")
    spec = prefix.with_suffix(".json")
    spec.write_text(json.dumps(specification(project.model)), encoding="utf-8")
    files = [f"{prefix}-symbol.json", f"{prefix}-0000.params", str(spec), str(path)]
    own = [str(script.path), *flags, "--export", str(prefix)]
    command = [script.interpreter, str(PROBES / "export_symbol.py"), *files, *own]
    return script.job_of(command, timeout)


def export_with(
    project: Project, script: Script, weights: Path | None, path: Path, timeout: float | None
) -> None:
    """Writes the ONNX file of a framework's own graph.  Raises RunError where that fails."""
    flags = export_flags(project, weights)
    job = export_job(project, script, flags, path, timeout)
    aliases = {**job.aliases, f"{path.parent}{os.sep}": ""}
    run(replace(job, aliases=aliases)).require_success()
