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
from collections.abc import Mapping, Sequence
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

    All outputs in their order; `others` are the library's for inputs drawn anew.
    """

    ours: Sequence[Array]
    theirs: Sequence[Array]
    others: Sequence[Array]

    @property
    def difference(self) -> float:
        """The largest difference of an output, by its scale."""
        return max(map(_by_scale, self.ours, self.theirs))

    @property
    def dependence(self) -> float:
        """By how much of its scale an output at least changes with the inputs."""
        return min(map(_by_scale, self.others, self.theirs))


def _by_scale(found: Array, wanted: Array) -> float:
    assert found.shape == wanted.shape
    assert found.dtype == wanted.dtype == np.float64
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


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
    ours = run(graph, probes[0], weights, "float64")
    return Compared(list(ours.values()), *theirs)


def _run_library(
    library: Library, weights: Mapping[str, Array], probes: list[dict[str, Array]], folder: Path
) -> list[list[Array]]:
    named = {library.name_of(path): array for path, array in weights.items()}
    assert len(named) == len(weights), "two parameters have one name in the library"
    for name in filter(re.compile(library.transposed).search, named):
        named[name] = np.ascontiguousarray(named[name].T)
    save_file(named, folder / "weights.safetensors")
    for index, inputs in enumerate(probes):
        save_file(inputs, folder / f"inputs{index}.safetensors")
    plan = {
        "builder": library.builder,
        "arguments": dict(library.arguments),
        "config": library.config,
        "given": dict(library.given),
        "outputs": library.outputs,
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
    found = [load_file(folder / f"outputs{k}.safetensors") for k in range(len(probes))]
    return [[outputs[str(k)] for k in range(len(outputs))] for outputs in found]
