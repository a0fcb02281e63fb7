"""One mistake at a time in a text of the language, with the line that it is in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tercet.compiler.data import SOURCES
from tercet.compiler.ops.base import OPERATIONS, LayerOp
from tercet.compiler.signature import REQUIRED, signature
from tercet.compiler.training import CLIPS, METRICS, OPTIMIZERS, SCHEDULES

_KNOWN = {*OPERATIONS, *SOURCES, *CLIPS, *METRICS, *OPTIMIZERS, *SCHEDULES}


@dataclass(frozen=True)
class Mutation:
    """The text with a mistake in `line`, and what is wrong with it."""

    text: str
    line: int
    what: str


def mutations(text: str) -> Iterator[Mutation]:
    """All mistakes of all kinds."""
    code = re.sub(r"#.*", lambda m: " " * len(m.group()), text)
    yield from _misspelt_operations(text, code)
    yield from _misspelt_keywords(text, code)
    yield from _broken_shapes(text, code)
    yield from _dropped_arguments(text, code)


def _replaced(text: str, start: int, end: int, by: str, what: str) -> Mutation:
    line = text.count("\n", 0, start) + 1
    return Mutation(text[:start] + by + text[end:], line, f"line {line}: {what}")


def _misspelt_operations(text: str, code: str) -> Iterator[Mutation]:
    """`conv2dx(…)` or `|> conv2dx`."""
    for match in re.finditer(r"(\|> )?\b([a-z]\w*)\b(\()?", code):
        piped, name, called = match.groups()
        if name in _KNOWN and (piped or called):
            yield _replaced(text, *match.span(2), f"{name}x", f"{name} is misspelt")


def _misspelt_keywords(text: str, code: str) -> Iterator[Mutation]:
    """`paddingx = 1` in a call of an operation."""
    for match in re.finditer(r"\b([a-z]\w*)\(", code):
        if match.group(1) not in _KNOWN:
            continue
        for start, end in _arguments(code, match.end()):
            keyword = re.match(r"\s*(\w+) = ", code[start:end])
            if keyword:
                at = start + keyword.start(1)
                by = f"{keyword.group(1)}x"
                yield _replaced(text, at, at + len(by) - 1, by, f"{by} is no keyword")


def _broken_shapes(text: str, code: str) -> Iterator[Mutation]:
    """The last number of `reshape([N, 64 * 5 * 5])` is one larger."""
    for match in re.finditer(r"\breshape\((?:[^\[\]()]|\([^()]*\))*\[([^\]]*)\]", code):
        number = re.search(r"\d+(?=\D*$)", match.group(1))
        if number and "//" not in match.group(1):
            start = match.start(1) + number.start()
            by = str(int(number.group()) + 1)
            yield _replaced(text, start, start + len(number.group()), by, "a size is too large")


def _dropped_arguments(text: str, code: str) -> Iterator[Mutation]:
    """The last of the arguments that an operation cannot do without."""
    for match in re.finditer(r"(\|> )?\b([a-z]\w*)\(", code):
        piped, name = match.groups()
        cls = OPERATIONS.get(name)
        if cls is None:
            continue
        needed = [p.name for p in signature(cls).parameters if p.default is REQUIRED]
        operands = 0
        if not issubclass(cls, LayerOp):
            operands = sum(not o.optional and not o.variadic for o in cls.operands)
        count = len(needed) + operands - (1 if piped and operands else 0)
        given = _arguments(code, match.end())
        plain = [span for span in given if not re.match(r"\s*\w+ = ", code[slice(*span)])]
        if count and len(plain) == count:
            start, end = plain[-1]
            if end < len(code) and code[end] == ",":
                end += 1
            yield _replaced(text, start, end, "", f"{name} lacks an argument")


def _arguments(code: str, start: int) -> list[tuple[int, int]]:
    """The spans of the arguments of a call whose parenthesis ends at `start`."""
    depth, begin = 0, start
    found = []
    for at in range(start, len(code)):
        match code[at]:
            case "(" | "[" | "{":
                depth += 1
            case ")" | "]" | "}" if depth:
                depth -= 1
            case ")" | ",":
                if depth == 0:
                    if code[begin:at].strip():
                        found.append((begin, at))
                    begin = at + 1
                    if code[at] == ")":
                        return found
    raise ValueError("a call without an end")
