"""Every operation in every dtype inside losses of every target: values and gradients.

What a step of training does to the weight of each term is compared with the reference in float64.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tercet.backends.base import Place
from tercet.codegen.functions import print_function
from tercet.compiler.ops.base import LayerOp
from tercet.compiler.ops.elementwise import Constant
from tercet.compiler.types import DType
from tercet.dsl.diagnostics import DiagnosticError
from tercet.project import FRAMEWORKS, backend, open_project
from tests.backends.loss_terms import Term, program, terms
from tests.backends.onnx_graphs import op_graph
from tests.backends.printing import LOSSES
from tests.backends.torch_scripts import printable
from tests.backends.training_scripts import run_all
from tests.ops.cases import CASES, RANDOM
from tests.ops.frame import OpCase
from tests.ops.layer_cases import CASES as LAYER_CASES

DRAWN = {case.name for case in RANDOM if case.op.is_random}


def _tried(case: OpCase) -> bool:
    """Not what has no operand, is random, or would be stopped since its data are not finite."""
    special = any(
        a is not None and a.dtype.kind == "f" and not np.isfinite(a).all() for a in case.arrays()
    )
    unfit = isinstance(case.op, LayerOp | Constant) or not case.op.operands
    return not (special or unfit or case.name in DRAWN)


EXPECTED: dict[Term, float | None] = {
    term: expected
    for term in terms([case for case in (*CASES, *LAYER_CASES) if _tried(case)])
    if (expected := term.expected()) is None or np.isfinite(expected)
}
"""None where only the targets can be compared with each other."""

REFUSED = {
    "pytorch": set[str](),
    "tensorflow": set[str](),
    "mxnet": {t.name for t in EXPECTED if {DType.F16, DType.BF16} & t.dtypes}
    | {"ctc(f64, i64, i64)"},
}
"""What a target cannot do, which it says when it is compiled."""

TOLERANCE = {DType.F16: 2e-2, DType.BF16: 1e-1}
_CHUNK = 60


def _refused(term: Term, target: str) -> bool:
    graph = printable(op_graph(term.case.op, term.types))
    try:
        print_function(graph, LOSSES[target]([graph]), {})
    except DiagnosticError:
        return True
    return False


@pytest.mark.parametrize("target", FRAMEWORKS)
def test_what_is_refused(target: str) -> None:
    assert {t.name for t in EXPECTED if _refused(t, target)} == REFUSED[target]


@pytest.fixture(scope="session")
def moves(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[Term, float]]:
    """How far each term's weight moved, by target."""
    place = tmp_path_factory.mktemp("loss_terms")
    return {target: _trained(target, place / target) for target in FRAMEWORKS}


def _trained(target: str, place: Path) -> dict[Term, float]:
    chosen = [term for term in EXPECTED if term.name not in REFUSED[target]]
    chunks = [chosen[k : k + _CHUNK] for k in range(0, len(chosen), _CHUNK)]
    folders = [place / f"{number:02}" for number in range(len(chunks))]
    for chunk, folder in zip(chunks, folders, strict=True):
        _prepare(target, chunk, folder)
    run_all(place)
    found: dict[Term, float] = {}
    for chunk, folder in zip(chunks, folders, strict=True):
        error = folder / "error.txt"
        assert not error.exists(), error.read_text()
        weights = load_file(folder / "saved")["w"]
        found |= {term: 1 - float(w) for term, w in zip(chunk, weights, strict=True)}
    return found


def _prepare(target: str, chunk: list[Term], folder: Path) -> None:
    text, columns = program(chunk)
    folder.mkdir(parents=True)
    (folder / "terms.model").write_text(text)
    np.savez(folder / "data.npz", **columns)
    project = open_project(folder / "terms.model")
    place = Place("terms.model", folder, folder, "script.py")
    with mock.patch("tercet.backends.finishing._formatted", lambda texts: texts):
        script = backend(target).render(project.model, project.program.trainings["M"], place)
    (folder / "script.py").write_text(script)
    (folder / "flags.txt").write_text(f"--weights {folder}/ones --save {folder}/saved")
    save_file({"w": np.ones(len(chunk), np.float32)}, folder / "ones")


@pytest.mark.slow
@pytest.mark.parametrize("target", FRAMEWORKS)
def test_values_and_gradients(target: str, moves: Mapping[str, Mapping[Term, float]]) -> None:
    wrong: dict[str, tuple[float, float]] = {}
    for term, found in moves[target].items():
        expected = EXPECTED[term]
        if expected is None:
            expected = moves["pytorch"][term]
        near = max((TOLERANCE.get(dtype, 2e-3) for dtype in term.dtypes), default=2e-3)
        if not abs(found - expected) <= near * (1 + abs(expected)):
            wrong[term.name] = found, expected
    assert not wrong
