"""Runs the cases of the MXNet Symbol exporter in one process; one JSON line per case on stdout.

    python -m tests.backends.mxnet_symbol_worker DIRECTORY [NAME...]

The exported files stay in DIRECTORY for tests of the command.
"""

from __future__ import annotations

import json
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator

from tercet.backends.mxnet.symbol_to_onnx import ConversionError, GraphInput, convert
from tercet.backends.mxnet.symbol_to_onnx.inference import import_mxnet
from tests.backends.mxnet_symbol_cases import SIZES, Array, Case
from tests.backends.mxnet_symbol_tables import CASES


def main(arguments: Sequence[str]) -> None:
    directory, names = Path(arguments[0]), set(arguments[1:])
    mx = import_mxnet()
    onnxruntime.set_default_logger_severity(3)
    warnings.simplefilter("ignore")
    for case in CASES:
        if names and case.name not in names:
            continue
        try:
            problem = _run(mx, case, directory / case.name)
        except Exception:
            problem = traceback.format_exc()
        print(json.dumps({"name": case.name, "problem": problem}), flush=True)


def _run(mx: Any, case: Case, prefix: Path) -> str | None:
    """What is wrong with the case, or None."""
    random = np.random.default_rng(0)
    points = [{name: pair[k] for name, pair in SIZES.items()} for k in (0, 1)]
    probes = [[item.draw(point, random) for item in case.inputs] for point in points]
    block = _block(mx, case, random)
    eager = [_evaluate(mx, block, arrays) for arrays in (probes[:1] if case.error else probes)]
    block.export(str(prefix), remove_amp_cast=False)
    count = len(case.inputs)
    names = ["data"] if count == 1 else [f"data{index}" for index in range(count)]
    inputs = [
        GraphInput(name, item.dtype, item.shape)
        for name, item in zip(names, case.inputs, strict=True)
    ]
    outputs = case.output_names or [f"y{index}" for index in range(len(eager[0]))]
    files = (Path(f"{prefix}-symbol.json"), Path(f"{prefix}-0000.params"))
    try:
        model, again = (
            convert(*files, inputs, outputs, model_name=case.name, sizes=case.sizes or None)
            for _ in range(2)
        )
    except ConversionError as error:
        if case.error and case.error in str(error):
            return None
        return f"conversion failed: {error}"
    if case.error:
        return f"the conversion did not fail with: {case.error}"
    if _bytes(model) != _bytes(again):
        return "two conversions differ"
    return _structure(case, model) or _values(case, model, names, probes, eager)


def _block(mx: Any, case: Case, random: np.random.Generator) -> Any:
    class Lively(mx.init.Initializer):  # type: ignore[misc]
        def __call__(self, description: Any, array: Any) -> None:
            values = random.uniform(-0.7, 0.7, array.shape)
            positive = str(description).endswith("running_var")
            array[:] = np.abs(values) + 0.3 if positive else values

    block = case.build(mx)
    for parameter in block.collect_params().values():
        if not isinstance(parameter, mx.gluon.Constant):
            parameter.init = None
    block.initialize(Lively())
    block.hybridize()
    return block


def _evaluate(mx: Any, block: Any, arrays: Sequence[Array]) -> list[Array]:
    outputs = block(*(mx.nd.array(array, dtype=array.dtype) for array in arrays))
    many = outputs if isinstance(outputs, list | tuple) else [outputs]
    return [output.asnumpy() for output in many]


def _bytes(model: onnx.ModelProto) -> bytes:
    return bytes(model.SerializeToString(deterministic=True))


def _structure(case: Case, model: onnx.ModelProto) -> str | None:
    graph = model.graph
    used = {name for node in graph.node for name in node.input}
    if dead := [item.name for item in graph.initializer if item.name not in used]:
        return f"unused initializers {dead}"
    found = [node.op_type for node in graph.node]
    for operator, count in case.operators.items():
        if found.count(operator) != count:
            return f"{found.count(operator)} nodes are {operator}, expected {count}: {found}"
    dims = tuple(
        tuple(dim.dim_param or dim.dim_value for dim in output.type.tensor_type.shape.dim)
        for output in graph.output
    )
    if case.dims is not None and dims != case.dims:
        return f"declared output shapes are {dims}, expected {case.dims}"
    return None


def _values(
    case: Case,
    model: onnx.ModelProto,
    names: Sequence[str],
    probes: Sequence[Sequence[Array]],
    eager: Sequence[Sequence[Array]],
) -> str | None:
    run = _runner(case, model)
    for arrays, expected in zip(probes, eager, strict=True):
        actual = run(dict(zip(names, arrays, strict=True)))
        for index, (left, right) in enumerate(zip(expected, actual, strict=True)):
            if problem := _difference(case, left, right):
                shapes = [array.shape for array in arrays]
                return f"output {index} at inputs {shapes}: {problem}"
    return None


def _runner(case: Case, model: onnx.ModelProto) -> Any:
    if case.runtime == "reference":
        evaluator = ReferenceEvaluator(model)
        return lambda feeds: evaluator.run(None, feeds)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        _bytes(model), options, providers=["CPUExecutionProvider"]
    )
    return lambda feeds: session.run(None, feeds)


def _difference(case: Case, expected: Array, actual: Array) -> str | None:
    if (expected.shape, expected.dtype) != (actual.shape, actual.dtype):
        return f"MXNet gives {expected.dtype}{expected.shape}, ONNX {actual.dtype}{actual.shape}"
    if expected.dtype.kind != "f":
        equal = np.array_equal(expected, actual)
        return None if equal else f"integers differ: {expected.ravel()[:8]}, {actual.ravel()[:8]}"
    left, right = expected.astype(np.float64), actual.astype(np.float64)
    scale = float(np.nanmax(np.abs(left)))
    if scale == 0 and not case.may_be_zero:
        return "the case is vacuous: all outputs are zero"
    error = float(np.max(np.abs(left - right)))
    if not error <= case.tolerance * max(scale, 1e-6):
        return f"differs by {error:.2e} at scale {scale:.2e}"
    return None


if __name__ == "__main__":
    main(sys.argv[1:])
