"""Which inputs and columns scripts look at for indices, and what they say."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest

from tercet.codegen.interface import Interface
from tercet.codegen.script.data import data_code
from tercet.codegen.script.index_checks import index_check_piece
from tercet.compiler.graph.index_checks import IndexCheck, index_checks
from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.labels import data_checks
from tercet.compiler.graph.training import Training
from tercet.compiler.ops.base import Elements
from tercet.compiler.ops.random import StopGradient
from tercet.compiler.pipeline import load
from tercet.dsl.source import Source
from tests.ops.cases import CASES
from tests.ops.frame import OpCase, written

SAMPLES = Path(__file__).parents[2] / "samples"


def _program(text: str, path: Path | None = None) -> Any:
    return load(Source("test.model", dedent(text), path)).program_or_raise()


def _model(inputs: str, body: str, blocks: str = "") -> Graph:
    program = _program(f"{blocks}\nmodel M {{\n{inputs}\n{body}\n}}")
    graph: Graph = program.models["M"]
    return graph


def _told(checks: list[IndexCheck]) -> list[str]:
    return [
        f"{check.shown} {check.low}..{check.high}"
        + ("" if check.ignored is None else f" or {check.ignored}")
        for check in checks
    ]


TABLE = "param p: f32[4, 3] = normal()\n"
BLOCK = """
block B(n) {
    input ids: i64[N, T]
    output embedding(n, 2)(ids[:, 1:] - 1)
}
"""

MODELS = [
    ("i: i64[N]", "output y = i |> embedding(7, 2)", ["i 0..6"]),
    ("i: i32[N]", TABLE + "output y = gather(p, i)", ["i -4..3"]),
    ("i: i64[N]", TABLE + "output y = gather(p, i, axis = -1)", ["i -3..2"]),
    ("i: i64[N]", TABLE + "output y = take(p, i)", ["i -12..11"]),
    ("i: i64[N]", "output y = one_hot(i, 5)", []),  # outside, it is zeros by definition
    ("i: i64[N]", "output y = i + 1", []),
    ("i: u8[N]", "output y = cast(i, i64) |> embedding(256, 2)", []),
    ("i: u8[N]", "output y = cast(i, i64) |> embedding(255, 2)", ["i 0..254"]),
    ("i: u8[N]", "output y = embedding(256, 2)(cast(i, i32) - 1)", ["i - 1 0..255"]),
    ("i: bool[N]", "output y = cast(i, i64) |> embedding(2, 2)", []),
    ("i: i64[N]", "output y = embedding(7, 2)(i % 7)", []),
    ("i: i64[N]", "output y = embedding(7, 2)(i % 8)", ["i % 8 0..6"]),
    ("i: i64[N]", "output y = embedding(7, 2)(2 * (i - 1))", ["2 * (i - 1) 0..6"]),
    ("i: i64[N]", "output y = embedding(7, 2)(square(i))", ["square(i) 0..6"]),
    ("i: i64[N]", "output y = embedding(2, 2)(cast(i > 3, i64))", []),
    ("i: i64[N, 4]", "output y = roll(i, 1, axis = 0) |> embedding(7, 2)", ["i 0..6"]),
    ("i: i64[N]", "output y = i |> clip(0, 6) |> embedding(7, 2)", []),
    ("i: i64[N]", "output y = i |> clip(min = 0) |> embedding(7, 2)", ["clip(i) 0..6"]),
    (
        "i: f32[N]",
        "output y = embedding(7, 2)(cast(floor(i / 2), i64))",
        ["cast(floor(i / 2), i64) 0..6"],
    ),
    ("i: i64[N, T]", "output y = reshape(i, [N * T]) |> embedding(7, 2)", ["i 0..6"]),
    ("i: i64[N, 3]", "output y = i[:, 1] |> embedding(7, 2)", ["i[:, 1] 0..6"]),
    ("i: i64[N, 3]", "output y = i[..., ::2] |> embedding(7, 2)", ["i[:, ::2] 0..6"]),
    ("i: i64[N, T]", "output y = i[:, 1:T] |> embedding(7, 2)", ["i[:, 1:] 0..6"]),
    ("i: i64[N, T]", "output y = i[:, 0:T - 1] |> embedding(7, 2)", ["i[:, 0:-1] 0..6"]),
    # Rows of a batch, and elements that some condition chooses, are not looked at.
    ("i: i64[N, T]", "output y = i[0] |> embedding(7, 2)", []),
    ("i: i64[N, T]", "output y = transpose(i)[:, 0] |> embedding(7, 2)", []),
    ("i: i64[N]", "output y = where(i < 0, i, i) |> embedding(7, 2)", []),
    (
        "i: i64[N], input j: i64[N]",
        "output y = concat([i, j - 1], axis = 0) |> embedding(7, 2)",
        ["i 0..6", "j - 1 0..6"],
    ),
    (
        "i: i64[N]",
        TABLE + "output y = gather(p, i) + embedding(9, 3)(i)",
        ["i 0..3"],
    ),
    # A script reads sizes from the arrays that it is given.
    ("x: f32[T, 3], input i: i64[N]", "output y = gather(x, i)", ["i -T..T - 1"]),
    (
        "x: f32[T, 3], input i: u8[N]",
        "output y = gather(x, cast(i, i64))",
        ["i -T..T - 1"],
    ),
    ("x: f32[N, T, 2], input n: i64[N]", "output y = gru(3)(x, lengths = n)", ["n 1..T"]),
    ("x: f32[N, 5, 2], input n: i64[N]", "output y = gru(3)(x, lengths = n)", ["n 1..5"]),
    (
        "x: f32[N, T, 2], input n: i64[N]",
        "output y = lstm(3)(x[:, 1:], lengths = n), z = lstm(3)(x[:, :4], lengths = n)",
        ["n 1..min(T - 1, 4)"],
    ),
    (
        "x: f32[N, 5], input i: i64[N]",
        "output y = nll(x, i, ignore_index = -1)",
        ["i 0..4 or -1"],
    ),
    (
        "x: f32[N, 5], input i: i64[N]",
        "output y = nll(x, i, ignore_index = -1), z = nll(x, i)",
        ["i 0..4"],
    ),
    (
        "i: i64[N, 6]",
        "output a = B(9)(i[:, 2:]), b = B(5)(i)",
        ["i[:, 2:][:, 1:] - 1 0..8", "i[:, 1:] - 1 0..4"],
    ),
]


@pytest.mark.parametrize("inputs, body, expected", MODELS, ids=[body for _, body, _ in MODELS])
def test_inputs_that_are_indices(inputs: str, body: str, expected: list[str]) -> None:
    inputs = "\n".join(f"input {part}" for part in inputs.split(", input "))
    assert _told(index_checks(_model(inputs, body, BLOCK))) == expected


MOVING = [
    case
    for case in CASES
    if case.op.elements in (Elements.RESHAPED, Elements.REARRANGED)
    and len(case.inputs) == 1
    and case.inputs[0] is not None
    and not isinstance(case.op, StopGradient)
]


@pytest.mark.parametrize("case", MOVING, ids=lambda case: case.name)
def test_what_only_moves_elements_passes_demands_through(case: OpCase) -> None:
    (given,) = case.inputs
    assert given is not None
    shape = ", ".join(map(str, given.shape))
    body = f"output y = embedding(7, 2)({written(case.op, 'i')})"
    assert _told(index_checks(_model(f"input i: i64[{shape}]", body))) == ["i 0..6"]


TABLES = ["input i: i64[N]\nparam p: f32[7, 3] = normal()", "input i: i64[N]\ninput p: f32[T, 3]"]


@pytest.mark.parametrize("inputs", TABLES)
@pytest.mark.parametrize(
    "values, said",
    [
        ([0, 6, 3], None),
        ([0, 7, 8], "i must be from -7 to 6; row 1 holds 7"),
        ([0, 3, -8], "i must be from -7 to 6; row 2 holds -8"),
    ],
)
def test_what_is_said(inputs: str, values: list[int], said: str | None) -> None:
    (check,) = index_checks(_model(inputs, "output y = gather(p, i)"))
    assert check.problem({"i": np.array(values), "p": np.zeros((7, 3))}) == said


# ---------------------------------------------------------------------------------------- training


def _training(data: str, loss: str, classes: int, path: Path | None = None) -> Training:
    program = _program(
        f"""
        model M {{
            input x: f32[N, 4]
            output y = x |> dense({classes})
        }}
        train M {{
            target t: i64[N]
            data = {data}
            optimizer = sgd(lr = 0.1)
            {loss}
        }}
        """,
        path,
    )
    training: Training = program.trainings["M"]
    return training


LOSS = "loss = cross_entropy(y, t)"
IRIS = "iris() {{ x = features, t = {} }}"
TRAININGS = [
    (IRIS.format("label"), LOSS, 3, []),
    (IRIS.format("label + 1"), LOSS, 4, []),
    (IRIS.format("label * label"), LOSS, 3, ["t 0..2"]),
    (IRIS.format("cast(features[:, 0], i64)"), LOSS, 3, ["t 0..2"]),
    (IRIS.format("label"), "loss = cross_entropy(y, t, ignore_index = 0)", 2, ["t 0..1 or 0"]),
    (
        IRIS.format("label"),
        "loss = cross_entropy(y, t - 1, ignore_index = -1)",
        2,
        ["t - 1 0..1 or -1"],
    ),
    (
        IRIS.format("cast(features[:, 0], i64)"),
        LOSS + "\nmetrics = { top = top_k_accuracy(y, t, k = 2) }",
        5,
        ["t 0..4"],
    ),
    (
        IRIS.format("cast(features[:, 0], i64)"),
        "loss = cross_entropy(y, t, ignore_index = 9)\nmetrics = { a = accuracy(y, t) }",
        5,
        ["t 0..4 or 9"],
    ),
    (
        IRIS.format("cast(features[:, 0], i64)"),
        "loss = mse(y, one_hot(t, 5))\nmetrics = { a = accuracy(y, t) }",
        5,
        ["t 0..4"],
    ),
]


@pytest.mark.parametrize("data, loss, classes, expected", TRAININGS)
def test_columns_that_are_indices(data: str, loss: str, classes: int, expected: list[str]) -> None:
    assert _told(data_checks(_training(data, loss, classes))) == expected


def _loaded(training: Training, folder: Path, *arguments: object) -> Any:
    """What the printed `load_data` gives."""
    checks = data_checks(training)
    code = data_code(training.data, folder, folder, checks)
    helper = index_check_piece(Interface.of(training.model, training))
    texts = (*code.piece.imports, *helper.imports, helper.text, code.piece.text)
    space: dict[str, Any] = {}
    exec("\n".join(texts), space)
    return space["load_data"](*arguments)


def test_a_table_names_the_row_of_the_file(tmp_path: Path) -> None:
    rows = [f"0.5,{k % 3}" for k in range(17)] + ["0.5,12", "0.5,0"]
    (tmp_path / "data.csv").write_text("\n".join(["size,kind", *rows]))
    wide = "stack([size, size, size, size], axis = 1)"
    data = f'csv("data.csv") {{ x = {wide}, t = cast(kind, i64) }}'
    training = _training(data, LOSS, 10, tmp_path / "net.model")
    with pytest.raises(SystemExit, match=r"data.csv: t must be from 0 to 9; row 17 holds 12$"):
        _loaded(training, tmp_path, tmp_path / "data.csv", 0)


@pytest.mark.parametrize("classes, said", [(10, None), (9, ", train: t must be from 0 to 8")])
def test_a_published_set_names_the_part(classes: int, said: str | None) -> None:
    data = 'mnist("data/mnist5k") { x = pixels[:, 0, 0, :4], t = digit }'
    training = _training(data, LOSS, classes, SAMPLES / "net.model")
    if said is None:
        _loaded(training, SAMPLES, SAMPLES / "data/mnist5k")
        return
    with pytest.raises(SystemExit, match=said):
        _loaded(training, SAMPLES, SAMPLES / "data/mnist5k")


def test_a_bundled_set_is_called_by_its_name() -> None:
    training = _training(IRIS.format("label * label"), LOSS, 3)
    with pytest.raises(SystemExit, match=r"^iris: t must be from 0 to 2; row 100 holds 4$"):
        _loaded(training, Path(), 0)


@pytest.mark.parametrize(
    "level, vocabulary, looked_at",
    [("bytes", 256, []), ("bytes", 128, ["i", "t"]), ("chars", 256, ["i", "t"])],
)
def test_bytes_are_below_256(level: str, vocabulary: int, looked_at: list[str]) -> None:
    program = _program(
        f"""
        model M {{
            input i: i64[N, T]
            output y = i |> embedding({vocabulary}, 2) |> dense({vocabulary})
        }}
        train M {{
            target t: i64[N, T]
            data = text("data/text/hamlet.txt", level = "{level}") {{ i = ids, t = next_ids }}
            optimizer = sgd(lr = 0.1)
            loss = cross_entropy(y, t, axis = -1)
        }}
        """,
        SAMPLES / "net.model",
    )
    checks = data_checks(program.trainings["M"])
    assert [check.name for check in checks] == looked_at
