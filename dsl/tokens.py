"""What a token is, and the words and marks that the grammar knows by their text."""

from __future__ import annotations

from typing import Final

from tercet.dsl.source import Source, Span

KEYWORDS: Final = frozenset(
    [
        "and",
        "as",
        "assert",
        "block",
        "buffer",
        "const",
        "else",
        "false",
        "for",
        "from",
        "if",
        "import",
        "in",
        "input",
        "model",
        "none",
        "not",
        "or",
        "output",
        "param",
        "target",
        "train",
        "true",
        "update",
    ]
)
"""Words that mean something to the grammar, in some place at least."""

RESERVED: Final = frozenset(
    ["and", "else", "false", "for", "if", "in", "none", "not", "or", "true"]
)
"""Keywords that are never names; whether one of the others is, `keywords.py` tells by its place."""

_PUNCTUATION: Final = {
    "(": "LPAR",
    ")": "RPAR",
    "[": "LSQB",
    "]": "RSQB",
    "{": "LBRACE",
    "}": "RBRACE",
    ",": "COMMA",
    ":": "COLON",
    ".": "DOT",
    "...": "ELLIPSIS",
    "=": "EQUAL",
    "|>": "PIPE",
    "+": "SIGN",
    "-": "SIGN",
    **dict.fromkeys(("*", "/", "//", "%", "**", "@"), "INFIX"),
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "and", "or"), "INFIX"),
    "not": "NOT",
}

TERMINALS: Final = {word: word.upper() for word in KEYWORDS} | _PUNCTUATION
"""The terminal of the grammar that each fixed text is."""

DECLARATIONS: Final = frozenset({"FROM", "CONST", "BLOCK", "MODEL", "TRAIN"})
"""Terminals that a declaration begins with."""

STATEMENTS: Final = frozenset(
    {"INPUT", "TARGET", "PARAM", "BUFFER", "OUTPUT", "FOR", "ASSERT", "UPDATE"}
)
"""Terminals that only a statement begins with."""


class Token:
    """One token.  What Lark asks for of the positions of its own tokens is constant."""

    __slots__ = ("end", "source", "start", "text", "type")

    line = column = end_line = end_column = start_pos = end_pos = 0

    def __init__(self, type: str, text: str, source: Source, start: int, end: int) -> None:
        self.type = type
        self.text = text
        self.source = source
        self.start = start
        self.end = end

    @property
    def span(self) -> Span:
        return Span(self.source, self.start, self.end)

    @property
    def starts_line(self) -> bool:
        """Whether only white space stands before it on its line."""
        text, at = self.source.text, self.start
        while at > 0 and text[at - 1] in " \t\r\f":
            at -= 1
        return at == 0 or text[at - 1] == "\n"

    def __repr__(self) -> str:
        return f"{self.type}({self.text!r})"
