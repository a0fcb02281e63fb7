"""What is left of a file with syntax errors: its statements, and marks where some were lost.

What was read is as good as in any file, so that its own errors can be found in the same run; of the
rest nothing is known but the names it mentions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tercet.dsl import nodes
from tercet.dsl.source import Span
from tercet.dsl.tokens import RESERVED

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
Body = tuple[nodes.Statement, ...]


def mended(
    declarations: Sequence[nodes.Declaration], wrong: Sequence[Span], lost: Sequence[Span]
) -> tuple[tuple[nodes.Declaration, ...], frozenset[nodes.Declaration]]:
    """The declarations, with `Lost` for statements that hold or held an error, and the broken ones.

    `wrong` are the places of errors, `lost` the texts that were skipped.  A declaration is broken
    where more than statements of its body is wrong: its name stands for something unknown.
    """
    kept: list[nodes.Declaration] = []
    broken: set[nodes.Declaration] = set()
    for declaration in declarations:
        inside = [span for span in wrong if _within(span, declaration.span)]
        if not inside:
            kept.append(declaration)
            continue
        made = declaration
        if isinstance(declaration, nodes.Block):
            skipped = [span for span in lost if _within(span, declaration.span)]
            made = replace(declaration, body=_body(declaration.body, inside, skipped))
        if not isinstance(made, nodes.Block) or not _is_usable(made, inside):
            broken.add(made)
        kept.append(made)
    return tuple(kept), frozenset(broken)


def names_in(spans: Sequence[Span]) -> frozenset[str]:
    """The names that texts mention; `*` where one imports that."""
    found = {name for span in spans for name in _NAME.findall(span.text)}
    if any(re.search(r"import\s*\*", span.text) for span in spans):
        found.add("*")
    return frozenset(found - RESERVED)


def _is_usable(block: nodes.Block, wrong: Sequence[Span]) -> bool:
    """Whether the head of a block and its inputs can be relied on."""
    head = max([block.name_span.end, *(p.span.end for p in block.parameters)])
    opened = block.span.source.text.find("{", head)
    if any(span.start <= opened for span in wrong):
        return False
    return not any("input" in _NAME.findall(lost.span.text) for lost in _lost(block.body))


def _lost(body: Body) -> Iterable[nodes.Lost]:
    for statement in body:
        match statement:
            case nodes.Lost():
                yield statement
            case nodes.For():
                yield from _lost(statement.body)
            case nodes.If():
                yield from _lost(statement.then)
                yield from _lost(statement.otherwise)


def _within(span: Span, outer: Span) -> bool:
    return outer.start <= span.start < outer.end


def _body(body: Body, wrong: Sequence[Span], lost: Sequence[Span]) -> Body:
    around = [s for s in lost if not any(_within(s, statement.span) for statement in body)]
    found: list[nodes.Statement] = [_mark(span) for span in around]
    for statement in body:
        if any(_is_torn(statement, span) for span in around):
            found.append(_mark(statement.span))
            continue
        own = [span for span in wrong if _within(span, statement.span)]
        skipped = [span for span in lost if _within(span, statement.span)]
        found.append(_statement(statement, own, skipped) if own or skipped else statement)
    return tuple(sorted(found, key=lambda statement: statement.span.start))


def _is_torn(statement: nodes.Statement, lost: Span) -> bool:
    """Whether what was lost goes on in the line of a statement, and may belong to it."""
    gap = Span(lost.source, statement.span.end, max(lost.start, statement.span.end))
    return statement.span.end <= lost.start and gap.text.strip() == "" and "\n" not in gap.text


def _mark(span: Span) -> nodes.Lost:
    return nodes.Lost(span, tuple(sorted(names_in([span]))))


def _statement(
    statement: nodes.Statement, wrong: Sequence[Span], lost: Sequence[Span]
) -> nodes.Statement:
    match statement:
        case nodes.For(body=body) if _is_inside(body, wrong, lost):
            return replace(statement, body=_body(body, wrong, lost))
        case nodes.If(then=then, otherwise=otherwise) if _is_inside(
            (*then, *otherwise), wrong, lost
        ):
            # the branch that a lost text was in is not known: it may be either
            around = [s for s in lost if not any(_within(s, t.span) for t in (*then, *otherwise))]
            return replace(
                statement,
                then=_body(then, wrong, [*_among(lost, then), *around]),
                otherwise=_body(otherwise, wrong, [*_among(lost, otherwise), *around]),
            )
    if lost:
        return _mark(statement.span)
    return nodes.Lost(statement.span, tuple(sorted(_bound_by(statement, wrong))))


def _bound_by(statement: nodes.Statement, wrong: Sequence[Span]) -> set[str]:
    """What a statement that was read to its end binds; a string may have swallowed some of it."""
    swallowed = names_in([span for span in wrong if span.text.startswith('"')])
    match statement:
        case nodes.Assign(target=target):
            return {name.id for name in nodes.target_names(target)} | swallowed
        case nodes.Output() | nodes.Assert():
            return {*swallowed}
    return {*names_in([statement.span])}


def _among(spans: Sequence[Span], body: Body) -> list[Span]:
    return [s for s in spans if any(_within(s, statement.span) for statement in body)]


def _is_inside(body: Body, wrong: Sequence[Span], lost: Sequence[Span]) -> bool:
    """Whether all errors of a loop or branch are in its body's statements or in lost texts."""
    places = [*(statement.span for statement in body), *lost]
    return all(any(_within(span, place) for place in places) for span in wrong)
