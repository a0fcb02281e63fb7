"""How a script is finished: Ruff sorts the imports that it uses and wraps its lines."""

from __future__ import annotations

import io
import subprocess
import symtable
import sys
import sysconfig
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tercet.backends.draft import COLUMNS, Draft
from tercet.dsl.visible import columns


def finished(draft: Draft) -> str:
    """The text of a script."""
    imports = _sorted_imports(draft.imports, draft.body)
    parts = (draft.header, imports, draft.body)
    text = _formatted("\n\n".join(part for part in parts if part) + "\n")
    return text if draft.amend is None else draft.amend(text)


def _sorted_imports(statements: Iterable[str], body: str) -> str:
    """The imports that the rest of the script uses, in order.

    Ruff does it; of the body it sees only the names, because its memory grows with the square
    of the assignments of one name.
    """
    end = "# ---"
    try:
        names = sorted(set(_names(symtable.symtable(body, "script.py", "exec"))))
    except SyntaxError as problem:
        raise RuntimeError(f"generated code is not valid Python: {problem}") from problem
    rules = ["--fix", "--quiet", "--exit-zero", "--select", "I001,F401", "--isolated"]
    text = _ruff(["check", *rules], "\n".join([*statements, end, *names]) + "\n")
    return text.partition(end)[0].strip()


def _names(table: symtable.SymbolTable) -> Iterator[str]:
    """What the code of a scope and of those inside it refers to."""
    for symbol in table.get_symbols():
        if symbol.is_referenced():
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _names(inner)


def _formatted(text: str) -> str:
    """The script with wrapped lines.

    By Ruff: it is the formatter that Python projects use, so scripts look at home there.
    """
    return _excused(_ruff(["format", "--isolated", "--line-length", str(COLUMNS)], text))


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


def _ruff(arguments: Sequence[str], text: str) -> str:
    command = [_ruff_path(), *arguments, "--stdin-filename", "script.py", "-"]
    done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise RuntimeError(f"generated code is not valid Python: {done.stderr.strip()}")
    return done.stdout


def _ruff_path() -> str:
    beside = Path(sysconfig.get_path("scripts")) / "ruff"
    return str(beside) if beside.exists() else str(Path(sys.executable).with_name("ruff"))
