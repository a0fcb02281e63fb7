"""Where a text cannot be read on: the token, those around it, and what would have fitted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tercet.dsl.diagnostics import Diagnostic, Note
from tercet.dsl.source import Source, Span
from tercet.dsl.tokens import TERMINALS, Token

PAIRS: Final = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
"""The closing bracket of each opening one."""

TEXTS: Final = {
    terminal: text
    for text, terminal in TERMINALS.items()
    if terminal not in ("INFIX", "SIGN", "NOT")
}
"""What each terminal of one text looks like."""

HABITS: Final = {
    "return": "results are declared with `output …`",
    "def": "a function over tensors is a `block Name(…) { … }`",
    "class": "a network is a `model Name(…) { … }`, a part of one a `block Name(…) { … }`",
    "fn": "a function over tensors is a `block Name(…) { … }`",
    "func": "a function over tensors is a `block Name(…) { … }`",
    "while": "loops run over lists: `for i in range(n) { … }`",
    "elif": "write `else if`",
    "elseif": "write `else if`",
    "let": "leave it out: `name = value` binds a name",
    "var": "leave it out: `name = value` binds a name",
    "val": "leave it out: `name = value` binds a name",
    "print": "nothing is printed at compile time; `tercet show` prints the layers",
    "pass": "an empty body is written `{ }`",
    "layer": "a layer is bound like any value: `name = dense(10)`",
}
"""Words that begin statements and declarations in other languages, and what is written here."""

TYPED: Final = "give it a type: `input x: f32[N, 3]`"


class Stop:
    """The place of a syntax error.

    `at` is the number of the token that does not fit (that of all tokens at the end), `expected`
    are the terminals that would have fitted, `values` is the parser's stack; `opened` is the
    innermost bracket that is still open.
    """

    def __init__(
        self,
        source: Source,
        tokens: Sequence[Token],
        at: int,
        expected: frozenset[str],
        values: Sequence[Any],
    ) -> None:
        self.source = source
        self.tokens = tokens
        self.at = at
        self.expected = expected
        self.values = values
        end = len(source.text.rstrip())
        self.token = tokens[at] if at < len(tokens) else Token("$END", "", source, end, end)
        self.before = tokens[at - 1] if at else None
        self.after = tokens[at + 1] if at + 1 < len(tokens) else None
        self.opened = _innermost_open(values)

    def report(
        self,
        code: str,
        message: str,
        help: str | None = None,
        span: Span | None = None,
        note: Note | None = None,
    ) -> Diagnostic:
        return Diagnostic(code, message, span or self.token.span, help, (note,) if note else ())

    def behind(self) -> Span:
        """The place behind the token before, where something is missing."""
        before = self.before or self.token
        return Span(self.source, before.end, before.end)


def quote(token: Token) -> str:
    """The text of a token as messages show it, cut after 40 characters."""
    text = token.text if len(token.text) <= 40 else token.text[:39] + "…"
    return f"`{text}`"


def _innermost_open(values: Sequence[Any]) -> Token | None:
    closed: list[str] = []
    for value in reversed(values):
        if not isinstance(value, Token):
            continue
        if value.type in PAIRS.values():
            closed.append(value.type)
        elif value.type in PAIRS:
            if not closed:
                return value
            closed.pop()
    return None
