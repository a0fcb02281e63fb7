"""Operations as losses use them in MXNet, on NDArrays: values and gradients.

The gradient is compared with the difference quotient of the reference along a random direction.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tercet.backends.mxnet.helpers import helper_constants, helper_pieces
from tercet.backends.mxnet.target import MXNetTarget
from tercet.codegen.expr import Helper
from tercet.codegen.functions import print_function
from tercet.codegen.render import render
from tercet.codegen.tree import find_parts
from tercet.codegen.writer import Evaluate, lines
from tercet.compiler.ops.base import LayerOp
from tercet.compiler.ops.random import StopGradient
from tercet.compiler.types import DType, TensorType
from tests.backends.onnx_graphs import op_graph
from tests.backends.torch_scripts import printable
from tests.ops.cases import CASES, RANDOM
from tests.ops.frame import OpCase
from tests.ops.layer_cases import CASES as LAYER_CASES

ROOT = Path(__file__).parents[2]
REFUSED = {"max_pool2d_ceil_cut", "add_scalar", "gather_scalar"}
STEPPED = {"floor_divide", "modulo", "cross_entropy_without_weight", "mse_without_weight"}
STEPPED |= {"ctc_too_long", "cross_entropy_soft_without_weight"}
"""Cases whose value jumps or is infinite, so that no quotient tells the gradient (without weights:
by these)."""
DRAWN = {case.name for case in RANDOM if case.op.is_random}
RUN = [
    case
    for case in (*CASES, *LAYER_CASES)
    if not isinstance(case.op, LayerOp)
    and case.name not in REFUSED | DRAWN
    and any(i is not None and i.shape for i in case.inputs)
]
_STEP = 1e-6


def _single(type: TensorType | None) -> TensorType | None:
    return type.with_dtype(DType.F32) if type is not None and type.dtype is DType.F64 else type


def function_text(case: OpCase) -> str:
    graph = printable(op_graph(case.op, [_single(t) for t in case.types()]))
    code = print_function(graph, MXNetTarget(graph, eager=True), {})
    results = list(code.results.values())
    statements = (*code.statements, *(Evaluate(e) for e in results))
    helpers = {h.identifier for h in find_parts(statements, Helper)}
    constants = [f"{name} = {value}" for name, value in helper_constants(helpers).constants]
    texts = [piece.text for piece in helper_pieces(helpers)]
    body = list(lines(code.statements, 1)) if code.statements else []
    returned = f"    return [{', '.join(map(render, results))}]"
    head = f"def function({', '.join(code.inputs)}):"
    return "\n".join([*constants, *texts, head, *body, returned])


def _arguments(case: OpCase) -> dict[str, Any]:
    """Inputs, directions of the floating-point ones, and weights of such outputs."""
    random = case.generator("eager")
    found: dict[str, Any] = {}
    for number, (given, array) in enumerate(zip(case.inputs, case.arrays(), strict=True)):
        if given is None or array is None:
            continue
        if array.dtype.kind == "b":
            found[f"x{number}"] = array.astype(np.float32)
        elif array.dtype.kind == "f":
            found[f"x{number}"] = array.astype(np.float32)
            found[f"direction{number}"] = random.normal(size=array.shape)
        else:
            found[f"x{number}"] = array
    for number, output in enumerate(case.reference()):
        if output.dtype.kind == "f":
            found[f"weight{number}"] = random.normal(size=output.shape)
    return found


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("mxnet_eager")
    for case in RUN:
        try:
            (place / f"{case.name}.py").write_text(function_text(case))
        except Exception as problem:
            (place / f"{case.name}.py").unlink(missing_ok=True)
            (place / f"{case.name}.txt").write_text(repr(problem))
        np.savez(place / f"{case.name}.npz", **_arguments(case))
    command = [sys.executable, "-m", "tests.backends.mxnet_eager_worker", str(place)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-4000:]
    return place


def _slope(case: OpCase, given: dict[str, Any]) -> float:
    """The derivative of the reference's weighed outputs along the direction."""

    def total(sign: int) -> float:
        arrays = [
            None
            if array is None
            else array + sign * _STEP * given[f"direction{number}"]
            if f"direction{number}" in given
            else array
            for number, array in enumerate(case.arrays())
        ]
        result = case.op.reference(*arrays)
        outputs = result if isinstance(result, tuple) else (result,)
        return sum(
            float((output * given[f"weight{number}"]).sum())
            for number, output in enumerate(outputs)
            if f"weight{number}" in given
        )

    return (total(1) - total(-1)) / (2 * _STEP)


@pytest.mark.slow
@pytest.mark.parametrize("case", RUN, ids=lambda case: case.name)
def test_values_and_gradients(case: OpCase, folder: Path) -> None:
    problem = folder / f"{case.name}.txt"
    assert not problem.exists(), problem.read_text()
    found, given = np.load(folder / f"{case.name}.out.npz"), _arguments(case)
    for number, truth in enumerate(case.reference()):
        ours = found[str(number)].reshape(truth.shape)
        scale = float(np.abs(np.where(np.isfinite(truth), truth, 0)).max(initial=1.0))
        tolerance = case.tolerance if truth.dtype.kind == "f" else 0
        np.testing.assert_allclose(ours, truth, rtol=tolerance, atol=tolerance * scale)
    special = any(
        i is not None and (i.kind in ("special", "halves") or (i.kind == "grid" and i.high > 0))
        for i in case.inputs
    )
    if case.name in STEPPED or special:
        return
    flows = not isinstance(case.op, StopGradient)
    expected = _slope(case, given) if flows and any(n[0] == "d" for n in given) else 0.0
    size = sum(float(np.abs(given[n]).sum()) for n in given if n.startswith("weight"))
    assert float(found["slope"]) == pytest.approx(expected, rel=2e-3, abs=2e-4 * (1 + size) ** 0.5)
