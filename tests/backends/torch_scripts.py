"""Graphs as generated PyTorch scripts: many run in one process, and are held to the reference."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

import tercet.backends.finishing
from tercet.backends.base import Place
from tercet.backends.pytorch import BACKEND
from tercet.compiler.dims import Dim
from tercet.compiler.graph.ir import Graph, GraphInput
from tercet.compiler.reference import interpreter as reference
from tercet.dsl import nodes
from tests.backends.onnx_graphs import SPAN

Array = NDArray[Any]
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Job:
    """A model, its weights, the inputs of every run, and how near the reference it must be."""

    name: str
    graph: Graph
    weights: Mapping[str, Array]
    probes: tuple[Mapping[str, Array], ...]
    tolerance: float = 1e-5
    exported: bool = True


def script_text(graph: Graph, folder: Path, *, formatted: bool = False) -> str:
    """The generated script; only where `formatted` by ruff, which takes longer than the rest."""
    place = Place("test.model", folder, folder, "op_pytorch.py")
    finish = tercet.backends.finishing._formatted
    if not formatted:
        tercet.backends.finishing._formatted = lambda texts: list(texts)
    try:
        return BACKEND.render(graph, None, place)
    finally:
        tercet.backends.finishing._formatted = finish


def prepare(job: Job, folder: Path) -> None:
    """Writes the folder of a job.  Raises what the compiler raises."""
    place = folder / job.name
    text = script_text(job.graph, place)
    place.mkdir(parents=True)
    (place / "script.py").write_text(text)
    (place / "name.txt").write_text(class_name(text))
    if job.exported:
        (place / "export").touch()
    save_file(_contiguous(job.weights), place / "weights.safetensors")
    for number, probe in enumerate(job.probes):
        save_file(_contiguous(probe), place / f"in{number}.safetensors")


def _contiguous(arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {name: array.copy(order="C") for name, array in arrays.items()}


def class_name(text: str) -> str:
    """The class that `main` makes the model of."""
    line = next(line for line in text.splitlines() if line.strip().startswith("model = "))
    return line.split(" = ")[1].split("(")[0]


def run_all(folder: Path, timeout: float = 600) -> None:
    """Runs every job of a folder in one process."""
    command = [sys.executable, "-m", "tests.backends.torch_worker", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stderr


def check(job: Job, folder: Path) -> None:
    """Holds what a job has left to the reference: eager, and its ONNX in ONNX Runtime."""
    place = folder / job.name
    error = place / "error.txt"
    assert not error.exists(), f"{error.read_text()}\n{(place / 'script.py').read_text()}"
    for number, probe in enumerate(job.probes):
        expected = reference.run(job.graph, probe, job.weights, "float64")
        for kind in ("out", "onnx") if job.exported else ("out",):
            path = place / f"{kind}{number}.safetensors"
            assert path.exists(), f"{job.name}: the process ended before this job"
            _compare(job, kind, expected, load_file(path))


def _compare(
    job: Job, kind: str, expected: Mapping[str, Array], found: Mapping[str, Array]
) -> None:
    for output in job.graph.outputs:
        truth, ours = expected[output.name], found[output.name]
        where = f"{job.name}: {kind}: {output.name}"
        assert ours.dtype == output.value.type.dtype.numpy_name, where
        assert ours.shape == truth.shape, where
        if not output.value.type.dtype.is_float:
            np.testing.assert_array_equal(ours, truth, where)
            continue
        finite = np.abs(truth[np.isfinite(truth)])
        scale = float(finite.max(initial=1.0))
        np.testing.assert_allclose(
            ours, truth, rtol=job.tolerance, atol=job.tolerance * scale, err_msg=where
        )


def printable(graph: Graph) -> Graph:
    """A graph made by hand, with the block and the names of sizes that a class is printed from."""
    entries = tuple(replace(i, declared=_declared(i)) for i in graph.inputs)
    sizes = {str(n): n for i in graph.inputs for n in i.value.type.shape if isinstance(n, Dim)}
    block = nodes.Block(SPAN, "model", "Op", SPAN, (), ())
    return replace(graph, block=block, dims=dict(sizes), inputs=entries)


def _declared(entry: GraphInput) -> tuple[nodes.Expr | None, ...]:
    shape = entry.value.type.shape
    return tuple(nodes.Name(SPAN, str(n)) if isinstance(n, Dim) else None for n in shape)
