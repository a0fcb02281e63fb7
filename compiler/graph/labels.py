"""What must be looked at in data before training: indices of classes and of rows of tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tercet.compiler.graph.index_checks import Bounds, IndexCheck, after, index_checks, within
from tercet.compiler.graph.index_sources import Demand, Source, Step, traced
from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.training import Data, NamedMetric, Training
from tercet.compiler.ops.base import Elements
from tercet.compiler.training.metrics import Accuracy, ClassMetric


def data_checks(training: Training) -> list[IndexCheck]:
    """Checks of the arrays that `data` gives, without those that no file of its kind can fail."""
    return [check for check, bounds, _ in _checks(training) if not within(bounds, check)]


def all_checks(training: Training) -> list[IndexCheck]:
    """Checks of the arrays that `data` gives, whatever they hold."""
    return [check for check, _, _ in _checks(training)]


def impossible(training: Training) -> Iterator[tuple[IndexCheck, tuple[int, int]]]:
    """Checks that the rows of a bundled source fail, with the bounds of what they hold."""
    for check, bounds, reached in _checks(training):
        if bounds is not None and reached and check.ignored is None and not within(bounds, check):
            yield check, bounds


def leaving_out(
    metrics: Sequence[NamedMetric], loss: Graph, evaluation: Graph
) -> tuple[NamedMetric, ...]:
    """The metrics, those of class labels without the labels that the loss ignores."""
    ignored: dict[Origin, int | None] = {
        _origin(demand.source): demand.range.ignored for demand in traced(loss).demands
    }
    held = dict(zip(evaluation.outputs, traced(evaluation).outputs, strict=True))
    sources = {output.name: found for output, found in held.items()}

    def completed(named: NamedMetric) -> NamedMetric:
        metric = named.metric
        if not isinstance(metric, ClassMetric) or metric.ignore_index is not None:
            return named
        found = {ignored.get(_origin(source)) for source in sources[named.operands[1]]}
        if len(found) != 1:
            return named
        return replace(named, metric=replace(metric, ignore_index=found.pop()))

    return tuple(map(completed, metrics))


Origin = tuple[int, tuple[Step, ...]]


def _origin(source: Source) -> Origin:
    return source.place, source.steps


def _checks(training: Training) -> Iterator[tuple[IndexCheck, Bounds, bool]]:
    """All checks; the bounds of what is looked at, if known, and whether they are surely met."""
    sources = dict(zip(training.names(), traced(training.data.mapping).outputs, strict=True))
    for check in index_checks(training.update.loss, list(_metric_demands(training))):
        bounds, reached = _bounds(training.data, sources[check.name], check)
        if reached and check.ignored is None:
            check = replace(check, held=bounds)
        yield check, bounds, reached


def _bounds(data: Data, sources: tuple[Source, ...], check: IndexCheck) -> tuple[Bounds, bool]:
    if len(sources) != 1:
        return None, False
    (source,) = sources
    steps = (*source.steps, *check.steps)
    column = data.mapping.inputs[source.place].value.name
    some_rows = any(step.op.elements is Elements.SELECTED for step in steps)
    return after(steps, data.source.limits().get(column)), data.source.bundled and not some_rows


def _metric_demands(training: Training) -> Iterator[Demand]:
    """What metrics ask of labels; accuracy nothing of those that a loss looks at."""
    if training.evaluation is None:
        return
    looked_at = {demand.source for demand in traced(training.update.loss).demands}
    places = {output.name: k for k, output in enumerate(training.evaluation.outputs)}
    held = traced(training.evaluation).outputs
    for named in training.metrics:
        outputs = [training.evaluation.outputs[places[name]] for name in named.operands]
        for wanted in named.metric.index_ranges(*(output.value.type for output in outputs)):
            label = outputs[wanted.operand]
            for source in held[places[label.name]]:
                if not (isinstance(named.metric, Accuracy) and source in looked_at):
                    yield Demand(source, wanted, named.metric.name, label.span)
