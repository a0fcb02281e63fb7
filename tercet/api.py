"""The Python interface: what the commands do, as four functions.

Each imports what it alone needs when it is called: `load` answers as fast as `tercet check`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from tercet.errors import TercetError
from tercet.guarding import temporary_folder
from tercet.interpreters import Interpreters
from tercet.project import FRAMEWORKS, Project, drafts, open_project, write_scripts

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
    float64: bool = False,
    exact: bool = False,
) -> Project:
    """Reads a `.model` file: its program, the model meant and its training.

    `model` names the one meant where the file has several.  `parameters` are the model's
    (`{"classes": 100}`), `training` settings of its `train` by dotted name
    (`{"optimizer.lr": 0.1}`); a string is text of the language (`"relu"`, `"none"`, `'"same"'`).
    With `float64` it is the same model in double precision: what is f32 in the file is f64.  With
    `exact` its scripts train to the same weights in every framework (docs/training.md).

    The `Project` has `model` (the graph: `model.inputs`, `model.outputs`, `model.parameters()`),
    `training` (None where the file has no `train` for it), `program` (all models of the file) and
    `warnings`.

        project = tercet.load("resnet.model", parameters={"classes": 10})
        shapes = {path: str(p.type) for path, p in project.model.parameters()}

    Raises `tercet.dsl.diagnostics.DiagnosticError` with every error of the file, a file that cannot
    be read included; `tercet.dsl.render.render_all(error.diagnostics)` is what the command prints.
    """
    return open_project(
        Path(path),
        model=model,
        parameters=_texts(parameters),
        training=_texts(training),
        float64=float64,
        exact=exact,
    )


def compile(
    path: PathLike,
    *,
    targets: Sequence[str] = FRAMEWORKS,
    output: PathLike = ".",
    force: bool = False,
    lean: bool = False,
    model: str | None = None,
    parameters: Mapping[str, object] | None = None,
    training: Mapping[str, object] | None = None,
    float64: bool = False,
    exact: bool = False,
) -> list[Path]:
    """Writes the training script of each target into the folder `output`; gives their paths.

    `targets` are some of "pytorch", "tensorflow" and "mxnet", whether installed or not; the script
    of `digits.model` for the first is `digits_pytorch.py`.  `model`, `parameters`, `training`,
    `float64` and `exact` are those of `load`.  `lean` scripts have no checkpoints, no prediction
    and no checks of files (docs/scripts.md).  All scripts are written, or none.

        tercet.compile("digits.model", targets=["pytorch"], training={"epochs": 3})
        tercet.compile("digits.model", lean=True, output="to_read")

    Raises DiagnosticError for errors in the file and for what a target cannot express, and
    `tercet.errors.TercetError` for an unknown target, a script that was edited since it was written
    (unless `force`) or an `output` that is a file.
    """
    project = load(
        path,
        model=model,
        parameters=parameters,
        training=training,
        float64=float64,
        exact=exact,
    )
    printed = drafts(project, _several(targets), Path(output), lean=lean)
    return write_scripts(project, printed, Path(output), force=force)


def export(
    path: PathLike,
    target: str = "onnx",
    *,
    output: PathLike,
    weights: PathLike | None = None,
    seed: int = 0,
    model: str | None = None,
    parameters: Mapping[str, object] | None = None,
    float64: bool = False,
    interpreters: Interpreters | None = None,
    timeout: float | None = None,
) -> Path:
    """Writes ONNX from a framework's own graph, or directly for the target `onnx`; gives the path.

    `weights` is a canonical safetensors file; without one, initial weights of `seed` are used.
    Inputs, outputs and symbolic sizes of the ONNX file are called as in the source.  A framework
    runs in a process of its own, for `timeout` seconds at most (None: as long as it takes), by the
    Python that `interpreters` names for it (this one where it names none).

        tercet.export("digits.model", "mxnet", weights="w.safetensors", output="digits.onnx")

    Raises DiagnosticError for errors in the file and for what the target cannot express,
    `tercet.errors.TercetError` for weights that do not fit or are too many for the target's
    exporter, and its subclass `tercet.runner.RunError` where the framework fails.
    """
    from tercet import exporting
    from tercet.compiler.graph import weights as canonical

    project = load(path, model=model, parameters=parameters, float64=float64)
    with temporary_folder() as folder:
        file = Path(weights) if weights is not None else folder / "initial.safetensors"
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
    float64: bool = False,
    device: Device = "auto",
    seed: int = 0,
    weights: PathLike | None = None,
    output: PathLike | None = None,
    interpreters: Interpreters | None = None,
    timeout: float | None = 600.0,
) -> Report:
    """Runs all targets on the same weights and probes and compares what they compute.

    `targets` are some of "pytorch", "tensorflow", "mxnet" and "onnx", those installed where none is
    named; `scripts` (by target) are judged in place of generated ones; `weights` is a canonical
    file, without one weights are drawn from `seed` so that signals stay alive; `output` is a folder
    that keeps every file that took part.  `device` is where ONNX Runtime runs: "auto", "cpu" or
    "cuda", which is an error where CUDA does not really compute.  `timeout` is in seconds, for each
    script.

    The `Report` has `verdict` ("identical", "different" or "not judged"), `identical`, `pairs` (for
    every two voices and every output the largest difference and the probe where it was found),
    `not_judged` (why, in words) and `to_json()`.  A script that fails is in the report, not raised.

        report = tercet.verify("digits.model", targets=["pytorch", "onnx"])
        worst = max(pair.max_abs or 0.0 for pair in report.pairs)

    Raises DiagnosticError for errors in the file and where no sizes meet what the model needs,
    `tercet.errors.TercetError` for a target, a device, a script or weights that are not there, and
    for a folder `output` in which something of the user's would be overwritten, or where another
    verification is at work.
    """
    from tercet.verification.run import Request, verify_project
    from tercet.verification.session import Device

    if device not in get_args(Device):
        raise TercetError(f"there is no device {device!r} (there are auto, cpu, cuda)")
    request = Request(
        targets=_several(targets),
        scripts={target: Path(script) for target, script in (scripts or {}).items()},
        device=device,
        seed=seed,
        weights=None if weights is None else Path(weights),
        timeout=timeout,
        folder=None if output is None else Path(output),
        interpreters=interpreters or Interpreters(),
    )
    return verify_project(load(path, model=model, parameters=parameters, float64=float64), request)


def _several(targets: Sequence[str]) -> Sequence[str]:
    """Targets, of which one may be given as it is."""
    return (targets,) if isinstance(targets, str) else targets


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
