"""One model of one file, ready to be shown, compiled, run: what every command starts from.

Code generators are imported when a script is asked for: `tercet check` needs none.
"""

from __future__ import annotations

import hashlib
import importlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tercet.compiler import pipeline
from tercet.compiler.naming import snake_case
from tercet.errors import TercetError
from tercet.files import replace_text

if TYPE_CHECKING:
    from tercet.backends.base import Backend
    from tercet.codegen.decisions import Decision
    from tercet.compiler.graph.ir import Graph, Program
    from tercet.compiler.graph.training import Training
    from tercet.dsl.diagnostics import Diagnostic
    from tercet.dsl.source import Source

FRAMEWORKS = ("pytorch", "tensorflow", "mxnet")
"""The targets that have scripts, in the order in which they are named."""

_MARK = re.compile(r"\n# Compiled by Tercet\. sha256 of the lines above: ([0-9a-f]{16})\n\Z")


@dataclass(frozen=True)
class Project:
    """A compiled file and the one model in it that is meant.

    `program` holds the graphs of all models of the file, `model` is the graph of the one meant,
    `warnings` are what is legal and probably a slip.
    """

    path: Path
    source: Source
    program: Program
    model: Graph
    warnings: tuple[Diagnostic, ...]

    @property
    def training(self) -> Training | None:
        """The model's `train`, if the file has one."""
        training: Training | None = self.program.trainings.get(self.model.name)
        return training

    @property
    def stem(self) -> str:
        """What files made from the model are called: as the file, or as one model of several."""
        return self.path.stem if len(self.program.declared) == 1 else snake_case(self.model.name)


def open_project(
    path: Path,
    *,
    model: str | None = None,
    parameters: Mapping[str, str] | None = None,
    training: Mapping[str, str] | None = None,
    after: str | None = None,
) -> Project:
    """Reads a file and runs all passes, or those up to `after`, on what elaboration gives.

    Raises DiagnosticError with all its errors.
    """
    result = pipeline.load(path, parameters=parameters, training=training, model=model, after=after)
    program = result.program_or_raise()
    graph = pipeline.model_of(program, result.source, model)
    return Project(Path(path), result.source, program, graph, result.warnings)


def backend(target: str) -> Backend:
    """The code generator of a target with scripts.  Raises TercetError for any other."""
    require_script(target)
    found: Backend = importlib.import_module(f"tercet.backends.{target}").BACKEND
    return found


def require_script(target: str) -> None:
    """Raises TercetError for a target that has no scripts, or is none."""
    if target not in FRAMEWORKS:
        from tercet.interpreters import unknown_target

        raise TercetError("onnx has no script" if target == "onnx" else unknown_target(target))


def script_text(
    project: Project,
    target: str,
    folder: Path,
    *,
    lean: bool = False,
    decisions: list[Decision] | None = None,
) -> str:
    """The script for a target as it is to stand in `folder`, its check line included.

    `lean`: without what only a script needs that others run (docs/scripts.md).  `decisions` takes
    up why classes and loops are printed as they are.  Raises DiagnosticError for what the target
    cannot express.
    """
    from tercet.backends.base import Place
    from tercet.codegen.script.style import Style

    name = script_name(project, target)
    place = Place(project.path.name, project.path.resolve().parent, folder.resolve(), name)
    style = Style.LEAN if lean else Style.FULL
    text = backend(target).render(project.model, project.training, place, decisions, style)
    return f"{text}\n# Compiled by Tercet. sha256 of the lines above: {_digest(text)}\n"


def script_name(project: Project, target: str) -> str:
    """`digits_resnet_pytorch.py`."""
    return f"{project.stem}_{target}.py"


def write_scripts(
    project: Project,
    targets: Sequence[str],
    folder: Path,
    *,
    force: bool = False,
    decisions: Mapping[str, list[Decision]] | None = None,
    lean: bool = False,
) -> list[Path]:
    """Writes the scripts for all targets, or none of them; `lean` is that of `script_text`.

    `decisions` takes up, for every target, why classes and loops are printed as they are.

    Raises DiagnosticError for what a target cannot express, and TercetError for a script that was
    edited since it was generated, unless `force`.
    """
    texts = {
        folder / script_name(project, target): script_text(
            project, target, folder, lean=lean, decisions=decisions[target] if decisions else None
        )
        for target in targets
    }
    if not force:
        for path in texts:
            require_untouched(path, "--force overwrites it; or use -o DIR")
    if folder.exists() and not folder.is_dir():
        raise TercetError(f"{folder} is not a folder")
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        replace_text(path, text)
    return list(texts)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def require_untouched(path: Path, help: str) -> None:
    """That there is no script at `path`, or one as it was generated.  Raises TercetError."""
    if not path.exists():
        return
    text = path.read_text(encoding="utf-8", errors="replace")
    mark = _MARK.search(text)
    if mark is None or _digest(text[: mark.start()]) != mark.group(1):
        raise TercetError(f"{path} was edited after it was generated", help)
