"""Text of strangers on a terminal: nothing that it would obey, everything to be seen."""

from __future__ import annotations

import unicodedata


def visible(text: str, keep: str = "") -> str:
    """The text with each character that does not print as an escape; those of `keep` stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else _escape(c) for c in text)


def escaped(text: str) -> str:
    r"""`visible`, but a backslash stands twice, so that the text can be had back."""
    return visible(text.replace("\\", "\\\\"))


def columns(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
