"""Statements as objects, and as lines.  `ruff` wraps and sorts what is written here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tercet.codegen.expr import Expr
from tercet.codegen.render import bare, render
from tercet.dsl.records import dataclass


@dataclass(frozen=True, slots=True)
class Assign:
    """`targets = value  # comment`."""

    targets: tuple[Expr, ...]
    value: Expr
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class For:
    target: Expr
    iterable: Expr
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class If:
    condition: Expr
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Return:
    value: Expr
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Evaluate:
    """An expression as a statement."""

    value: Expr


@dataclass(frozen=True, slots=True)
class Line:
    """A fixed line of text."""

    text: str


Statement = Assign | For | If | Return | Evaluate | Line


def lines(statements: Iterable[Statement], indent: int = 0) -> Iterator[str]:
    """The lines of a body; an empty one is `pass`."""
    pad = "    " * indent
    empty = True
    for statement in statements:
        empty = False
        match statement:
            case Assign(targets, value, comment):
                left = ", ".join(bare(t) for t in targets)
                yield f"{pad}{left} = {bare(value)}{_comment(comment)}"
            case Return(value, comment):
                yield f"{pad}return {bare(value)}{_comment(comment)}"
            case Evaluate(value):
                yield f"{pad}{render(value)}"
            case Line(text):
                yield f"{pad}{text}".rstrip()
            case For(target, iterable, body):
                yield f"{pad}for {bare(target)} in {render(iterable)}:"
                yield from lines(body, indent + 1)
            case If():
                yield from _if_lines(statement, pad, indent)
    if empty:
        yield f"{pad}pass"


def _if_lines(statement: If, pad: str, indent: int, word: str = "if") -> Iterator[str]:
    yield f"{pad}{word} {render(statement.condition)}:"
    yield from lines(statement.then, indent + 1)
    match statement.otherwise:
        case ():
            pass
        case (If() as inner,):
            yield from _if_lines(inner, pad, indent, "elif")
        case otherwise:
            yield f"{pad}else:"
            yield from lines(otherwise, indent + 1)


def _comment(comment: str | None) -> str:
    return "" if comment is None else f"  # {comment}"


def text(statements: Sequence[Statement], indent: int = 0) -> str:
    """The statements as one text that ends with a line break."""
    return "\n".join(lines(statements, indent)) + "\n"
