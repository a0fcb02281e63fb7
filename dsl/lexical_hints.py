"""What to write instead of characters and numbers that the language does not have."""

from __future__ import annotations

from typing import Final

WRITE_INSTEAD: Final = {
    "&&": "write `and`",
    "||": "write `or`",
    "!": "write `not`",
    "&": "write `and`",
    "~": "write `not`",
    "^": "a power is written `**`",
    "|": "a pipe is written `|>`",
    ";": "statements need no separator; leave it out",
    "->": "a pipe is written `|>`; results are declared with `output y`",
    "?": "a size that is not known is a capitalised name: `N`",
    "−": "write `-`",
    "×": "write `*`",
    "·": "write `*`",
    "≤": "write `<=`",
    "≥": "write `>=`",
    "≠": "write `!=`",
    "→": "a pipe is written `|>`",
    "“": 'strings are written "…" with the straight quote',
    "”": 'strings are written "…" with the straight quote',
    "…": "an ellipsis is written `...`",
    "\ufeff": "save the file without a byte order mark",
    "\u00a0": "replace the no-break space by a space",
}

ASCII: Final = "names are made of the letters A to Z and a to z, digits and `_`"


def number_help(text: str) -> str:
    """How what was meant by a malformed number is written."""
    if text[:2].lower() in ("0x", "0b", "0o"):
        return "numbers are decimal"
    if text[0] == "0" and text.isdigit():
        return "leave out the leading zeros"
    if text.rstrip("jJfFlL").replace(".", "").isdigit():
        return "numbers carry no suffix"
    return "numbers are written 1, 1_000, 0.5, 1e-4; names do not begin with a digit"
