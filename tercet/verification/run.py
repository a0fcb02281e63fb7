"""One verification from beginning to end.

The scripts of all frameworks run side by side, each in a process of its own, with the same weights
and the same probes; meanwhile the reference and the direct ONNX answer in this process.  Then ONNX
Runtime runs every file, and everything is compared.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tercet.compiler.graph import weights as canonical
from tercet.compiler.reference.calibration import calibrated
from tercet.compiler.reference.interpreter import InputError
from tercet.dsl.diagnostics import DiagnosticError
from tercet.errors import TercetError
from tercet.interpreters import Interpreters, TargetInfo, choose_targets
from tercet.project import Project, require_script, require_untouched, script_name, script_text
from tercet.runner import Finished, Job, run_all
from tercet.scripts import Script
from tercet.verification.folder import Folder, working_folder
from tercet.verification.judge import Reference, judge
from tercet.verification.probes import Probe, make_probes
from tercet.verification.report import ProbeReport, Report, TargetReport
from tercet.verification.session import Device
from tercet.verification.truth import Unanswerable, answerable_probes, reference_answers
from tercet.verification.voices import Heard, framework_job, heard_file, heard_framework
from tercet.version import VERSION
from tercet.weights_files import fitting

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tercet.compiler.graph.ir import Graph

    Array = NDArray[Any]

TIMEOUT = 600.0
_SLOWEST_FIRST = ("tensorflow", "pytorch", "mxnet")
T = TypeVar("T")


class Progress:
    """Hears what happens; this one stays silent."""

    def started(self, targets: Sequence[str]) -> None:
        """These scripts wait to be run."""

    def printed(self, target: str, text: str) -> None:
        """A script printed something."""

    def ended(self, target: str, finished: Finished) -> None:
        """A script has ended."""


@dataclass(frozen=True)
class Request:
    """What to verify with: targets (none: the installed ones), scripts in place of the generated.

    `folder` is where everything stays (scripts, weights, probes, answers, ONNX files); without
    one it is all removed.  `timeout` is that of each script, in seconds.
    """

    targets: Sequence[str] = ()
    scripts: Mapping[str, Path] = field(default_factory=dict)
    device: Device = "auto"
    seed: int = 0
    weights: Path | None = None
    timeout: float | None = TIMEOUT
    folder: Path | None = None
    interpreters: Interpreters = field(default_factory=Interpreters)


def verify_project(project: Project, request: Request, progress: Progress | None = None) -> Report:
    """Verifies the model.

    Raises TercetError for an absent target, script or weights file, DiagnosticError E0315 where no
    sizes meet what the model needs.  What a target cannot do, or a script does wrong, is in the
    report.
    """
    _check_scripts(request)
    choice = choose_targets(_named(request), request.interpreters)
    absent = tuple(f"{t.name} is not installed: {t.install}" for t in choice.absent)
    weights = _weights(project, request)
    graph = project.model
    try:
        probes, left_out = answerable_probes(graph, weights, request.seed)
    except Unanswerable as problem:
        return Report(graph.name, request.seed, request.device, (), (), (), (str(problem),), absent)
    with working_folder(request.folder) as folder:
        folder.write_probes(probes)  # first: they mark the weights as a verification's
        canonical.save(folder.weights, weights)
        session = _Session(project, request, folder, probes, weights, progress or Progress())
        heard, reference = session.run(choice.chosen)
    return _report(project, request, probes, heard, reference, (*absent, *left_out))


def _check_scripts(request: Request) -> None:
    """Raises TercetError for a script that is absent or lean, or whose framework is absent."""
    for target, path in request.scripts.items():
        require_script(target)
        if not path.is_file():
            raise TercetError(f"there is no script {path}")
        if "--predict" not in path.read_text(encoding="utf-8", errors="replace"):
            raise TercetError(
                f"{path} has no --predict, by which `tercet verify` asks a script for its outputs",
                "what `tercet compile --lean` writes has none: compile without --lean",
            )
    if request.scripts:
        choose_targets(list(request.scripts), request.interpreters)


def _named(request: Request) -> Sequence[str]:
    """The targets named; a script names its target too."""
    if not request.targets:
        return ()
    return [*request.targets, *(t for t in request.scripts if t not in request.targets)]


def _weights(project: Project, request: Request) -> dict[str, Array]:
    if request.weights is None:
        weights = canonical.lively_weights(project.model, request.seed)
        return _calibrated(project.model, weights, request.seed)
    return fitting(project, request.weights)


def _calibrated(graph: Graph, weights: dict[str, Array], seed: int) -> dict[str, Array]:
    """The weights with running statistics that fit a probe; as they are where there is none."""
    try:
        probe = make_probes(graph, seed)[0]
        return calibrated(graph, weights, probe.inputs, seed)
    except InputError:
        return weights


def _report(
    project: Project,
    request: Request,
    probes: Sequence[Probe],
    heard: Sequence[Heard],
    reference: Reference,
    told: tuple[str, ...],
) -> Report:
    graph = project.model
    dtypes = {output.name: output.value.type.dtype for output in graph.outputs}
    voices = [voice for one in heard for voice in one.voices]
    judgement = judge(dtypes, [probe.kind for probe in probes], reference, voices)
    problems = [one.report.problem for one in heard if one.report.problem is not None]
    refused = [f"input {name}: no output changes with it" for name in reference.idle]
    refused += [p.reason for p in judgement.pairs if p.verdict == "not judged" and p.reason]
    notes = (*told, *(note for one in heard for note in one.notes), *judgement.notes)
    return Report(
        graph.name,
        request.seed,
        request.device,
        tuple(one.report for one in heard),
        tuple(ProbeReport(p.name, p.sizes, p.description) for p in probes),
        judgement.pairs,
        tuple(dict.fromkeys([*problems, *refused])),
        notes,
    )


@dataclass(frozen=True)
class _Session:
    """Everything that the steps of one verification share."""

    project: Project
    request: Request
    folder: Folder
    probes: Sequence[Probe]
    weights: Mapping[str, Array]
    progress: Progress

    def run(self, chosen: Sequence[TargetInfo]) -> tuple[list[Heard], Reference]:
        """What every target said, in their order, and the reference's answers."""
        graph = self.project.model
        heard: dict[str, _Background[Heard]] = {}
        jobs = self._jobs([info for info in chosen if info.name != "onnx"], heard)
        reference = _Background(lambda: reference_answers(graph, self.weights, self.probes))
        if any(info.name == "onnx" for info in chosen):
            heard["onnx"] = _Background(self._direct)
        versions = {info.name: info.version or "unknown" for info in chosen}
        self._run(jobs, versions, heard)
        return [heard[info.name].result() for info in chosen], reference.result()

    def _direct(self) -> Heard:
        from tercet.backends.onnx import write

        try:
            write(self.project.model, self.weights, self.folder.onnx("onnx"))
        except DiagnosticError as problem:
            return _unsupported("onnx", problem)
        versions = {"tercet": VERSION}
        return heard_file(
            self.project.model, "onnx", versions, 0.0, self.folder, self.probes, self.request.device
        )

    def _jobs(self, infos: Sequence[TargetInfo], heard: dict[str, _Background[Heard]]) -> list[Job]:
        """The scripts to run, the slowest first; what a target cannot express is heard already."""
        jobs: list[Job] = []
        for info in sorted(infos, key=lambda info: _SLOWEST_FIRST.index(info.name)):
            try:
                script = self._script(info)
            except DiagnosticError as problem:
                heard[info.name] = _Background(partial(_unsupported, info.name, problem))
                continue
            timeout, count = self.request.timeout, len(self.probes)
            jobs.append(framework_job(self.project, script, self.folder, count, timeout))
        return jobs

    def _script(self, info: TargetInfo) -> Script:
        """The script of a target: the user's, or one generated now.  Raises DiagnosticError."""
        own = self.request.scripts.get(info.name)
        if own is not None:
            return Script(info.name, own.absolute(), info.interpreter)
        path = self.folder.path / script_name(self.project, info.name)
        require_untouched(path, f"--script {info.name}={path} judges it; -o names another folder")
        path.write_text(script_text(self.project, info.name, path.parent), encoding="utf-8")
        return Script(info.name, path, info.interpreter)

    def _run(
        self,
        jobs: Sequence[Job],
        versions: Mapping[str, str],
        heard: dict[str, _Background[Heard]],
    ) -> None:
        """Runs all scripts; ONNX Runtime takes each file as soon as it is there."""
        graph, folder, probes = self.project.model, self.folder, self.probes

        def ended(finished: Finished) -> None:
            target, device = finished.job.name, self.request.device
            self.progress.ended(target, finished)
            made_by = {target: versions[target]}
            heard[target] = _Background(
                partial(heard_framework, graph, finished, target, made_by, folder, probes, device)
            )

        self.progress.started([job.name for job in jobs])
        cores = os.cpu_count() or 1  # and one more: a script that starts waits for its files
        run_all(
            jobs,
            at_once=max(2, min(cores + 1, len(jobs))),
            threads=max(1, cores // max(1, len(jobs))),
            on_text=lambda job, text: self.progress.printed(job.name, text),
            on_end=ended,
        )


def _unsupported(target: str, problem: DiagnosticError) -> Heard:
    return Heard(TargetReport(target, {}, "none", 0.0, problem=str(problem)))


class _Background(Generic[T]):
    """A computation in a thread that does not keep the process alive when it is interrupted."""

    def __init__(self, compute: Callable[[], T]) -> None:
        self._compute = compute
        self._found: list[T] = []
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            self._found.append(self._compute())
        except BaseException as problem:
            self._problem = problem

    def result(self) -> T:
        """What was computed, once it is; raises what the computation raised."""
        self._thread.join()
        if self._problem is not None:
            raise self._problem
        return self._found[0]
