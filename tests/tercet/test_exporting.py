"""ONNX files whose weights stand in a second file, as those of more than 2 GiB must."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from tercet.backends.onnx import gather, to_onnx
from tercet.compiler.graph import weights as canonical
from tercet.compiler.reference.interpreter import run
from tercet.errors import TercetError
from tercet.exporting import export
from tercet.project import Project, open_project

_TEXT = """
model Net {
    input ids: i64[N]
    output y = ids |> embedding(50, 16) |> dense(32)
}
"""
_SMALLER = 1000


@pytest.fixture
def project(tmp_path: Path) -> Project:
    path = tmp_path / "net.model"
    path.write_text(_TEXT)
    return open_project(path)


@pytest.fixture
def weights(project: Project, tmp_path: Path) -> Path:
    path = tmp_path / "net.safetensors"
    canonical.save(path, canonical.lively_weights(project.model, 0))
    return path


def check(project: Project, weights: Path, path: Path) -> None:
    """The file computes the model with these weights."""
    feed = {"ids": np.array([3, 0, 49])}
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    expected = run(project.model, feed, canonical.load(weights, project.model), "float32")
    np.testing.assert_allclose(session.run(None, feed)[0], expected["y"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "target", ["onnx", pytest.param("pytorch", marks=pytest.mark.slow)], ids=str
)
def test_two_files(project: Project, weights: Path, tmp_path: Path, target: str) -> None:
    path = tmp_path / "out" / "net.onnx"
    for _ in range(2):  # the second time over what is there
        export(project, target, weights, path, largest=_SMALLER)
        assert sorted(p.name for p in path.parent.iterdir()) == ["net.onnx", "net.onnx.data"]
        check(project, weights, path)
    size = sum(array.nbytes for array in canonical.load(weights, project.model).values())
    assert (path.parent / "net.onnx.data").stat().st_size <= size
    assert path.stat().st_size < _SMALLER


def test_one_file_where_one_is_enough(project: Project, weights: Path, tmp_path: Path) -> None:
    path = tmp_path / "out" / "net.onnx"
    export(project, "onnx", weights, path)
    assert [p.name for p in path.parent.iterdir()] == ["net.onnx"]
    check(project, weights, path)


def test_weights_of_a_replaced_model_go_with_it(
    project: Project, weights: Path, tmp_path: Path
) -> None:
    path = tmp_path / "out" / "net.onnx"
    export(project, "onnx", weights, path, largest=_SMALLER)
    export(project, "onnx", weights, path)
    assert [p.name for p in path.parent.iterdir()] == ["net.onnx"]
    check(project, weights, path)


@pytest.mark.parametrize("old", [b"", b"a model in one file"])
def test_a_file_that_no_replaced_model_names_stays(
    project: Project, weights: Path, tmp_path: Path, old: bytes
) -> None:
    path, other = tmp_path / "net.onnx", tmp_path / "net.onnx.data"
    path.write_bytes(old)
    other.write_text("mine")
    export(project, "onnx", weights, path)
    assert other.read_text() == "mine"


@pytest.mark.parametrize("target", ["tensorflow", "mxnet"])
def test_refused(project: Project, weights: Path, tmp_path: Path, target: str) -> None:
    path = tmp_path / "out" / "net.onnx"
    with pytest.raises(TercetError, match=f"of Net are .*{target}'s exporter writes one file"):
        export(project, target, weights, path, largest=_SMALLER)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("one_file_for_all", [False, True])
def test_what_an_exporter_scatters_is_gathered(
    project: Project, weights: Path, tmp_path: Path, one_file_for_all: bool
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    path = folder / "net.onnx"
    onnx.save_model(
        to_onnx(project.model, canonical.load(weights, project.model)),
        str(path),
        save_as_external_data=True,
        all_tensors_to_one_file=one_file_for_all,
        location="all.bin" if one_file_for_all else None,
        size_threshold=0,
    )
    gather(path)
    assert sorted(p.name for p in folder.iterdir()) == ["net.onnx", "net.onnx.data"]
    check(project, weights, path)
