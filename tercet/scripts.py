"""Generated scripts as programs: written to a folder, run by a target's interpreter."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tercet.interpreters import Interpreters
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
        return Job(self.target, [self.interpreter, str(self.path), *arguments], timeout=timeout)


@contextmanager
def temporary_script(project: Project, target: str, interpreters: Interpreters) -> Iterator[Script]:
    """The script of a target in a folder of its own, removed afterwards.

    Raises DiagnosticError for what the target cannot express.
    """
    with tempfile.TemporaryDirectory(prefix="tercet-") as folder:
        path = Path(folder) / script_name(project, target)
        path.write_text(script_text(project, target, path.parent), encoding="utf-8")
        yield Script(target, path, interpreters.path(target))


def export_flags(project: Project, weights: Path | None) -> list[str]:
    """The flags of a run that only exports: no training, no data."""
    flags = ["--epochs", "0"] if project.training is not None else []
    return [*flags, "--device", "cpu", *(["--weights", str(weights)] if weights else [])]


def export_with(
    project: Project, script: Script, weights: Path | None, path: Path, timeout: float | None
) -> None:
    """Writes the ONNX file of a framework's own graph.  Raises RunError where that fails."""
    flags = export_flags(project, weights)
    if script.target != "mxnet":
        run(script.job([*flags, "--export", str(path)], timeout)).require_success()
        return
    prefix = script.path.with_suffix("")
    run(script.job([*flags, "--export", str(prefix)], timeout)).require_success()
    run(convert_job(project, script, prefix, path, timeout)).require_success()


_CONVERT = """
import runpy, sys
sys.path = [entry for entry in sys.path if entry] + sys.argv[1:3]
del sys.argv[1:3]
runpy.run_module("symbol_to_onnx", run_name="__main__", alter_sys=True)
"""


def convert_job(
    project: Project, script: Script, prefix: Path, path: Path, timeout: float | None
) -> Job:
    """The conversion of MXNet's Symbol to ONNX, by the interpreter that has MXNet.

    That one need not have what Tercet stands on, and what it has must not be hidden: the converter
    is run as a package of its own, and Tercet's folders come last.
    """
    from backends.mxnet.export import specification

    spec = prefix.with_suffix(".json")
    spec.write_text(json.dumps(specification(project.model)), encoding="utf-8")
    root = Path(__file__).resolve().parent.parent
    files = [f"{prefix}-symbol.json", f"{prefix}-0000.params", str(spec), str(path)]
    folders = [str(root), str(root / "backends" / "mxnet")]
    command = [script.interpreter, "-c", _CONVERT, *folders, *files]
    return Job("mxnet (Symbol to ONNX)", command, timeout=timeout)
