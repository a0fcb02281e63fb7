"""Graphs as generated TensorFlow scripts: many run in one process, for its import takes long."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from safetensors.numpy import save_file

from tercet.backends.base import Place
from tercet.backends.tensorflow import BACKEND
from tercet.compiler.graph.ir import Graph
from tests.backends.torch_scripts import ROOT, Job


def script_text(graph: Graph, folder: Path) -> str:
    """The generated script of a model that is not trained."""
    place = Place("test.model", folder, folder, "op_tensorflow.py")
    return BACKEND.render(graph, None, place)


def prepare(job: Job, folder: Path) -> None:
    """Writes the folder of a job.  Raises what the compiler raises."""
    place = folder / job.name
    text = script_text(job.graph, place)
    place.mkdir(parents=True)
    (place / "script.py").write_text(text)
    if job.exported:
        (place / "export").touch()
    weights = {name: array.copy(order="C") for name, array in job.weights.items()}
    save_file(weights, place / "weights.safetensors")
    for number, probe in enumerate(job.probes):
        arrays = {name: array.copy(order="C") for name, array in probe.items()}
        save_file(arrays, place / f"in{number}.safetensors")


def run_all(folder: Path, timeout: float = 900) -> None:
    """Runs every job of a folder in one process."""
    command = [sys.executable, "-m", "tests.backends.tensorflow_worker", str(folder)]
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        command, cwd=ROOT, env=quiet, capture_output=True, text=True, timeout=timeout
    )
    assert done.returncode == 0, done.stderr
