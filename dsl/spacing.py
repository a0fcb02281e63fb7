"""The spaces within a statement, and how wide its parts are on one line.

What stands between two tokens depends on these two and on the bracket around them alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Final

from tercet.dsl.records import dataclass
from tercet.dsl.tokens import Token

_CLOSING: Final = {"LPAR": "RPAR", "LSQB": "RSQB", "LBRACE": "RBRACE"}
_ENDS_OPERAND: Final = frozenset(
    ["NAME", "NUMBER", "STRING", "RPAR", "RSQB", "RBRACE", "TRUE", "FALSE", "NONE", "ELLIPSIS"]
)


@dataclass
class Group:
    """A bracket, what is in it, and the bracket that closes it, as token numbers."""

    open: int
    close: int
    items: list[Item] = field(default_factory=list)


Item = int | Group


def first_of(item: Item) -> int:
    """The number of an item's first token."""
    return item.open if isinstance(item, Group) else item


def last_of(item: Item) -> int:
    """The number of an item's last token."""
    return item.close if isinstance(item, Group) else item


def close_of(tokens: Sequence[Token]) -> dict[int, int]:
    """The number of the closing bracket for that of each opening one."""
    closing: dict[int, int] = {}
    opened: list[int] = []
    for number, token in enumerate(tokens):
        if token.type in _CLOSING:
            opened.append(number)
        elif token.type in _CLOSING.values():
            closing[opened.pop()] = number
    return closing


@dataclass(frozen=True)
class Head:
    """What stands before a `=`, the token numbered `equal`, and how wide it is."""

    first: int
    equal: int
    width: int


def line_up(tokens: Sequence[Token], heads: Sequence[Head | None]) -> dict[int, int]:
    """The spaces to add before each `=` that the author had lined up with those around it.

    They are lined up on lines that follow each other; None stands for what is no assignment.
    """
    padding: dict[int, int] = {}
    run: list[Head] = []
    for head in (*heads, None):
        if run and not (head and _is_lined_up(tokens, run[-1], head)):
            widest = max(h.width for h in run)
            padding |= {h.equal: widest - h.width for h in run}
            run = []
        if head:
            run.append(head)
    return padding


def _is_lined_up(tokens: Sequence[Token], one: Head, other: Head) -> bool:
    source = tokens[one.first].source
    if source.text.count("\n", tokens[other.first - 1].end, tokens[other.first].start) != 1:
        return False
    columns = [
        [source.position(tokens[number].start)[1] for number in (head.first, head.equal)]
        for head in (one, other)
    ]
    return columns[0] == columns[1] and all(
        tokens[head.first].starts_line
        and "\n" not in source.text[tokens[head.first].start : tokens[head.equal].start]
        for head in (one, other)
    )


class Spacing:
    """The tokens `first` to `last`, a statement or the head of one, as a tree of brackets."""

    def __init__(
        self, tokens: Sequence[Token], closing: dict[int, int], first: int, last: int
    ) -> None:
        self.tokens = tokens
        self.closing = closing
        self.first, self.last = first, last
        self.items = self._tree(first, last)
        self.dropped: set[int] = set()
        """Commas before a closing bracket that nothing depends on."""
        self.padding: dict[int, int] = {}
        """Extra spaces before a token."""
        self.slices: set[int] = set()
        """Colons of slices."""
        self._look()
        self._measure()

    def _tree(self, first: int, last: int) -> list[Item]:
        top: list[Item] = []
        stack = [top]
        groups: list[Group] = []
        for number in range(first, last + 1):
            if groups and number == groups[-1].close:
                groups.pop()
                stack.pop()
            elif number in self.closing and self.closing[number] <= last:
                group = Group(number, self.closing[number])
                stack[-1].append(group)
                groups.append(group)
                stack.append(group.items)
            else:
                stack[-1].append(number)
        return top

    def _look(self) -> None:
        pending: list[tuple[Sequence[Item], Group | None]] = [(self.items, None)]
        while pending:
            items, around = pending.pop()
            for item in items:
                if isinstance(item, Group):
                    pending.append((item.items, item))
                elif around and self._type(item) == "COLON":
                    self.slices.add(item)
            if around and items and self._takes_comma(around) and self._is(items[-1], "COMMA"):
                last = items[-1]
                assert isinstance(last, int)
                self.dropped.add(last)

    def _type(self, number: int) -> str:
        return self.tokens[number].type

    def _is(self, item: Item, type: str) -> bool:
        return isinstance(item, int) and self._type(item) == type

    def _takes_comma(self, group: Group) -> bool:
        """Whether a comma before the closing bracket changes nothing."""
        match self._type(group.open):
            case "LSQB":
                return True
            case "LPAR":
                return self._is_attached(group.open)
            case _:
                return len(group.items) > 1 and self._is(group.items[1], "EQUAL")

    def _is_attached(self, number: int) -> bool:
        """Whether a bracket belongs to what stands before it: a call, an index, a type."""
        return number > self.first and self._type(number - 1) in _ENDS_OPERAND

    def _is_prefix(self, number: int) -> bool:
        return self._type(number) == "SIGN" and (
            number == self.first or self._type(number - 1) not in _ENDS_OPERAND
        )

    # ---------------------------------------------------------------------------------------- width

    def _measure(self) -> None:
        """The column of each token if all were on one line, counted from the first."""
        self.start_of: dict[int, int] = {}
        self.end_of: dict[int, int] = {}
        column = 0
        for number in range(self.first, self.last + 1):
            if number in self.dropped:
                self.start_of[number] = self.end_of[number] = column
                continue
            column += len(self._separator(number)) if number > self.first else 0
            self.start_of[number] = column
            column += len(self.tokens[number].text)
            self.end_of[number] = column

    def _separator(self, number: int) -> str:
        before = number - 1
        if before in self.dropped:
            before -= 1
        left, right = self._type(before), self._type(number)
        if right in ("COMMA", "RPAR", "RSQB") or left in ("LPAR", "LSQB"):
            return ""
        if left == "LBRACE" and right == "RBRACE":
            return ""
        if left == "DOT" or right == "DOT":
            return " " if left == "NUMBER" else ""
        if right in ("LPAR", "LSQB") and self._is_attached(number):
            return ""
        if (right == "COLON" and left != "COMMA") or (left == "COLON" and before in self.slices):
            return ""
        if self._is_prefix(before):
            return ""
        return " " * (1 + self.padding.get(number, 0))

    def pad(self, padding: dict[int, int]) -> None:
        """Put more spaces before some tokens."""
        if any(padding.values()):
            self.padding |= padding
            self._measure()

    @property
    def width(self) -> int:
        """The number of columns of everything on one line."""
        return max(self.end_of.values())

    def _width(self, items: Sequence[Item]) -> int:
        first, last = first_of(items[0]), last_of(items[-1])
        return self.end_of[last] - self.start_of[first]
