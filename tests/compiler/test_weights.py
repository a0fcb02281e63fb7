"""Initial and lively weights, and the strictness and safety of the weights file."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from tercet.compiler.graph import weights
from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.weights import WeightsError
from tercet.compiler.initializers import generator
from tercet.compiler.pipeline import load
from tercet.dsl.source import Source

NET = """
model M(units = 4) {
    input image: f32[N, 3, 8, 8]
    param gain: f32[4] = ones()
    buffer table: f32[4] = constant(2.0)
    conv = conv2d(4, 3, padding = 1)
    h = image |> conv |> batch_norm |> relu |> global_avg_pool2d |> flatten
    head = dense(units, init = zeros())
    y = head(h * gain + table)
    output y
}
"""


def compiled(text: str = NET) -> Graph:
    return load(Source("test.model", text)).program_or_raise().models["M"]


def test_weights_depend_on_seed_and_path_alone() -> None:
    graph = compiled()
    found = weights.initial_weights(graph, 0)
    assert {name: array.shape for name, array in found.items()} == {
        "gain": (4,),
        "table": (4,),
        "conv.weight": (4, 3, 3, 3),
        "conv.bias": (4,),
        "batch_norm.weight": (4,),
        "batch_norm.bias": (4,),
        "batch_norm.running_mean": (4,),
        "batch_norm.running_var": (4,),
        "head.weight": (4, 4),
        "head.bias": (4,),
    }
    assert all(array.dtype == np.float32 for array in found.values())
    bound = np.sqrt(6 / 27)
    expected = generator(0, "conv.weight").uniform(-bound, bound, (4, 3, 3, 3))
    np.testing.assert_array_equal(found["conv.weight"], expected.astype(np.float32))
    assert (weights.initial_weights(graph, 1)["conv.weight"] != found["conv.weight"]).any()
    again = weights.initial_weights(compiled(), 0)
    assert all((again[name] == found[name]).all() for name in found)


def test_lively_weights_leave_nothing_at_zero_or_one() -> None:
    graph = compiled()
    initial, lively = weights.initial_weights(graph, 0), weights.lively_weights(graph, 0)
    for same in ("conv.weight", "table"):
        np.testing.assert_array_equal(initial[same], lively[same])
    for name in set(lively) - {"table"}:
        assert np.unique(lively[name]).size == lively[name].size, name
        assert np.abs(lively[name]).max() > 0.05
    assert (lively["batch_norm.running_var"] > 0.4).all()


def test_files_give_back_what_was_saved(tmp_path: Path) -> None:
    graph = compiled()
    found = weights.lively_weights(graph, 3)
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"an older file")
    reordered = dict(reversed(found.items())) | {"conv.weight": found["conv.weight"].T.copy().T}
    weights.save(path, reordered)
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]
    loaded = weights.load(path, graph)
    assert list(loaded) == list(found)
    for name, array in found.items():
        np.testing.assert_array_equal(loaded[name], array)
    first = path.read_bytes()
    weights.save(path, found)
    assert path.read_bytes() == first


def test_a_failed_save_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "w.safetensors"
    weights.save(path, {"a": np.zeros(2)})
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        weights.save(path, {"a": np.ones(2)})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


def test_every_difference_is_listed(tmp_path: Path) -> None:
    graph = compiled()
    found = weights.initial_weights(graph, 0)
    found["conv.wieght"] = found.pop("conv.weight")
    found["gain"] = np.ones(5, dtype=np.float32)
    found["table"] = np.ones(4)
    path = tmp_path / "w.safetensors"
    weights.save(path, found)
    with pytest.raises(WeightsError) as caught:
        weights.load(path, graph)
    assert str(caught.value).splitlines() == [
        f"{path} does not fit `M`:",
        "  missing: `conv.weight` (the file has `conv.wieght`)",
        "  left over: `conv.wieght` (the model needs `conv.weight`)",
        "  `gain` has shape [5], not [4]",
        "  `table` is F64, not F32",
    ]


@pytest.mark.parametrize("content", [b"", b"not a weights file at all", None])
def test_damaged_and_absent_files_are_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "w.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"w\.safetensors"):
        weights.load(path, compiled())


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    weights.save(path, weights.initial_weights(compiled(), 0))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(WeightsError, match="cannot be read"):
        weights.load(path, compiled())


def test_files_are_plain_safetensors(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    found = weights.initial_weights(compiled(), 0)
    weights.save(path, found)
    plain = safetensors.numpy.load_file(path)
    assert set(plain) == set(found)


@pytest.mark.parametrize("units", [2**63 - 1, 10**15])
def test_more_weights_than_there_is_memory(units: int) -> None:
    graph = compiled(f"model M {{ input x: f32[N, 8]\n y = x |> dense({units})\n output y }}")
    with pytest.raises(MemoryError):
        weights.initial_weights(graph, 0)


def test_eleven_million_weights_take_less_than_half_a_second() -> None:
    text = "model M {\n    input x: f32[N, 3400]\n    y = x |> dense(3440)\n    output y\n}"
    graph = compiled(text)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        weights.initial_weights(graph, 0)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.5
