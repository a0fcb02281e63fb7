"""Lines of formatted text, with the comments of the source put back.

Every token passes through `Writer.emit`, in order, and each comment is written before the token
that follows it: none can be lost.  A comment ends its line, which is harmless wherever it stands,
since newlines mean nothing in the language.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from tercet.dsl.lexer import Tokens
from tercet.dsl.records import dataclass
from tercet.dsl.tokens import Token


@dataclass
class Line:
    """A line of output; its comment is kept apart so that comments can be lined up."""

    text: str
    comment: Token | None = None


class Writer:
    """Writes tokens and, before each, the comments that precede it in the source."""

    def __init__(self, tokens: Tokens) -> None:
        self.source = tokens.source
        self.tokens = tokens.tokens
        self.comments = tokens.comments
        self.comment_starts = [c.start for c in tokens.comments]
        self.lines: list[Line] = []
        self.next_comment = 0
        self.last_end = 0
        """Where the token or comment written last ends in the source."""
        self.must_break = False
        """Whether a comment ended the line."""
        self.is_separate = False

    @property
    def column(self) -> int:
        return len(self.lines[-1].text) if self.lines else 0

    def _blank(self) -> None:
        """One empty line, unless there is one or the text or a body begins here."""
        if self.lines and self.lines[-1].text and not self.lines[-1].text.endswith("{"):
            self.lines.append(Line(""))

    def emit(
        self, number: int, before: str | int, continuation: int, keep_blank: bool = False
    ) -> None:
        """Write a token behind `before`: a separator, or a new line with that indent.

        `continuation` is the indent where a comment forces a new line; `keep_blank` keeps an
        empty line of the source before the token and its comments.
        """
        token = self.tokens[number]
        indent = before if isinstance(before, int) else continuation
        self.flush(token.start, indent, keep_blank)
        if isinstance(before, int) or self.must_break or not self.lines:
            if keep_blank:
                self._keep_blank(token.start)
            self.lines.append(Line(" " * indent))
            self.must_break = False
        else:
            self.lines[-1].text += before
        self.lines[-1].text += token.text
        self.last_end = token.end

    def flush(self, until: int, indent: int, keep_blank: bool) -> None:
        """Write the comments that stand before the offset `until`."""
        while self.next_comment < len(self.comments):
            comment = self.comments[self.next_comment]
            if comment.start >= until:
                break
            self.next_comment += 1
            is_trailing = "\n" not in self.source.text[self.last_end : comment.start]
            if is_trailing and self.lines and not self.must_break and self.lines[-1].text:
                self.lines[-1].comment = comment
            else:
                if keep_blank:
                    self._keep_blank(comment.start)
                self.lines.append(Line(" " * indent + comment.text))
            self.last_end = comment.start + len(comment.text)
            self.must_break = True

    def separate(self) -> None:
        """Leave an empty line before what comes next, a token or a comment on its own line."""
        self.is_separate = True

    def _keep_blank(self, offset: int) -> None:
        if self.is_separate or self.source.text.count("\n", self.last_end, offset) > 1:
            self._blank()
        self.is_separate = False

    def has_comment(self, first: int, last: int) -> bool:
        """Whether a comment stands between two tokens."""
        start, end = self.tokens[first].end, self.tokens[last].start
        return bisect_left(self.comment_starts, start) < bisect_right(self.comment_starts, end)

    def is_on_new_line(self, number: int) -> bool:
        """Whether the source has a newline before a token."""
        before, token = self.tokens[number - 1], self.tokens[number]
        return "\n" in self.source.text[before.end : token.start]

    def text(self) -> str:
        """Everything written, with a newline at the end of every line."""
        columns = self._comment_columns()
        shown = []
        for number, line in enumerate(self.lines):
            text = line.text.rstrip()
            if line.comment is not None:
                text = f"{text:<{columns[number]}}{line.comment.text}"
            shown.append(f"{text}\n")
        return "".join(shown)

    def _comment_columns(self) -> dict[int, int]:
        """Where the comments beside code begin: lined up where the author had lined them up."""
        columns: dict[int, int] = {}
        run: list[int] = []
        for number, line in enumerate([*self.lines, Line("end")]):
            if run and (line.comment is None or not self._is_lined_up(run[-1], number)):
                if not line.text:
                    continue
                widest = max(len(self.lines[n].text) for n in run)
                columns |= dict.fromkeys(run, widest + 2)
                run = []
            if line.comment is not None:
                run.append(number)
        return columns

    def _is_lined_up(self, one: int, other: int) -> bool:
        first, second = self.lines[one].comment, self.lines[other].comment
        assert first is not None
        assert second is not None
        position = self.source.position
        return position(first.start)[1] == position(second.start)[1]
