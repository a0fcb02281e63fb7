"""The line breaks within a statement.

Newlines mean nothing in the language, so any break is safe.  A statement keeps the author's breaks
before `|>` and `else` and directly behind an opening bracket; where it is wider than a line it is
broken at the outermost place that helps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tercet.dsl.operators import INFIX
from tercet.dsl.spacing import Group, Head, Item, Spacing, first_of, last_of, line_up
from tercet.dsl.writer import Writer

WIDTH: Final = 100
INDENT: Final = 4
_FARTHEST: Final = 24
"""How far to the right of the statement stages are lined up below the first one."""


class Run(Spacing):
    """Writes a statement, or the head of one."""

    def __init__(self, writer: Writer, closing: dict[int, int], first: int, last: int) -> None:
        super().__init__(writer.tokens, closing, first, last)
        self.writer = writer

    def write(
        self, indent: int, before: str | int, keep_blank: bool = False, tail: int = 0
    ) -> None:
        """Write everything; `tail` columns must stay free at the end of the last line."""
        self.indent = indent
        self.writer.emit(self.first, before, indent, keep_blank)
        self._sequence(self.items[1:], indent, tail)

    def _put(self, number: int, before: str | int | None = None) -> None:
        if number not in self.dropped:
            separator = self._separator(number) if before is None else before
            self.writer.emit(number, separator, self.indent + INDENT)

    def _sequence(self, items: Sequence[Item], indent: int, tail: int) -> None:
        """Items at one level of brackets, on one line if they fit and may."""
        if not items:
            return
        if self._fits(items, tail) and not self._is_forced(items) and not self._breaks(items):
            self._flat(items)
            return
        parts = self._split(items, "COMMA", behind=True)
        if len(parts) > 1 and not self._fits(items, tail):
            for index, part in enumerate(parts):
                self._pipe(part, indent, tail, indent + INDENT if index else None)
        else:
            self._pipe(items, indent, tail, None)

    def _breaks(self, items: Sequence[Item]) -> bool:
        return any(isinstance(i, int) and self._keeps_break(i) for i in items)

    def _fits(self, items: Sequence[Item], tail: int) -> bool:
        space = len(self._separator(first_of(items[0]))) if self.writer.column else 0
        return self.writer.column + space + self._width(items) + tail <= WIDTH

    def _split(self, items: Sequence[Item], type: str, behind: bool = False) -> list[list[Item]]:
        parts: list[list[Item]] = [[]]
        for item in items:
            if self._is(item, type):
                if behind:
                    parts[-1].append(item)
                    parts.append([])
                    continue
                parts.append([])
            parts[-1].append(item)
        return [part for part in parts if part]

    def _pipe(self, items: Sequence[Item], indent: int, tail: int, before: int | None) -> None:
        """A part of a statement, broken before stages where the author did, or before all."""
        segments = self._split(items, "PIPE")
        stages = [s for s in segments if self._is(s[0], "PIPE")]
        if not stages:
            self._segment(items, indent, tail, before)
            return
        broken = [self._keeps_break(first_of(s[0])) for s in stages]
        if self._is_too_wide(items, stages, broken, indent, tail, before):
            broken = [True] * len(stages)
        target = indent + INDENT
        if segments[0] is not stages[0]:
            self._segment(segments[0], indent, tail if len(segments) == 1 else 0, before)
        for number, (stage, is_broken) in enumerate(zip(stages, broken, strict=True)):
            if number == 0 and not is_broken:
                column = self.writer.column + 1
                if column <= self.indent + _FARTHEST:
                    target = column
            is_last = number + 1 == len(stages)
            free = tail if is_last else 0
            self._segment(stage, target, free, target if is_broken else None)

    def _is_too_wide(
        self,
        items: Sequence[Item],
        stages: Sequence[Sequence[Item]],
        broken: Sequence[bool],
        indent: int,
        tail: int,
        before: int | None,
    ) -> bool:
        """Whether a line of the pipe is too wide when broken only where the author did."""
        starts = {first_of(s[0]) for s, b in zip(stages, broken, strict=True) if b}
        lines: list[list[Item]] = [[]]
        for item in items:
            if isinstance(item, int) and item in starts:
                lines.append([])
            lines[-1].append(item)
        column = self.writer.column + 1 if before is None else before
        for line in lines:
            width = self._width(line) if line and not self._is_forced(line) else 0
            if column + width + tail > WIDTH:
                return True
            column = indent + INDENT
        return False

    def _segment(self, items: Sequence[Item], indent: int, tail: int, before: int | None) -> None:
        """Items without a pipe: broken before `else`, at operators, or inside brackets."""
        column = self.writer.column + 1 if before is None else before
        too_wide = column + self._width(items) + tail > WIDTH
        is_forced = self._is_forced(items)
        breaks: dict[int, int] = {}
        heads: list[int] = []
        if too_wide and not is_forced:
            breaks = self._operators(items, indent, column, tail)
        for position, item in enumerate(items):
            place: int | None = before if position == 0 else None
            if isinstance(item, Group) and breaks:  # what lies between them fits
                self._put(item.open, place)
                self._flat([*item.items, item.close])
                continue
            if isinstance(item, Group):
                self._group(item, place, indent, self._tail(items[position + 1 :], tail))
                continue
            if self._type(item) == "IF" and not (
                position and self._is(items[position - 1], "ELSE")
            ):
                self._put(item, place)
                heads.append(self.writer.column - len("if"))
                continue
            if self._type(item) == "ELSE" and heads:
                if self._keeps_break(item) or (too_wide and not is_forced):
                    place = heads[-1]
                if not self._is_else_if(items, position):
                    heads.pop()
            self._put(item, breaks.get(item, place) if place is None else place)

    def _is_else_if(self, items: Sequence[Item], position: int) -> bool:
        return position + 1 < len(items) and self._is(items[position + 1], "IF")

    def _operators(
        self, items: Sequence[Item], indent: int, column: int, tail: int
    ) -> dict[int, int]:
        """The infix operators that bind weakest, with the indent of a new line before each.

        None where a part would still be too wide: then only its brackets help.
        """
        if any(self._is(item, "ELSE") for item in items):
            return {}
        found = {
            item: INFIX[self.tokens[item].text]
            for item in items
            if isinstance(item, int)
            and self._type(item) in ("INFIX", "SIGN")
            and not self._is_prefix(item)
        }
        weakest = min(found.values(), default=0)
        breaks = {item: indent + INDENT for item, power in found.items() if power == weakest}
        parts: list[list[Item]] = [[]]
        for item in items:
            if isinstance(item, int) and item in breaks:
                parts.append([])
            parts[-1].append(item)
        starts = [column, *breaks.values()]
        free = [*(0 for _ in breaks), tail]
        fits = all(
            start + self._width(part) + need <= WIDTH
            for start, part, need in zip(starts, parts, free, strict=True)
        )
        return breaks if fits else {}

    def _tail(self, following: Sequence[Item], tail: int) -> int:
        """The columns needed behind a group up to the next place where a line can end."""
        following = [i for i in following if not (isinstance(i, int) and i in self.dropped)]
        if not following:
            return tail
        first = first_of(following[0])
        width = 0
        for item in following:
            if isinstance(item, Group):
                return width + 1
            width = self.end_of[item] - self.start_of[first] + 1
        return width + tail

    def _group(self, group: Group, before: int | None, indent: int, tail: int) -> None:
        if isinstance(before, int):
            self._put(group.open, before)
        else:
            self._put(group.open)
        inner = group.items
        width = self.end_of[group.close] - self.end_of[group.open]
        fits = self.writer.column + width + tail <= WIDTH
        if not inner or (
            fits and not self._is_broken_inside(group) and not self._has_comment(group)
        ):
            self._flat(inner)
            self._put(group.close)
            return
        base = self._line_indent()
        parts = self._split(inner, "COMMA", behind=True)
        self.pad(line_up(self.tokens, [self._head(part) for part in parts]))
        for part in parts:
            self._item(part, base + INDENT)
        if self._takes_comma(group):
            self.writer.lines[-1].text += ","
        self._put(group.close, base)

    def _has_comment(self, group: Group) -> bool:
        return self.writer.has_comment(group.open, group.close)

    def _head(self, items: Sequence[Item]) -> Head | None:
        """The name of a keyword argument or an entry."""
        first = first_of(items[0])
        if len(items) > 1 and self._is(items[1], "EQUAL"):
            return Head(first, first + 1, len(self.tokens[first].text))
        return None

    def _line_indent(self) -> int:
        text = self.writer.lines[-1].text
        return len(text) - len(text.lstrip())

    def _item(self, items: Sequence[Item], indent: int) -> None:
        """One item of a group on its own line or lines."""
        self._pipe(items, indent, 1, indent)

    def _flat(self, items: Sequence[Item]) -> None:
        pending: list[Item] = list(reversed(items))
        while pending:
            item = pending.pop()
            if isinstance(item, Group):
                self._put(item.open)
                pending.append(item.close)
                pending.extend(reversed(item.items))
            else:
                self._put(item)

    def _is_forced(self, items: Sequence[Item]) -> bool:
        """Whether the items cannot stand on one line."""
        if not items:
            return False
        return self.writer.has_comment(first_of(items[0]), last_of(items[-1])) or any(
            self._is_broken_inside(item) for item in items if isinstance(item, Group)
        )

    def _is_broken_inside(self, group: Group) -> bool:
        pending = [group]
        while pending:
            group = pending.pop()
            if group.items and self.writer.is_on_new_line(group.open + 1):
                return True
            for item in group.items:
                if isinstance(item, Group):
                    pending.append(item)
                elif self._keeps_break(item):
                    return True
        return False

    def _keeps_break(self, number: int) -> bool:
        return self._type(number) in ("PIPE", "ELSE") and self.writer.is_on_new_line(number)
