"""Blocks specialised: one graph for the values of its parameters and the types of its inputs.

A specialisation is elaborated once; every further application of that kind is one `Call` of the
same graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from tercet.compiler.elaborate import limits, sites
from tercet.compiler.elaborate.body_checks import (
    check_applied,
    check_indices,
    check_inputs,
    check_used,
    no_output,
)
from tercet.compiler.elaborate.kinds import made_anew
from tercet.compiler.elaborate.scope import Body, Frame, region_of
from tercet.compiler.elaborate.session import Session, Specialisation, Structure
from tercet.compiler.graph.ir import Graph, GraphOutput
from tercet.compiler.graph.values import POISON, frozen
from tercet.compiler.types import TensorType
from tercet.dsl import nodes
from tercet.dsl.diagnostics import Note
from tercet.dsl.source import Span


def specialise(
    caller: Frame,
    block: nodes.Block,
    arguments: dict[str, Any],
    actual: Sequence[tuple[TensorType, Span] | None],
    span: Span,
) -> Specialisation:
    """The graph of a block for these arguments and types, elaborated when first asked for.

    The type of an input that the caller leaves out is None.
    """
    session = caller.session
    key = memo_key(block, arguments, [given and given[0] for given in actual])
    found = session.memo.get(key)
    if found is None and caller.in_training:
        found = session.models.get(key)  # the very graph that is trained
    if found is not None:
        return found
    if session.depth >= limits.BLOCK_DEPTH:
        message = f"blocks call each other more than {limits.BLOCK_DEPTH} deep"
        help = "end the recursion by an `if` over a parameter that becomes smaller"
        session.stop("E0408", message, span, help)
    if len(session.memo) >= limits.SPECIALISATIONS:
        message = f"blocks are called in more than {limits.SPECIALISATIONS:,} different ways"
        help = "an argument that no size or branch depends on can be an input"
        session.stop("E0409", message, span, help)
    chain = (Note(f"in the {block.kind} `{block.name}`, called here", span), *caller.chain)
    session.depth += 1
    frame = Frame(session, session.module_of[block], text_of(session, block), chain[:8])
    frame.body = Body(block, actual)
    made = run(frame, block, arguments)
    session.depth -= 1
    session.memo[key] = made
    session.finished.append(made)
    return made


def memo_key(
    block: nodes.Block, arguments: dict[str, Any], types: Sequence[TensorType | None]
) -> Any:
    """What a specialisation depends on."""
    given = tuple([(name, frozen(arguments[name])) for name in sorted(arguments)])
    return block, given, tuple(types)


def text_of(session: Session, block: nodes.Block) -> sites.BodyText:
    """What the block's text says, read once; its problems and warnings are reported then."""
    text = session.texts.get(block)
    if text is None:
        scope = session.module_of[block]
        own = frozenset(parameter.name for parameter in block.parameters)
        text = session.texts[block] = sites.body_text(
            block.body, own, scope.kind, partial(made_anew, session)
        )
        for problem in text.problems:
            session.sink.add(problem)
    return text


def run(frame: Frame, block: nodes.Block, arguments: dict[str, Any]) -> Specialisation:
    """Elaborates a body with the values of its parameters."""
    values = parameter_values(frame, block.parameters, arguments)
    frame.execute(block.body)
    body = frame.body
    if body.output is None and not (frame.failed and sites.has_output(block.body)):
        no_output(frame, block)
    check_applied(frame)
    check_inputs(frame)
    flat: list[GraphOutput] = []
    parts = [_flatten(name, value, span, flat) for name, value, span in body.outputs]
    frame.give(flat)
    check_used(frame, flat)
    check_indices(frame)
    structure: Structure = None
    if parts:
        structure = parts[0] if len(parts) == 1 else tuple(parts)
    graph = Graph(
        name=block.name,
        block=block,
        arguments=values,
        dims=dict(frame.dims),
        inputs=tuple(body.inputs),
        body=region_of(frame.items),
        outputs=tuple(flat),
        constraints=tuple(frame.constraints),
    )
    return Specialisation(graph, structure, frame.operations)


def parameter_values(
    frame: Frame, parameters: Sequence[nodes.Parameter], arguments: dict[str, Any]
) -> dict[str, Any]:
    """The value of every parameter; a default is evaluated here, where it sees those before it."""
    for parameter in parameters:
        if parameter.name in arguments:
            value = arguments[parameter.name]
        else:
            assert parameter.default is not None
            text, frame.text = frame.text, None  # a default can make no layer: it has no site
            value = frame.evaluate(parameter.default)
            frame.text = text
        frame.names[parameter.name] = value
    return {parameter.name: frame.names[parameter.name] for parameter in parameters}


def _flatten(name: str, value: Any, span: Span, flat: list[GraphOutput]) -> Structure:
    if value is POISON:
        return None
    if isinstance(value, tuple):
        return tuple([_flatten(f"{name}.{i}", v, span, flat) for i, v in enumerate(value)])
    flat.append(GraphOutput(name, value, span))
    return len(flat) - 1
