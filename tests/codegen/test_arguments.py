"""The arguments of generated classes say what they are, and bring what they must."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tercet.backends.mxnet.target import MXNetTarget
from tercet.backends.pytorch.target import PyTorchTarget
from tercet.backends.script import ClassFrame, class_text
from tercet.backends.tensorflow.target import TensorFlowTarget
from tercet.codegen.expr import Call, Name
from tercet.codegen.models import print_model
from tercet.codegen.printed import ClassCode
from tercet.codegen.render import render
from tercet.codegen.target import ClassTarget
from tercet.codegen.tree import find_parts
from tercet.compiler.graph.ir import Graph
from tercet.compiler.pipeline import load
from tercet.dsl.diagnostics import DiagnosticError
from tercet.dsl.source import Source

HERE = Path(__file__).parent
MODELS = sorted([*HERE.glob("*/*.model"), *HERE.parent.glob("cases/loops/*.model")])
TARGETS: dict[str, Callable[[Sequence[Graph]], ClassTarget]] = {
    "pytorch": lambda _: PyTorchTarget(),
    "tensorflow": TensorFlowTarget,
    "mxnet": lambda models: MXNetTarget(models[0]),
}


def _classes(text: str, target: str = "pytorch") -> list[ClassCode]:
    (model,) = load(Source("test.model", text)).program_or_raise().models.values()
    return print_model(model, TARGETS[target]).classes


@pytest.mark.parametrize("target", TARGETS)
def test_none_is_called_value(target: str) -> None:
    for path in MODELS:
        for model in load(path).program_or_raise().models.values():
            try:
                classes = print_model(model, TARGETS[target]).classes
            except DiagnosticError:
                continue
            names = [argument.name for code in classes for argument in code.arguments]
            assert not any(name.rstrip("_0123456789") == "value" for name in names), path


BLOCK = """
block B(units) {
    input x: f32[N, C]
    output x |> dense(4 * C) |> relu |> dense(units)
}
"""

SIZES = [
    # inferred from what the source writes: in_features of the second layer
    ("model M { input x: f32[N, 4]\n output y = x |> B(8) |> B(8) }", "Linear(4 * in_channels, 8)"),
    # a product of arguments
    (
        "model M(width = 8) { input x: f32[N, 1, 6, 6]\n h = x |> conv2d(width, 3) |> flatten\n"
        " output y = h |> dense(2) }",
        "Linear(16 * width, 2)",
    ),
    # a sum
    (
        "model M(width = 8) { input x: f32[N, 5]\n h = concat([x, x |> dense(width)], axis = 1)\n"
        " output y = h |> dense(2) }",
        "Linear(width + 5, 2)",
    ),
    # two parameters
    (
        "model M(a = 3, b = 5) { input x: f32[N, 4]\n"
        " h = x |> dense(a * b) |> reshape([N, a, b]) |> permute([0, 2, 1])\n"
        " output y = h |> flatten |> dense(2) }",
        "Linear(a * b, 2)",
    ),
    # made in an unrolled loop: the name of the loop has another value at each element
    (
        "model M(width = 8) { input x: f32[N, 4]\n all, h = [], x\n for k in range(3) {\n"
        "  h = h |> dense((k + 1) * width)\n  all = all + [h]\n }\n"
        " output y = concat(all, axis = 1) }",
        "Linear(2 * width, 3 * width)",
    ),
]


@pytest.mark.parametrize("model, made", SIZES)
def test_sizes_follow(model: str, made: str) -> None:
    text = (BLOCK if "B(" in model else "") + model
    calls = [
        render(call).removeprefix("nn.")
        for code in _classes(text)
        for call in find_parts(code.construct, Call)
        if not isinstance(call.callee, Name)
    ]
    assert made in calls


FIXED = [
    # an `if` of which the other side was never seen
    (
        "model M(deep = 5) { input x: f32[N, 4]\n h = x\n if deep > 0 { h = h |> dense(4) }\n"
        " output y = h |> relu }",
        "deep = 5 is fixed: it decides about an `if` (line 3).",
    ),
    # the number of layers of a loop that must be unrolled
    (
        "model M(levels = 2) { input x: f32[N, 4]\n all, h = [], x\n for _ in range(levels) {\n"
        "  h = h |> dense(4)\n  all = all + [h]\n }\n output y = concat(all, axis = 1) }",
        "levels = 2 is fixed: ",
    ),
    ("model M(act = relu) { input x: f32[N, 4]\n output y = x |> act }", "act = relu is fixed: "),
    (
        "model M(a = 3, b = 2 * a) { input x: f32[N, 4]\n output y = x |> dense(b) |> dense(a) }",
        "b = 6 is fixed: its default follows from other parameters.",
    ),
]


def test_a_parameter_of_no_consequence_is_said_to_be_one() -> None:
    text = "model M(n = 3) { input x: f32[N, 4]\n assert n > 1\n output y = x |> dense(2) }"
    code = _classes(text)[-1]
    assert code.notes == ("n is no argument: the class is the same with 4 and 6.",)
    assert not code.arguments


def test_notes_are_comments_whatever_they_quote() -> None:
    text = (
        'model M(mode = "a\\nimport os") { input x: f32[N, 4]\n'
        ' output y = if mode == "b" { x } else { x |> dense(2) } }'
    )
    frame = ClassFrame("nn.Module", "forward(self, {inputs})", ("super().__init__()",))
    lines = class_text(_classes(text)[-1], frame).splitlines()
    assert [line for line in lines if "import os" in line] == [
        "    # mode = a import os is fixed: it is not a number."
    ]


@pytest.mark.parametrize("model, note", FIXED)
def test_fixed_parameters_say_why(model: str, note: str) -> None:
    code = _classes(model)[-1]
    assert [text for text in code.notes if text.startswith(note)]
    assert note.split()[0] not in {argument.name for argument in code.arguments}
