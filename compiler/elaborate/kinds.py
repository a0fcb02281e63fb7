"""Which parameters a block makes layers of, as its text alone says.

`batch_norm(eps = 1e-3)` among the arguments of a block is one layer, whose weights are shared
wherever the block applies it, unless the block makes layers of what it is given: `x |> norm()`.
"""

from __future__ import annotations

from collections.abc import Iterator

from tercet.compiler.elaborate.session import Session
from tercet.compiler.elaborate.sites import given_for, nodes_in
from tercet.dsl import nodes
from tercet.dsl.records import dataclass


@dataclass(frozen=True)
class _Text:
    """What a body does with its parameters: makes layers of some, gives some to other blocks."""

    made: frozenset[str]
    given: tuple[tuple[str, nodes.Block, str], ...]
    """A parameter, and that of another block which it is given for."""


def made_anew(session: Session, block: nodes.Block) -> frozenset[str]:
    """The parameters that a block calls to make a layer, or gives to a block that does."""
    known = session.made_anew
    if block not in known:
        texts = _reached(session, block)
        found = {one: set(text.made) for one, text in texts.items()}
        changed = True
        while changed:
            changed = False
            for one in reversed(texts):  # callees were reached later, mostly
                for parameter, other, theirs in texts[one].given:
                    makes = found[other] if other in found else known[other]
                    if theirs in makes and parameter not in found[one]:
                        found[one].add(parameter)
                        changed = True
        known.update({one: frozenset(names) for one, names in found.items()})
    return known[block]


def _reached(session: Session, block: nodes.Block) -> dict[nodes.Block, _Text]:
    """The texts of a block and of those it gives parameters to, but what is known already."""
    texts: dict[nodes.Block, _Text] = {}
    pending = [block]
    while pending:
        one = pending.pop()
        if one not in texts and one not in session.made_anew:
            texts[one] = _read(session, one)
            pending.extend(other for _, other, _ in texts[one].given)
    return texts


def _read(session: Session, block: nodes.Block) -> _Text:
    own = {parameter.name for parameter in block.parameters}
    scope = session.module_of[block]
    made: set[str] = set()
    given: list[tuple[str, nodes.Block, str]] = []
    for node in nodes_in(block.body) if own else ():
        match node:
            case nodes.Call(function=nodes.Name(id=name), arguments=()) if name in own:
                made.add(name)
            case nodes.Call(function=nodes.Call(function=nodes.Name(id=name))) if name in own:
                made.add(name)
            case nodes.Call(function=nodes.Name(id=name)):
                called = scope.kind(name)
                if isinstance(called, nodes.Block):
                    given.extend(_passed(node, called, own))
            case nodes.Pipe(stages=stages):
                made.update(own & set(_called(stages)))
    return _Text(frozenset(made), tuple(given))


def _passed(
    call: nodes.Call, called: nodes.Block, own: set[str]
) -> Iterator[tuple[str, nodes.Block, str]]:
    for parameter in called.parameters:
        for value in given_for(call, called, frozenset([parameter.name])):
            if isinstance(value, nodes.Name) and value.id in own:
                yield value.id, called, parameter.name


def _called(stages: tuple[nodes.Expr, ...]) -> Iterator[str]:
    """The names that stages of a pipe call with something between brackets, or nothing."""
    for stage in stages:
        match stage:
            case nodes.Call(function=nodes.Name(id=name)):
                yield name
