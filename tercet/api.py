"""The Python interface: what the commands do, as four functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tercet.interpreters import Interpreters
from tercet.project import FRAMEWORKS, Project, open_project, write_scripts

if TYPE_CHECKING:
    from tercet.verification.report import Report
    from tercet.verification.session import Device

PathLike = str | Path


def load(
    path: PathLike,
    *,
    model: str | None = None,
    parameters: Mapping[str, object] | None = None,
    training: Mapping[str, object] | None = None,
) -> Project:
    """Reads a `.model` file: its program, the model meant and its training.

    `parameters` are the model's (`{"classes": 100}`), `training` settings of its `train` by dotted
    name (`{"optimizer.lr": 0.1}`).  Raises `dsl.diagnostics.DiagnosticError` with every error.
    """
    return open_project(
        Path(path), model=model, parameters=_texts(parameters), training=_texts(training)
    )


def compile(
    path: PathLike,
    *,
    targets: Sequence[str] = FRAMEWORKS,
    output: PathLike = ".",
    force: bool = False,
    model: str | None = None,
    parameters: Mapping[str, object] | None = None,
    training: Mapping[str, object] | None = None,
) -> list[Path]:
    """Writes the training script of each target into the folder `output`; gives their paths.

    Raises DiagnosticError, and `TercetError` where a script was edited (unless `force`).
    """
    project = load(path, model=model, parameters=parameters, training=training)
    return write_scripts(project, targets, Path(output), force=force)


def export(
    path: PathLike,
    target: str = "onnx",
    *,
    output: PathLike,
    weights: PathLike | None = None,
    seed: int = 0,
    model: str | None = None,
    parameters: Mapping[str, object] | None = None,
    interpreters: Interpreters | None = None,
    timeout: float | None = None,
) -> Path:
    """Writes ONNX from a framework's own graph, or directly for the target `onnx`.

    `weights` is a canonical file; without one, initial weights of `seed` are used.  Raises
    DiagnosticError, TercetError for weights that do not fit, RunError where a framework fails.
    """
    from compiler import weights as canonical
    from tercet import exporting

    project = load(path, model=model, parameters=parameters)
    with TemporaryDirectory(prefix="tercet-") as folder:
        file = Path(weights) if weights is not None else Path(folder) / "initial.safetensors"
        if weights is None:
            canonical.save(file, canonical.initial_weights(project.model, seed))
        exporting.export(project, target, file, Path(output), interpreters, timeout)
    return Path(output)


def verify(
    path: PathLike,
    *,
    targets: Sequence[str] = (),
    model: str | None = None,
    parameters: Mapping[str, object] | None = None,
    scripts: Mapping[str, PathLike] | None = None,
    device: Device = "auto",
    seed: int = 0,
    weights: PathLike | None = None,
    output: PathLike | None = None,
    interpreters: Interpreters | None = None,
    timeout: float | None = 600.0,
) -> Report:
    """Runs all targets on the same weights and probes and compares what they compute.

    `targets` are those installed where none is named; `scripts` are judged in place of generated
    ones; `weights` is a canonical file, without one lively weights of `seed` are used; `output`
    keeps every file that took part.  Raises DiagnosticError for errors in the model, TercetError
    for a target, a script or weights that are not there.
    """
    from tercet.verification.run import Request, verify_project

    request = Request(
        targets=targets,
        scripts={target: Path(script) for target, script in (scripts or {}).items()},
        device=device,
        seed=seed,
        weights=None if weights is None else Path(weights),
        timeout=timeout,
        folder=None if output is None else Path(output),
        interpreters=interpreters or Interpreters(),
    )
    return verify_project(load(path, model=model, parameters=parameters), request)


def _texts(values: Mapping[str, object] | None) -> dict[str, str]:
    """Python values as text of the language, which is what overrides are given in."""
    return {name: _text(value) for name, value in (values or {}).items()}


def _text(value: object) -> str:
    match value:
        case str():
            return value
        case bool():
            return str(value).lower()
        case None:
            return "none"
        case list() | tuple():
            return f"[{', '.join(map(_text, value))}]"
    return str(value)
