"""Exact scripts trained in float64 in every framework, and how far apart their weights end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from tercet.project import open_project, script_text
from tests.backends.torch_scripts import ROOT

Array = np.ndarray[Any, Any]
FRAMEWORKS = ("pytorch", "tensorflow", "mxnet")
STEPS = 20
LIMIT = 1e-10
NOISE = 1e-13
"""A gradient that is never larger, of the model's largest one, is zero within rounding."""


def prepare(
    path: Path,
    folder: Path,
    flags: str = "",
    parameters: Mapping[str, str] | None = None,
    *,
    lean: bool = False,
) -> None:
    """Writes the folder of a job: the scripts of the float64 twin of a `.model` file."""
    project = open_project(path, parameters=parameters, float64=True, exact=True)
    folder.mkdir(parents=True)
    for framework in FRAMEWORKS:
        (folder / f"{framework}.py").write_text(script_text(project, framework, folder, lean=lean))
    (folder / "flags.txt").write_text(flags)


def run(place: Path, framework: str, steps: int = STEPS) -> None:
    """Trains every job of a place in one process."""
    worker = "tests.backends.exact_worker"
    command = [sys.executable, "-m", worker, framework, str(steps), str(place)]
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]


@dataclass(frozen=True)
class Difference:
    """How far apart the frameworks' values of a weight are, and those of its sure elements.

    An element is unsure whose gradient is zero within rounding: optimizers make numbers of the
    rounding.
    """

    name: str
    largest: float
    unsure: int


def differences(folder: Path) -> Iterator[Difference]:
    """Every weight and running statistic of a job."""
    for framework in FRAMEWORKS:
        error = folder / f"{framework}.error"
        assert not error.exists(), f"{framework}: {error.read_text()}"
    ends = [load_file(folder / f"{framework}.safetensors") for framework in FRAMEWORKS]
    with np.load(folder / "gradients.npz") as file:
        gradients = dict(file.items())
    scale = max(float(g.max(initial=0.0)) for g in gradients.values())
    assert all(end.keys() == ends[0].keys() for end in ends)
    for name, first in ends[0].items():
        assert all(end[name].dtype == first.dtype for end in ends)
        apart = np.max([np.abs(end[name] - first) for end in ends[1:]], axis=0)
        unsure = np.zeros(first.shape, bool)
        if name in gradients:
            unsure = (gradients[name] <= NOISE * scale).reshape(first.shape)
        moved = unsure & (apart > LIMIT)
        yield Difference(name, float(apart[~moved].max(initial=0.0)), int(moved.sum()))
