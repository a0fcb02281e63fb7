"""What runs for a verification: a script for each framework, and ONNX Runtime on every file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tercet.compiler.dims import Dim, Symbol
from tercet.compiler.graph.callees import all_graphs
from tercet.compiler.graph.ir import Apply, Graph
from tercet.compiler.types import DType, TensorType
from tercet.errors import TercetError
from tercet.project import Project
from tercet.runner import Finished, Job
from tercet.scripts import Script, export_flags, export_job
from tercet.tensors import read
from tercet.verification.folder import Folder
from tercet.verification.judge import Voice
from tercet.verification.probes import Probe
from tercet.verification.report import TargetReport
from tercet.verification.session import Device, OnnxRun, SessionError, run_onnx

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


@dataclass(frozen=True)
class Heard:
    """What one target said: its voices, the report on it, and notes for people."""

    report: TargetReport
    voices: tuple[Voice, ...] = ()
    notes: tuple[str, ...] = field(default=())


def framework_job(
    project: Project, script: Script, folder: Folder, probes: int, timeout: float | None
) -> Job:
    """Predicts for all probes and exports, in one process."""
    flags = export_flags(project, folder.weights)
    for index in range(probes):
        flags += ["--predict", str(folder.probe(index)), str(folder.answer(script.target, index))]
    path = folder.onnx(script.target)
    return export_job(project, script, flags, path, timeout, folder.symbol)


def heard_framework(
    graph: Graph,
    finished: Finished,
    target: str,
    versions: Mapping[str, str],
    folder: Folder,
    probes: Sequence[Probe],
    device: Device,
) -> Heard:
    """The framework's own answers and those of its file; a problem where either is missing."""
    if not finished.ok:
        said = finished.last_lines()
        problem = f"{finished.job.name} {finished.outcome}"
        problem += f"; it printed last:\n{said}" if said else " and printed nothing"
        return _failed(target, versions, finished.seconds, problem)
    try:
        answers = [read(folder.answer(target, index)) for index in range(len(probes))]
    except TercetError as error:
        return _failed(target, versions, finished.seconds, f"{target}: {error.message}")
    eager = Voice(target, target, "eager", answers, _wrong_names(graph, answers))
    return heard_file(graph, target, versions, finished.seconds, folder, probes, device, (eager,))


def heard_file(
    graph: Graph,
    target: str,
    versions: Mapping[str, str],
    seconds: float,
    folder: Folder,
    probes: Sequence[Probe],
    device: Device,
    before: tuple[Voice, ...] = (),
) -> Heard:
    """The answers of ONNX Runtime to all probes, from the target's file."""
    name = target if target == "onnx" else f"{target}.onnx"
    try:
        run = run_onnx(folder.onnx(target), [probe.inputs for probe in probes], device)
    except SessionError as error:
        problem = f"{name}: {error}{_in_f64(graph)}"
        failed = _failed(target, versions, seconds, problem)
        return Heard(failed.report, before)
    report = TargetReport(
        target,
        {**versions, "onnxruntime": run.version},
        run.device,
        seconds + run.seconds,
        run.placement,
    )
    voice = Voice(name, target, "onnx", run.results, _wrong_ports(graph, run))
    notes = tuple(f"{name}: {line}" for line in _unlike_shapes(graph, run))
    return Heard(report, (*before, voice), notes)


def _in_f64(graph: Graph) -> str:
    """What to add where ONNX Runtime refuses a file, and the model's numbers may be why."""
    values = (
        item.outputs for g in all_graphs(graph) for item in g.body.walk() if isinstance(item, Apply)
    )
    wide = any(value.type.dtype is DType.F64 for outputs in values for value in outputs)
    return " (ONNX Runtime has only some operations in f64)" if wide else ""


def _failed(target: str, versions: Mapping[str, str], seconds: float, problem: str) -> Heard:
    return Heard(TargetReport(target, dict(versions), "none", seconds, problem=problem))


# ------------------------------------------------------------------------------------- interfaces


def _wrong_names(graph: Graph, answers: Sequence[Mapping[str, Array]]) -> str | None:
    wanted = {output.name for output in graph.outputs}
    for found in answers:
        if found.keys() != wanted:
            return f"the outputs are {', '.join(sorted(found))}, not {', '.join(sorted(wanted))}"
    return None


def _wrong_ports(graph: Graph, run: OnnxRun) -> str | None:
    """Inputs by any order, outputs in that of the source: it is how files are called."""
    other = [port for port in (*run.inputs, *run.outputs) if not port.type.startswith("tensor(")]
    if other:
        return f"{other[0].name} is of type {other[0].type}, not a tensor"
    inputs = sorted(port.name for port in run.inputs)
    wanted = sorted(given.value.name for given in graph.inputs)
    if inputs != wanted:
        return f"the inputs are {', '.join(inputs)}, not {', '.join(wanted)}"
    outputs = [port.name for port in run.outputs]
    expected = [output.name for output in graph.outputs]
    if outputs != expected:
        return f"the outputs are {', '.join(outputs)}, not {', '.join(expected)}"
    return None


def _unlike_shapes(graph: Graph, run: OnnxRun) -> list[str]:
    """Where the file declares another shape than the source; expressions may be spelt freely."""
    declared = {given.value.name: given.value.type for given in graph.inputs}
    declared |= {output.name: output.value.type for output in graph.outputs}
    found: list[str] = []
    for port in (*run.inputs, *run.outputs):
        type = declared.get(port.name)
        if type is not None and not _same_shape(type, port.shape):
            shape = ", ".join(str(size) for size in port.shape)
            found.append(f"{port.name} is declared [{shape}], not {type}")
    return found


def _same_shape(type: TensorType, shape: Sequence[int | str | None]) -> bool:
    if len(shape) != type.rank:
        return False
    return all(
        size == found
        if isinstance(size, int)
        else not isinstance(size.expression, Symbol) or str(size) == found
        for size, found in zip(type.shape, shape, strict=True)
        if isinstance(size, int | Dim)
    )
