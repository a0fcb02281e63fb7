"""Graphs as generated MXNet scripts: many run in one process, and are held to the reference."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

from safetensors.numpy import save_file

from tercet.backends.base import Place
from tercet.backends.mxnet import BACKEND
from tercet.backends.mxnet.export import specification
from tercet.compiler.graph.ir import Graph
from tests.backends.torch_scripts import ROOT, Job, class_name


def script_text(graph: Graph, folder: Path) -> str:
    """The generated script, not formatted by ruff, which takes longer than the rest."""
    place = Place("test.model", folder, folder, "op_mxnet.py")
    with mock.patch("tercet.backends.finishing._formatted", lambda texts: texts):
        return BACKEND.render(graph, None, place)


def prepare(job: Job, folder: Path) -> None:
    """Writes the folder of a job.  Raises what the compiler raises."""
    place = folder / job.name
    text = script_text(job.graph, place)
    place.mkdir(parents=True)
    (place / "script.py").write_text(text)
    (place / "name.txt").write_text(class_name(text))
    if job.exported:
        (place / "spec.json").write_text(json.dumps(specification(job.graph)))
    arrays = {name: array.copy(order="C") for name, array in job.weights.items()}
    save_file(arrays, place / "weights.safetensors")
    for number, probe in enumerate(job.probes):
        given = {name: array.copy(order="C") for name, array in probe.items()}
        save_file(given, place / f"in{number}.safetensors")


def run_all(folder: Path, timeout: float = 600) -> None:
    """Runs every job of a folder in one process."""
    command = [sys.executable, "-m", "tests.backends.mxnet_worker", str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=timeout, env=environment
    )
    (folder / "stderr.txt").write_text(done.stderr)
    assert done.returncode == 0, done.stderr[-4000:]
