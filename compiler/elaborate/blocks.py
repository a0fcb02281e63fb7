"""Blocks: binding their parameters, specialising them for the tensors they get, applying instances.

A specialisation is elaborated once per declaration, values of its parameters and types of its
inputs; every further application of that kind is one `Call` of the same graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from compiler.elaborate import limits, sites
from compiler.elaborate.body_checks import check_applied, check_inputs, check_used, no_output
from compiler.elaborate.constraints import constrain
from compiler.elaborate.errors import POISON, did_you_mean, error
from compiler.elaborate.scope import Body, Frame, region_of
from compiler.elaborate.session import Session, Specialisation, Structure
from compiler.elaborate.values import describe, frozen, holds_tensor
from compiler.ir import (
    Argument,
    Call,
    Graph,
    GraphOutput,
    Instance,
    Value,
)
from compiler.signature import Given
from compiler.types import TensorType
from dsl import nodes
from dsl.diagnostics import Note
from dsl.source import Span

# -------------------------------------------------------------------------------------- arguments


def bind_arguments(
    block: nodes.Block,
    positional: Sequence[Given],
    keywords: Sequence[tuple[nodes.Keyword, Given]],
    span: Span,
) -> tuple[Argument, ...]:
    """The arguments of a call by the block's parameters.

    Raises DiagnosticError E0402 for a tensor among them, E0501 to E0503.
    """
    names = [parameter.name for parameter in block.parameters]
    takes = f"`{block.name}({', '.join(names)})`"
    declared = Note(f"the {block.kind}", block.name_span)
    if len(positional) > len(names):
        extra = positional[len(names)].span
        message = f"`{block.name}` takes {len(names)} argument{'s' * (len(names) != 1)}"
        raise error("E0503", message, extra, None, declared)
    bound = {n: Argument(n, g.expression, g.value) for n, g in zip(names, positional, strict=False)}
    for keyword, given in keywords:
        name = keyword.name
        if name not in names:
            help = did_you_mean(name, names) or f"the signature is {takes}"
            message = f"`{block.name}` has no argument `{name}`"
            raise error("E0501", message, keyword.name_span, help, declared)
        if name in bound:
            raise error("E0503", f"`{name}` is given twice", keyword.name_span)
        bound[name] = Argument(name, given.expression, given.value)
    for parameter in block.parameters:
        if parameter.default is None and parameter.name not in bound:
            message = f"`{block.name}` needs `{parameter.name}`"
            raise error("E0502", message, span, f"the signature is {takes}", declared)
    for argument in bound.values():
        if holds_tensor(argument.value):
            message = f"`{argument.name}` of `{block.name}` is a parameter, which takes no tensor"
            help = f"declare it as an input of the {block.kind}: `input {argument.name}: …`"
            raise error("E0402", message, argument.expression.span, help, declared)
    return tuple(bound.values())


# ------------------------------------------------------------------------------------ application


def apply_instance(
    frame: Frame,
    instance: Instance,
    inputs: Sequence[Given],
    keywords: Sequence[tuple[nodes.Keyword, Given]],
    span: Span,
) -> Any:
    """Applies a block's instance to tensors.  Raises DiagnosticError."""
    given = _ordered_inputs(frame, instance, inputs, keywords, span)
    values = tuple([g.value for g in given])
    actual = [(g.value.type, g.span) for g in given]
    frame.session.applied.add(instance)
    arguments = {a.name: a.value for a in instance.arguments}
    made = specialise(frame, instance.block, arguments, actual, span)
    if frame.in_training and any(instance is one for one, _ in frame.made):
        _require_no_parameters(instance, made.graph, span)
    _require_same_parameters(frame.session, instance, made.graph, span)
    outputs = _results(made.graph, instance)
    call = Call(made.graph, instance, values, outputs, span)
    frame.items.append(call)
    frame.producers.update(dict.fromkeys(outputs, call))
    frame.unnamed.update(outputs)
    frame.operations += made.operations
    if frame.operations > limits.OPERATIONS:
        message = f"the model has more than {limits.OPERATIONS:,} operations"
        frame.session.stop("E0409", message, span, "use fewer blocks or fewer iterations")
    for c in made.graph.constraints:
        constrain(frame, c.left, c.relation, c.right, c.span, c.message)
    return _built(made.structure, outputs)


def _require_same_parameters(
    session: Session, instance: Instance, graph: Graph, span: Span
) -> None:
    """An instance applied to other sizes keeps its parameters.  Raises DiagnosticError E0313."""
    first = session.instances.setdefault(instance, graph)
    if first is graph:
        return
    known = {path: parameter.type for path, parameter in first.parameters()}
    for path, parameter in graph.parameters():
        if known.get(path, parameter.type) != parameter.type:
            raise error(
                "E0313",
                f"`{instance.site.name}.{path}` would be {parameter.type} here, and is "
                f"{known[path]} from its first application",
                span,
                f"make a {instance.block.kind} of its own for inputs of another size",
                Note(f"the {instance.block.kind}", instance.site.span),
            )


def _require_no_parameters(instance: Instance, graph: Graph, span: Span) -> None:
    """What is trained belongs to the model.  Raises DiagnosticError E0612."""
    for path, _ in graph.parameters():
        message = f"the block `{instance.block.name}` has the parameter `{path}`"
        help = "a `train` uses blocks without parameters only: move it into the model"
        raise error("E0612", message, span, help)


def _results(graph: Graph, instance: Instance) -> tuple[Value, ...]:
    """New values for the outputs of a call; the only one is named after the instance."""
    if len(graph.outputs) == 1:
        return (Value(instance.site.name, graph.outputs[0].value.type),)
    return tuple([Value(o.name, o.value.type) for o in graph.outputs])


def _built(structure: Structure, outputs: tuple[Value, ...]) -> Any:
    match structure:
        case None:
            return POISON
        case int():
            return outputs[structure]
    return tuple([_built(part, outputs) for part in structure])


def _ordered_inputs(
    frame: Frame,
    instance: Instance,
    inputs: Sequence[Given],
    keywords: Sequence[tuple[nodes.Keyword, Given]],
    span: Span,
) -> list[Given]:
    block = instance.block
    names = [i.name for i in block.body if isinstance(i, nodes.Input)]
    given = dict(zip(names, inputs, strict=False))
    takes = f"{len(names)} input{'s' * (len(names) != 1)} ({', '.join(names)})"
    declared = Note(f"the {block.kind}", block.name_span)
    for keyword, value in keywords:
        if keyword.name not in names:
            message = f"`{block.name}` has no input `{keyword.name}`"
            raise error("E0501", message, keyword.name_span, f"it takes {takes}", declared)
        if keyword.name in given:
            raise error("E0503", f"`{keyword.name}` is given twice", keyword.name_span)
        given[keyword.name] = value
    if len(inputs) > len(names) or len(given) < len(names):
        count = len(inputs) + len(keywords)
        message = f"`{block.name}` takes {takes}, not {count}"
        raise error("E0510", message, span, _inputs_help(block, names), declared)
    for name in names:
        value = given[name].value
        if not isinstance(value, Value):
            message = (
                f"the input `{name}` of `{block.name}` must be a tensor, not {describe(value)}"
            )
            raise error("E0504", message, given[name].span, None, declared)
    return [given[name] for name in names]


def _inputs_help(block: nodes.Block, names: list[str]) -> str | None:
    if len(names) < 2:
        return None
    config = "…" if block.parameters else ""
    return f"write `{block.name}({config})({', '.join(names)})`"


# --------------------------------------------------------------------------------- specialisation


def specialise(
    caller: Frame,
    block: nodes.Block,
    arguments: dict[str, Any],
    actual: Sequence[tuple[TensorType, Span]],
    span: Span,
) -> Specialisation:
    """The graph of a block for these arguments and types, elaborated when first asked for."""
    session = caller.session
    key = memo_key(block, arguments, [type_ for type_, _ in actual])
    found = session.memo.get(key)
    if found is None and caller.in_training:
        found = session.models.get(key)  # the very graph that is trained
    if found is not None:
        return found
    if session.depth >= limits.BLOCK_DEPTH:
        message = f"blocks call each other more than {limits.BLOCK_DEPTH} deep"
        help = "end the recursion by an `if` over a parameter that becomes smaller"
        session.stop("E0408", message, span, help)
    chain = (Note(f"in the {block.kind} `{block.name}`, called here", span), *caller.chain)
    session.depth += 1
    frame = Frame(session, session.module_of[block], text_of(session, block), chain[:8])
    frame.body = Body(block, actual)
    made = run(frame, block, arguments)
    session.depth -= 1
    session.memo[key] = made
    session.finished.append(made)
    return made


def memo_key(block: nodes.Block, arguments: dict[str, Any], types: Sequence[TensorType]) -> Any:
    """What a specialisation depends on."""
    given = tuple([(name, frozen(arguments[name])) for name in sorted(arguments)])
    return block, given, tuple(types)


def text_of(session: Session, block: nodes.Block) -> sites.BodyText:
    """What the block's text says, read once; its problems and warnings are reported then."""
    text = session.texts.get(block)
    if text is None:
        scope = session.module_of[block]
        own = frozenset(parameter.name for parameter in block.parameters)
        text = session.texts[block] = sites.body_text(block.body, own, scope.kind)
        for problem in text.problems:
            session.sink.add(problem)
    return text


def run(frame: Frame, block: nodes.Block, arguments: dict[str, Any]) -> Specialisation:
    """Elaborates a body with the values of its parameters."""
    values = parameter_values(frame, block.parameters, arguments)
    frame.execute(block.body)
    body = frame.body
    if body.output is None and not sites.has_output(block.body):
        no_output(frame, block)
    check_applied(frame)
    check_inputs(frame)
    flat: list[GraphOutput] = []
    parts = [_flatten(name, value, span, flat) for name, value, span in body.outputs]
    check_used(frame, flat)
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


__all__ = [
    "apply_instance",
    "bind_arguments",
    "parameter_values",
    "run",
    "specialise",
    "text_of",
]
