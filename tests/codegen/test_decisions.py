"""`tercet compile --why`: how each class and loop is printed, and what kept it from being one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tercet.cli import main


@dataclass(frozen=True)
class Case:
    """A model, and what is told about it: (line, class, how it is printed and why)."""

    name: str
    text: str
    told: tuple[tuple[int, str, str], ...]


_BLOCK = """\
block B(act) {
    input x: f32[N, C]
    output x |> dense(C) |> act
}
"""

CASES = [
    Case(
        "one_class",
        _BLOCK + "model M { input x: f32[N, 8]\n output y = x |> B(relu) |> dense(4) |> B(relu) }",
        ((1, "B", "one class for 2 specialisations"), (5, "M", "a class")),
    ),
    Case(
        "two_classes",
        _BLOCK + "model M { input x: f32[N, 8]\n output y = x |> B(relu) |> B(tanh) }",
        (
            (1, "B", "a class"),
            (1, "B_1", "a class, apart from the one before: one is `relu` where another is `tanh`"),
            (5, "M", "a class"),
        ),
    ),
    Case(
        "one_class_for_each_function",
        "block Gate {\n input x: f32[N, C]\n output x * (x |> dense(C))\n}\n"
        "block B(units, gated, act) {\n input x: f32[N, C]\n h = x |> dense(units) |> act\n"
        " if gated { h = h |> Gate }\n output if C == units { x + h } else { h }\n}\n"
        "model M(width = 8) {\n input x: f32[N, 8]\n h = x |> B(width, false, relu)\n"
        " h = h |> B(2 * width, true, relu) |> B(2 * width, true, tanh)\n"
        " output y = h |> B(4 * width, false, tanh) |> dense(2)\n}",
        (
            (1, "Gate", "a class"),
            (5, "B", "one class for 2 specialisations"),
            (5, "B_1", "one class for 2 specialisations, apart from the one before: one is `relu`"),
            (11, "M", "a class"),
        ),
    ),
    Case(
        "loop",
        "model M {\n input x: f32[N, 8]\n h = x\n for _ in range(3) {\n  h = h |> dense(8)\n }\n"
        " output h\n}",
        ((1, "M", "a class"), (4, "M", "a loop: its iterations, 3, are alike")),
    ),
    Case(
        "loop_in_a_loop",
        "model M {\n input x: f32[N, 8]\n h = x\n for n in range(2) {\n  for _ in range(n + 1) {\n"
        "   h = h |> dense(8)\n  }\n }\n output h\n}",
        (
            (1, "M", "a class"),
            (4, "M", "a loop: its iterations, 2, are alike"),
            (5, "M", "a loop: its iterations, 1 or 2, are alike"),
        ),
    ),
    Case(
        "unrolled_for_what_leaves_it",
        "model M {\n input x: f32[N, 8]\n h, all = x, []\n for _ in range(2) {\n"
        "  h = h |> dense(8)\n  all = all + [h]\n }\n output y = concat(all, 1)\n}",
        (
            (1, "M", "a class"),
            (
                4,
                "M",
                "unrolled, 2 iterations: the `h` of every iteration is used behind the loop, not "
                "the last one alone",
            ),
        ),
    ),
    Case(
        "unrolled_for_its_operations",
        "model M {\n input x: f32[N, 8]\n h = x\n for act in [relu, tanh] {\n  h = h |> act\n }\n"
        " output h\n}",
        (
            (1, "M", "a class"),
            (4, "M", "unrolled, 2 iterations: one is `relu` where another is `tanh`"),
        ),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_why(case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.model"
    path.write_text(case.text)
    assert main(["compile", str(path), "-o", str(tmp_path), "-t", "pytorch", "--why"]) == 0
    target, *lines = capsys.readouterr().err.splitlines()
    assert target == "pytorch:"
    for line, (number, subject, text) in zip(lines, case.told, strict=True):
        place, found, *words = line.split()
        assert (place, found) == (f"{path}:{number}:", subject)
        assert " ".join(words).startswith(text)


def test_nothing_is_told_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.model"
    path.write_text(CASES[0].text)
    assert main(["compile", str(path), "-o", str(tmp_path), "-t", "pytorch"]) == 0
    assert capsys.readouterr().err == ""
