"""Scripts that train, of any framework: written with their flags and run, many in one process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from safetensors.numpy import save_file

from tercet.backends.base import Place
from tercet.codegen.script.style import FULL, Style
from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.training import Training
from tercet.compiler.graph.weights import lively_weights
from tercet.compiler.pipeline import load
from tercet.dsl.source import Source
from tercet.project import backend
from tests.backends.torch_scripts import ROOT

FRAMEWORKS = ("pytorch", "tensorflow", "mxnet")


def trained(text: str) -> tuple[Graph, Training]:
    """The one model of a text, and its training."""
    program = load(Source("test.model", text)).program_or_raise()
    ((name, graph),) = program.models.items()
    training = program.trainings[name]
    assert isinstance(training, Training)
    return graph, training


def prepare(framework: str, text: str, folder: Path, *runs: str, style: Style = FULL) -> None:
    """Writes the folder of a job, its weights too; `{0}` in the flags of a run is the folder."""
    graph, training = trained(text)
    folder.mkdir(parents=True)
    place = Place("test.model", folder, folder, "script.py")
    (folder / "script.py").write_text(backend(framework).render(graph, training, place, style))
    (folder / "flags.txt").write_text("".join(f"{run.format(folder)}\n" for run in runs))
    save_file(lively_weights(graph, 0), folder / "weights.safetensors")


def run_all(folder: Path, timeout: float = 900) -> None:
    """Runs every job of a folder, all of one framework."""
    command = [sys.executable, "-m", "tests.backends.training_worker", str(folder)]
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=quiet, capture_output=True, text=True, timeout=timeout
    )
    assert done.returncode == 0, done.stderr[-4000:]


def run_cases(frameworks: Iterable[str], texts: Mapping[str, str], place: Path, *runs: str) -> Path:
    """Prepares and runs every text in every framework, in `place/framework/name`; the place."""
    for framework in frameworks:
        for name, text in texts.items():
            prepare(framework, text, place / framework / name, *runs)
        run_all(place / framework)
    return place


def check(folder: Path) -> None:
    """Whether all runs of a job ended well."""
    error = folder / "error.txt"
    assert not error.exists(), f"{error.read_text()}\n{(folder / 'script.py').read_text()}"
