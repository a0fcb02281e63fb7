"""ONNX files of one model: from a framework's own graph, or directly from the IR."""

from __future__ import annotations

import os
from pathlib import Path

from tercet.errors import TercetError
from tercet.interpreters import Interpreters
from tercet.project import Project
from tercet.scripts import export_with, temporary_script


def export(
    project: Project,
    target: str,
    weights: Path,
    path: Path,
    interpreters: Interpreters | None = None,
    timeout: float | None = None,
) -> None:
    """Writes the model with these canonical weights to `path`, replaced only when all is well.

    Raises TercetError for weights that do not fit, DiagnosticError for what the target cannot
    express, RunError where the framework fails.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        if target == "onnx":
            _direct(project, weights, unfinished)
        else:
            with temporary_script(project, target, interpreters or Interpreters()) as script:
                export_with(project, script, weights.absolute(), unfinished.absolute(), timeout)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _direct(project: Project, weights: Path, path: Path) -> None:
    from backends.onnx import to_onnx
    from compiler.weights import WeightsError, load

    try:
        arrays = load(weights, project.model)
    except WeightsError as problem:
        raise TercetError(str(problem)) from None
    path.write_bytes(to_onnx(project.model, arrays).SerializeToString(deterministic=True))
