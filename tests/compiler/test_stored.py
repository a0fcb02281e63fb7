"""Parameters that start as tensors of a file: what is found there, what is refused, what scripts
say."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tercet.compiler.graph.weights import initial_weights, lively_weights
from tercet.compiler.pipeline import load
from tercet.project import FRAMEWORKS, open_project, script_text

MODEL = """\
from "parts/block.model" import Ordered
const tables = "tables.safetensors"
model M {
    input x: f32[N, 4]
    buffer table: f32[16, 4] = weights(tables, "table")
    param start: f32[16, 4] = weights("tables.safetensors", "table")
    output y = (x |> Ordered) @ transpose(table * start)
}
"""
BLOCK = """\
block Ordered {
    input x: f32[N, 4]
    buffer order: i64[4] = weights("order.safetensors", "order")
    output take(x, order, axis = 1)
}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    table = np.arange(64, dtype=np.float32).reshape(16, 4)
    gaps = table.copy()
    gaps[3, 1] = np.nan
    save_file({"table": table, "gaps": gaps}, tmp_path / "tables.safetensors")
    (tmp_path / "junk.safetensors").write_bytes(b"\xff" * 24)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts/block.model").write_text(BLOCK)
    save_file({"order": np.array([3, 0, 2, 1])}, tmp_path / "parts/order.safetensors")
    (tmp_path / "m.model").write_text(MODEL)
    return tmp_path


def test_weights_start_as_what_the_file_holds(folder: Path) -> None:
    result = load(folder / "m.model")
    assert result.program is not None, [str(d) for d in result.errors]
    graph = result.program.models["M"]
    found = initial_weights(graph, seed=0)
    assert found["table"].tolist() == np.arange(64).reshape(16, 4).tolist()
    assert found["start"].tolist() == found["table"].tolist()
    assert found["ordered.order"].tolist() == [3, 0, 2, 1]
    assert found["ordered.order"].dtype == np.int64
    assert lively_weights(graph, seed=0)["table"].tolist() == found["table"].tolist()


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("target", FRAMEWORKS)
def test_scripts_name_files_from_their_own_folder(target: str, exact: bool, folder: Path) -> None:
    (folder / "out").mkdir()
    script = script_text(open_project(folder / "m.model", exact=exact), target, folder / "out")
    named = set(re.findall(r'stored\(\s*"([^"]+)", "(\w+)"', script))
    assert named == {("../tables.safetensors", "table"), ("../parts/order.safetensors", "order")}
    assert script.count("def stored(") == 1
    assert str(folder) not in script


REFUSED = {
    'f32[16, 4] = weights("none.safetensors", "table")': "none.safetensors: no such file",
    'f32[16, 4] = weights("parts.safetensors", "table")': "no such file",
    'f32[16, 4] = weights("tables.safetensors", "tabel")': "holds no tensor `tabel`",
    'f32[4, 16] = weights("tables.safetensors", "table")': "has the shape [16, 4]",
    'f64[16, 4] = weights("tables.safetensors", "table")': "`table` is float32 in the file",
    'i64[16, 4] = weights("tables.safetensors", "table")': "`table` is float32 in the file",
    'f32[16, 4] = weights("tables.safetensors", "gaps")': "`gaps` holds nan at [3, 1]",
    'f32[16, 4] = weights("junk.safetensors", "table")': "cannot be read as safetensors",
    'f32[16, 4] = weights("m.model", "table")': "the path is that of a `.safetensors` file",
    'f32[16, 4] = weights("tables.safetensors")': "`weights` needs `tensor`",
}


@pytest.mark.parametrize("declared", REFUSED)
def test_what_does_not_fit_is_an_error_of_its_line(declared: str, folder: Path) -> None:
    text = f"model M {{\n input x: f32[N]\n buffer a: {declared}\n output y = x + sum(a)\n}}\n"
    (folder / "m.model").write_text(text)
    (error, *_) = load(folder / "m.model").errors
    assert REFUSED[declared] in error.message
    assert error.span.line == 3
    assert "\n" not in error.message


def test_places_that_a_file_names_must_be_there(folder: Path) -> None:
    save_file({"order": np.array([3, 0, 2, 4])}, folder / "parts/order.safetensors")
    (error,) = load(folder / "m.model").errors
    assert "`order` holds 4, and `take` takes -4 to 3" in error.message


def test_a_file_that_is_written_anew_is_read_anew(folder: Path) -> None:
    path = folder / "m.model"
    assert not load(path).errors
    save_file({"table": np.zeros((3, 2), np.float32)}, folder / "tables.safetensors")
    (error, *_) = load(path).errors
    assert "has the shape [3, 2]" in error.message
