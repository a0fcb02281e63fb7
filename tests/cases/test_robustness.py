"""Whatever a text says, reading, checking and formatting it end soon, and with a diagnostic."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tercet.cli import main
from tercet.compiler.pipeline import load
from tercet.dsl.formatter import format_source
from tercet.dsl.parser import read_source
from tercet.dsl.source import Source
from tests.fuzz.trial import tried

HOSTILE = Path(__file__).parent / "hostile"
SOON = 5.0
"""Seconds; what is tried here takes a tenth of that."""

_HEAD = "model M {\n    input x: f32[N, 4]\n"
_DOUBLING = """
    block D(n, k) {{
        input x: f32[N, C]
        output if n == 0 {{ {end} }} else {{ x |> D(n - 1, {left}) |> D(n - 1, {right}) }}
    }}
    model M {{
        input x: f32[N, 4]
        output y = x |> D({depth}, 0)
    }}
"""
_LOOPS = """
model M {
    input x: f32[N, 4]
    for i in range(1000) {
        for j in range(1000) { t = WHAT }
    }
    output y = x + 1
}"""
_ONES = ", ".join(["1"] * 1000)

FILES = {
    "parser_attributeerror/a": [("E0120", 1)],
    "hang_unknown_name/n300": [("E0201", 5)],
    "hang_unknown_name/n1000": [("E0201", 5)],
    "hang_layers/layers_1e6": [("E0504", 4)],
    "hang_layers/layers_huge": [("E0504", 4)],
    "output_not_made/a": [("E0209", 1)],
    "output_not_made/block": [("E0209", 1)],
}
"""The errors of each file: their codes and lines."""

UNPRINTABLE = {"codegen_notalike/a": 1, "codegen_notalike/small": 3}
"""Files that no target has a class for, and the line that tells why."""

TEXTS = {
    "after a train": ("train B {} y {", [("E0120", 1)]),
    "after parameters": ("block B(a) { input x: f32[N] output x } y {", [("E0120", 1)]),
    "after a header": ("block B(a) x { input x: f32[N] output x }", [("E0106", 1)]),
    "output in a loop that never runs": (
        f"{_HEAD} for i in range(0) {{ output y = relu(x) }} }}",
        [("E0209", 1)],
    ),
    "rank of an input": (
        f"model M {{ input x: f32[N, {_ONES}] output y = x * 2 }}",
        [("E0303", 1)],
    ),
    "rank of a parameter": (f"{_HEAD} param p: f32[{_ONES}] output y = x * p }}", [("E0303", 3)]),
    "rank of a result": (f"{_HEAD} output y = x |> reshape([N, 4] + [1] * 998) }}", [("E0303", 3)]),
    "rank in a loop": (
        f"{_HEAD} h = x for i in range(1000) {{ h = h |> unsqueeze(0) }} output y = sum(h) }}",
        [("E0303", 3)],
    ),
    "length of a range": (
        f"{_HEAD} for i in range(10**12) {{}} output y = x * 2 }}",
        [("E0411", 3)],
    ),
    "length of a string": (f'{_HEAD} s = "ab" * 10**15 output y = x * 2 }}', [("E0411", 3)]),
    "length of a list": (f"{_HEAD} s = [1] * 10**15 output y = x * 2 }}", [("E0411", 3)]),
    "parts of a split": (
        "model M { input x: f32[N, 1000000] p = split(x, 1000000) output y = p[0] }",
        [("E0504", 1)],
    ),
    "parts of a split beyond memory": (
        "model M { input x: f32[N, 10**12] p = split(x, 10**12, axis = 1) output y = p[0] }",
        [("E0504", 1)],
    ),
    "places beyond memory": (
        "model M { input x: f32[N, 10**12] p = unbind(x, axis = 1) output y = p[0] }",
        [("E0504", 1)],
    ),
    "chunks beyond memory": (
        "model M { input x: f32[N, 10**12] p = chunk(x, 10**12, axis = 1) output y = p[0] }",
        [("E0504", 1)],
    ),
    "sizes with remainders of large numbers": (
        """model M {
            input x: f32[N, M]
            assert N % 1000000007 == 3
            assert M % 998244353 == 5
            assert (N * M) % 1000003 == 17
            output y = x * 2
        }""",
        [("E0315", 3)],
    ),
    "the greatest of many numbers, often": (
        f"{_HEAD} a = range(50000) for i in range(100000) {{ b = max(a) }} output y = x * 2 }}",
        [("E0410", 3)],
    ),
    "the greatest of many sizes": (
        """model M {
            input x: f32[N]
            sizes = []
            for i in range(2, 1000) { sizes = sizes + [N % i] }
            output y = full([max(sizes) + 1], 1.0) + sum(x)
        }""",
        [("E0412", 5)],
    ),
    "wrong shapes in a loop": (_LOOPS.replace("WHAT", "x @ x"), [("E0301", 5)]),
    "a block that doubles operations": (
        _DOUBLING.format(end="relu(x)", left="k", right="k", depth=40),
        [("E0409", 4)],
    ),
    "a block that doubles nothing": (
        _DOUBLING.format(end="x", left="k", right="k", depth=60),
        [("E0409", 4)],
    ),
    "a block that doubles its kinds": (
        _DOUBLING.format(end="x", left="2 * k", right="2 * k + 1", depth=30),
        [("E0409", 4)],
    ),
    "a misspelt name in a block that doubles its kinds": (
        _DOUBLING.format(end="nothere", left="2 * k", right="2 * k + 1", depth=30),
        [("E0201", 4)],
    ),
}


def _errors(source: Source | Path) -> list[tuple[str, int]]:
    """Codes and lines, found soon and told without a bug."""
    start = time.process_time()
    found = load(source).errors
    assert time.process_time() - start < SOON
    return [(d.code, d.span.line) for d in found]


@pytest.mark.parametrize("name", FILES)
def test_files(name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = HOSTILE / f"{name}.model"
    assert _errors(path) == FILES[name]
    for command in (["check", str(path)], ["compile", str(path), "-o", str(tmp_path)]):
        assert main(command) == 1
        assert all(code in capsys.readouterr().err for code, _ in FILES[name])


@pytest.mark.parametrize("name", UNPRINTABLE)
def test_what_no_class_can_be_written_for_is_refused(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = HOSTILE / f"{name}.model"
    for command in (["check", str(path)], ["compile", str(path), "-o", str(tmp_path)]):
        assert main(command) == 1
        told = capsys.readouterr().err
        assert "E0701" in told
        assert f"{path.name}:{UNPRINTABLE[name]}:" in told


def test_transposed_convolutions_are_expressed_in_every_target(tmp_path: Path) -> None:
    path = HOSTILE.parent / "06-transposed-same/up.model"
    assert main(["check", str(path)]) == 0
    assert main(["compile", str(path), "-o", str(tmp_path)]) == 0


@pytest.mark.parametrize("name", TEXTS)
def test_texts(name: str) -> None:
    text, errors = TEXTS[name]
    assert _errors(Source("net.model", text)) == errors


def test_an_error_in_the_middle_of_a_loop_is_reported_once_and_the_rest_is_checked() -> None:
    text = f"""{_HEAD}
    for i in range(300) {{
        for j in range(300) {{ t = nothere }}
    }}
    output y = x + alsonothere
}}"""
    assert _errors(Source("net.model", text)) == [("E0201", 5), ("E0201", 7)]


@pytest.mark.parametrize("name", ["a", "b"])
def test_formatting_twice_is_formatting_once(name: str) -> None:
    once = format_source(read_source(HOSTILE / f"fmt_not_idempotent/{name}.model"))
    assert max(len(line) for line in once.splitlines()) <= 100
    assert format_source(Source("net.model", once)) == once


PRINTED = {
    "a parameter that changes the rank of an output": """
        model M(flag = true) {
            input x: f32[N, 2, T]
            output y = if flag { x * 2 } else { norm(x) }
        }""",
    "an element type where another call has a number": """
        block Mixed(kind, units) {
            input x: f32[N, D]
            output if kind == 0 { x |> dense(units) |> relu } else { x |> dense(units) }
        }
        model M {
            input x: f32[N, 6]
            output y = x |> Mixed(0, 5) |> Mixed(f64, 4) |> Mixed(2, 4)
        }""",
}


@pytest.mark.parametrize("name", PRINTED)
def test_a_legal_text_is_printed_for_every_target(name: str, tmp_path: Path) -> None:
    outcome = tried(PRINTED[name].encode(), tmp_path)
    assert (outcome.stage, outcome.finding) == ("compiled", None)
