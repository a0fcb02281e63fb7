"""The `train` declarations of a file: which model each trains, and what `-T` changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from tercet.compiler.elaborate import blocks, specialising
from tercet.compiler.elaborate.errors import Stop, did_you_mean, error
from tercet.compiler.elaborate.modules import ModuleScope
from tercet.compiler.elaborate.scope import Body, Frame
from tercet.compiler.elaborate.session import Session
from tercet.compiler.elaborate.train.body import SETTINGS
from tercet.compiler.elaborate.train.graphs import Model, Trainer, instance_of
from tercet.compiler.elaborate.train.settings import Overriding
from tercet.compiler.elaborate.variants import Run
from tercet.compiler.graph.ir import Argument, Graph
from tercet.compiler.graph.training import Training
from tercet.compiler.graph.values import holds_poison
from tercet.compiler.signature import Given
from tercet.dsl import nodes
from tercet.dsl.diagnostics import DiagnosticError, Note
from tercet.dsl.parser import parse_expression
from tercet.dsl.source import Source, Span


def read_trainings(
    session: Session,
    scope: ModuleScope,
    graphs: Mapping[str, Graph],
    overrides: Mapping[str, nodes.Expr | str],
    run: Run,
) -> dict[str, Training]:
    """The trainings of a file by the name of the model trained; errors go to the sink."""
    trainings: dict[str, Training] = {}
    places: dict[str, Span] = {}
    try:
        overriding = _overriding(scope, overrides)
    except DiagnosticError as problem:
        _report(session, problem)
        return {}
    for declaration in scope.trains:
        try:
            models = _models_of(session, scope, declaration, graphs)
            if models is None:
                continue
            name = models[0].graph.name
            if name in places:
                message = f"`{name}` has two `train` declarations"
                first = Note("the first one", places[name])
                raise error("E0613", message, declaration.name_span, None, first)
            places[name] = declaration.name_span
            made = Trainer(session, scope, declaration, models, overriding).training()
            if made is not None:
                variant = _variants(session, scope, declaration, models[0].name, overriding, run)
                trainings[name] = replace(made, variant=variant)
        except DiagnosticError as problem:
            _report(session, problem)
    _check_used(session, scope, overriding)
    return trainings


def _variants(
    session: Session,
    scope: ModuleScope,
    declaration: nodes.Train,
    name: str,
    overriding: Overriding,
    run: Run,
) -> Callable[[Graph], Training | None]:
    """What gives the training of a variant of the model, without a word about errors."""

    def at(graph: Graph) -> Training | None:
        forked = session.fork()
        forked.models = dict(session.models)
        model = _model(forked, name, graph, declaration.name_span)
        try:
            made = Trainer(forked, scope, declaration, [model], overriding).training()
        except (Stop, DiagnosticError):
            return None
        return None if forked.sink.errors else made

    found: dict[Graph, Training | None] = {}  # every target asks

    def variant(graph: Graph) -> Training | None:
        if graph not in found:
            found[graph] = run(lambda: at(graph))
        return found[graph]

    return variant


def _report(session: Session, problem: DiagnosticError) -> None:
    for diagnostic in problem.diagnostics:
        session.sink.add(diagnostic)


# ----------------------------------------------------------------------------------------- models


def _models_of(
    session: Session, scope: ModuleScope, train: nodes.Train, graphs: Mapping[str, Graph]
) -> list[Model] | None:
    """The models of a `train`; None where they are not compiled.  Raises DiagnosticError."""
    if train.parameters:
        return _explicit(session, scope, train, graphs)
    block = scope.kind(train.name)
    if not isinstance(block, nodes.Block) or block.kind != "model":
        names = [b.name for b in scope.blocks if b.kind == "model"]
        help = did_you_mean(train.name, names)
        if isinstance(block, nodes.Block):
            help = "it is a block: declare it with `model` to train it"
        message = f"there is no model `{train.name}` in this file"
        raise error("E0206", message, train.name_span, help)
    graph = graphs.get(train.name)
    if graph is None or not _takes_all_inputs(graph):
        return None
    return [_model(session, train.name, graph, train.name_span)]


def _model(session: Session, name: str, graph: Graph, span: Span) -> Model:
    """A model with the arguments that it was elaborated with."""
    arguments = tuple(
        Argument(parameter, nodes.Name(span, parameter), value)
        for parameter, value in graph.arguments.items()
    )
    instance = instance_of(name, graph.block, arguments, span)
    _seed(session, graph, instance.arguments)
    return Model(name, graph, instance)


def _takes_all_inputs(graph: Graph) -> bool:
    """Whether the model declares its inputs rightly: else what data give it cannot be judged."""
    declared = {s.name for s in graph.block.body if isinstance(s, nodes.Input)}
    return declared == {given.value.name for given in graph.inputs}


def _seed(session: Session, graph: Graph, arguments: tuple[Argument, ...]) -> None:
    """Applying the trained model in its loss means its own graph."""
    types = [given.value.type for given in graph.inputs]
    for key, made in list(session.models.items()):
        if made.graph is graph:
            given = {a.name: a.value for a in arguments}
            session.models[specialising.memo_key(key[0], given, types)] = made


def _explicit(
    session: Session, scope: ModuleScope, train: nodes.Train, graphs: Mapping[str, Graph]
) -> list[Model] | None:
    if len(train.parameters) > 1:
        message = "training several models at once is not supported yet"
        raise error("E0609", message, train.parameters[1].span, "write one model that holds them")
    (parameter,) = train.parameters
    block, arguments = _made_model(session, scope, parameter)
    values = {a.name: a.value for a in arguments}
    if any(holds_poison(value) for value in values.values()):
        return None
    graph = _compiled(session, scope, block, values, graphs)
    if not _takes_all_inputs(graph):
        return None
    instance = instance_of(parameter.name, block, arguments, parameter.span)
    return [Model(parameter.name, graph, instance)]


def given_arguments(session: Session, scope: ModuleScope) -> dict[nodes.Block, dict[str, Any]]:
    """What each `train` gives the model that it makes; a wrong one is told when it is read."""
    found: dict[nodes.Block, dict[str, Any]] = {}
    for train in scope.trains:
        if len(train.parameters) == 1:
            with suppress(DiagnosticError):
                block, arguments = _made_model(session, scope, train.parameters[0])
                found.setdefault(block, {a.name: a.value for a in arguments})
    return found


def _made_model(
    session: Session, scope: ModuleScope, parameter: nodes.Parameter
) -> tuple[nodes.Block, tuple[Argument, ...]]:
    """The model and its arguments in `vae = Vae(latent = 8)`.  Raises DiagnosticError."""
    call = parameter.default
    kind = None
    if isinstance(call, nodes.Call) and isinstance(call.function, nodes.Name):
        kind = scope.kind(call.function.id)
    if not isinstance(call, nodes.Call) or not isinstance(kind, nodes.Block):
        span = parameter.span if call is None else call.span
        message = f"`{parameter.name}` must be a model, as in `{parameter.name} = Model()`"
        raise error("E0608", message, span)
    frame = Frame(session, scope)
    positional = [Given(frame.evaluate(a), a) for a in call.arguments]
    keywords = [(k, Given(frame.evaluate(k.value), k.value)) for k in call.keywords]
    return kind, blocks.bind_arguments(kind, positional, keywords, call.span)


def _compiled(
    session: Session,
    scope: ModuleScope,
    block: nodes.Block,
    values: dict[str, Any],
    graphs: Mapping[str, Graph],
) -> Graph:
    """The model's own graph, with the arguments of the `train` and those of the command line."""
    known = graphs.get(block.name)
    if known is not None and known.block is block:
        _seed(session, known, tuple(Argument(n, _nowhere(block), v) for n, v in values.items()))
        return known
    frame = Frame(session, session.module_of[block], specialising.text_of(session, block))
    frame.body = Body(block)
    made = specialising.run(frame, block, values)
    types = [given.value.type for given in made.graph.inputs]
    session.models[specialising.memo_key(block, values, types)] = made
    return made.graph


def _nowhere(block: nodes.Block) -> nodes.Expr:
    return nodes.Name(block.name_span, block.name)


# -------------------------------------------------------------------------------------- overrides


def _overriding(scope: ModuleScope, overrides: Mapping[str, nodes.Expr | str]) -> Overriding:
    """`-T` sorted by setting.  Raises DiagnosticError E0614 and syntax errors."""
    whole: dict[str, nodes.Expr] = {}
    arguments: dict[str, dict[str, nodes.Expr]] = {}
    for path, value in overrides.items():
        setting, _, argument = path.partition(".")
        if setting not in SETTINGS:
            help = did_you_mean(setting, SETTINGS) or f"the settings are {', '.join(SETTINGS)}"
            message = f"`-T {path}` names no setting of `train`"
            raise error("E0614", message, _on_command_line(path, value), help)
        source = Source(f"-T {path}", value) if isinstance(value, str) else None
        expression = parse_expression(source) if source else value
        assert not isinstance(expression, str)
        if argument:
            arguments.setdefault(setting, {})[argument] = expression
        else:
            whole[setting] = expression
    return Overriding(whole, arguments)


def _on_command_line(path: str, value: nodes.Expr | str) -> Span:
    """Where an override stands, which could not be read yet."""
    if not isinstance(value, str):
        return value.span
    source = Source(f"-T {path}", value)
    return Span(source, 0, len(value))


def _check_used(session: Session, scope: ModuleScope, overriding: Overriding) -> None:
    """An argument of a setting that no `train` has would change nothing, silently."""
    if session.sink.errors:
        return
    for setting, given in overriding.arguments.items():
        for argument, value in given.items():
            if f"{setting}.{argument}" not in overriding.used:
                message = f"`-T {setting}.{argument}` changes nothing: no `train` gives arguments "
                message += f"to `{setting}`"
                help = f"give `-T {setting}=…` whole"
                _report(session, error("E0614", message, value.span, help))
    for value in overriding.whole.values():
        if not scope.trains:
            message = "the file has no `train` that `-T` could change"
            _report(session, error("E0614", message, value.span))
