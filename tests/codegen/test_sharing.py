"""Layers that blocks get as arguments: owned once, listed once, applied by whoever has them."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from safetensors.numpy import load_file

from tercet.dsl.diagnostics import DiagnosticError
from tests.backends import mxnet_scripts, tensorflow_scripts, torch_scripts
from tests.codegen.jobs import graph_of, job_of
from tests.codegen.models import SHARING as MODELS

TARGETS: dict[str, ModuleType] = {
    "pytorch": torch_scripts,
    "tensorflow": tensorflow_scripts,
    "mxnet": mxnet_scripts,
}
_SIZES = "applied to inputs of types so different"
REFUSED: dict[tuple[str, str], tuple[str, int]] = {
    ("mxnet", "one_instance_many_sizes"): (f"mxnet: an instance of `Apply` is {_SIZES}", 1),
    ("mxnet", "one_instance_called_from_two_blocks"): (
        f"mxnet: an instance of `Inner` is {_SIZES}",
        1,
    ),
}
"""What a target has no way to write: part of the message, and its line."""
CASES = [(t, name) for t in TARGETS for name in MODELS if (t, name) not in REFUSED]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sharing")
    for target, scripts in TARGETS.items():
        for name in (name for t, name in CASES if t == target):
            try:
                scripts.prepare(job_of(name, graph_of(MODELS[name], name)), place / target)
            except Exception as problem:
                (place / f"{target}_{name}.txt").write_text(f"{type(problem).__name__}: {problem}")
        scripts.run_all(place / target)
    return place


@pytest.mark.slow
@pytest.mark.parametrize(("target", "name"), CASES, ids=map("-".join, CASES))
def test_the_reference_is_met_and_weights_are_listed_once(
    target: str, name: str, folder: Path
) -> None:
    problem = folder / f"{target}_{name}.txt"
    assert not problem.exists(), problem.read_text()
    job = job_of(name, graph_of(MODELS[name], name))
    torch_scripts.check(job, folder / target)
    saved = load_file(folder / target / name / "saved.safetensors")
    assert saved.keys() == job.weights.keys()
    for path, array in job.weights.items():
        np.testing.assert_array_equal(saved[path], array, path)


@pytest.mark.parametrize(("target", "name"), REFUSED, ids=map("-".join, REFUSED))
def test_what_cannot_be_written_is_refused_at_its_line(
    target: str, name: str, tmp_path: Path
) -> None:
    message, line = REFUSED[target, name]
    with pytest.raises(DiagnosticError) as caught:
        TARGETS[target].script_text(graph_of(MODELS[name], name), tmp_path)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E0701"
    assert message in diagnostic.message
    assert diagnostic.span.line == line
