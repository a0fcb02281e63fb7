"""What the documentation shows is true: models compile, commands run, shown code is generated."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tercet import shown
from tercet.cli import main
from tercet.compiler.pipeline import load
from tercet.docs import PAGE, page
from tercet.dsl.render import render
from tercet.dsl.source import Source

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SLOW = {"train", "predict", "export", "verify", "doctor"}

_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(path: Path, language: str) -> list[tuple[str, str]]:
    """The blocks of a language: the name of the file that each is, if any, and its text."""
    found = _BLOCK.findall(path.read_text(encoding="utf-8"))
    return [(name, text) for kind, name, text in found if kind == language]


def models() -> Iterator[object]:
    for path in PAGES:
        for number, (_, text) in enumerate(blocks(path, "model")):
            yield pytest.param(text, id=f"{path.name}-{number}")


@pytest.mark.parametrize("text", list(models()))
def test_models_compile(text: str) -> None:
    found = load(Source("shown.model", text, ROOT / "samples" / "shown.model")).diagnostics
    assert not found, "\n".join(map(render, found))


# --------------------------------------------------------------------------------------- commands


@pytest.mark.parametrize("path", [p for p in PAGES if blocks(p, "sh")], ids=lambda p: p.name)
def test_fast_commands_run(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the order of the page; a model with a file's name is put into that file.

    What a command prints is what the page shows below it.
    """
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    tried, printed = 0, ""
    for kind, name, text in _BLOCK.findall(path.read_text(encoding="utf-8")):
        if kind == "text" and printed:
            assert [line.rstrip() for line in printed.splitlines()] == text.splitlines()
        printed = ""
        if kind == "model" and name:
            (tmp_path / name).write_text(text, encoding="utf-8")
        for line in text.splitlines() if kind == "sh" else []:
            program, command, *arguments = shlex.split(line, comments=True) or ["", ""]
            if program == "tercet" and command not in SLOW:
                assert main([command, *arguments]) == 0, line + capsys.readouterr().err
                printed = capsys.readouterr().out
                tried += 1
    assert tried


@pytest.mark.parametrize("path", [p for p in PAGES if blocks(p, "sh")], ids=lambda p: p.name)
def test_slow_commands_exist(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Their options are those that the command has; what they print is measured, not tested."""
    for _, text in blocks(path, "sh"):
        for line in text.splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["tercet"] and words[1] in SLOW:
                main([words[1], "--help"])
                known = capsys.readouterr().out
                assert all(word in known for word in words if word.startswith("-")), line


# ------------------------------------------------------------------------------------- shown code


@pytest.mark.parametrize("path", shown.PAGES, ids=lambda p: p.name)
def test_shown_classes_are_generated(path: Path) -> None:
    assert shown.refreshed(path) == path.read_text(encoding="utf-8")


def test_the_page_of_operations_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


# ------------------------------------------------------------------------------------- phrasebook


def phrases() -> Iterator[object]:
    """The last column of every table below a line of inputs, with those inputs."""
    inputs: list[str] = []
    for line in (ROOT / "docs" / "phrasebook.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            inputs = []
        elif line.startswith("`input "):
            inputs = re.findall(r"`([^`]*)`", line)
        elif inputs and line.startswith("| `"):
            cell = re.split(r"(?<!\\)\|", line)[-2].strip().strip("`").replace("\\|", "|")
            yield pytest.param(inputs, cell, id=cell)


@pytest.mark.parametrize("inputs, expression", list(phrases()))
def test_phrases_compile(inputs: list[str], expression: str) -> None:
    text = "\n    ".join(["model Phrase {", *inputs, f"y = {expression}", "output y"]) + "\n}\n"
    found = load(Source("phrase.model", text)).errors
    assert not found, "\n".join(map(render, found))


# ------------------------------------------------------------------------------------------ links


def links() -> Iterator[object]:
    for path in PAGES:
        for target in re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8")):
            if "://" not in target:
                yield pytest.param(path.parent / target, id=f"{path.name}: {target}")


@pytest.mark.parametrize("target", list(links()))
def test_links_lead_somewhere(target: Path) -> None:
    assert target.exists()
