"""String literals: their escapes, read and written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"'}
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_HELP: Final = r"the escapes are \n \t \r \\ \" and \u0041; a backslash itself is written \\"


def _is_valid(escape: str) -> bool:
    if len(escape) == 5:
        code = int(escape[1:], 16)
        return code != 0 and not 0xD800 <= code <= 0xDFFF
    return escape in _ESCAPES


def string_problems(literal: str) -> Iterator[tuple[int, int, str, str]]:
    """Each wrong escape of a quoted literal: offset, length, message, help."""
    for match in _ESCAPE.finditer(literal):
        if not _is_valid(match[1]):
            yield match.start(), len(match[0]), f"`{match[0]}` is not an escape", _HELP


def string_value(literal: str) -> str:
    """The text that a quoted literal stands for; a wrong escape, reported elsewhere, is itself."""

    def replace(match: re.Match[str]) -> str:
        escape = match[1]
        if not _is_valid(escape):
            return match[0]
        return chr(int(escape[1:], 16)) if len(escape) == 5 else _ESCAPES[escape]

    end = len(literal) - 1 if len(literal) > 1 and literal.endswith('"') else len(literal)
    return _ESCAPE.sub(replace, literal[1:end])
