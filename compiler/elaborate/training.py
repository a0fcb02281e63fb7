"""`train`: its body becomes a loss graph, an evaluation graph and settings.

The body is traced once for the loss and once for the metrics, each time through one application of
the model, and what the result does not need is dropped from the trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Any, Final, Literal

from compiler.elaborate import blocks, sites
from compiler.elaborate.data import read_data
from compiler.elaborate.errors import POISON, error, warning
from compiler.elaborate.liveness import needed
from compiler.elaborate.modules import ModuleScope
from compiler.elaborate.operations import operation_error
from compiler.elaborate.scope import Body, Frame, Session
from compiler.elaborate.settings import Overriding, number, setting_of
from compiler.elaborate.statements import declare_input
from compiler.elaborate.values import describe, holds_poison
from compiler.habits import about_setting
from compiler.ir import (
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
from compiler.ops.base import OpError
from compiler.ops.signature import Given
from compiler.training import (
    CLIPS,
    LOSS,
    METRICS,
    OPTIMIZERS,
    SCHEDULES,
    ConstantSchedule,
    Data,
    NamedMetric,
    Training,
    Update,
)
from compiler.types import DType
from dsl import nodes
from dsl.diagnostics import DiagnosticError
from dsl.records import dataclass
from dsl.source import Span

NOT_YET: Final = ("start", "freeze", "lr_scale", "no_decay")
NUMBERS: Final = ("batch", "epochs", "seed")
SETTINGS: Final = (
    "data",
    "loss",
    "optimizer",
    "schedule",
    "metrics",
    "clip",
    *NUMBERS,
    "precision",
    *NOT_YET,
)
_REQUIRED: Final = ("data", "loss", "optimizer")

Purpose = Literal["loss", "evaluation"]


@dataclass(frozen=True, eq=False)
class Model:
    """A model that a `train` trains: under which name, its graph, and its instance in the loss."""

    name: str
    graph: Graph
    instance: Instance


@dataclass
class _Read:
    """What a trace of the body has found so far."""

    purpose: Purpose
    settings: dict[str, Any] = field(default_factory=dict)
    targets: list[GraphInput] = field(default_factory=list)
    loss: GraphOutput | None = None
    metrics: list[tuple[NamedMetric, tuple[GraphOutput, ...]]] = field(default_factory=list)
    wrong: bool = False


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
        self._read = _Read("loss")
        own = frozenset(parameter.name for parameter in declaration.parameters)
        self._text = sites.body_text(declaration.body, own, scope.kind)
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
        self._apply_overrides(frame)
        for name in _REQUIRED:
            if name not in read.settings:
                message = f"the `train` of `{self._train.name}` has no `{name}`"
                raise error("E0602", message, self._train.name_span, _EXAMPLES[name])
        if frame.failed or read.loss is None:
            return None
        inputs = tuple(frame.body.inputs)
        loss = self._graph(LOSS, frame, [read.loss])
        evaluation, metrics = self._evaluation(_draws(loss))
        data = self._data(frame, inputs, tuple(read.targets))
        if data is None or self._read.wrong:
            return None
        settings = read.settings
        update = Update(
            models=tuple(model.name for model in self._models),
            loss=loss,
            optimizer=settings["optimizer"],
            schedule=settings.get("schedule") or ConstantSchedule(),
            clip=settings.get("clip"),
        )
        chosen = {n: settings[n] for n in (*NUMBERS, "precision") if n in settings}
        return Training(
            name=self._train.name,
            models={model.name: model.graph for model in self._models},
            inputs=inputs[: len(inputs) - len(read.targets)],
            targets=tuple(read.targets),
            data=data,
            updates=(update,),
            evaluation=evaluation,
            metrics=metrics,
            span=self._train.span,
            **chosen,
        )

    def _trace(self, purpose: Purpose) -> tuple[Frame, _Read]:
        read = self._read = _Read(purpose)
        frame = Frame(self._session, self._scope, self._text)
        frame.in_training = True
        frame.training = self
        frame.body = Body(self._block)
        if self._explicit:
            for model in self._models:
                frame.items.append(Create(model.instance))
                frame.names[model.name] = model.instance
        else:
            self._apply_model(frame, self._models[0])
        frame.execute(self._train.body)
        for made, span in frame.made:
            if made not in self._session.applied and not frame.failed:
                message = f"`{made.site.name}` is never applied"
                frame.fail(error("E0505", message, span, "apply it, or remove it"))
        return frame, read

    def _apply_model(self, frame: Frame, model: Model) -> None:
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
        parts = [i.name or _text(i.value) for i in _output_items(graph.block)]
        self._outputs = frozenset(parts)
        values = result if len(parts) > 1 and isinstance(result, tuple) else (result,)
        for name, value in zip(parts, values, strict=True):
            if isinstance(value, Value):
                object.__setattr__(value, "name", name)
            frame.names[name] = value
        frame.unnamed.clear()

    def _graph(self, name: str, frame: Frame, outputs: Sequence[GraphOutput]) -> Graph:
        items = needed(frame.items, {output.value for output in outputs})
        return Graph(
            name=name,
            block=self._block,
            arguments={},
            dims=dict(frame.dims),
            inputs=tuple(frame.body.inputs),
            body=Region(tuple(items)),
            outputs=tuple(outputs),
            constraints=tuple(frame.constraints),
        )

    def _evaluation(self, draws: bool) -> tuple[Graph | None, tuple[NamedMetric, ...]]:
        frame, read = self._trace("evaluation")
        outputs = [output for _, operands in read.metrics for output in operands]
        if read.loss is not None and not draws:
            outputs.append(read.loss)
        metrics = tuple(metric for metric, _ in read.metrics)
        return (self._graph("evaluation", frame, outputs) if outputs else None), metrics

    def _data(
        self, frame: Frame, inputs: tuple[GraphInput, ...], targets: tuple[GraphInput, ...]
    ) -> Data | None:
        statement = self._read_data
        if statement is None:
            return None
        wanted = (*inputs[: len(inputs) - len(targets)], *targets)
        return read_data(self._session, self._scope, statement, wanted, frame, self._overriding)

    # -------------------------------------------------------------------------------- statements

    _read_data: nodes.Assign | None = None
    _outputs: frozenset[str] = frozenset()

    def input(self, frame: Frame, statement: nodes.Input) -> None:
        """Declares an input; only a `train` that has models as parameters does."""
        if not self._explicit:
            help = "what data supply beside the inputs is a `target`"
            message = "the inputs of this `train` are its model's"
            raise error("E0210", message, statement.span, help)
        declare_input(frame, statement)

    def target(self, frame: Frame, statement: nodes.Target) -> None:
        """Declares a target: an input of the loss that the model does not take."""
        if statement.name in {given.value.name for given in frame.body.inputs}:
            message = f"`{statement.name}` is an input already"
            raise error("E0211", message, statement.name_span)
        if statement.name in self._outputs:
            message = f"`{statement.name}` is an output of the model already"
            raise error("E0211", message, statement.name_span, "give the target another name")
        count = len(frame.body.inputs)
        declare_input(frame, statement)
        self._read.targets.extend(frame.body.inputs[count:])

    def assign(self, frame: Frame, statement: nodes.Assign) -> bool:
        """Takes a setting; False where the name is none, so that it is a local value."""
        if not isinstance(statement.target, nodes.TargetName):
            return False
        name = statement.target.id
        if name not in SETTINGS:
            if statement.mapping is not None:
                raise error("E0210", "only `data` has a mapping", statement.mapping.span)
            if name not in self._text.read:
                self._unused(frame, name, statement.target.span)
            return False
        if name in NOT_YET:
            raise error("E0609", f"`{name}` is not supported yet", statement.span, "remove it")
        self._setting(frame, name, statement)
        return True

    def _unused(self, frame: Frame, name: str, span: Span) -> None:
        """A local that nothing reads: probably a setting by another name.  Raises E0601."""
        if help := about_setting(name, SETTINGS):
            raise error("E0601", f"`{name}` is neither a setting nor used", span, help)
        if not name.startswith("_"):
            frame.warn(warning("W0902", f"`{name}` is never used", span, "remove it"))

    def _setting(self, frame: Frame, name: str, statement: nodes.Assign) -> None:
        read, value = self._read, statement.value
        if name != "data" and statement.mapping is not None:
            raise error("E0210", "only `data` has a mapping", statement.mapping.span)
        if name == "loss":
            read.settings[name] = None
            read.loss = _loss(frame, statement)
        elif name == "metrics":
            if read.purpose == "evaluation":
                self._metrics(frame, value)
        elif read.purpose == "loss":
            read.settings[name] = None  # given, if wrong
            read.settings[name] = self._static_setting(frame, name, statement)

    def _static_setting(self, frame: Frame, name: str, statement: nodes.Assign) -> Any:
        value = statement.value
        match name:
            case "data":
                self._read_data = statement
                return statement
            case "optimizer":
                return setting_of(frame, value, OPTIMIZERS, name, self._overriding)
            case "schedule":
                return setting_of(frame, value, SCHEDULES, name, self._overriding)
            case "clip":
                if isinstance(value, nodes.Constant) and value.value is None:
                    return None
                return setting_of(frame, value, CLIPS, name, self._overriding)
            case "precision":
                return _precision(frame.evaluate(value), value)
        return number(name, frame.evaluate(value), value.span)

    def _metrics(self, frame: Frame, mapping: nodes.Expr) -> None:
        if not isinstance(mapping, nodes.Mapping):
            message = "metrics are written `{ name = metric(…) }`"
            help = "for example `metrics = { accuracy = accuracy(logits, label) }`"
            raise error("E0608", message, mapping.span, help)
        for entry in mapping.entries:
            try:
                self._metric(frame, entry)
            except DiagnosticError as problem:
                frame.fail(problem)
                self._read.wrong = True

    def _metric(self, frame: Frame, entry: nodes.Keyword) -> None:
        operands: list[Given | None] = []
        metric = setting_of(frame, entry.value, METRICS, "metrics", self._overriding, operands)
        if metric is None or any(g is not None and holds_poison(g.value) for g in operands):
            self._read.wrong = True
            return
        values: list[Value] = []
        for given in operands:
            if given is None or not isinstance(given.value, Value):
                shown = "nothing" if given is None else describe(given.value)
                message = f"`{metric.name}` compares tensors, not {shown}"
                raise error("E0504", message, entry.value.span)
            values.append(given.value)
        try:
            metric.check(*[value.type for value in values])
        except OpError as problem:
            raise operation_error(problem, metric, entry.value.span, operands) from None
        outputs = tuple(
            GraphOutput(f"{entry.name}.{i}", value, entry.span) for i, value in enumerate(values)
        )
        named = NamedMetric(entry.name, metric, tuple(output.name for output in outputs))
        self._read.metrics.append((named, outputs))

    def _apply_overrides(self, frame: Frame) -> None:
        """Whole settings given on the command line: `-T batch=64`, `-T optimizer=adam(lr=1e-3)`."""
        for name, expression in self._overriding.whole.items():
            target = nodes.TargetName(expression.span, name)
            if name == "data":
                old = self._read_data
                mapping = None if old is None else old.mapping
                self._read_data = nodes.Assign(expression.span, target, expression, mapping)
            else:
                frame.execute((nodes.Assign(expression.span, target, expression),))


_EXAMPLES: Final = {
    "data": "for example `data = digits(split = 0.8) { image = pixels / 16, label = digit }`",
    "loss": "for example `loss = cross_entropy(logits, label)`",
    "optimizer": "for example `optimizer = adam(lr = 1e-3)`",
}


def _loss(frame: Frame, statement: nodes.Assign) -> GraphOutput | None:
    value = frame.evaluate(statement.value)
    if value is POISON:
        return None
    if not isinstance(value, Value) or not value.type.dtype.is_float or value.type.rank:
        help = "for example `loss = cross_entropy(logits, label)`"
        if isinstance(value, Value) and value.type.rank:
            help = "`mean(x)` or `sum(x)` makes one number"
        elif isinstance(value, Value):
            help = "convert with `cast(…, f32)`"
        message = f"the loss is one floating-point number, not {describe(value)}"
        raise error("E0603", message, statement.value.span, help)
    return GraphOutput(LOSS, value, statement.value.span)


def _precision(value: Any, node: nodes.Expr) -> DType:
    if isinstance(value, DType) and value.is_float:
        return value
    raise error("E0608", f"`precision` is f32, f16, bf16 or f64, not {describe(value)}", node.span)


def _draws(graph: Graph) -> bool:
    """Whether the graph itself draws random numbers."""
    return any(isinstance(item, Apply) and item.op.is_random for item in graph.body.walk())


def _output_items(block: nodes.Block) -> tuple[nodes.OutputItem, ...]:
    (statement,) = [s for s in block.body if isinstance(s, nodes.Output)]
    return statement.items


def _text(value: nodes.Expr) -> str:
    return value.id if isinstance(value, nodes.Name) else value.span.text


def instance_of(
    name: str, block: nodes.Block, arguments: tuple[Argument, ...], span: Span
) -> Instance:
    """The instance of a model in a loss; its path is the name it is trained under."""
    return Instance(Site(name, span, 0), (), block, arguments)
