"""What is hard to print as classes: the generated script gives what the reference gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backends.torch_scripts import check, prepare, run_all
from tests.codegen.jobs import graph_of, job_of
from tests.codegen.models import MODELS


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("models")
    for name, text in MODELS.items():
        try:
            prepare(job_of(name, graph_of(text, name)), place)
        except Exception as problem:
            (place / f"{name}.txt").write_text(f"{type(problem).__name__}: {problem}")
    run_all(place)
    return place


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_the_reference_is_met(name: str, folder: Path) -> None:
    problem = folder / f"{name}.txt"
    assert not problem.exists(), problem.read_text()
    check(job_of(name, graph_of(MODELS[name], name)), folder)
