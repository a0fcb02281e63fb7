"""`tercet fmt FILE...`: models in the standard layout, comments kept."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tercet.cli.command import Command
from tercet.errors import TercetError
from tercet.files import replace_text

if TYPE_CHECKING:
    from tercet.dsl.source import Source


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="a .model file; - for the input")
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit code 1 where a file would change"
    )


def _run(args: argparse.Namespace) -> int:
    from tercet.cli.failure import report
    from tercet.dsl.diagnostics import DiagnosticError

    codes = [0]
    for name in args.files:
        try:
            codes.append(_format(name, args.check))
        except DiagnosticError as error:
            codes.append(report(error, COMMAND.failed))
    return max(codes)


def _format(name: str, check: bool) -> int:
    """Format one file, or with `check` only tell whether it would change, by the exit code."""
    from tercet.dsl.formatter import format_source

    source = _read(name)
    text = format_source(source)
    changed = text != source.text
    if check:
        if changed:
            print(f"{source.name} is not in the standard layout", file=sys.stderr)
        return int(changed)
    if source.path is None:
        print(text, end="")
    elif changed:
        replace_text(source.path, text)
        print(f"formatted {source.name}", file=sys.stderr)
    return 0


def _read(name: str) -> Source:
    from tercet.dsl.parser import read_source
    from tercet.dsl.source import Source

    if name != "-":
        return read_source(Path(name))
    try:
        return Source("<stdin>", sys.stdin.buffer.read().decode("utf-8"))
    except UnicodeDecodeError as error:
        raise TercetError(f"the input is not UTF-8: {error}") from None


COMMAND = Command(
    name="fmt",
    help="Bring models into the standard layout, in place.\n"
    "A file with syntax errors is left alone.",
    examples=[
        "tercet fmt net.model",
        "tercet fmt --check samples/*.model",
        "tercet fmt - < a.model",
    ],
    add_arguments=_add_arguments,
    run=_run,
)
