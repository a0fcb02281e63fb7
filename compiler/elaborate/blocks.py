"""Blocks as they are called: binding their parameters, applying instances to tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tercet.compiler.elaborate.constraints import constrain
from tercet.compiler.elaborate.errors import did_you_mean, error
from tercet.compiler.elaborate.scope import Frame
from tercet.compiler.elaborate.session import Session, Structure
from tercet.compiler.elaborate.specialising import specialise
from tercet.compiler.graph.ir import Argument, Call, Graph, Instance, Value
from tercet.compiler.graph.values import POISON, describe, holds_tensor
from tercet.compiler.signature import Given
from tercet.dsl import nodes
from tercet.dsl.diagnostics import Note
from tercet.dsl.source import Span

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
    values = tuple([g.value for g in given if g is not None])
    if not values:
        message = f"`{instance.block.name}` is applied to no tensor"
        help = "frameworks place a block where its inputs are: give it one, `input x: …`"
        raise error("E0510", message, span, help)
    actual = [None if g is None else (g.value.type, g.span) for g in given]
    frame.session.applied.add(instance)
    arguments = {a.name: a.value for a in instance.arguments}
    made = specialise(frame, instance.block, arguments, actual, span)
    if frame.in_training and any(instance is one for one, _ in frame.made):
        _require_no_parameters(instance, made.graph, span)
    _require_same_parameters(frame.session, instance, made.graph, span)
    frame.operate(max(1, len(made.graph.outputs)) + made.operations, span)
    outputs = _results(made.graph, instance)
    call = Call(made.graph, instance, values, outputs, span)
    frame.items.append(call)
    frame.producers.update(dict.fromkeys(outputs, call))
    frame.unnamed.update(outputs)
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
) -> list[Given | None]:
    """What the caller gives for each input; None for one that it leaves out, or gives `none`."""
    block = instance.block
    declarations = [i for i in block.body if isinstance(i, nodes.Input)]
    names = [i.name for i in declarations]
    needed = [i.name for i in declarations if i.default is None]
    given = dict(zip(names, inputs, strict=False))
    takes = _takes(names, needed)
    declared = Note(f"the {block.kind}", block.name_span)
    for keyword, value in keywords:
        if keyword.name not in names:
            message = f"`{block.name}` has no input `{keyword.name}`"
            help = did_you_mean(keyword.name, names) or f"it takes {takes}"
            raise error("E0501", message, keyword.name_span, help, declared)
        if keyword.name in given:
            raise error("E0503", f"`{keyword.name}` is given twice", keyword.name_span)
        given[keyword.name] = value
    if len(inputs) > len(names) or not given.keys() >= set(needed):
        count = len(inputs) + len(keywords)
        message = f"`{block.name}` takes {takes}, not {count}"
        raise error("E0510", message, span, _inputs_help(block, names), declared)
    ordered: list[Given | None] = []
    for name in names:
        own = given.get(name)
        if own is not None and own.value is None and name not in needed:
            own = None
        if own is not None and not isinstance(own.value, Value):
            told = describe(own.value)
            message = f"the input `{name}` of `{block.name}` must be a tensor, not {told}"
            raise error("E0504", message, own.span, None, declared)
        ordered.append(own)
    return ordered


def _takes(names: Sequence[str], needed: Sequence[str]) -> str:
    count = str(len(names)) if len(needed) == len(names) else f"{len(needed)} to {len(names)}"
    return f"{count} input{'s' * (count != '1')} ({', '.join(names)})"


def _inputs_help(block: nodes.Block, names: list[str]) -> str | None:
    if len(names) < 2:
        return None
    config = "…" if block.parameters else ""
    return f"write `{block.name}({config})({', '.join(names)})`"
