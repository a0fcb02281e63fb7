"""One model of one file, ready to be shown, compiled, run: what every command starts from.

Code generators are imported when something is printed.
"""

from __future__ import annotations

import hashlib
import importlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tercet.compiler import pipeline
from tercet.compiler.naming import snake_case
from tercet.dsl.collection import uncollected
from tercet.dsl.diagnostics import Diagnostic, DiagnosticError
from tercet.errors import TercetError
from tercet.files import replace_text, require_output

if TYPE_CHECKING:
    from tercet.backends.base import Backend
    from tercet.backends.draft import Draft
    from tercet.compiler.graph.ir import Graph, Program
    from tercet.compiler.graph.training import Training
    from tercet.compiler.pipeline import CompileResult
    from tercet.dsl.source import Source

FRAMEWORKS = ("pytorch", "tensorflow", "mxnet")
"""The targets that have scripts, in the order in which they are named."""

_MARK = re.compile(r"\n# Compiled by Tercet\. sha256 of the lines above: ([0-9a-f]{16})\n\Z")


@dataclass(frozen=True)
class Project:
    """A compiled file and the one model in it that is meant.

    `program` holds the graphs of all models of the file, `model` is the graph of the one meant,
    `warnings` are what is legal and probably a slip.  `exact`: its scripts train to the same
    weights in every target (docs/training.md).
    """

    path: Path
    source: Source
    program: Program
    model: Graph
    warnings: tuple[Diagnostic, ...]
    exact: bool = False

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
    inference: bool = False,
    exact: bool = False,
    float64: bool = False,
) -> Project:
    """Reads a file and runs all passes, or those up to `after`, on what elaboration gives.

    For `inference` it has no training, whatever the file says of one; `exact` is the project's,
    with `float64` it is the twin in which f32 is f64.  Raises DiagnosticError with all its errors.
    """
    result = pipeline.load(
        path,
        parameters=parameters,
        training=training,
        model=model,
        after=after,
        inference=inference,
        float64=float64,
    )
    program = result.program_or_raise()
    graph = pipeline.model_of(program, result.source, model)
    return Project(Path(path), result.source, program, graph, result.warnings, exact)


def backend(target: str) -> Backend:
    """The code generator of a target with scripts.  Raises TercetError for any other."""
    require_script(target)
    found: Backend = importlib.import_module(f"tercet.backends.{target}").BACKEND
    return found


def script_targets(named: Sequence[str]) -> list[str]:
    """The targets with scripts among those named, or all of them where none is named."""
    return [target for target in named or FRAMEWORKS if target in FRAMEWORKS]


def require_script(target: str) -> None:
    """Raises TercetError for a target that has no scripts, or is none."""
    if target not in FRAMEWORKS:
        from tercet.interpreters import unknown_target

        raise TercetError("onnx has no script" if target == "onnx" else unknown_target(target))


def drafts(
    project: Project,
    targets: Iterable[str],
    folder: Path,
    *,
    lean: bool = False,
    follow: bool = True,
) -> dict[str, Draft]:
    """The scripts of targets as they are to stand in `folder`, printed but not finished.

    `lean`: without what only a script needs that others run (docs/scripts.md); `follow`: with the
    model's parameters as arguments of its class.  Raises DiagnosticError with what any of the
    targets cannot express.
    """
    found: dict[str, Draft] = {}
    refused: dict[str, tuple[Diagnostic, ...]] = {}
    for target in targets:
        try:
            with uncollected():
                found[target] = _draft(project, target, folder, lean, follow=follow)
        except DiagnosticError as problem:
            refused[target] = problem.diagnostics
    if refused:
        from tercet.refusals import together

        raise DiagnosticError(*together(refused))
    return found


def refusals(
    result: CompileResult, targets: Sequence[str], *, exact: bool = False
) -> tuple[Diagnostic, ...]:
    """What `drafts` would raise for the models of a file, each once."""
    if result.program is None:
        return ()
    found: dict[object, Diagnostic] = {}
    path = result.source.path or Path(result.source.name)
    for graph in result.program.models.values():
        project = Project(path, result.source, result.program, graph, result.warnings, exact)
        try:
            drafts(project, targets, Path(), follow=False)
        except DiagnosticError as problem:
            found |= {(d.code, d.span, d.message): d for d in problem.diagnostics}
    return tuple(found.values())


def _draft(
    project: Project, target: str, folder: Path | None, lean: bool, *, follow: bool = True
) -> Draft:
    from tercet.backends.base import Place
    from tercet.codegen.script.style import Style

    name = script_name(project, target)
    resolved = None if folder is None else folder.resolve()
    place = Place(project.path.name, project.path.resolve().parent, resolved, name)
    style = Style(lean, project.exact)
    return backend(target).draft(project.model, project.training, place, style, follow=follow)


def script_text(project: Project, target: str, folder: Path | None, *, lean: bool = False) -> str:
    """The script for a target as it is to stand in `folder`, its check line included.

    Without a folder it names files by their whole paths.

    `lean` is that of `drafts`.  Raises DiagnosticError for what the target cannot express.
    """
    return _marked([_draft(project, target, folder, lean)])[0]


def _marked(drafts: Sequence[Draft]) -> list[str]:
    from tercet.backends.finishing import finished

    return [
        f"{text}\n# Compiled by Tercet. sha256 of the lines above: {_digest(text)}\n"
        for text in finished(drafts)
    ]


def script_name(project: Project, target: str) -> str:
    """`digits_resnet_pytorch.py`."""
    return f"{project.stem}_{target}.py"


def write_scripts(
    project: Project, printed: Mapping[str, Draft], folder: Path, *, force: bool = False
) -> list[Path]:
    """Writes the scripts that `drafts` gave for the targets, or none of them.

    Raises TercetError for a script that was edited since it was generated, unless `force`.
    """
    paths = [folder / script_name(project, target) for target in printed]
    texts = dict(zip(paths, _marked(list(printed.values())), strict=True))
    for path in texts:
        require_output(path)
        if not force:
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
