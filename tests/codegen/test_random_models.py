"""Random models: whatever the text, the generated script gives what the reference gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backends.torch_scripts import Job, check, prepare, run_all
from tests.codegen.jobs import graph_of, job_of
from tests.codegen.programs import Writer

SEEDS = range(60)
_TOLERANCE = 1e-4  # deep products of float32


def _job(seed: int) -> Job:
    name = f"random{seed}"
    return job_of(name, graph_of(Writer(seed).program(), name), _TOLERANCE)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("random_models")
    for seed in SEEDS:
        prepare(_job(seed), place)
    run_all(place)
    return place


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_the_reference_is_met(seed: int, folder: Path) -> None:
    check(_job(seed), folder)
