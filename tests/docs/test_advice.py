"""What messages advise exists: commands, flags, pages, codes, functions, arguments, settings."""

from __future__ import annotations

import argparse
import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from tercet.cli.table import COMMANDS
from tercet.compiler import habits
from tercet.compiler.data import SOURCES
from tercet.compiler.elaborate.functions import FUNCTIONS
from tercet.compiler.elaborate.train.body import NOT_YET, SETTINGS
from tercet.compiler.initializers import INITIALIZERS
from tercet.compiler.ops.base import OPERATIONS
from tercet.compiler.training import CLIPS, METRICS, OPTIMIZERS, SCHEDULES
from tercet.dsl.codes import CODES
from tercet.dsl.library import std_blocks

ROOT = Path(__file__).parents[2]
FOLDERS = ("dsl", "compiler", "codegen", "backends", "tercet")
TABLES: tuple[dict[str, Any], ...] = (
    OPERATIONS,
    SOURCES,
    INITIALIZERS,
    CLIPS,
    METRICS,
    OPTIMIZERS,
    SCHEDULES,
)
CALLED = {name for table in TABLES for name in table} | {*FUNCTIONS, *std_blocks()}
PLACEHOLDERS = {"layer"}
"""What stands for a name of the user's."""


def _texts() -> Iterator[tuple[Path, str]]:
    """Every text in the program that is no docstring."""
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in ast.walk(tree):
                match node:
                    case ast.Constant(value=str(text)) if id(node) not in told:
                        yield path.relative_to(ROOT), text


TEXTS = list(_texts())


def _mentioned(pattern: str, *folders: str) -> list[tuple[str, str]]:
    """What texts mention, with the file; in all folders, or in some."""
    return [
        (found, str(path))
        for path, text in TEXTS
        if not folders or path.parts[0] in folders
        for found in re.findall(pattern, text)
    ]


def _flags(parser: argparse.ArgumentParser) -> set[str]:
    return {option for action in parser._actions for option in action.option_strings}


def _parsers() -> dict[str, argparse.ArgumentParser]:
    modules = {name: f"tercet.cli.{entry.module}" for name, entry in COMMANDS.items()}
    return {n: importlib.import_module(m).COMMAND.parser() for n, m in modules.items()}


def test_commands_exist() -> None:
    found = _mentioned(r"(?:^|[`\n ]) ?tercet ([a-z]+)\b(?! \w+ (?:is|was))")
    assert len(found) > 40
    assert [entry for entry in found if entry[0] not in COMMANDS] == []


def test_flags_exist() -> None:
    known = {"--version"}.union(*map(_flags, _parsers().values()))
    contract = (ROOT / "docs/scripts.md").read_text()
    known |= set(re.findall(r"^\| `(--[a-z-]+)", contract, re.MULTILINE))
    found = _mentioned(r"(?<![\w-])--[a-z][a-z0-9-]+")
    of_ruff = {entry for entry in found if entry[1] == "backends/finishing.py"}
    assert len(found) > 60
    assert [entry for entry in found if entry[0] not in known and entry not in of_ruff] == []


def test_the_flags_of_a_command_are_its_own() -> None:
    parsers = _parsers()
    for command, rest in _mentioned(r"tercet ([a-z]+)([^\n`]*)"):
        written = rest.partition("  ")[0]
        of_it = set(re.findall(r"(?<![\w=-])--?[a-zA-Z][a-z-]*\b", written))
        if of_it:
            assert of_it <= _flags(parsers[command]), rest


def test_pages_that_are_named_are_installed() -> None:
    """Nobody who installed the command has the folder `docs`."""
    assert _mentioned(r"docs/[\w./]+|README\.md", "dsl", "compiler", "codegen", "backends") == []
    assert [e for e in _mentioned(r"see docs/\S+") if e] == []


def test_codes_exist() -> None:
    found = _mentioned(r"\b[EW]\d{4}\b")
    assert len(found) > 100
    assert [entry for entry in found if entry[0] not in CODES and entry[0] != "E1000"] == []


def test_functions_exist() -> None:
    found = _mentioned(r"`([a-z_][a-z0-9_]*)\(", "dsl", "compiler")
    assert len(found) > 20
    assert [e for e in found if e[0] not in CALLED | PLACEHOLDERS] == []


@pytest.mark.parametrize("name, advice", {**habits._NAMES, **habits._METHODS}.items())
def test_names_from_elsewhere_become_names_that_exist(name: str, advice: str) -> None:
    written = advice.replace("{0}", "x")
    called = re.match(r"([a-z_0-9]+)(\(|$)", written)
    is_operator = re.fullmatch(r"a (\*\*|[@+*/-]) b", written)
    is_property = written in ("x.shape", "x.rank", "x.dtype")
    assert is_operator or is_property or (called and called[1] in CALLED), advice


def _library() -> str:
    """The first lines of the library's blocks."""
    files = (ROOT / "dsl/std").glob("*.model")
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    return "\n".join(re.findall(r"^block .*", text, re.MULTILINE))


def test_arguments_and_settings_from_elsewhere_become_ones_that_exist() -> None:
    arguments = {f.name for table in TABLES for cls in table.values() for f in fields(cls)}
    arguments |= {operand.name for op in OPERATIONS.values() for operand in op.operands}
    arguments |= set(re.findall(r"[(,] *(\w+)(?: =|[,)])", _library()))
    advised = {name for names in habits._ARGUMENTS.values() for name in names}
    assert advised - arguments == set()
    assert set(habits._SETTINGS.values()) - {*SETTINGS} == set()
    assert {*SETTINGS}.isdisjoint(NOT_YET), "help lists what there is"
