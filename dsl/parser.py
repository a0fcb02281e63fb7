"""Text to syntax tree: `parse` a file, `parse_expression` for a value given on the command line.

Lark drives a table built ahead (`tables.py`); the syntax tree is built while parsing
(`builder.py`).  After a syntax error reading goes on at the next statement (`recovery.py`), so that
one run shows several.  No input raises anything but `DiagnosticError`.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tercet.dsl import limits, nodes
from tercet.dsl.builder import Builder
from tercet.dsl.diagnostics import Diagnostic, DiagnosticError
from tercet.dsl.lexer import Tokens
from tercet.dsl.mending import mended, names_in
from tercet.dsl.records import dataclass
from tercet.dsl.recovery import Recovery, TooManyErrors
from tercet.dsl.source import Source, Span

if TYPE_CHECKING:
    from lark import Lark

_LOCK = threading.Lock()


@dataclass(frozen=True)
class ParseResult:
    """The tree of what could be read, and all that is wrong with the rest, in text order.

    `broken` are declarations of which too much is lost; `lost` names what lost ones mention.
    """

    module: nodes.Module
    diagnostics: tuple[Diagnostic, ...]
    broken: frozenset[nodes.Declaration] = frozenset()
    lost: frozenset[str] = frozenset()


@cache
def _parser() -> tuple[Lark, Builder]:
    from tercet.dsl.tables import load  # brings Lark, which `import dsl.parser` alone does not need

    builder = Builder()
    return load(builder), builder


def parse(source: Source) -> ParseResult:
    """The syntax tree of a whole file; never raises."""
    with _LOCK:
        _, builder = _parser()
        _, diagnostics, lost = _run(source, "module")
        declarations = tuple(builder.declarations)
    if not diagnostics:
        return ParseResult(nodes.Module(source, declarations), ())
    wrong = [d.span for d in diagnostics]
    made, broken = mended(declarations, wrong, lost)
    inside = [d.span for d in made]
    outside = [s for s in lost if not any(o.start <= s.start < o.end for o in inside)]
    return ParseResult(nodes.Module(source, made), diagnostics, broken, names_in(outside))


def parse_expression(source: Source) -> nodes.Expr:
    """The expression that is the whole text of `source`.

    Raises DiagnosticError with everything that is wrong with it.
    """
    with _LOCK:
        value, diagnostics, _ = _run(source, "single_expression")
    if diagnostics:
        raise DiagnosticError(*diagnostics)
    expression: nodes.Expr = value
    return expression


def _run(source: Source, start: str) -> tuple[Any, tuple[Diagnostic, ...], list[Span]]:
    lark, builder = _parser()
    builder.begin(source)
    if len(source.text) > limits.FILE_BYTES:
        return None, (_too_large(source),), []
    tokens = Tokens(source)
    recovery = Recovery(tokens, may_resume=start == "module")
    value = None
    with suppress(TooManyErrors):
        value = lark.parse(recovery.cursor, start=start, on_error=recovery.on_error)
    misread = {d.span.line for d in tokens.diagnostics if d.code in ("E0101", "E0102")}
    broken = [d for d in recovery.diagnostics if d.span.line not in misread]
    found = [*tokens.diagnostics, *builder.diagnostics, *broken]
    found.sort(key=lambda d: (d.span.start, d.span.end))
    return value, tuple(found[: limits.ERRORS]), recovery.lost


def _too_large(source: Source) -> Diagnostic:
    return Diagnostic(
        "E0130",
        f"the text is larger than {limits.FILE_BYTES // 2**20} MiB",
        Span(source, 0, 0),
        "a model is a program, not data: use loops, and read data with `data = …`",
    )


def read_source(path: Path) -> Source:
    """The source in a file.

    Raises DiagnosticError where the file cannot be read, is too large or is not UTF-8.
    """
    name = str(path)
    empty = Source(name, "", path)
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe would be waited for
            raise ValueError("not a file")
        with path.open("rb") as file:
            data = file.read(limits.FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"cannot read `{name}`: {reason}"
        help = "standard input is not read: give the name of a file" if name == "-" else None
        raise DiagnosticError(Diagnostic("E0134", message, Span(empty, 0, 0), help)) from None
    if len(data) > limits.FILE_BYTES:
        raise DiagnosticError(_too_large(empty))
    return _decode(name, path, data)


def _decode(name: str, path: Path, data: bytes) -> Source:
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")  # else a comment would go on to the end of the file
    try:
        return Source(name, data.decode("utf-8"), path)
    except UnicodeDecodeError as error:
        readable = Source(name, data.decode("utf-8", "replace"), path)
        at = len(data[: error.start].decode("utf-8", "replace"))
        raise DiagnosticError(
            Diagnostic(
                "E0133",
                f"the byte 0x{data[error.start]:02x} is not UTF-8",
                Span(readable, at, at + 1),
                "save the file in the UTF-8 encoding",
            )
        ) from None
