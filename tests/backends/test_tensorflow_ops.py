"""Every operation in a generated TensorFlow script gives the reference's answer; so does its ONNX.

All cases run in one process, at two sizes of each symbol, by the scripts' own flags.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tercet.compiler.ops.elementwise import Constant
from tests.backends.op_jobs import job
from tests.backends.tensorflow_scripts import prepare, run_all
from tests.backends.torch_scripts import check
from tests.ops.cases import CASES, RANDOM
from tests.ops.frame import OpCase
from tests.ops.layer_cases import CASES as LAYER_CASES

ALL = [case for case in (*CASES, *LAYER_CASES) if not isinstance(case.op, Constant)]
DRAWN = {case.name for case in RANDOM if case.op.is_random or case.op.train_only}
RUN = [case for case in ALL if case.name not in DRAWN]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tensorflow_ops")
    for case in RUN:
        try:
            prepare(job(case, "tensorflow"), place)
        except Exception as problem:
            (place / f"{case.name}.txt").write_text(repr(problem))
    run_all(place)
    return place


@pytest.mark.slow
@pytest.mark.parametrize("case", RUN, ids=lambda case: case.name)
def test_the_reference_is_met(case: OpCase, folder: Path) -> None:
    problem = folder / f"{case.name}.txt"
    assert not problem.exists(), problem.read_text()
    made = job(case, "tensorflow")
    check(made, folder)
    saved = load_file(folder / case.name / "saved.safetensors")
    assert saved.keys() == made.weights.keys()
    for name, array in made.weights.items():
        np.testing.assert_array_equal(saved[name], array, name)
