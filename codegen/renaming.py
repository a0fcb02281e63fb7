"""Giving a value another name where it was assigned, instead of copying it before its variable is
rebound: `skip = self.down(x)` reads better than `h = self.down(x)` and `h_1 = h` after it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tercet.codegen.expr import Expr, Name
from tercet.codegen.loops import map_expressions
from tercet.codegen.scope import Frame
from tercet.codegen.tree import mentions
from tercet.codegen.tree import replace as replace_parts
from tercet.codegen.writer import Assign, For, If, Statement

_REACH = 200
"""How many statements are looked back: more would make long chains slow."""


def renamed(frame: Frame, name: str, kept: str) -> bool:
    """Whether what `name` holds could be assigned to `kept` in the first place, and now is.

    Statements and waiting expressions since then read it by its new name.
    """
    place = _assignment(frame.compute, name)
    if place is None:
        return False
    statement = frame.compute[place]
    assert isinstance(statement, Assign)
    old, new = Name(name), Name(kept)

    def change(expr: Expr) -> Expr | None:
        return new if expr == old else None

    frame.compute[place] = Assign((new,), statement.value, statement.comment)
    frame.compute[place + 1 :] = map_expressions(frame.compute[place + 1 :], change)
    for held in dict.fromkeys(frame.pending.values()):
        if mentions(held.expr, old):
            other = replace(held, expr=replace_parts(held.expr, change), inner=None)
            for column in held.columns:
                if frame.pending.get(id(column[0])) is held:
                    frame.pending[id(column[0])] = other
    return True


def _assignment(statements: list[Statement], name: str) -> int | None:
    """Where a name alone was assigned last; None if it was assigned otherwise, or long ago."""
    first = max(len(statements) - _REACH, 0)
    for place in range(len(statements) - 1, first - 1, -1):
        statement = statements[place]
        if name in _assigned([statement]):
            single = isinstance(statement, Assign) and statement.targets == (Name(name),)
            return place if single else None
    return None


def _assigned(statements: Iterable[Statement]) -> set[str]:
    """The names that statements assign, inner ones included."""
    found: set[str] = set()
    for statement in statements:
        match statement:
            case Assign(targets=targets):
                found |= {t.identifier for t in targets if isinstance(t, Name)}
            case For(target=target, body=body):
                found |= _assigned(body)
                found |= {target.identifier} if isinstance(target, Name) else set()
            case If(then=then, otherwise=otherwise):
                found |= _assigned((*then, *otherwise))
    return found
