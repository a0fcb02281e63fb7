"""Random models: whatever the text, each generated script gives what the reference gives."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
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
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a target's answers to all its models, which one process gives."""

    @cache
    def run(target: str) -> Path:
        runner = RUNNERS[target]
        place: Path = tmp_path_factory.mktemp("random_models") / target
        place.mkdir()
        for seed in range(SEEDS[target]):
            runner.prepare(_job(seed), place)
        runner.run_all(place)
        return place

    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    "target, seed", [(target, seed) for target, count in SEEDS.items() for seed in range(count)]
)
def test_the_reference_is_met(target: str, seed: int, folder_of: Callable[[str], Path]) -> None:
    check(_job(seed), folder_of(target))
