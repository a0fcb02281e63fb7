"""What depends on no input is computed by the constructor, and read in each call."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tercet.project import FRAMEWORKS, open_project, script_text
from tests.codegen.models import MODELS

FORWARD = ("forward", "call", "hybrid_forward")
MAKES = ("arange", "range", "full", "fill", "tensor", "constant", "array", "where", "exp", "cos")
"""Functions that a call would need to make its constants anew."""

WINDOW = """
block Attention(shift = 0) {
    input x: f32[N, 16, 8]
    scores = x @ transpose(x, [0, 2, 1])
    if shift > 0 {
        place = arange(16) + shift
        region = where(place < 8, 0, where(place < 14, 1, 2))
        hidden = where(region[:, none] == region, 0.0, -100.0)
        scores = scores + hidden
    }
    output softmax(scores) @ x
}
model M {
    input x: f32[N, 16, 8]
    h = x
    for i in range(4) { h = h |> Attention(shift = if i % 2 == 0 { 0 } else { 2 }) }
    steps = cast(arange(16), f32) * 0.1
    code = exp(steps[:, none]) - [1, 2, 3, 4, 5, 6, 7, 8]
    output y = h * code
}
"""
SYMBOLIC = """
model M {
    input x: f32[N, T, 8]
    steps = cast(arange(T), f32) * exp(full([1], 0.5))
    output y = x * steps[:, none]
}
"""


def _classes(text: str, target: str, folder: Path) -> list[ast.ClassDef]:
    path = folder / "m.model"
    path.write_text(text)
    tree = ast.parse(script_text(open_project(path), target, folder))
    bases = ("Module", "Layer", "Model", "HybridBlock")
    return [
        node
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(base).rpartition(".")[2] in bases for base in node.bases)
    ]


def _called(classes: list[ast.ClassDef], *methods: str) -> list[str]:
    """The functions that these methods call, without what qualifies them."""
    found = [m for c in classes for m in c.body if isinstance(m, ast.FunctionDef)]
    calls = (n for m in found if m.name in methods for n in ast.walk(m) if isinstance(n, ast.Call))
    return [ast.unparse(call.func).rpartition(".")[2] for call in calls]


@pytest.mark.parametrize("target", FRAMEWORKS)
def test_constants_are_made_once(target: str, tmp_path: Path) -> None:
    classes = _classes(WINDOW, target, tmp_path)
    assert not set(_called(classes, *FORWARD)) & {*MAKES} - {"range"}
    made = _called(classes, "__init__")
    assert made.count("range" if target == "tensorflow" else "arange") == 2
    assert made.count("exp") == 1


@pytest.mark.parametrize("target", FRAMEWORKS)
def test_what_depends_on_a_size_of_the_input_is_left_in_the_call(
    target: str, tmp_path: Path
) -> None:
    classes = _classes(SYMBOLIC, target, tmp_path)
    assert {"range", "arange", "arange_like"} & {*_called(classes, *FORWARD)}
    assert _called(classes, "__init__").count("exp") == 1


@pytest.mark.parametrize("target", FRAMEWORKS)
def test_what_a_call_gives_is_its_own(target: str, tmp_path: Path) -> None:
    text = "model M { input x: f32[N, 5] output y = x * 2, z = full([5], 0.5) }"
    classes = _classes(text, target, tmp_path)
    assert set(_called(classes, *FORWARD)) & {*MAKES}
    assert not set(_called(classes, "__init__")) & {*MAKES}


@pytest.mark.parametrize("target", FRAMEWORKS)
def test_constants_are_no_weights(target: str, tmp_path: Path) -> None:
    path = tmp_path / "m.model"
    path.write_text(MODELS["computed_once"])
    project = open_project(path)
    names = {name for name, _ in project.program.models["M"].parameters()}
    assert {name.rpartition(".")[2] for name in names} == {"table", "scale", "weight", "bias"}
    script = script_text(project, target, tmp_path)
    kept = {
        "pytorch": "persistent=False",
        "tensorflow": ".numpy()",
        "mxnet": "if not isinstance(parameter, gluon.Constant)",
    }
    assert kept[target] in script
