"""ONNX files of one model: from a framework's own graph, or directly from the IR."""

from __future__ import annotations

import os
from mmap import ACCESS_READ, mmap
from pathlib import Path

from tercet.errors import TercetError
from tercet.files import require_output
from tercet.guarding import temporary_folder
from tercet.interpreters import Interpreters
from tercet.project import Project
from tercet.scripts import export_with, temporary_script
from tercet.weights_files import fitting, require_fit

_ONE_FILE = ("tensorflow", "mxnet")
"""Targets whose exporters write the weights into the model's file."""


def export(
    project: Project,
    target: str,
    weights: Path,
    path: Path,
    interpreters: Interpreters | None = None,
    timeout: float | None = None,
    *,
    largest: int | None = None,
) -> None:
    """Writes the model with these canonical weights to `path`, replaced only when all is well.

    A model of more than `largest` bytes, by default what one ONNX file can hold, gets its weights
    into `<path>.data`.  Raises TercetError for weights that do not fit or are too many for the
    target's exporter, DiagnosticError for what the target cannot express, RunError where the
    framework fails.
    """
    from tercet.backends.onnx import MAX_FILE_BYTES, gather

    largest = MAX_FILE_BYTES if largest is None else largest
    require_output(path, (project.path, weights))
    if target != "onnx":
        require_fit(project, weights)
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(f".{path.name}.", path.parent) as folder:
        made = folder / path.name  # a model names its data by the final name
        if target == "onnx":
            _direct(project, weights, made, largest)
        else:
            _require_one_file(project, target, weights, largest)
            with temporary_script(project, target, interpreters or Interpreters()) as script:
                export_with(project, script, weights.absolute(), made, timeout)
            gather(made, largest=largest)
        old = _data_of(path)
        for part in sorted(made.parent.iterdir(), key=made.__eq__):  # the model last
            os.replace(part, path.with_name(part.name))
        if old is not None and _data_of(path) is None:
            old.unlink()


def _data_of(model: Path) -> Path | None:
    """The file of weights beside a model that names it, if both are there."""
    data = model.with_name(f"{model.name}.data")
    if not (data.is_file() and model.is_file() and model.stat().st_size):
        return None
    with model.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        return data if content.find(data.name.encode()) >= 0 else None


def _direct(project: Project, weights: Path, path: Path, largest: int) -> None:
    from tercet.backends.onnx import write

    write(project.model, fitting(project, weights), path, largest=largest)


def _require_one_file(project: Project, target: str, weights: Path, largest: int) -> None:
    size = weights.stat().st_size if weights.is_file() else 0
    if target in _ONE_FILE and size > largest:
        raise TercetError(
            f"the weights of {project.model.name} are {size / 2**30:.1f} GiB, and {target}'s "
            f"exporter writes one file of at most {largest / 2**30:.1f} GiB",
            "-t onnx and -t pytorch write the weights into a second file",
        )
