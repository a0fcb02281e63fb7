"""Layers, activations and losses: types against references, references against PyTorch and ONNX."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tercet.compiler import dims
from tercet.compiler.ops.attention import ScaledDotProductAttention
from tercet.compiler.ops.conv import Conv2d
from tercet.compiler.ops.loss import CrossEntropy
from tercet.compiler.ops.pooling import AvgPool2d
from tercet.compiler.ops.special import erf
from tercet.compiler.types import DType, TensorType
from tests.ops.frame import OpCase
from tests.ops.layer_cases import CASES

ROOT = Path(__file__).parents[2]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def f32(*shape: Any) -> TensorType:
    return TensorType(DType.F32, shape)


@every_case
def test_inferred_types_are_those_of_the_reference(case: OpCase) -> None:
    types = case.op.infer_types(case.types())
    results = case.reference()
    assert [t.shape for t in types] == [r.shape for r in results]
    if all(i is None or i.dtype is DType.F64 for i in case.inputs):
        assert all(r.dtype == np.float64 for r in results)


@every_case
def test_symbolic_sizes_give_the_same_shapes(case: OpCase) -> None:
    values = {f"S{n}": n for n in case.symbolic}
    symbolic = case.op.infer_types(case.types(case.symbolic))
    concrete = case.op.infer_types(case.types())
    for found, expected in zip(symbolic, concrete, strict=True):
        assert tuple(dims.evaluate(size, values) for size in found.shape) == expected.shape
    if case.symbolic:
        assert any(isinstance(s, dims.Dim) for t in symbolic for s in t.shape) or not any(
            t.shape for t in symbolic
        )
    for left, relation, right in case.op.constraints(*case.types(case.symbolic)):
        low, high = dims.evaluate(left, values), dims.evaluate(right, values)
        assert low <= high if relation == "<=" else low == high


@every_case
def test_references_keep_single_precision(case: OpCase) -> None:
    def single(array: Any) -> Any:
        return array.astype(np.float32) if array is not None and array.dtype.kind == "f" else array

    parameters = {name: single(array) for name, array in case.parameters().items()}
    result = case.op.reference(*map(single, case.arrays()), **parameters)
    results = result if isinstance(result, tuple) else (result,)
    for found, exact in zip(results, case.reference(), strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, exact, rtol=2e-4, atol=2e-5)


@every_case
def test_flops_are_a_size(case: OpCase) -> None:
    types = case.types(case.symbolic)
    flops = case.op.flops(types, case.op.infer_types(types))
    assert isinstance(flops, int | dims.Dim)
    assert dims.less(flops, 0) is not True


@pytest.fixture(scope="session")
def torch_results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("torch") / "layers.npz"
    command = [sys.executable, "-m", "tests.ops.torch_layers", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    with np.load(path) as file:
        return dict(file)


@pytest.mark.slow
@every_case
def test_references_agree_with_pytorch(case: OpCase, torch_results: dict[str, Any]) -> None:
    for index, found in enumerate(case.reference()):
        expected = torch_results[f"{case.name}.{index}"]
        assert found.shape == expected.shape
        if np.isnan(expected).all():  # a mean of nothing, which is 0 here
            assert case.name.endswith(("_of_nothing", "_without_weight"))
            assert (found == 0).all()
            continue
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)


# ------------------------------------------------------------------------------------------- ONNX


def _onnx(node: str, x: Any, weights: dict[str, Any], **attributes: Any) -> Any:
    """What ONNX Runtime computes for a model of one node."""
    import onnx
    import onnxruntime
    from onnx import helper, numpy_helper

    graph = helper.make_graph(
        [helper.make_node(node, ["x", *weights], ["y"], **attributes)],
        "one",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    data = model.SerializeToString()
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


@pytest.mark.parametrize("height", [7, 8, 9])
@pytest.mark.parametrize("kernel, stride", [(2, 2), (3, 2), (4, 3), (1, 2), (2, 3)])
def test_same_is_same_upper(height: int, kernel: int, stride: int) -> None:
    random = np.random.default_rng(height)
    x = random.normal(size=(1, 2, height, 10)).astype(np.float32)
    weight = random.normal(size=(3, 2, kernel, kernel)).astype(np.float32)
    settings = {"auto_pad": "SAME_UPPER", "strides": [stride] * 2}
    sizes = (kernel, kernel), (stride, stride)
    conv = Conv2d(3, *sizes, padding="same", bias=False)
    expected = _onnx("Conv", x, {"w": weight}, **settings)
    np.testing.assert_allclose(conv.reference(x, weight), expected, rtol=1e-4, atol=1e-5)
    if kernel < stride:
        return  # ONNX Runtime refuses to pool so: "padding values must be non-negative"
    pool = AvgPool2d(*sizes, padding="same")
    expected = _onnx("AveragePool", x, {}, kernel_shape=[kernel] * 2, **settings)
    np.testing.assert_allclose(pool.reference(x), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("count", [False, True])
def test_asymmetric_average_pooling_is_that_of_onnx(count: bool) -> None:
    x = np.random.default_rng(0).normal(size=(1, 2, 8, 9)).astype(np.float32)
    pool = AvgPool2d((3, 2), (2, 2), ((1, 0), (0, 1)), count_include_pad=count)
    settings = {"pads": [1, 0, 0, 1], "strides": [2, 2], "count_include_pad": int(count)}
    expected = _onnx("AveragePool", x, {}, kernel_shape=[3, 2], **settings)
    np.testing.assert_allclose(pool.reference(x), expected, rtol=1e-4, atol=1e-6)


# ------------------------------------------------------------------------------------------ values


def test_erf_is_that_of_the_mathematical_library() -> None:
    x = np.concatenate([np.linspace(-7, 7, 5001), np.logspace(-300, 0, 301)])
    expected = np.array([math.erf(v) for v in x])
    np.testing.assert_allclose(erf(x), expected, rtol=1e-15)
    assert np.isnan(erf(np.array([np.nan]))[0])
    assert list(erf(np.array([np.inf, -np.inf]))) == [1, -1]


def test_activations_survive_large_values() -> None:
    x = np.array([-1e4, -800.0, 0.0, -0.5, 800.0, 1e4])
    with np.errstate(all="raise", under="ignore"):
        for case in CASES:
            if case.op.__class__.__module__.endswith("activation") and "prelu" not in case.name:
                value = x[None, :, None] if "axis" in case.name else x[None]
                if getattr(case.op, "axis", -1) == 1:
                    value = x[None, :, None]
                assert np.isfinite(case.op.reference(value)).all(), case.name


def test_a_query_without_keys_gives_zero() -> None:
    q = np.ones((1, 2, 3))
    mask = np.array([[True, True], [False, False]])
    y = ScaledDotProductAttention().reference(q, q, q, mask)
    assert np.isfinite(y[0, 0]).all()
    assert (y[0, 1] == 0).all()


def test_ignored_labels_leave_the_denominator() -> None:
    logits = np.random.default_rng(0).normal(size=(4, 3))
    target = np.array([0, -1, 2, -1])
    some = CrossEntropy(ignore_index=-1).reference(logits, target)
    kept = CrossEntropy().reference(logits[::2], target[::2])
    assert some == pytest.approx(float(kept), rel=1e-14)
