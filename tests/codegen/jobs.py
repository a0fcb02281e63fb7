"""Texts of models as jobs for the frameworks: elaborated, with lively weights and inputs drawn."""

from __future__ import annotations

import hashlib
from types import ModuleType
from typing import Final

import numpy as np

from tercet.compiler.dims import evaluate
from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.weights import lively_weights
from tercet.compiler.pipeline import load
from tercet.compiler.sizing.sizes import two_settings
from tercet.compiler.types import TensorType
from tercet.dsl.source import Source
from tests.backends import mxnet_scripts, tensorflow_scripts, torch_scripts
from tests.backends.torch_scripts import Array, Job

RUNNERS: Final[dict[str, ModuleType]] = {
    "pytorch": torch_scripts,
    "tensorflow": tensorflow_scripts,
    "mxnet": mxnet_scripts,
}
"""For each target a module with `prepare`, for one job, and `run_all`, for a folder of them."""


def graph_of(text: str, name: str = "test") -> Graph:
    """The last model of a text.  Raises DiagnosticError."""
    result = load(Source(f"{name}.model", text))
    return list(result.program_or_raise().models.values())[-1]


def job_of(name: str, graph: Graph, tolerance: float = 1e-5) -> Job:
    """The model at two settings of its sizes."""
    digest = hashlib.sha256(name.encode()).digest()
    random = np.random.default_rng(int.from_bytes(digest[:8], "little"))
    probes = []
    for sizes in two_settings(graph):
        probe: dict[str, Array] = {}
        for entry in graph.inputs:
            type = entry.value.type
            shape = tuple(evaluate(n, sizes) for n in type.shape)
            probe[entry.value.name] = np.asarray(_draw(random, type, shape))
        probes.append(probe)
    return Job(name, graph, lively_weights(graph, 0), tuple(probes), tolerance)


def _draw(random: np.random.Generator, type: TensorType, shape: tuple[int, ...]) -> Array:
    if type.dtype.is_integer:
        return random.integers(0, 4, shape).astype(type.dtype.numpy_name)
    if not type.dtype.is_float:
        return random.random(shape) < 0.5
    return random.normal(size=shape).astype(type.dtype.numpy_name)
