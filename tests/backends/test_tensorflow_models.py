"""Whole models as TensorFlow scripts: inference, export, weights; where images are turned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tercet.compiler import dims
from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.weights import lively_weights
from tercet.compiler.pipeline import load
from tercet.dsl.source import Source
from tests.backends.onnx_graphs import Array
from tests.backends.tensorflow_models import MODELS, Model
from tests.backends.tensorflow_scripts import prepare, run_all
from tests.backends.torch_scripts import Job, check


def graph_of(text: str) -> Graph:
    program = load(Source("test.model", text)).program_or_raise()
    return list(program.models.values())[-1]


def job(model: Model) -> Job:
    graph = graph_of(model.text)
    random = np.random.default_rng(0)
    probes = []
    for sizes in model.sizes:
        probe: dict[str, Array] = {}
        for entry in graph.inputs:
            type = entry.value.type
            shape = tuple(dims.evaluate(n, sizes) for n in type.shape)
            if type.dtype.is_float:
                probe[entry.value.name] = random.normal(size=shape).astype(type.dtype.numpy_name)
            else:
                drawn = random.integers(1, model.high, shape)
                probe[entry.value.name] = np.asarray(drawn, type.dtype.numpy_name)
        probes.append(probe)
    return Job(model.name, graph, lively_weights(graph, 0), tuple(probes))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tensorflow_models")
    for model in MODELS:
        prepare(job(model), place)
    run_all(place)
    return place


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_the_reference_is_met(model: Model, folder: Path) -> None:
    made = job(model)
    check(made, folder)
    saved = load_file(folder / model.name / "saved.safetensors")
    assert saved.keys() == made.weights.keys()
    for name, array in made.weights.items():
        np.testing.assert_array_equal(saved[name], array, name)
