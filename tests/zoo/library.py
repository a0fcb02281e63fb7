"""A network of samples/zoo beside the same one in a library, in double precision.

Both get the weights that verification draws, under which a wrong operation shows in the outputs;
the library's network is built and run in a process of its own (`library_worker.py`).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from tercet.compiler.graph.weights import lively_weights
from tercet.compiler.reference.calibration import calibrated
from tercet.compiler.reference.interpreter import run
from tercet.verification.probes import make_probes
from tests.zoo.networks import Library, Network

Array = NDArray[Any]
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Compared:
    """What the float64 reference gives, what the library gives, and what it gives elsewhere.

    `others` is the library's output for inputs drawn anew.
    """

    ours: Array
    theirs: Array
    others: Array

    @property
    def scale(self) -> float:
        """The largest number of the library's output."""
        return float(np.abs(self.theirs).max())

    @property
    def difference(self) -> float:
        """The largest difference, by the scale."""
        return float(np.abs(self.ours - self.theirs).max()) / self.scale

    @property
    def dependence(self) -> float:
        """By how much of the scale the output changes with the inputs."""
        return float(np.abs(self.others - self.theirs).max()) / self.scale


def is_installed(library: Library) -> bool:
    """Whether the library is there; it is not imported."""
    return find_spec(library.package) is not None


def compare(network: Network, folder: Path) -> Compared:
    """Runs both.  Raises AssertionError for names that are not one to one, or other shapes."""
    library = network.library
    assert library is not None
    graph = network.opened(library.parameters).model
    probes = [dict(probe.inputs) for probe in make_probes(graph, 0)[:2]]
    weights = calibrated(graph, lively_weights(graph, 0), probes[0], 0)
    theirs = _run_library(library, weights, probes, folder)
    (ours,) = run(graph, probes[0], weights, "float64").values()
    assert ours.shape == theirs[0].shape
    assert ours.dtype == theirs[0].dtype == np.float64
    return Compared(ours, *theirs)


def _run_library(
    library: Library, weights: Mapping[str, Array], probes: list[dict[str, Array]], folder: Path
) -> list[Array]:
    named = {library.name_of(path): array for path, array in weights.items()}
    assert len(named) == len(weights), "two parameters have one name in the library"
    save_file(named, folder / "weights.safetensors")
    for index, inputs in enumerate(probes):
        save_file(inputs, folder / f"inputs{index}.safetensors")
    plan = {
        "builder": library.builder,
        "arguments": dict(library.arguments),
        "output": library.output,
        "inputs": list(probes[0]),
        "probes": len(probes),
    }
    (folder / "plan.json").write_text(json.dumps(plan))
    command = [sys.executable, "-m", "tests.zoo.library_worker", str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr[-4000:]
    left = json.loads((folder / "left.json").read_text())
    assert [name for name in left if not re.search(library.unused, name)] == []
    return [load_file(folder / f"outputs{k}.safetensors")["y"] for k in range(len(probes))]
