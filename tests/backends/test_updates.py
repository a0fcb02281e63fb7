"""Scripts train as the language says, whatever their framework's own optimizer means.

`updates.py` has the networks and the oracle.  Here every part meets every other (optimizers meet a
constant rate and a changing one); `python -m benchmarks.training` goes through more.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tercet.compiler.training import OPTIMIZERS
from tests.backends.training_scripts import FRAMEWORKS, check, trained
from tests.backends.updates import OPTIMIZERS as TEXTS
from tests.backends.updates import Case, compared, covering, largest_gradients, run

TOLERANCE = 1e-6
"""Of the largest movement of a parameter."""
NOISE = 1e-12
"""A gradient below this is zero within rounding."""


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_no_argument_is_left_out(name: str) -> None:
    texts = "\n".join(text for text in TEXTS.values() if text.startswith(f"{name}("))
    own = [field.name for field in fields(OPTIMIZERS[name]) if field.name != "weight_decay"]
    assert all(f"{argument} = " in texts for argument in own)


CASES = covering()


def test_the_cases_are_all_different() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 45


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("updates")
    for framework in FRAMEWORKS:
        run(framework, CASES, place / framework)
    return place


@pytest.mark.slow
@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_definition_is_met(case: Case, framework: str, folder: Path) -> None:
    job = folder / framework / case.name
    check(job)
    _, training = trained(case.text)
    found = list(compared(training, job))
    assert len(found) >= 4
    assert all(entry.movement > 0 for entry in found)
    assert not [entry for entry in found if entry.relative > TOLERANCE]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_frameworks_end_alike(case: Case, folder: Path) -> None:
    """All weights, but elements whose gradient is zero within rounding, and running variances."""
    job = folder / "pytorch" / case.name
    start, largest = load_file(job / "weights.safetensors"), largest_gradients(job)
    ends = {f: load_file(folder / f / case.name / "trained.safetensors") for f in FRAMEWORKS}
    for name, gradient in largest.items():
        truth, sure = ends["pytorch"][name], gradient > NOISE
        scale = np.abs(truth - start[name]).max()
        assert sure.any()
        for other in ("mxnet", "tensorflow"):
            difference = np.abs(ends[other][name] - truth)[sure].max()
            assert difference <= 1e-5 * scale, (name, other)
    for name in ends["mxnet"]:
        if name.endswith("running_var"):  # biased in both
            np.testing.assert_allclose(ends["mxnet"][name], ends["tensorflow"][name], rtol=1e-6)
