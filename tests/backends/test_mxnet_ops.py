"""Every operation in a generated MXNet script gives the reference's answer, and so does its ONNX.

All cases run in one process, at two sizes of each symbol.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import tercet
from tercet.dsl.diagnostics import DiagnosticError
from tests.backends.mxnet_scripts import prepare, run_all
from tests.backends.op_jobs import job
from tests.backends.torch_scripts import check
from tests.ops.cases import CASES, RANDOM
from tests.ops.frame import OpCase
from tests.ops.layer_cases import CASES as LAYER_CASES

ALL = [*CASES, *LAYER_CASES]
DRAWN = {case.name for case in RANDOM if case.op.is_random}
_CONSTANT = "no output depends on an input or a parameter"
REFUSED = {
    "arange": _CONSTANT,
    "arange_step": _CONSTANT,
    "constant": _CONSTANT,
    "constant_integer": _CONSTANT,
    "full": _CONSTANT,
    "gru_reset_first": "resets after the product only",
    "gru_reset_first_everything": "resets after the product only",
}
"""Cases that the target refuses, and what it says."""
RUN = [case for case in ALL if case.name not in REFUSED and case.name not in DRAWN]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("mxnet_ops")
    for case in RUN:
        try:
            prepare(job(case, "mxnet"), place)
        except Exception as problem:
            (place / f"{case.name}.txt").write_text(repr(problem))
    run_all(place)
    return place


@pytest.mark.slow
@pytest.mark.parametrize("case", RUN, ids=lambda case: case.name)
def test_the_reference_is_met(case: OpCase, folder: Path) -> None:
    problem = folder / f"{case.name}.txt"
    assert not problem.exists(), problem.read_text()
    check(job(case, "mxnet"), folder)


@pytest.mark.parametrize("case", [c for c in ALL if c.name in REFUSED], ids=lambda case: case.name)
def test_what_cannot_be_expressed_is_refused(case: OpCase, tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError) as caught:
        prepare(job(case, "mxnet"), tmp_path)
    assert REFUSED[case.name] in str(caught.value)


def test_a_size_that_no_input_shows_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "net.model").write_text("model M { input x: f32[N, 2 * T]\n output y = x / T }")
    with pytest.raises(DiagnosticError) as caught:
        tercet.compile(tmp_path / "net.model", targets=["mxnet"], output=tmp_path)
    message = "mxnet cannot express a size as a number: the size T cannot be had from the inputs'"
    assert f"net.model:2:17: error[E0701]: {message}" in str(caught.value)
