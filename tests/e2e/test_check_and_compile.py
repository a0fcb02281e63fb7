"""`tercet check` says what `tercet compile` would: of every program here, and no more than that."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tercet.backends import finishing
from tercet.cli import main
from tercet.compiler.pipeline import load
from tests.codegen.models import MODELS, SHARING
from tests.random_programs.search import program_of

ROOT = Path(__file__).parents[2]
SAMPLES = {f"samples/{p.stem}": p for p in sorted(ROOT.glob("samples/*.model"))}
TEXTS = {
    **MODELS,
    **SHARING,
    **{f"random{seed}": program_of(seed).untrained for seed in range(20)},
}

REFUSED = {
    "several targets for one reason": (
        """
        model M {
            input x: f32[N, 4]
            h = x |> dense(3)
            p = cast(x, f64) |> dense(3)
            output y = cast(p, f32) + h
        }
        """,
        [
            "pytorch and mxnet cannot mix f32 and f64 in parameters",
            "tensorflow cannot mix f32 and f64 in inputs and parameters",
        ],
    ),
    "several targets for reasons of their own": (
        "model M { output y = full([2], 1.0) }",
        [
            "pytorch cannot express `full` here: its device is that of an input, "
            "and there is none; mxnet cannot express the output `y`: "
            "no output depends on an input or a parameter"
        ],
    ),
    "one target on two lines": (
        """
        model A { input x: f16[N, 4] output y = relu(x) }
        model B { input x: f16[N, 4] output y = tanh(x) }
        """,
        ["mxnet cannot express the input `x`: MXNet computes in f16 on no CPU" for _ in range(2)],
    ),
}
"""Programs, and what is said of their lines."""


@pytest.fixture
def unformatted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts are tried as Python, not sorted and wrapped: that is Ruff's work, and slow."""

    def as_it_is(arguments: Sequence[str], texts: Sequence[str]) -> Sequence[str]:
        for text in texts:
            ast.parse(text)
        return texts

    monkeypatch.setattr(finishing, "_ruff", as_it_is)


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, set[str]]]:
    """The exit code of a command and the errors that it tells."""

    def call(*arguments: object) -> tuple[int, set[str]]:
        code = main([str(argument) for argument in arguments])
        text = capsys.readouterr().err
        return code, {line for line in text.splitlines() if line.startswith("error")}

    return call


@pytest.mark.usefixtures("unformatted")
@pytest.mark.parametrize("name", [*SAMPLES, *TEXTS])
def test_they_agree(name: str, told: Callable[..., tuple[int, set[str]]], tmp_path: Path) -> None:
    path = SAMPLES.get(name, tmp_path / "net.model")
    if name in TEXTS:
        path.write_text(TEXTS[name], encoding="utf-8")
    program = load(path).program
    assert program is not None
    for model in program.models:
        checked = told("check", path, "-m", model)
        assert checked == told("compile", path, "-m", model, "-o", tmp_path / "scripts")
        for target in ("pytorch", "tensorflow", "mxnet"):
            one = told("check", path, "-m", model, "-t", target)
            assert (one[0] == 0) or checked[0] == 1


@pytest.mark.parametrize("name", REFUSED)
def test_what_targets_refuse_is_told_once_for_each_line(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text, messages = REFUSED[name]
    path = tmp_path / "net.model"
    path.write_text(text, encoding="utf-8")
    assert main(["check", str(path), "--json"]) == 1
    (file,) = json.loads(capsys.readouterr().out)["files"]
    found = [d["message"] for d in file["diagnostics"] if d["code"] == "E0701"]
    assert found == messages


def test_a_target_that_is_not_asked_for_refuses_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "net.model"
    path.write_text(REFUSED["one target on two lines"][0], encoding="utf-8")
    assert main(["check", str(path), "-t", "pytorch,tensorflow"]) == 0
    assert "no errors" in capsys.readouterr().out


def test_neither_ruff_nor_a_framework_is_run_or_imported() -> None:
    """What a check imports is what makes it slow."""
    code = """
import sys
from tercet.cli import main
assert main(["check", "samples/resnet18.model"]) == 0
slow = {"subprocess", "tercet.backends.finishing", "numpy.core", "onnx", "torch", "keras", "mxnet"}
assert not slow & set(sys.modules), slow & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)
