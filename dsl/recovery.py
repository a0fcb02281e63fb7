"""After a syntax error: where to go on reading.

The parser's stack is cut back to the innermost list of statements (or to the file's list of
declarations) and the tokens up to the next statement are skipped.  Layout, which means nothing to
the grammar, is trusted here: a statement is looked for at the start of a line, and one that is
indented no deeper than the broken one is taken to follow it, whatever brackets are open.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from lark.exceptions import UnexpectedInput

from tercet.dsl import limits
from tercet.dsl.builder import Body
from tercet.dsl.diagnostics import Diagnostic
from tercet.dsl.lexer import Tokens
from tercet.dsl.source import Source, Span
from tercet.dsl.tokens import DECLARATIONS, STATEMENTS, Token

_OPENING: Final = {"LBRACE": "braces", "LPAR": "brackets", "LSQB": "brackets"}
_CLOSING: Final = {"RBRACE": "braces", "RPAR": "brackets", "RSQB": "brackets"}
_ENDING: Final = {"NAME", "NUMBER", "STRING", "TRUE", "FALSE", "NONE", *_CLOSING}
"""What an expression may end with."""


class TooManyErrors(Exception):
    """Ends the parsing."""


class Cursor:
    """The tokens not yet read."""

    __slots__ = ("index", "tokens")

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.index = 0

    def rest(self) -> Iterator[Token]:
        """The tokens from here on; the cursor stands behind the one given last."""
        tokens = self.tokens
        end = len(tokens)
        while self.index < end:
            token = tokens[self.index]
            self.index += 1
            yield token


class Recovery:
    """Reports the parser's errors and moves it on."""

    def __init__(self, tokens: Tokens, may_resume: bool) -> None:
        self.source = tokens.source
        self.cursor = Cursor(tokens.tokens)
        self.diagnostics: list[Diagnostic] = []
        self.lost: list[Span] = []
        self._may_resume = may_resume
        opened = sum(t.type == "LBRACE" for t in tokens.tokens)
        closed = sum(t.type == "RBRACE" for t in tokens.tokens)
        self._is_cut = any(d.code == "E0131" for d in tokens.diagnostics)
        self._lacks_brace = opened > closed and not self._is_cut

    def on_error(self, error: UnexpectedInput) -> bool:
        """Lark's hook: report, cut back, skip.  Raises TooManyErrors where no more can be read."""
        parser: Any = error.interactive_parser
        state, expected = parser.parser_state, frozenset(parser.accepts())
        token: Token = error.token  # type: ignore[attr-defined]
        tokens = self.cursor.tokens
        at_end = token.type == "$END"
        at = len(tokens) if at_end else self.cursor.index - 1
        if not at_end or self._lacks_brace or not (self._is_cut or self.diagnostics):
            from tercet.dsl.syntax_errors import describe  # a text without errors does not need it

            self.diagnostics.append(describe(self.source, tokens, at, expected, state.value_stack))
        if at_end or not self._may_resume or len(self.diagnostics) >= limits.ERRORS:
            raise TooManyErrors
        self._resume(state, at)
        return True

    def _resume(self, state: Any, at: int) -> None:
        states, stack, values = state.parse_conf.states, state.state_stack, state.value_stack
        tokens = self.cursor.tokens
        keep = _innermost(states, stack, "statement")
        index = at
        if keep is None and (body := self._body(values, at)) is not None:
            keep, index = body
        elif keep is not None:
            first = at - 1 if _was_name_of_next(tokens, at) else at
            index = _Scan(self.source, tokens, values[keep:], first).next_statement()
        elif len(values) == 0 or not _starts_declaration(self.source, tokens, at):
            index = at + 1
        if keep is None or index == len(tokens) or tokens[index].type in DECLARATIONS:
            keep = _innermost(states, stack, "declaration") or 0
            while index < len(tokens) and not _starts_declaration(self.source, tokens, index):
                index += 1
        start = _start(values[keep], tokens[at]) if keep < len(values) else tokens[at].start
        end = tokens[index].start if index < len(tokens) else len(self.source.text)
        self.lost.append(Span(self.source, start, max(start, end)))
        del stack[keep + 1 :], values[keep:]
        self.cursor.index = index

    def _body(self, values: Sequence[Any], at: int) -> tuple[int, int] | None:
        """For a broken header, `block Name(` …: its length on the stack, and its `{`."""
        kinds = [v.type if isinstance(v, Token) else "" for v in values]
        for start, kind in enumerate(kinds):
            if kind in ("BLOCK", "MODEL", "TRAIN") and kinds[start + 1 : start + 2] == ["NAME"]:
                if isinstance(values[-1], Body):
                    return None  # a whole declaration, and the next text is none
                line = self.source.position(values[start].start)[0]
                for index, token in enumerate(self.cursor.tokens[at:], at):
                    if self.source.position(token.start)[0] != line:
                        return None
                    if token.type == "LBRACE":
                        return start + 2, index
        return None


def _innermost(states: Any, stack: Sequence[Any], item: str) -> int | None:
    """The index of the innermost state in which an `item` may come next."""
    for index in range(len(stack) - 1, -1, -1):
        if item in states[stack[index]]:
            return index
    return None


def _was_name_of_next(tokens: Sequence[Token], at: int) -> bool:
    """Whether the `=` that does not fit tells that the name before it begins the next statement."""
    return (
        tokens[at].type == "EQUAL" and tokens[at - 1].type == "NAME" and tokens[at - 1].starts_line
    )


def _starts_declaration(source: Source, tokens: Sequence[Token], index: int) -> bool:
    return tokens[index].type in DECLARATIONS and tokens[index].starts_line


class _Scan:
    """Looks for the end of a broken statement, of which `dropped` was read up to token `at`."""

    def __init__(
        self, source: Source, tokens: Sequence[Token], dropped: Sequence[Any], at: int
    ) -> None:
        self.tokens = tokens
        self.at = at
        self.has_dropped = bool(dropped)
        self.depth = {"braces": 0, "brackets": 0}
        for value in dropped:
            if isinstance(value, Token):
                self._count(value)
        self.indent = _indent(
            source, _start(dropped[0], tokens[at]) if dropped else tokens[at].start
        )
        self.source = source

    def _count(self, token: Token) -> None:
        if token.type in _OPENING:
            self.depth[_OPENING[token.type]] += 1
        elif token.type in _CLOSING:
            kind = _CLOSING[token.type]
            self.depth[kind] = max(0, self.depth[kind] - 1)

    def next_statement(self) -> int:
        """The index of the token to go on with: a statement, a `}`, a declaration, or the end."""
        for index in range(self.at, len(self.tokens)):
            if (index > self.at or self.has_dropped) and self._is_stop(index):
                return index
            self._count(self.tokens[index])
        return len(self.tokens)

    def _is_stop(self, index: int) -> bool:
        token = self.tokens[index]
        if token.type == "RBRACE":
            return self.depth["braces"] == 0
        if not token.starts_line:
            return False
        if token.type in DECLARATIONS:
            return True
        is_outside = _indent(self.source, token.start) <= self.indent
        if token.type in STATEMENTS:
            return is_outside or self.depth["braces"] == 0
        if token.type == "IF" or (token.type == "NAME" and self._begins(index)):
            return is_outside or not any(self.depth.values())
        return False

    def _begins(self, index: int) -> bool:
        """Whether a name that begins a line begins a statement, be it none of the language."""
        following = self.tokens[index + 1].type if index + 1 < len(self.tokens) else "$END"
        if following in ("EQUAL", "COMMA"):
            return True
        is_own = self.tokens[index - 1].type in _ENDING
        return is_own and following in ("DOT", "LPAR", "LSQB")


def _start(value: Any, token: Token) -> int:
    """Where something on the stack begins; where `token` does for parameters, if there are none."""
    match value:
        case Token():
            return value.start
        case ():
            return token.start
        case (first, *_):
            return _start(first, token)
    start: int = value.span.start
    return start


def _indent(source: Source, offset: int) -> int:
    """The width of the white space that the line of `offset` begins with."""
    line = source.line(source.position(offset)[0])
    return len(line) - len(line.lstrip())
