"""What `load_data` asks of labels follows the arguments of the model's class."""

from __future__ import annotations

import ast
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tercet.codegen.expr import Attribute, Name
from tercet.codegen.models import print_model
from tercet.codegen.script.data import data_code
from tercet.codegen.script.index_checks import index_check_piece
from tercet.codegen.script.style import FULL, Style
from tercet.codegen.writer import Assign
from tercet.compiler.pipeline import load
from tercet.dsl.source import Source
from tests.codegen.test_arguments import TARGETS

GOLDEN = Path(__file__).parents[1] / "golden"
TABLE = "a,kind\n" + "".join(f"0.5,{k % 4}\n" for k in range(20))

PLAIN = "loss = cross_entropy(logits, label)"
PROGRAMS = [
    ("classes = 4", "dense(classes)", PLAIN, ["label 0..model.classes - 1"]),
    ("pairs = 2", "dense(2 * pairs)", PLAIN, ["label 0..2 * model.pairs - 1"]),
    ("width = 8", "dense(width) |> dense(4)", PLAIN, ["label 0..3"]),
    (
        "classes = 4",
        "dense(classes)",
        "loss = cross_entropy(logits, label, ignore_index = -1)",
        ["label 0..model.classes - 1"],
    ),
    (
        "classes = 4",  # at any other number of classes the loss is an error
        "dense(classes)",
        "loss = mse(logits, one_hot(label, 4))\nmetrics = { a = accuracy(logits, label) }",
        ["label 0..3"],
    ),
    (
        "classes = 4",
        "dense(classes)",
        "loss = cross_entropy(logits, label - 1)",
        ["label - 1 0..model.classes - 1"],
    ),
]


def _training(parameters: str, layers: str, body: str, folder: Path, explicit: bool) -> Any:
    logits = "logits = net(x)" if explicit else ""
    inputs = "input x: f32[N, 1]" if explicit else ""
    text = f"""
model Net({parameters}) {{
    input x: f32[N, 1]
    output logits = x |> {layers}
}}
train {"Fit(net = Net())" if explicit else "Net"} {{
    {inputs}
    target label: i64[N]
    {logits}
    data = csv("d.csv") {{ x = reshape(a, [-1, 1]), label = cast(kind, i64) }}
    optimizer = sgd(lr = 0.1)
    {body}
}}
"""
    (folder / "d.csv").write_text(TABLE)
    (training,) = _program(text, folder).trainings.values()
    return training


def _program(text: str, folder: Path) -> Any:
    return load(Source("net.model", text, folder / "net.model")).program_or_raise()


@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("parameters, layers, body, expected", PROGRAMS)
def test_the_range_is_said_over_the_models_arguments(
    parameters: str,
    layers: str,
    body: str,
    expected: list[str],
    target: str,
    explicit: bool,
    tmp_path: Path,
) -> None:
    training = _training(parameters, layers, body, tmp_path, explicit)
    interface = print_model(training.model, TARGETS[target], training).interface
    assert [f"{c.shown} {c.low}..{c.high}" for c in interface.data_checks] == expected


@pytest.mark.parametrize("target", TARGETS)
def test_a_model_of_fewer_classes_is_refused_its_labels(target: str, tmp_path: Path) -> None:
    training = _training(*PROGRAMS[0][:3], tmp_path, explicit=False)
    printed = print_model(training.model, TARGETS[target], training)
    stored = Assign((Attribute(Name("self"), "classes"),), Name("classes"))
    assert stored in printed.classes[-1].construct
    code = data_code(training.data, tmp_path, tmp_path, printed.interface.data_checks)
    helper = index_check_piece(printed.interface)
    space: dict[str, Any] = {}
    exec("\n".join((*code.piece.imports, *helper.imports, helper.text, code.piece.text)), space)
    load_data = space["load_data"]
    load_data(tmp_path / "d.csv", 0, SimpleNamespace(classes=4))
    with pytest.raises(SystemExit, match="label must be from 0 to 2; row 3 holds 3"):
        load_data(tmp_path / "d.csv", 0, SimpleNamespace(classes=3))


BUILT_IN = [
    ("digits", "1, 8, 8", "digit", "", 10, "label is from 0 to 9; .* 0 to 4"),
    ("iris", "4", "label", "", 3, "label is from 0 to 2; .* 0 to 1"),
    ("iris", "4", "label", " + 2", 5, "label is from 2 to 4; .* 0 to 3"),
]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name, shape, column, shift, classes, said", BUILT_IN)
def test_a_built_in_set_is_not_looked_at(
    name: str,
    shape: str,
    column: str,
    shift: str,
    classes: int,
    said: str,
    target: str,
    tmp_path: Path,
) -> None:
    """Its labels are known, so that two lines ask the model alone."""
    given = "pixels" if name == "digits" else "features"
    text = f"""
model Net(classes = {classes}) {{
    input x: f32[N, {shape}]
    output logits = x |> flatten |> dense(classes)
}}
train Net {{
    target label: i64[N]
    data = {name}() {{ x = {given}, label = {column}{shift} }}
    loss = cross_entropy(logits, label)
    optimizer = sgd(lr = 0.1)
}}
"""
    (training,) = _program(text, tmp_path).trainings.values()
    printed = print_model(training.model, TARGETS[target], training)
    assert not index_check_piece(printed.interface).text
    code = data_code(training.data, tmp_path, tmp_path, printed.interface.data_checks)
    space: dict[str, Any] = {}
    exec("\n".join((*code.piece.imports, code.piece.text)), space)
    load_data = space["load_data"]
    load_data(0, SimpleNamespace(classes=classes))
    load_data(0, SimpleNamespace(classes=classes + 1))
    fewer = SimpleNamespace(classes=5 if classes == 10 else classes - 1)
    with pytest.raises(SystemExit, match=said):
        load_data(0, fewer)


@pytest.mark.parametrize("style, taken", [(FULL, "seed, model"), (Style(lean=True), "seed")])
def test_only_a_script_that_looks_takes_the_model(style: Style, taken: str, tmp_path: Path) -> None:
    training = _training(*PROGRAMS[0][:3], tmp_path, explicit=False)
    checks = print_model(training.model, TARGETS["pytorch"], training).interface.data_checks
    code = data_code(training.data, tmp_path, tmp_path, checks, style)
    assert f"def load_data(path, {taken}):" in code.piece.text
    assert code.call.count("model") == taken.count("model")


@pytest.mark.parametrize(
    "path", sorted(GOLDEN.glob("*/[!l]*.py")), ids=lambda p: f"{p.parent.name}/{p.stem}"
)
def test_what_a_class_stores_is_read(path: Path) -> None:
    """`self.classes = classes` stands only where something in the script reads it.

    Lean scripts, left out here, keep a size that only the checks of full ones read.
    """
    tree = ast.parse(path.read_text())
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    read = {a.attr for a in attributes if isinstance(a.ctx, ast.Load)}
    stored = {
        node.targets[0].attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Attribute)
        and ast.unparse(node) == f"self.{node.targets[0].attr} = {node.targets[0].attr}"
    }
    assert stored <= read
