"""Programs with their expected diagnostics: `*.md` in this folder.

Under each heading stands a program, then one line per diagnostic, in order: code, line and column,
and a piece of its message, help or notes.  A program without such lines has none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tercet.compiler.pipeline import load
from tercet.dsl.diagnostics import Diagnostic
from tercet.dsl.render import render
from tercet.dsl.source import Source

FOLDER = Path(__file__).parent
_CASE = re.compile(r"^## (.+?)\n(.*?)```model\n(.*?)```\n(.*?)(?=^## |\Z)", re.M | re.S)
_EXPECTED = re.compile(r"^- ([EW]\d{4}) (\S+:)?(\d+:\d+):? ?(.*)$", re.M)


@dataclass(frozen=True)
class Case:
    title: str
    text: str
    expected: tuple[tuple[str, str, str], ...]


def cases() -> list[object]:
    found: list[object] = []
    for path in sorted(FOLDER.glob("*.md")):
        for title, _, text, rest in _CASE.findall(path.read_text(encoding="utf-8")):
            expected = tuple((c, f + p, m) for c, f, p, m in _EXPECTED.findall(rest))
            found.append(pytest.param(Case(title, text, expected), id=f"{path.stem}: {title}"))
    return found


def everything(diagnostic: Diagnostic) -> str:
    notes = [note.message for note in diagnostic.notes]
    return "\n".join([diagnostic.message, diagnostic.help or "", *notes])


def place(diagnostic: Diagnostic) -> str:
    source = diagnostic.span.source
    line, column = source.position(diagnostic.span.start)
    name = source.name.removeprefix(f"{FOLDER}/")
    prefix = "" if name == "test.model" else f"{name}:"
    return f"{prefix}{line}:{column}"


@pytest.mark.parametrize("case", cases())
def test_diagnostics(case: Case) -> None:
    result = load(Source("test.model", case.text, FOLDER / "test.model"))
    shown = "\n".join(render(d) for d in result.diagnostics)
    found = [(d.code, place(d)) for d in result.diagnostics]
    assert found == [(code, where) for code, where, _ in case.expected], shown
    for diagnostic, (_, _, piece) in zip(result.diagnostics, case.expected, strict=True):
        assert piece in everything(diagnostic), shown
    has_errors = any(code.startswith("E") for code, _, _ in case.expected)
    assert (result.program is None) is has_errors


def test_there_are_cases() -> None:
    assert len(cases()) > 100
