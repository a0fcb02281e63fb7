"""How a script is finished: Ruff sorts the imports that it uses and wraps its lines."""

from __future__ import annotations

import io
import subprocess
import symtable
import sys
import sysconfig
import tempfile
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path

from tercet.backends.draft import COLUMNS, Draft
from tercet.dsl.visible import columns


def finished(drafts: Sequence[Draft]) -> list[str]:
    """The texts of scripts.

    Those of all targets at once: to start Ruff takes longer than what it does.
    """
    imports = _sorted_imports(drafts)
    parts = [(d.header, found, d.body) for d, found in zip(drafts, imports, strict=True)]
    texts = _formatted(["\n\n".join(filter(None, each)) + "\n" for each in parts])
    return [
        text if draft.amend is None else draft.amend(text)
        for draft, text in zip(drafts, texts, strict=True)
    ]


def _sorted_imports(drafts: Sequence[Draft]) -> list[str]:
    """For every script the imports that the rest of it uses, in order.

    Ruff does it; of the body it sees only the names, because its memory grows with the square
    of the assignments of one name.
    """
    end = "# ---"
    texts = ["\n".join([*draft.imports, end, *_read_names(draft.body)]) + "\n" for draft in drafts]
    rules = ["--fix", "--quiet", "--exit-zero", "--select", "I001,F401"]
    return [text.partition(end)[0].strip() for text in _ruff(["check", *rules], texts)]


def _read_names(body: str) -> list[str]:
    try:
        return sorted(set(_names(symtable.symtable(body, "script.py", "exec"))))
    except SyntaxError as problem:
        raise RuntimeError(f"generated code is not valid Python: {problem}") from problem


def _names(table: symtable.SymbolTable) -> Iterator[str]:
    """What the code of a scope and of those inside it refers to."""
    for symbol in table.get_symbols():
        if symbol.is_referenced():
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _names(inner)


def _formatted(texts: Sequence[str]) -> list[str]:
    """The scripts with wrapped lines.

    By Ruff: it is the formatter that Python projects use, so scripts look at home there.
    """
    return [_excused(t) for t in _ruff(["format", "--line-length", str(COLUMNS)], texts)]


def _excused(text: str) -> str:
    """The script with a note for linters where text of the model makes a line too long."""
    rows = text.split("\n")
    long = [k for k, row in enumerate(rows, 1) if columns(row) > COLUMNS and " " in row.strip()]
    if not long:
        return text
    ends = {k: k for k in long}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        first, last = token.start[0], token.end[0]
        ends |= {k: last for k in long if first <= k < last}
    for end in set(ends.values()):
        rows[end - 1] += "  # noqa: E501"
    return "\n".join(rows)


def _ruff(arguments: Sequence[str], texts: Sequence[str]) -> list[str]:
    """What Ruff makes of texts, each alone: one goes through a pipe, several through files."""
    command = [_ruff_path(), *arguments, "--isolated"]
    if len(texts) == 1:
        return [_told([*command, "--stdin-filename", "script.py", "-"], texts[0])]
    with tempfile.TemporaryDirectory(prefix="tercet-") as folder:
        paths = [Path(folder, f"{k}.py") for k in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text, encoding="utf-8", newline="")
        _told([*command, "--no-cache", folder], None)
        return [path.read_text(encoding="utf-8") for path in paths]


def _told(command: Sequence[str], text: str | None) -> str:
    done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise RuntimeError(f"generated code is not valid Python: {done.stderr.strip()}")
    return done.stdout


def _ruff_path() -> str:
    beside = Path(sysconfig.get_path("scripts")) / "ruff"
    return str(beside) if beside.exists() else str(Path(sys.executable).with_name("ruff"))
