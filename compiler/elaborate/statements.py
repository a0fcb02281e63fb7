"""Execution of statements: what they bind, and what they add to the trace."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tercet.compiler.dims import Dim
from tercet.compiler.elaborate import limits
from tercet.compiler.elaborate.constraints import constrain
from tercet.compiler.elaborate.errors import did_you_mean, error
from tercet.compiler.elaborate.expressions import condition, decided
from tercet.compiler.elaborate.scope import Frame, executes, region_of
from tercet.compiler.graph.ir import Apply, Bind, Branch, Loop, Region, Value
from tercet.compiler.graph.values import POISON, Undecided, describe, text
from tercet.dsl import nodes
from tercet.dsl.diagnostics import DiagnosticError, Note
from tercet.dsl.source import Span

# -------------------------------------------------------------------------------------- assignment


@executes(nodes.Assign)
def _assign(frame: Frame, statement: nodes.Assign) -> None:
    if frame.training is not None and frame.training.assign(frame, statement):
        return
    if statement.mapping is not None:
        raise error(
            "E0210", "a mapping `{ … }` belongs to the `data` of a `train`", statement.mapping.span
        )
    value = frame.evaluate(statement.value)
    bind_target(frame, statement.target, value, statement.value.span)
    frame.items.append(Bind(statement.target, statement.value, value, statement.span))


def bind_target(frame: Frame, target: nodes.AssignTarget, value: Any, span: Span) -> None:
    """Gives names their values; a tuple of names takes a list apart.  Raises DiagnosticError."""
    if isinstance(target, nodes.TargetName):
        frame.names[target.id] = value
        if isinstance(value, Value) and value in frame.unnamed:
            frame.unnamed.discard(value)
            object.__setattr__(value, "name", target.id)  # the source's name, known only now
        return
    items = _unpacked(frame, target, value, span)
    for part, item in zip(target.items, items, strict=True):
        bind_target(frame, part, item, span)


def _unpacked(frame: Frame, target: nodes.TargetTuple, value: Any, span: Span) -> tuple[Any, ...]:
    count = len(target.items)
    if isinstance(value, tuple) and len(value) == count:
        return value
    for name in nodes.target_names(target):
        frame.names[name.id] = POISON
    if value is POISON:
        return (POISON,) * count
    if isinstance(value, tuple):
        message = f"{count} names on the left, {len(value)} values on the right"
        raise error("E0215", message, span, None, Note("the names", target.span))
    help = f"`split(x, {count})` makes {count} tensors" if isinstance(value, Value) else None
    if isinstance(value, Value) and _has_states(frame.producers.get(value)):
        help = "states come with `return_state = true`"
    message = f"{describe(value)} cannot be taken apart into {count} names"
    raise error("E0413", message, span, help, Note("the names", target.span))


def _has_states(producer: Any) -> bool:
    return isinstance(producer, Apply) and hasattr(producer.op, "return_state")


# ----------------------------------------------------------------------------------- control flow


@executes(nodes.For)
def _for(frame: Frame, statement: nodes.For) -> None:
    iterable = frame.evaluate(statement.iterable)
    if not isinstance(iterable, tuple):
        poison_assigned(frame, (statement,))
        if iterable is POISON:
            return
        help = None
        if isinstance(iterable, Dim):
            help = "a loop needs a number: write the size as one in the type of the input"
        elif isinstance(iterable, int):
            help = f"write `range({statement.iterable.span.text})`"
        elif isinstance(iterable, Value):
            help = "a loop runs in the compiler: go over `range(…)` and index the tensor"
        message = f"{describe(iterable)} cannot be looped over"
        raise error("E0413", message, statement.iterable.span, help)
    iterations: list[Region] = []
    outer = frame.indices
    frame.level += 1
    try:
        for i, item in enumerate(iterable):
            errors = frame.session.sink.errors
            frame.session.work(limits.ITERATION, statement.span)
            frame.indices = (*outer, i)
            iterations.append(_iteration(frame, statement, item))
            if errors < frame.session.sink.errors > limits.LOOP_REPEATS:
                frame.failed = True
                poison_assigned(frame, statement.body)
                break  # the next iterations would find the same
    except DiagnosticError:
        poison_assigned(frame, statement.body)
        raise
    finally:
        frame.indices = outer
        frame.level -= 1
    frame.items.append(Loop(statement, iterable, tuple(iterations)))


def _iteration(frame: Frame, statement: nodes.For, item: Any) -> Region:
    with frame.region() as items:
        bind_target(frame, statement.target, item, statement.iterable.span)
        frame.execute(statement.body)
    return region_of(items)


@executes(nodes.If)
def _if(frame: Frame, statement: nodes.If) -> None:
    try:
        holds = decided(frame.evaluate(statement.condition), statement.condition)
    except DiagnosticError:
        poison_assigned(frame, (statement,))
        raise
    if holds is POISON:
        poison_assigned(frame, (statement,))
        return
    frame.level += 1
    with frame.region() as items:
        frame.execute(statement.then if holds else statement.otherwise)
    frame.level -= 1
    frame.items.append(Branch(statement, 0 if holds else 1, region_of(items)))


def poison_assigned(frame: Frame, statements: Iterable[nodes.Statement]) -> None:
    """Statements that could not be executed: what they would have bound is wrong, silently."""
    pending = list(statements)
    while pending:
        match pending.pop():
            case nodes.Assign(target=target):
                _poison(frame, target)
            case nodes.For(target=target, body=body):
                _poison(frame, target)
                pending.extend(body)
            case nodes.If(then=then, otherwise=otherwise):
                pending.extend((*then, *otherwise))
            case nodes.Declare(name=name):
                frame.names[name] = POISON


def _poison(frame: Frame, target: nodes.AssignTarget) -> None:
    for name in nodes.target_names(target):
        frame.names[name.id] = POISON


@executes(nodes.Lost)
def _lost(frame: Frame, statement: nodes.Lost) -> None:
    """What a syntax error took may have bound any name, but hardly one of the language's."""
    frame.failed = True
    for name in statement.names:
        if name in frame.names or frame.module.kind(name) is None:
            frame.names[name] = POISON


# -------------------------------------------------------------------------------------- assertions


@executes(nodes.Assert)
def _assert(frame: Frame, statement: nodes.Assert) -> None:
    holds = condition(frame.evaluate(statement.condition), statement.condition)
    if holds is POISON or holds is True:
        return
    message = () if statement.message is None else _message(frame, statement.message)
    if isinstance(holds, Undecided):
        for one in holds.comparisons:
            constrain(frame, one.left, one.relation, one.right, statement.span, message)
        return
    shown = "".join(map(str, message)) or f"`{statement.condition.span.text}` does not hold"
    raise error("E0404", shown, statement.condition.span)


_PLACE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")


def _message(frame: Frame, node: nodes.Expr) -> tuple[str | Dim, ...]:
    """The text of a message, between the symbolic sizes that stand in it."""
    value = frame.evaluate(node)
    if value is POISON:
        return ()
    if not isinstance(value, str):
        raise error("E0401", f"a message is a string, not {describe(value)}", node.span)
    parts: list[str | Dim] = []
    place = 0
    for match in _PLACE.finditer(value):
        parts += [value[place : match.start()], _filled(frame, match, node.span)]
        place = match.end()
    return _joined([*parts, value[place:]])


def _joined(parts: Iterable[str | Dim]) -> tuple[str | Dim, ...]:
    """The parts with neighbouring texts as one, as far as a string may be long."""
    found: list[str | Dim] = []
    room = limits.STRING
    for part in parts:
        kept = part if isinstance(part, Dim) else part[:room]
        room -= len(str(kept))
        if kept == "" or room < 0:
            continue
        if found and isinstance(kept, str) and isinstance(found[-1], str):
            kept = f"{found.pop()}{kept}"
        found.append(kept)
    return tuple(found)


def _filled(frame: Frame, match: re.Match[str], span: Span) -> str | Dim:
    if match[1] is None:
        return match[0][0]
    name = match[1].strip()
    if name not in frame.names and not name.isidentifier():
        raise error("E0407", f"`{{{name}}}` is not a name", span, "only names stand in braces")
    try:
        value = frame.lookup(name, span)
    except DiagnosticError:
        help = did_you_mean(name, frame.names)
        raise error("E0407", f"`{name}` in this message is not defined", span, help) from None
    if isinstance(value, Dim):
        return value
    return "?" if value is POISON else text(value)
