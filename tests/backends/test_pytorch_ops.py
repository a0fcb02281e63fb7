"""Every operation in a generated PyTorch script gives the reference's answer, and so does its ONNX.

All cases run in one process, at two sizes of each symbol.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import tercet
from tests.backends.op_jobs import job
from tests.backends.torch_scripts import check, prepare, run_all
from tests.ops.cases import CASES, RANDOM
from tests.ops.frame import OpCase
from tests.ops.layer_cases import CASES as LAYER_CASES

ALL = [*CASES, *LAYER_CASES]
DRAWN = {case.name for case in RANDOM if case.op.is_random}
REFUSED = {"gru_reset_first", "gru_reset_first_everything"}
"""What PyTorch has not; `test_limits` tries what is said."""
RUN = [case for case in ALL if case.name not in DRAWN | REFUSED]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("pytorch_ops")
    for case in RUN:
        try:
            prepare(job(case, "pytorch"), place)
        except Exception as problem:
            (place / f"{case.name}.txt").write_text(repr(problem))
    run_all(place)
    return place


@pytest.mark.slow
@pytest.mark.parametrize("case", RUN, ids=lambda case: case.name)
def test_the_reference_is_met(case: OpCase, folder: Path) -> None:
    problem = folder / f"{case.name}.txt"
    assert not problem.exists(), problem.read_text()
    check(job(case, "pytorch"), folder)


@pytest.mark.parametrize("dtype, wide", [("f16", True), ("bf16", True), ("f32", False)])
def test_places_of_16_bits_are_computed_in_32(dtype: str, wide: bool, tmp_path: Path) -> None:
    """Else they are rounded, by a hundredth of the distance between two elements and more."""
    path = tmp_path / "net.model"
    path.write_text(
        f"model M {{ input x: {dtype}[N, 3, 9, 9]\n input g: {dtype}[N, 4, 4, 2]\n"
        "output y = x |> grid_sample(g) }"
    )
    tercet.compile(path, targets=["pytorch"], output=tmp_path)
    script = (tmp_path / "net_pytorch.py").read_text()
    assert ("F.grid_sample(x.float(), g.float()," in script) == wide
