"""ONNX Runtime says where it ran, and CUDA that was not used is an error."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from tercet.verification.session import (
    Device,
    DeviceError,
    OnnxRun,
    Port,
    SessionError,
    run_onnx,
)

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
HAS_CUDA = CUDA in onnxruntime.get_available_providers()


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


# ------------------------------------------------- CUDA, played by a session that calls itself so


class _Graphics:
    """ONNX Runtime as on a machine with a GPU, where CUDA may fail to start or compute nothing."""

    def __init__(self, starts: bool = True, computes: bool = True) -> None:
        self.starts, self.computes = starts, computes
        self.options: list[object] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(onnxruntime, name)

    def get_available_providers(self) -> list[str]:
        return [CUDA, CPU]

    def preload_dlls(self) -> None:
        print("libcudnn is missing")

    def InferenceSession(
        self, path: str, options: Any, *, providers: list[Any], enable_fallback: int
    ) -> Any:
        assert not enable_fallback
        if providers == [CPU]:
            return onnxruntime.InferenceSession(path, options, providers=[CPU])
        if not self.starts:
            raise RuntimeError("CUDA failure 100: no device")
        self.options += providers
        return _OnGraphics(onnxruntime.InferenceSession(path, options, providers=[CPU]), self)


class _OnGraphics:
    def __init__(self, session: Any, runtime: _Graphics) -> None:
        self._session, self._runtime = session, runtime

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def get_providers(self) -> list[str]:
        return [CUDA, CPU]

    def end_profiling(self) -> str:
        path = Path(self._session.end_profiling())
        if self._runtime.computes:
            path.write_text(path.read_text().replace(CPU, CUDA))
        return str(path)


def _run(
    folder: Path, runtime: _Graphics, device: Device, monkeypatch: pytest.MonkeyPatch
) -> OnnxRun:
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    feed = {"x": np.ones((1, 2), np.float32)}
    return run_onnx(_square(folder / "m.onnx"), [feed, feed], device, threads=1)


@pytest.mark.parametrize("device", ["cuda", "auto"])
def test_cuda_that_computes_is_told_with_its_nodes(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    device: Device,
) -> None:
    runtime = _Graphics()
    run = _run(tmp_path, runtime, device, monkeypatch)
    assert (run.device, run.placement) == ("cuda", {CUDA: 1})
    assert isinstance(runtime.options[0], tuple)
    assert runtime.options[0][1]["use_tf32"] == "0"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "runtime, says", [(_Graphics(starts=False), "no device"), (_Graphics(computes=False), CPU)]
)
def test_cuda_that_is_there_and_does_not_compute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime: _Graphics, says: str
) -> None:
    with pytest.raises(SessionError, match=says):
        _run(tmp_path, runtime, "cuda", monkeypatch)
    assert _run(tmp_path, runtime, "auto", monkeypatch).device == "cpu"
