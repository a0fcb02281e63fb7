"""ONNX Runtime says where it ran, and CUDA that was not used is an error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from tercet.verification.session import DeviceError, Port, SessionError, run_onnx

HAS_CUDA = "CUDAExecutionProvider" in onnxruntime.get_available_providers()


def _square(path: Path) -> Path:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 2])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 2])
    graph = helper.make_graph([helper.make_node("Mul", ["x", "x"], ["y"])], "square", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(model, str(path))
    return path


def test_every_feed_is_answered_and_the_ports_are_told(tmp_path: Path) -> None:
    feeds = [{"x": np.full((n, 2), n, np.float32)} for n in (2, 3)]
    run = run_onnx(_square(tmp_path / "m.onnx"), feeds, threads=1)
    assert [result["y"].tolist() for result in run.results] == [[[4, 4]] * 2, [[9, 9]] * 3]
    assert run.inputs == (Port("x", "tensor(float)", ("N", 2)),)
    assert run.outputs == (Port("y", "tensor(float)", ("N", 2)),)
    assert run.device == "cpu"
    assert run.version == onnxruntime.__version__


@pytest.mark.skipif(HAS_CUDA and Path("/dev/nvidia0").exists(), reason="this machine has CUDA")
def test_cuda_that_does_not_start_is_an_error_and_auto_says_cpu(tmp_path: Path) -> None:
    path = _square(tmp_path / "m.onnx")
    feed = {"x": np.ones((1, 2), np.float32)}
    with pytest.raises(DeviceError, match="CUDA was asked for"):
        run_onnx(path, [feed], "cuda", threads=1)
    assert run_onnx(path, [feed], "auto", threads=1).device == "cpu"


def test_a_file_that_is_no_model_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"no model")
    with pytest.raises(SessionError, match="does not load"):
        run_onnx(tmp_path / "m.onnx", [])


def test_an_input_of_a_wrong_shape_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="does not run"):
        run_onnx(_square(tmp_path / "m.onnx"), [{"x": np.ones((1, 3), np.float32)}], threads=1)
