"""Text to tokens.

One regular expression, no state but a position.  The lexer never stops at a bad character: it
reports it, skips it and goes on, so that one run shows every lexical error.  It is written by hand
because Lark's contextual lexer would let keywords be names where the grammar does not expect them;
which of them are names is told by the tokens around them (`keywords.py`).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from tercet.dsl import limits
from tercet.dsl.diagnostics import Diagnostic
from tercet.dsl.keywords import tell_by_place
from tercet.dsl.lexical_hints import ASCII, WRITE_INSTEAD, number_help
from tercet.dsl.literals import string_problems
from tercet.dsl.source import Source, Span
from tercet.dsl.tokens import TERMINALS, Token

_TOKEN: Final = re.compile(
    r"""
      (?P<space>[ \t\r\n\f]+)
    | (?P<comment>\#[^\n]*)
    | (?P<word>[^\W\d]\w*)
    | (?P<number>(?:[0-9]|\.[0-9])(?:[eE][+-]|[A-Za-z0-9_]|\.(?!\.))*)
    | (?P<string>"(?:[^"\\\n]|\\[^\n])*\\?"?)
    | (?P<slip>\*\*=|//=|[-+*/%@|&^]=|->|&&|\|\||;+|'[^'\n]*'|`[^`\n]*`)
    | (?P<mark>\.\.\.|\|>|\*\*|//|[=!<>]=|[-+*/%@<>=()\[\]{},:.])
    | (?P<bad>.)
    """,
    re.VERBOSE | re.DOTALL,
)

_NUMBER: Final = re.compile(
    r"""0 | [1-9][0-9]*(?:_[0-9]+)*                                      # an integer
      | (?:[0-9]+(?:_[0-9]+)*\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?      # a float
      | [0-9]+(?:_[0-9]+)*[eE][+-]?[0-9]+
    """,
    re.VERBOSE,
)


class Tokens:
    """The tokens of a source, comments apart, with the lexical errors found."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.tokens: list[Token] = []
        self.comments: list[Token] = []
        self.diagnostics: list[Diagnostic] = []
        self._read()

    def _read(self) -> None:
        source = self.source
        append = self.tokens.append
        terminals = TERMINALS
        for match in _TOKEN.finditer(source.text):
            kind = match.lastgroup
            if kind == "space":
                continue
            text = match.group()
            start, end = match.span()
            if kind == "word" or kind == "mark":
                append(Token(terminals.get(text, "NAME"), text, source, start, end))
                if not text.isascii():
                    self._report(
                        "E0101", f"the name `{_shorten(text)}` is not ASCII", start, end, ASCII
                    )
            elif kind == "number":
                append(Token("NUMBER", self._number(text, start, end), source, start, end))
            elif kind == "string":
                self._check_string(text, start, end)
                append(Token("STRING", text, source, start, end))
            elif kind == "slip":
                self._slip(text, start, end)
            elif kind == "comment":
                self.comments.append(Token("COMMENT", text.rstrip(), source, start, end))
            else:
                self._bad(text, start, end)
        tell_by_place(self.tokens)
        self._check_nesting()
        self._check_controls()

    def _report(self, code: str, message: str, start: int, end: int, help: str | None) -> None:
        self.diagnostics.append(Diagnostic(code, message, Span(self.source, start, end), help))

    def _number(self, text: str, start: int, end: int) -> str:
        """The text if it is a number in range, else `0` after a report."""
        if not _NUMBER.fullmatch(text):
            self._report(
                "E0104", f"`{_shorten(text)}` is not a number", start, end, number_help(text)
            )
            return "0"
        digits = text.replace("_", "")
        if digits.isdigit():
            if len(digits) > 19 or int(digits) > limits.INTEGER:
                help = f"the largest integer is {limits.INTEGER}; a float is written 1e30"
                self._report("E0132", "the integer does not fit into 64 bits", start, end, help)
                return "0"
        elif float(digits) == float("inf"):
            help = "the largest float is about 1.8e308"
            self._report("E0132", "the number is too large for a float", start, end, help)
            return "0"
        return text

    def _check_string(self, text: str, start: int, end: int) -> None:
        if len(text) < 2 or not text.endswith('"') or _ends_escaped(text):
            help = 'close it with `"` on the same line; a line break inside is written `\\n`'
            self._report("E0102", "the string is not closed", start, end, help)
            return
        for offset, length, message, help in string_problems(text):
            self._report("E0103", message, start + offset, start + offset + length, help)

    def _bad(self, text: str, start: int, end: int) -> None:
        """One character that begins no token; a run of them is one finding."""
        last = self.diagnostics[-1] if self.diagnostics else None
        if last and last.code == "E0101" and last.span.end == start and text not in WRITE_INSTEAD:
            span = Span(self.source, last.span.start, end)
            self.diagnostics[-1] = replace(last, span=span)
            return
        help = WRITE_INSTEAD.get(text)
        self._report("E0101", f"{_describe(text)} has no meaning here", start, end, help)

    def _slip(self, text: str, start: int, end: int) -> None:
        """What other languages write; read as what it means, so that parsing can go on."""
        if text[0] in "'`":
            help = f'write "{_shorten(text[1:-1])}"'
            self._report("E0101", 'strings are written with `"`', start, end, help)
            self.tokens.append(Token("STRING", f'"{text[1:-1]}"', self.source, start, end))
            return
        help = WRITE_INSTEAD.get(text, WRITE_INSTEAD[";"])
        if text.endswith("="):
            name = self.tokens[-1].text if self.tokens else "x"
            help = f"write `{name} = {name} {text[:-1]} …`"
        self._report("E0101", f"`{_shorten(text)}` has no meaning here", start, end, help)
        if text in ("&&", "||"):
            word = "and" if text == "&&" else "or"
            self.tokens.append(Token("INFIX", word, self.source, start, end))
        elif text.endswith("="):
            self.tokens.append(Token("EQUAL", "=", self.source, start, end))

    def _check_nesting(self) -> None:
        """Cut the text off where brackets nest too deep: what follows could not be read safely."""
        depth = 0
        for index, token in enumerate(self.tokens):
            if token.type in ("LPAR", "LSQB", "LBRACE"):
                depth += 1
                if depth > limits.BRACKETS:
                    self._report(
                        "E0131",
                        f"brackets nest deeper than {limits.BRACKETS} levels",
                        token.start,
                        token.end,
                        "give the inner parts names of their own",
                    )
                    del self.tokens[index:]
                    return
            elif token.type in ("RPAR", "RSQB", "RBRACE"):
                depth = max(0, depth - 1)

    def _check_controls(self) -> None:
        """No control characters: they would reach terminals and generated scripts."""
        for token in (*self.comments, *(t for t in self.tokens if t.type == "STRING")):
            if token.text.isprintable():
                continue
            for offset, character in enumerate(token.text):
                low = character < " " and character not in "\t\f\r"
                if low or "\x7f" <= character <= "\x9f":
                    start = token.start + offset
                    message = f"{_describe(character)} has no meaning here"
                    help = "in a string, write it as an escape such as `\\u0007`"
                    self._report("E0101", message, start, start + 1, help)
                    break


def _ends_escaped(text: str) -> bool:
    body = text[1:-1]
    return (len(body) - len(body.rstrip("\\"))) % 2 == 1


def _describe(text: str) -> str:
    if text.isprintable() and text.strip():
        return f"`{_shorten(text)}`"
    return f"the character U+{ord(text[0]):04X}"


def _shorten(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
