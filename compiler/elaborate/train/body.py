"""The body of a `train`: settings are taken out of it, everything else is traced.

Settings are a namespace of their own: `loss` is never a name that expressions see.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from tercet.compiler.elaborate.advice.loss_slips import check_order
from tercet.compiler.elaborate.declarations import declare_input
from tercet.compiler.elaborate.errors import error
from tercet.compiler.elaborate.recording import operation_error
from tercet.compiler.elaborate.scope import Frame
from tercet.compiler.elaborate.sites import BodyText
from tercet.compiler.elaborate.train.patterns import patterns_of
from tercet.compiler.elaborate.train.precision import precision_of
from tercet.compiler.elaborate.train.settings import Overriding, number, setting_of
from tercet.compiler.errors import OpError
from tercet.compiler.graph.ir import GraphInput, GraphOutput, Value
from tercet.compiler.graph.training import LOSS, NamedMetric
from tercet.compiler.graph.values import POISON, describe, holds_poison
from tercet.compiler.habits import about_setting
from tercet.compiler.signature import Given
from tercet.compiler.training import CLIPS, METRICS, OPTIMIZERS, SCHEDULES
from tercet.dsl import nodes
from tercet.dsl.diagnostics import DiagnosticError
from tercet.dsl.source import Span

NOT_YET: Final = ("start", "freeze", "lr_scale")
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
    "no_decay",
)
Purpose = Literal["loss", "evaluation"]


class TrainBody:
    """One way through the body, for the loss or for the metrics, and what it found."""

    def __init__(
        self,
        purpose: Purpose,
        text: BodyText,
        overriding: Overriding,
        *,
        outputs: tuple[str, ...] | None,
    ) -> None:
        """`outputs` are the names that the model gives; None where the body applies models."""
        self.purpose = purpose
        self._text = text
        self._overriding = overriding
        self._outputs = outputs
        self.settings: dict[str, Any] = {}
        self.places: dict[str, Span] = {}
        self.data: nodes.Assign | None = None
        self.targets: list[GraphInput] = []
        self.loss: GraphOutput | None = None
        self.metrics: list[tuple[NamedMetric, tuple[GraphOutput, ...]]] = []
        self.wrong = False

    def input(self, frame: Frame, statement: nodes.Input) -> None:
        """Declares an input; only a `train` that has models as parameters does."""
        if self._outputs is not None:
            help = "what data supply beside the inputs is a `target`"
            message = "the inputs of this `train` are its model's"
            raise error("E0210", message, statement.span, help)
        declare_input(frame, statement)

    def target(self, frame: Frame, statement: nodes.Target) -> None:
        """Declares a target: an input of the loss that the model does not take."""
        if statement.name in {given.value.name for given in frame.body.inputs}:
            message = f"`{statement.name}` is an input already"
            raise error("E0211", message, statement.name_span)
        if self._outputs is not None and statement.name in self._outputs:
            message = f"`{statement.name}` is an output of the model already"
            raise error("E0211", message, statement.name_span, "give the target another name")
        count = len(frame.body.inputs)
        declare_input(frame, statement)
        self.targets.extend(frame.body.inputs[count:])

    def assign(self, frame: Frame, statement: nodes.Assign) -> bool:
        """Takes a setting; False where the name is none, so that it is a local value."""
        if not isinstance(statement.target, nodes.TargetName):
            return False
        name = statement.target.id
        if name in NOT_YET:
            raise error("E0609", f"`{name}` is not supported yet", statement.span, "remove it")
        if name not in SETTINGS:
            if statement.mapping is not None:
                raise error("E0210", "only `data` has a mapping", statement.mapping.span)
            if name not in self._text.read:
                self._unused(frame, name, statement.target.span)
            return False
        self._setting(frame, name, statement)
        return True

    def _unused(self, frame: Frame, name: str, span: Span) -> None:
        """A local that nothing reads: probably a setting by another name.  Raises E0601."""
        if name.startswith("_"):
            return
        help = about_setting(name, SETTINGS) or f"the settings are {', '.join(SETTINGS)}"
        raise error("E0601", f"`{name}` is neither a setting nor used", span, help)

    def _setting(self, frame: Frame, name: str, statement: nodes.Assign) -> None:
        value = statement.value
        if name != "data" and statement.mapping is not None:
            raise error("E0210", "only `data` has a mapping", statement.mapping.span)
        if name == "loss":
            self.settings[name] = None
            self.loss = _loss(frame, statement)
        elif name == "metrics":
            if self.purpose == "evaluation":
                self._metrics(frame, value)
        elif self.purpose == "loss":
            self.settings[name] = None  # given, if wrong
            self.places[name] = value.span
            self.settings[name] = self._static_setting(frame, name, statement)

    def _static_setting(self, frame: Frame, name: str, statement: nodes.Assign) -> Any:
        value = statement.value
        match name:
            case "data":
                self.data = statement
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
                return precision_of(frame.evaluate(value), value)
            case "no_decay":
                return patterns_of(frame, name, value)
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
                self.wrong = True

    def _metric(self, frame: Frame, entry: nodes.Keyword) -> None:
        operands: list[Given | None] = []
        metric = setting_of(frame, entry.value, METRICS, "metrics", self._overriding, operands)
        if metric is None or any(g is not None and holds_poison(g.value) for g in operands):
            self.wrong = True
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
        check_order(frame, metric, values, operands)
        outputs = tuple(
            GraphOutput(f"{entry.name}.{i}", value, entry.span) for i, value in enumerate(values)
        )
        named = NamedMetric(entry.name, metric, tuple(output.name for output in outputs))
        self.metrics.append((named, outputs))

    def apply_overrides(self, frame: Frame) -> None:
        """Whole settings given on the command line: `-T batch=64`, `-T optimizer=adam(lr=1e-3)`."""
        for name, expression in self._overriding.whole.items():
            target = nodes.TargetName(expression.span, name)
            if name == "data":
                old = self.data
                mapping = None if old is None else old.mapping
                self.data = nodes.Assign(expression.span, target, expression, mapping)
            else:
                frame.execute((nodes.Assign(expression.span, target, expression),))


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
