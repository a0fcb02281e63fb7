"""Pieces of a script that are the same text for every target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tercet.codegen.expr import Expr, lift
from tercet.codegen.merge import merge
from tercet.codegen.render import render
from tercet.dsl.records import dataclass


@dataclass(frozen=True)
class Piece:
    """Definitions for the top level of a script, with what they need there.

    `imports` are whole statements, `constants` are (name, value as Python text), `text` is the
    definitions, two blank lines between them, none around.
    """

    text: str = ""
    imports: tuple[str, ...] = ()
    constants: tuple[tuple[str, str], ...] = ()


def joined(pieces: Iterable[Piece]) -> Piece:
    """Several pieces as one; what two of them need stands once."""
    pieces = tuple(pieces)
    return Piece(
        "\n\n\n".join(piece.text for piece in pieces if piece.text),
        tuple(dict.fromkeys(line for piece in pieces for line in piece.imports)),
        tuple(dict.fromkeys(entry for piece in pieces for entry in piece.constants)),
    )


def unpacked(names: Sequence[str]) -> str:
    """The left side of an assignment that takes a tuple of one or several apart."""
    return ", ".join(names) + ("," if len(names) == 1 else "")


def rendered(expr: Expr) -> str:
    """The text of an expression that stands once: arguments with their defaults are left out."""
    return render(merge([expr], lambda leaves, _keyword: leaves[0]))


def literal(value: object) -> str:
    """A number, string, tuple, list or dictionary as Python text."""
    return render(lift(value))
