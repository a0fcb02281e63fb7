"""`train`: its body becomes a loss graph, an evaluation graph and settings.

The body is traced once for the loss and once for the metrics, each time through one application of
the model, and what the result does not need is dropped from the trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from tercet.compiler.elaborate import blocks, sites
from tercet.compiler.elaborate.errors import error
from tercet.compiler.elaborate.kinds import made_anew
from tercet.compiler.elaborate.liveness import needed
from tercet.compiler.elaborate.modules import ModuleScope
from tercet.compiler.elaborate.scope import Body, Frame
from tercet.compiler.elaborate.session import Session
from tercet.compiler.elaborate.train.body import NUMBERS, Purpose, TrainBody
from tercet.compiler.elaborate.train.data import read_data
from tercet.compiler.elaborate.train.patterns import checked_no_decay
from tercet.compiler.elaborate.train.precision import check_precision
from tercet.compiler.elaborate.train.settings import Overriding
from tercet.compiler.graph.ir import (
    Apply,
    Argument,
    Create,
    Graph,
    GraphInput,
    GraphOutput,
    Instance,
    Region,
    Site,
    Value,
)
from tercet.compiler.graph.labels import impossible, leaving_out
from tercet.compiler.graph.reach import trained
from tercet.compiler.graph.training import LOSS, Data, Training, Update
from tercet.compiler.graph.values import POISON
from tercet.compiler.signature import Given
from tercet.compiler.training import ConstantSchedule
from tercet.compiler.types import DType
from tercet.dsl import nodes
from tercet.dsl.diagnostics import Note
from tercet.dsl.records import dataclass
from tercet.dsl.source import Span

_REQUIRED: Final = ("data", "loss", "optimizer")


@dataclass(frozen=True, eq=False)
class Model:
    """A model that a `train` trains: under which name, its graph, and its instance in the loss."""

    name: str
    graph: Graph
    instance: Instance


class Trainer:
    """Elaborates one `train` declaration."""

    def __init__(
        self,
        session: Session,
        scope: ModuleScope,
        declaration: nodes.Train,
        models: Sequence[Model],
        overriding: Overriding,
    ) -> None:
        self._session = session
        self._scope = scope
        self._train = declaration
        self._models = models
        self._overriding = overriding
        own = frozenset(parameter.name for parameter in declaration.parameters)
        self._text = sites.body_text(declaration.body, own, scope.kind, partial(made_anew, session))
        self._block = nodes.Block(
            declaration.span, "block", declaration.name, declaration.name_span, (), declaration.body
        )

    @property
    def _explicit(self) -> bool:
        return bool(self._train.parameters)

    # ------------------------------------------------------------------------------------ traces

    def training(self) -> Training | None:
        """The training, or None where something was wrong.  Raises DiagnosticError."""
        frame, read = self._trace("loss")
        read.apply_overrides(frame)
        for name in _REQUIRED:
            if name not in read.settings:
                message = f"the `train` of `{self._train.name}` has no `{name}`"
                raise error("E0602", message, self._train.name_span, _EXAMPLES[name])
        if not self._declares_all(frame):
            return None
        loss = self._graph(LOSS, frame, read, [] if read.loss is None else [read.loss])
        measured, evaluation = self._evaluation(_draws(loss))
        metrics = [metric for metric, _ in measured.metrics]
        data = self._data(frame, read, loss)
        if data is None or measured.wrong or frame.failed or read.loss is None:
            return None
        settings = read.settings
        no_decay = checked_no_decay(frame, self._models[0].graph, settings, read.places)
        if no_decay is None:
            return None
        _check_batch(data, settings.get("batch", Training.batch), read)
        update = Update(
            models=tuple(model.name for model in self._models),
            loss=loss,
            optimizer=settings["optimizer"],
            schedule=settings.get("schedule") or ConstantSchedule(),
            clip=settings.get("clip"),
        )
        chosen = {n: settings[n] for n in (*NUMBERS, "precision") if n in settings}
        precision = settings.get("precision", DType.F32)
        check_precision(precision, self._models[0].graph, read.places.get("precision"))
        training = Training(
            name=self._train.name,
            models={model.name: model.graph for model in self._models},
            inputs=loss.inputs[: len(loss.inputs) - len(read.targets)],
            targets=tuple(read.targets),
            data=data,
            updates=(update,),
            evaluation=evaluation,
            metrics=() if evaluation is None else leaving_out(metrics, loss, evaluation),
            span=self._train.span,
            no_decay=no_decay,
            places=read.places,
            **chosen,
        )
        _check_indices(training)
        _check_trained(loss, self._models, read.loss.span)
        return training

    def _declares_all(self, frame: Frame) -> bool:
        """Whether every target, and every input, is declared rightly, so that data can be read."""
        declared = {s.name for s in self._train.body if isinstance(s, nodes.Input | nodes.Target)}
        return declared <= {given.value.name for given in frame.body.inputs}

    def _trace(self, purpose: Purpose) -> tuple[Frame, TrainBody]:
        outputs = None if self._explicit else output_names(self._models[0].graph.block)
        read = TrainBody(purpose, self._text, self._overriding, outputs=outputs)
        frame = Frame(self._session, self._scope, self._text)
        frame.in_training = True
        frame.training = read
        frame.body = Body(self._block)
        if self._explicit:
            for model in self._models:
                frame.items.append(Create(model.instance))
                frame.names[model.name] = model.instance
        elif outputs is not None:
            self._apply_model(frame, self._models[0], outputs)
        frame.execute(self._train.body)
        for made, span in frame.made:
            if made not in self._session.applied and not frame.failed:
                message = f"`{made.site.name}` is never applied"
                frame.fail(error("E0505", message, span, "apply it, or remove it"))
        return frame, read

    def _apply_model(self, frame: Frame, model: Model, outputs: tuple[str, ...]) -> None:
        """The inputs, dimensions and outputs of the model become names."""
        graph = model.graph
        for given in graph.inputs:
            value = Value(given.value.name, given.value.type)
            frame.names[value.name] = value
            frame.body.inputs.append(GraphInput(value, given.declared, given.span))
        frame.names.update(graph.dims)
        frame.dims.update(graph.dims)
        frame.items.append(Create(model.instance))
        span = self._train.name_span
        inputs = [Given(i.value, nodes.Name(span, i.value.name)) for i in list(frame.body.inputs)]
        result = blocks.apply_instance(frame, model.instance, inputs, (), span)
        values = result if len(outputs) > 1 and isinstance(result, tuple) else (result,)
        frame.names.update(dict.fromkeys(outputs, POISON))  # where the model is wrong
        for name, value in zip(outputs, values, strict=False):
            if isinstance(value, Value):
                object.__setattr__(value, "name", name)
            frame.names[name] = value
        frame.unnamed.clear()

    def _graph(
        self, name: str, frame: Frame, read: TrainBody, outputs: Sequence[GraphOutput]
    ) -> Graph:
        items = needed(frame.items, {output.value for output in outputs})
        return Graph(
            name=name,
            block=self._block,
            arguments={},
            dims=dict(frame.dims),
            inputs=(*(i for i in frame.body.inputs if i not in read.targets), *read.targets),
            body=Region(tuple(items)),
            outputs=tuple(outputs),
            constraints=tuple(frame.constraints),
        )

    def _evaluation(self, draws: bool) -> tuple[TrainBody, Graph | None]:
        frame, read = self._trace("evaluation")
        outputs = [output for _, operands in read.metrics for output in operands]
        if read.loss is not None and not draws:
            outputs.append(read.loss)
        return read, self._graph("evaluation", frame, read, outputs) if outputs else None

    def _data(self, frame: Frame, read: TrainBody, loss: Graph) -> Data | None:
        if read.data is None:
            return None
        return read_data(self._session, self._scope, read.data, loss, frame, self._overriding)


def _check_trained(loss: Graph, models: Sequence[Model], span: Span) -> None:
    """The loss has a gradient by something that is trained.  Raises DiagnosticError E0616."""
    for model in models:
        if not any(parameter.trainable for _, parameter in model.graph.parameters()):
            message = f"`{model.graph.name}` has no parameter to train"
            raise error("E0616", message, span, "a model without `train` compiles too")
        if not trained(loss, model.graph, model.instance):
            message = f"no gradient of the loss reaches a parameter of `{model.graph.name}`"
            help = "integers, comparisons and `stop_gradient` carry none: use the model's outputs"
            raise error("E0616", message, span, help)


def _check_batch(data: Data, batch: int, read: TrainBody) -> None:
    """A batch has as many rows as the model takes.  Raises DiagnosticError E0608."""
    for constraint in (*data.batch, *data.step):
        sizes = dict.fromkeys(constraint.symbols, batch)
        if len(sizes) == 1 and not constraint.holds(sizes):
            message = f"a batch of {batch} does not fit: {constraint.told(sizes)}"
            span = read.places.get("batch", data.span)
            raise error("E0608", message, span, None, Note("asked for here", constraint.span))


def _check_indices(training: Training) -> None:
    """The rows of a bundled source name classes that there are.  Raises DiagnosticError E0606."""
    for check, (least, greatest) in impossible(training):
        source = training.data.source.name
        message = (
            f"`{check.asker}` takes indices from {check.low} to {check.high}, and `{check.shown}` "
            f"is from {least} to {greatest} in `{source}`"
        )
        raise error("E0606", message, check.span, None, Note("the data", training.data.span))


_EXAMPLES: Final = {
    "data": "for example `data = digits(split = 0.8) { image = pixels / 16, label = digit }`",
    "loss": "for example `loss = cross_entropy(logits, label)`",
    "optimizer": "for example `optimizer = adam(lr = 1e-3)`",
}


def _draws(graph: Graph) -> bool:
    """Whether the graph itself draws random numbers."""
    return any(isinstance(item, Apply) and item.op.is_random for item in graph.body.walk())


def output_names(block: nodes.Block) -> tuple[str, ...]:
    """The names of a model's outputs, a list's being one."""
    for statement in block.body:
        if isinstance(statement, nodes.Output):
            return tuple(item.name or item.value.span.text for item in statement.items)
    return ()


def instance_of(
    name: str, block: nodes.Block, arguments: tuple[Argument, ...], span: Span
) -> Instance:
    """The instance of a model in a loss; its path is the name it is trained under."""
    return Instance(Site(name, span, 0), (), block, arguments)
