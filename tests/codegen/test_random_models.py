"""Random models: whatever the text, each generated script gives what the reference gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backends.torch_scripts import Job, check
from tests.codegen.jobs import RUNNERS, graph_of, job_of
from tests.codegen.programs import Writer

SEEDS = {"pytorch": 60, "tensorflow": 10, "mxnet": 25}
"""How many are tried: an export from TensorFlow takes seconds."""
_TOLERANCE = 1e-4  # deep products of float32


def _job(seed: int) -> Job:
    name = f"random{seed}"
    return job_of(name, graph_of(Writer(seed).program(), name), _TOLERANCE)


@pytest.fixture(scope="session")
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    runner = RUNNERS[request.param]
    place: Path = tmp_path_factory.mktemp("random_models") / request.param
    place.mkdir()
    for seed in range(SEEDS[request.param]):
        runner.prepare(_job(seed), place)
    runner.run_all(place)
    return place


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "seed"),
    [(target, seed) for target, count in SEEDS.items() for seed in range(count)],
    indirect=["folder"],
)
def test_the_reference_is_met(seed: int, folder: Path) -> None:
    check(_job(seed), folder)
