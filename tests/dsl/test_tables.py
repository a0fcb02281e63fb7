"""The saved tables are those of the grammar, and its terminals are the lexer's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tercet.dsl import tables, tokens
from tercet.dsl.builder import Builder


def test_saved_tables_are_fresh() -> None:
    saved = tables.SAVED.read_bytes().partition(b"\n")[0]
    assert saved == tables.key(), "run `python -m tercet.dsl.build_tables`"


def test_the_lexer_knows_every_terminal() -> None:
    built = tables.build(Builder())
    fixed = {t.name: t.pattern.value for t in built.terminals if t.pattern is not None}
    assert fixed.items() <= {name: text for text, name in tokens.TERMINALS.items()}.items()


def test_stale_tables_are_built_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stale = tmp_path / "tables.bin"
    for content in (b"", b"0123\nrubbish"):
        stale.write_bytes(content)
        monkeypatch.setattr(tables, "SAVED", stale)
        assert tables.load(Builder()).rules


def test_reading_imports_nothing_heavy() -> None:
    code = (
        "import sys; from tercet.dsl.parser import parse; from tercet.dsl.source import Source\n"
        "parse(Source('', 'model M { }'))\n"
        "print(*({'numpy', 'rich', 'onnx', 'torch', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
