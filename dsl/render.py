"""A diagnostic as text for a terminal, or as JSON.

    error[E0302]: the shapes [N, 3] and [N, 4] do not broadcast
      --> net.model:7:9
       |
     7 |     y = a + b
       |         ^^^^^
    note: `b` comes from here
      --> net.model:5:9
       |
     5 |     b = x |> dense(4)
       |         -------------
    help: …

Written with `print`, no library: an error must show at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from tercet.dsl.diagnostics import Diagnostic
from tercet.dsl.source import Span
from tercet.dsl.visible import columns as columns_of
from tercet.dsl.visible import visible

_TAB: Final = 4
_WIDTH: Final = 160
"""Columns of a source line that are shown; of a longer one, the part around the span."""
_LINES: Final = 6
"""Lines of a span that are shown; of a longer one, the first and the last."""
_BOLD, _RED, _YELLOW, _BLUE, _CYAN = "1", "1;31", "1;33", "1;34", "1;36"


def render(diagnostic: Diagnostic, color: bool = False) -> str:
    """The diagnostic as lines of text, without a newline at the end; `color` adds ANSI codes."""
    return "\n".join(_Renderer(diagnostic, color).lines())


def render_all(diagnostics: Iterable[Diagnostic], color: bool = False) -> str:
    """Several diagnostics, an empty line between two."""
    return "\n\n".join(render(d, color) for d in diagnostics)


def to_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """The diagnostic as plain values; lines and columns count from 1, ends are exclusive."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        **_place(diagnostic.span),
        "help": diagnostic.help,
        "notes": [{"message": n.message, **_place(n.span)} for n in diagnostic.notes],
    }


def _place(span: Span) -> dict[str, Any]:
    line, column = span.source.position(span.start)
    end_line, end_column = span.source.position(max(span.start, span.end))
    return {
        "file": span.source.name,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    }


class _Renderer:
    def __init__(self, diagnostic: Diagnostic, color: bool) -> None:
        self.diagnostic = diagnostic
        self.color = color
        spans = [diagnostic.span, *(n.span for n in diagnostic.notes)]
        self.gutter = max(len(str(_last_line(span))) for span in spans)

    def _paint(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self.color and text else text

    def lines(self) -> Iterator[str]:
        found = self.diagnostic
        style = _RED if found.severity == "error" else _YELLOW
        title = self._paint(f"{found.severity}[{found.code}]", style)
        yield f"{title}{self._paint(f': {visible(found.message)}', _BOLD)}"
        yield from self._snippet(found.span, "^", style)
        for note in found.notes:
            yield f"{self._paint('note', _BLUE)}: {visible(note.message)}"
            yield from self._snippet(note.span, "-", _BLUE)
        if found.help:
            first, *others = found.help.split("\n")
            yield f"{self._paint('help', _CYAN)}: {visible(first)}"
            yield from (f"      {visible(line)}" for line in others)

    def _snippet(self, span: Span, mark: str, style: str) -> Iterator[str]:
        indent = " " * self.gutter
        place = str(span) if span.source.text else span.source.name
        yield f"{indent}{self._paint('-->', _BLUE)} {visible(place)}"
        if not span.source.text:
            return
        bar = self._paint("|", _BLUE)
        yield f"{indent} {bar}"
        for number in _shown(span.line, _last_line(span)):
            if number is None:
                yield self._paint(f"{'...':<{self.gutter}}", _BLUE)
                continue
            text, marks = _marked(span, number, mark)
            yield f"{self._paint(f'{number:>{self.gutter}}', _BLUE)} {bar} {text}".rstrip()
            if marks.strip():
                yield f"{indent} {bar} {self._paint_marks(marks, style)}"

    def _paint_marks(self, marks: str, style: str) -> str:
        stripped = marks.lstrip()
        return " " * (len(marks) - len(stripped)) + self._paint(stripped, style)


def _last_line(span: Span) -> int:
    return span.source.position(max(span.start, span.end - 1))[0]


def _shown(first: int, last: int) -> Iterator[int | None]:
    """The line numbers to show, None for a gap."""
    if last - first < _LINES:
        yield from range(first, last + 1)
    else:
        yield from (first, first + 1, None, last)


def _marked(span: Span, number: int, mark: str) -> tuple[str, str]:
    """A line as shown, and the line of marks below it."""
    source = span.source
    text = source.line(number)
    offset = source.line_starts[number - 1]
    start = min(max(span.start - offset, 0), len(text))
    end = min(span.end - offset, len(text))
    if number != span.line:
        if not text.strip():
            return "", ""
        start = max(start, len(text) - len(text.lstrip()))
    text, start, end = _window(text, start, end)
    shown, columns = _expand(text)
    width = max(columns[max(start, end)] - columns[start], 1)
    return shown, " " * columns[start] + mark * width


def _window(text: str, start: int, end: int) -> tuple[str, int, int]:
    """The part of an overlong line around the span, and the span in it."""
    if len(text) <= _WIDTH:
        return text, start, end
    left = max(0, min(start - _WIDTH // 4, len(text) - _WIDTH))
    before = "…" if left else ""
    after = "…" if left + _WIDTH < len(text) else ""
    shift = len(before) - left
    shown = before + text[left : left + _WIDTH] + after
    return shown, start + shift, min(end + shift, len(shown))


def _expand(text: str) -> tuple[str, list[int]]:
    """The line with tabs as spaces and controls replaced, and the column of each character."""
    shown: list[str] = []
    columns = [0]
    for character in text:
        if character == "\t":
            character = " " * (_TAB - columns[-1] % _TAB)
        elif not character.isprintable():
            character = "\N{REPLACEMENT CHARACTER}"
        shown.append(character)
        columns.append(columns[-1] + columns_of(character))
    return "".join(shown), columns
