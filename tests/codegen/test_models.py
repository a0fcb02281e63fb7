"""What is hard to print as classes: each generated script gives what the reference gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from tercet.dsl.diagnostics import DiagnosticError
from tests.backends import torch_scripts
from tests.codegen.jobs import RUNNERS, graph_of, job_of
from tests.codegen.models import MODELS

REFUSED: dict[tuple[str, str], str] = {
    ("block_instance_many_sizes", "mxnet"): "no one class can be written",
    ("bound_multiples_and_more", "mxnet"): "cannot be had from the inputs' shapes",
    ("uneven_padding_and_ceil_over_any_size", "pytorch"): "depends on the size",
}
"""What a target cannot express, with a part of the reason it gives."""


@pytest.mark.parametrize("name", RUNNERS)
def test_a_size_that_no_shape_tells_alone_is_refused(name: str, tmp_path: Path) -> None:
    text = """model M {
        input x: f32[N, H]
        input y: f32[N, H * W]
        output z = full([H, W], 0.5) + sum(x) + sum(y)
    }"""
    with pytest.raises(DiagnosticError, match=r"E0701.*\bsize W\b"):
        RUNNERS[name].prepare(job_of("M", graph_of(text, "M")), tmp_path)


@pytest.fixture(scope="session", params=RUNNERS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    runner = RUNNERS[request.param]
    place: Path = tmp_path_factory.mktemp("models") / request.param
    place.mkdir()
    for name, text in MODELS.items():
        try:
            runner.prepare(job_of(name, graph_of(text, name)), place)
        except Exception as problem:
            (place / f"{name}.txt").write_text(f"{type(problem).__name__}: {problem}")
    runner.run_all(place)
    return place


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_the_reference_is_met(name: str, folder: Path) -> None:
    problem = folder / f"{name}.txt"
    refused = REFUSED.get((name, folder.name))
    if refused is not None:
        assert refused in problem.read_text()
        return
    assert not problem.exists(), problem.read_text()
    torch_scripts.check(job_of(name, graph_of(MODELS[name], name)), folder)
