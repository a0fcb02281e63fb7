"""What the commands print by themselves: errors and notes on standard error, in colour or not."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from tercet.dsl.visible import visible


def use_color(stream: TextIO) -> bool:
    """Whether ANSI colours are wanted: NO_COLOR and FORCE_COLOR decide, else the terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, style: str, stream: TextIO) -> str:
    """`text` in an ANSI style (`"1;31"` is bold red) where `stream` shows colours."""
    return f"\033[{style}m{text}\033[0m" if use_color(stream) else text


def width() -> int | None:
    """The width of tables: None for the terminal's own, wide where the output goes elsewhere."""
    given = os.environ.get("COLUMNS", "")
    if sys.stdout.isatty() or given.isdecimal():
        return None
    return 200


def error(message: str, help: str | None = None) -> None:
    """Print an error, and what to do instead."""
    _tell("error", "1;31", message)
    if help:
        _tell("help", "1;36", help)


def note(message: str) -> None:
    """Print something worth knowing that is not the command's output."""
    _tell("note", "1;34", message)


def _tell(word: str, style: str, text: str) -> None:
    """Print a line on standard error; the text may hold what a stranger wrote."""
    shown = visible(text, keep="\n\t")
    print(f"{paint(word, style, sys.stderr)}: {shown}", file=sys.stderr)
