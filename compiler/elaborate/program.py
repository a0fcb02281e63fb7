"""From a source text to a `Program`: which models are compiled, and with which parameters."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from tercet.compiler.elaborate import limits, specialising
from tercet.compiler.elaborate.advice import warnings
from tercet.compiler.elaborate.errors import Stop, did_you_mean, error
from tercet.compiler.elaborate.loading import Loader
from tercet.compiler.elaborate.modules import ModuleScope
from tercet.compiler.elaborate.scope import Body, Frame
from tercet.compiler.elaborate.session import Session, Specialisation
from tercet.compiler.elaborate.sites import BodyText, names_read
from tercet.compiler.elaborate.train.declared import given_arguments, read_trainings
from tercet.compiler.elaborate.variants import Variants
from tercet.compiler.graph.ir import Graph, Program
from tercet.compiler.graph.values import holds_poison, holds_tensor
from tercet.compiler.habits import about_name
from tercet.dsl import nodes
from tercet.dsl.collection import uncollected
from tercet.dsl.diagnostics import Diagnostic, DiagnosticError
from tercet.dsl.parser import parse_expression
from tercet.dsl.source import Source, Span

Overrides = Mapping[str, nodes.Expr | str]
"""Values given on the command line, as text or parsed."""


def elaborate(
    source: Source,
    parameters: Overrides | None = None,
    training: Overrides | None = None,
    model: str | None = None,
    *,
    inference: bool = False,
) -> tuple[Program | None, tuple[Diagnostic, ...]]:
    """The program of a source text, or None where there are errors, and all that was found.

    `parameters` override the models' parameters, `training` the settings of `train`; `model`
    restricts the program to one model.  For `inference` the bodies of `train` are not read.  Never
    raises for what the text says.
    """
    session = Session()
    with _interpreter():
        try:
            program = _elaborated(
                session, source, parameters or {}, None if inference else training or {}, model
            )
        except Stop:
            program = None
    found = sorted(session.sink.diagnostics, key=lambda d: d.severity)
    return (None if session.sink.errors else program), tuple(found)


@contextmanager
def _interpreter() -> Iterator[None]:
    """Python, set for elaboration: nested blocks recurse, and its own limit is far below theirs."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, limits.PYTHON_FRAMES))
    try:
        with uncollected():
            yield
    finally:
        sys.setrecursionlimit(limit)


def _in_interpreter(function: Callable[[], Any]) -> Any:
    with _interpreter():
        return function()


def _elaborated(
    session: Session,
    source: Source,
    parameters: Overrides,
    training: Overrides | None,
    model: str | None,
) -> Program:
    """The program; without its trainings where `training` is None."""
    scope = Loader(session).start(source)
    try:
        chosen = _chosen(scope, model)
        graphs = _models(session, scope, chosen, parameters, explicit=model is not None)
    except DiagnosticError as problem:
        chosen, graphs = [], {}
        for diagnostic in problem.diagnostics:
            session.sink.add(diagnostic)
    _check_rest(session, scope)
    if not scope.is_whole:
        raise Stop
    trainings = (
        {}
        if training is None
        else read_trainings(session, scope, graphs, training, _in_interpreter)
    )
    finished = tuple(made.graph for made in session.finished)
    declared = tuple(block.name for block in scope.blocks if block.kind == "model")
    return Program(PurePath(source.name).name, graphs, finished, trainings, declared)


def _chosen(scope: ModuleScope, model: str | None) -> list[nodes.Block]:
    models = [block for block in scope.blocks if block.kind == "model"]
    if model is None:
        return [block for block in models if block not in scope.broken]
    for block in models:
        if block.name == model:
            return [] if block in scope.broken else [block]
    if not scope.is_whole:
        raise Stop
    names = [block.name for block in models]
    help = did_you_mean(model, names) or f"the models are {', '.join(names) or 'none'}"
    message = f"there is no model `{model}` in this file"
    raise error("E0206", message, Span(scope.source, 0, 0), help)


def _models(
    session: Session,
    scope: ModuleScope,
    chosen: list[nodes.Block],
    parameters: Overrides,
    explicit: bool,
) -> dict[str, Graph]:
    _check_overrides(chosen, parameters)
    given = {name: _override(session, scope, name, value) for name, value in parameters.items()}
    graphs: dict[str, Graph] = {}
    made = given_arguments(session, scope)
    for block in chosen:
        known = {p.name for p in block.parameters}
        arguments = {**made.get(block, {}), **{n: v for n, v in given.items() if n in known}}
        missing = [p for p in block.parameters if p.default is None and p.name not in arguments]
        if missing:
            if explicit or len(chosen) == 1:
                session.sink.add(_missing(block, missing[0]))
            continue
        if not any(holds_poison(value) for value in arguments.values()):
            graphs[block.name] = model_graph(session, scope, block, arguments).graph
    return graphs


def model_graph(
    session: Session, scope: ModuleScope, block: nodes.Block, arguments: dict[str, Any]
) -> Specialisation:
    """A model for itself: the dimensions of its inputs are new symbols."""
    frame = Frame(session, scope, specialising.text_of(session, block))
    frame.body = Body(block)
    made = specialising.run(frame, block, arguments)
    variants = Variants(session, scope, block, arguments, _in_interpreter)
    made = replace(made, graph=replace(made.graph, variant=variants))
    types = [given.value.type for given in made.graph.inputs]
    session.models[specialising.memo_key(block, arguments, types)] = made
    return made


def _missing(block: nodes.Block, parameter: nodes.Parameter) -> Diagnostic:
    return Diagnostic(
        "E0502",
        f"the parameter `{parameter.name}` of the model `{block.name}` has no value",
        parameter.span,
        f"give it a default here, or a value on the command line: `-P {parameter.name}=…`",
    )


def _check_overrides(chosen: list[nodes.Block], parameters: Overrides) -> None:
    known = [p.name for block in chosen for p in block.parameters]
    for name, value in parameters.items():
        if name not in known:
            help = did_you_mean(name, known) or f"the parameters are {', '.join(known) or 'none'}"
            message = f"`-P {name}` names no parameter of a model"
            text = value if isinstance(value, str) else value.span.text
            place = Span(Source(f"-P {name}", text), 0, len(text))
            raise error("E0614", message, place, help)


def _override(session: Session, scope: ModuleScope, name: str, value: nodes.Expr | str) -> Any:
    """The value of an override.  Raises DiagnosticError."""
    expression = value
    if isinstance(expression, str):
        expression = parse_expression(Source(f"-P {name}", expression))
    if isinstance(expression, nodes.Name):
        _require_defined(scope, name, expression)
    result = Frame(session, scope).evaluate(expression)
    if holds_tensor(result):
        raise error("E0402", "a parameter is a static value", expression.span)
    return result


def _require_defined(scope: ModuleScope, parameter: str, word: nodes.Name) -> None:
    """A bare word is often a string whose quotes the shell took.  Raises DiagnosticError E0201."""
    if word.id in scope.table or scope.kind(word.id) is not None:
        return
    close = about_name(word.id, scope.names())
    help = f"a string keeps its quotes: `-P '{parameter}=\"{word.id}\"'`"
    message = f"`{word.id}` is not defined"
    raise error("E0201", message, word.span, f"{close}\n{help}" if close else help)


def _check_rest(session: Session, scope: ModuleScope) -> None:
    """What the blocks that nothing called say: unknown names there are found all the same."""
    used: set[str] = set()
    unused: list[Diagnostic] = []
    for declaration in scope.module.declarations:
        if isinstance(declaration, nodes.Block) and declaration not in scope.broken:
            text = specialising.text_of(session, declaration)
            used |= text.read.keys()
            unused += warnings.unused_in(declaration, text)
            unused += warnings.nameless_sizes(text)
            unused += warnings.hidden_functions(scope, text)
            _check_names(session, scope, declaration, text)
    used |= _read_elsewhere(scope)
    unused += warnings.unused_imports(scope, used)
    if session.sink.errors:
        return  # a misspelt use leaves something unused, which is said already
    for diagnostic in unused:
        session.sink.add(diagnostic)


def _check_names(session: Session, scope: ModuleScope, block: nodes.Block, text: BodyText) -> None:
    """Names that nothing can give a value, also where no specialisation came by."""
    found = session.sink.diagnostics
    reported = {d.span.text for d in found if d.code == "E0201"} | {d.span for d in found}
    types = [given.type.dimensions for given in text.inputs]
    known = {p.name for p in block.parameters} | {
        n for n in names_read(tuple(types)) if n[0].isupper()
    }
    for name, span in text.read.items():
        if name in known or name in text.assigned or name in reported or span in reported:
            continue
        if scope.is_lost(name):
            continue
        if name in scope.table or scope.kind(name) is not None or span.text != name:
            continue
        help = about_name(name, [*text.assigned, *known, *scope.names()])
        session.sink.add(Diagnostic("E0201", f"`{name}` is not defined", span, help))


def _read_elsewhere(scope: ModuleScope) -> set[str]:
    """Names that constants, defaults and `train` declarations read."""
    found: set[str] = set()
    for declaration in scope.module.declarations:
        match declaration:
            case nodes.Const(value=value):
                found |= names_read((value,))
            case nodes.Block(parameters=parameters):
                found |= names_read(tuple(p.default for p in parameters))
            case nodes.Train(name=name, parameters=parameters, body=body):
                found |= names_read((tuple(p.default for p in parameters), body)) | {name}
    return found


__all__ = ["Overrides", "elaborate", "model_graph"]
