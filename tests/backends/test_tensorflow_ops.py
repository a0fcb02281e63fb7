"""Every operation in a generated TensorFlow script gives the reference's answer; so does its ONNX.

All cases run in one process, at two sizes of each symbol, by the scripts' own flags.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from backends.tensorflow import lower
from backends.tensorflow.target import construct
from compiler.ops.base import OPERATIONS, LayerOp
from compiler.ops.elementwise import Constant
from compiler.ops.loss import Loss
from compiler.types import DType, TensorType
from dsl.diagnostics import DiagnosticError
from tests.backends.onnx_graphs import Array, concrete, op_graph
from tests.backends.tensorflow_scripts import prepare, run_all
from tests.backends.torch_scripts import Job, check, printable
from tests.ops.cases import CASES, RANDOM
from tests.ops.frame import Input, OpCase
from tests.ops.layer_cases import CASES as LAYER_CASES

ALL = [case for case in (*CASES, *LAYER_CASES) if not isinstance(case.op, Constant)]
DRAWN = {case.name for case in RANDOM if case.op.is_random or case.op.train_only}
REFUSED = {"conv_transpose2d_odd": "Keras has no transposed convolution with groups"}
"""Cases that the target refuses, and what it says."""
RUN = [case for case in ALL if case.name not in REFUSED and case.name not in DRAWN]


def test_every_operation_is_lowered_or_says_why_not() -> None:
    assert not [name for name, reason in lower.coverage().items() if reason == "missing"]
    layers = {name for name, cls in OPERATIONS.items() if issubclass(cls, LayerOp)}
    made = {name for name, reason in construct.coverage().items() if reason is None}
    refused = {name for name, reason in lower.coverage().items() if reason is not None}
    assert layers - refused == made


def _single(type: TensorType | None) -> TensorType | None:
    return type.with_dtype(DType.F32) if type is not None and type.dtype is DType.F64 else type


def job(case: OpCase) -> Job:
    types = [_single(type) for type in case.types(case.symbolic)]
    witnesses = [] if any(types) else [TensorType(DType.F32, (2,))]
    graph = printable(op_graph(case.op, types, witnesses))
    random = case.generator("tensorflow")
    probes = []
    for more in (0, 2) if case.symbolic else (0,):
        sizes = {f"S{n}": n + more for n in case.symbolic}
        probe: dict[str, Array] = {}
        for entry in graph.inputs:
            name, type = entry.value.name, entry.value.type
            given = case.inputs[int(name[1:])] if name[0] == "x" else Input((2,))
            assert given is not None
            drawn = replace(given, shape=concrete(type, sizes)).draw(random)
            probe[name] = np.asarray(drawn, dtype=type.dtype.numpy_name)
        probes.append(probe)
    parameters = case.parameters()
    weights = {
        path: parameters[parameter.name].astype(parameter.type.dtype.numpy_name)
        for path, parameter in graph.parameters()
    }
    exported = not isinstance(case.op, Loss)
    return Job(case.name, graph, weights, tuple(probes), case.tolerance, exported)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tensorflow_ops")
    for case in RUN:
        try:
            prepare(job(case), place)
        except Exception as problem:
            (place / f"{case.name}.txt").write_text(repr(problem))
    run_all(place)
    return place


@pytest.mark.slow
@pytest.mark.parametrize("case", RUN, ids=lambda case: case.name)
def test_the_reference_is_met(case: OpCase, folder: Path) -> None:
    problem = folder / f"{case.name}.txt"
    assert not problem.exists(), problem.read_text()
    made = job(case)
    check(made, folder)
    saved = load_file(folder / case.name / "saved.safetensors")
    assert saved.keys() == made.weights.keys()
    for name, array in made.weights.items():
        np.testing.assert_array_equal(saved[name], array, name)


@pytest.mark.parametrize("case", [c for c in ALL if c.name in REFUSED], ids=lambda case: case.name)
def test_what_cannot_be_expressed_is_refused(case: OpCase, tmp_path: Path) -> None:
    with pytest.raises(DiagnosticError) as caught:
        prepare(job(case), tmp_path)
    assert REFUSED[case.name] in str(caught.value)
