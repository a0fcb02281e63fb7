"""How an exception that reached the top is told, and the exit code it gives."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from tercet.cli import terminal
from tercet.dsl.diagnostics import Diagnostic, DiagnosticError
from tercet.errors import TercetError
from tercet.runner import RunError
from tercet.version import VERSION

BUG = 70
UNREADABLE = "E0134"


def report(error: Exception, failed: int) -> int:
    """Print `error` on standard error.

    `failed` is the command's exit code for a model with errors and for a script that failed.
    """
    match error:
        case DiagnosticError():
            print_diagnostics(error.diagnostics)
            return 2 if any(d.code == UNREADABLE for d in error.diagnostics) else failed
        case RunError():
            terminal.error(error.message)
            return failed
        case TercetError():
            terminal.error(error.message, error.help)
            return error.exit_code
        case OSError():
            terminal.error(f"{error.filename}: {error.strerror}" if error.filename else str(error))
            return 2
        case MemoryError():
            terminal.error(f"there is not enough memory: {error}")
            return 2
        case _:
            _print_bug(error)
            return BUG


def print_diagnostics(diagnostics: tuple[Diagnostic, ...]) -> None:
    """Print diagnostics on standard error, with a closing line where there are several."""
    from tercet.dsl.render import render_all

    print(render_all(diagnostics, color=terminal.use_color(sys.stderr)), file=sys.stderr)
    count = sum(diagnostic.severity == "error" for diagnostic in diagnostics)
    if count > 1:
        print(f"\n{count} errors", file=sys.stderr)


def _print_bug(error: Exception) -> None:
    if os.environ.get("TERCET_DEBUG"):
        traceback.print_exception(error)
        return
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    text = (str(error).splitlines() or [""])[0][:200]
    terminal.error(
        f"this is a bug in Tercet {VERSION}: {type(error).__name__}: {text}{place}",
        "please report it with the .model file and this line; TERCET_DEBUG=1 shows where it arose",
    )
