"""NaN and infinity: every target makes of them what the operations say, or tells what else.

The records of operations are run again with NaN and infinities among the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from tercet.backends.onnx import to_onnx
from tercet.compiler.reference import interpreter
from tercet.coverage import lowerings
from tests.backends import mxnet_scripts, tensorflow_scripts, torch_scripts
from tests.backends.onnx_graphs import run_model
from tests.backends.op_jobs import job
from tests.backends.torch_scripts import Job
from tests.ops.cases import CASES, RANDOM
from tests.ops.frame import OpCase
from tests.ops.layer_cases import ACTIVATIONS

NUMBERS = ("normal", "positive", "probability", "cosine", "above_one", "halves", "sign")
DRAWN = {case.name for case in RANDOM}
SCRIPTS: dict[str, ModuleType] = {
    "pytorch": torch_scripts,
    "tensorflow": tensorflow_scripts,
    "mxnet": mxnet_scripts,
}


def _special(case: OpCase) -> OpCase:
    inputs = (
        replace(given, kind="special") if given is not None and given.kind in NUMBERS else given
        for given in case.inputs
    )
    return replace(case, inputs=tuple(inputs))


SPECIAL = [
    special
    for case in (*CASES, *ACTIVATIONS)
    if case.name not in DRAWN and (special := _special(case)).inputs != case.inputs
]


def _differs(
    made: Job, expected: Mapping[str, NDArray[Any]], found: Mapping[str, NDArray[Any]]
) -> bool:
    for output in made.graph.outputs:
        ours, truth = (a[output.name].astype(np.float64) for a in (found, expected))
        if not np.allclose(ours, truth, rtol=1e-4, atol=1e-4, equal_nan=True):
            return True
    return False


def _expected(made: Job) -> dict[str, NDArray[Any]]:
    with np.errstate(all="ignore"):
        return interpreter.run(made.graph, made.probes[0], made.weights)


@pytest.mark.slow
@pytest.mark.parametrize("target", SCRIPTS)
def test_scripts_and_their_files(target: str, tmp_path: Path) -> None:
    jobs: list[tuple[OpCase, Job]] = []
    for case in SPECIAL:
        made = job(case, target)
        SCRIPTS[target].prepare(made, tmp_path)
        jobs.append((case, made))
    SCRIPTS[target].run_all(tmp_path)
    wrong: list[str] = []
    for case, made in jobs:
        told = lowerings(target).exceptions(type(case.op))
        expected, place = _expected(made), tmp_path / case.name
        for file, excepted in (
            ("out0", any(e.framework for e in told)),
            ("onnx0", any(e.file for e in told)),
        ):
            found = load_file(place / f"{file}.safetensors")
            if _differs(made, expected, found) and not excepted:
                wrong.append(f"{case.name}: {file}")
    assert not wrong


def test_direct_files() -> None:
    wrong: list[str] = []
    for case in SPECIAL:
        made = job(case, "onnx")
        names = [output.name for output in made.graph.outputs]
        results = run_model(to_onnx(made.graph, made.weights), made.probes[0])
        found = dict(zip(names, results, strict=True))
        told = lowerings("onnx").exceptions(type(case.op))
        if _differs(made, _expected(made), found) and not any(e.file for e in told):
            wrong.append(case.name)
    assert not wrong
