"""What a `train` declaration means: data, updates, metrics.

Loss and metrics are graphs of the same IR as models, so code generators print them with the same
lowerings.  Everything is frozen; graphs compare by identity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field

from tercet.compiler.constraints import Constraint
from tercet.compiler.data.base import DataSource
from tercet.compiler.graph.ir import Graph, GraphInput
from tercet.compiler.training.clipping import Clip
from tercet.compiler.training.metrics import Metric
from tercet.compiler.training.optimizers import Optimizer
from tercet.compiler.training.schedules import ConstantSchedule, Schedule
from tercet.compiler.types import DType
from tercet.dsl.records import dataclass
from tercet.dsl.source import Span

LOSS = "loss"
"""Name of the output of a loss graph."""


@dataclass(frozen=True, eq=False)
class Data:
    """A source of columns and the mapping of columns to what a training step takes.

    `mapping` is a graph run in NumPy over all rows at once: its inputs are the columns used, by
    their names (for `synthetic`: none), its outputs the model's inputs and then the targets, by
    their names, in order of declaration.

    `batch` is what the number of rows in a batch must meet: constraints that the other sizes of
    the data leave open; `step` what it must meet where a step of training takes it.
    """

    source: DataSource
    mapping: Graph
    span: Span
    batch: tuple[Constraint, ...] = ()
    step: tuple[Constraint, ...] = ()


@dataclass(frozen=True, eq=False)
class Update:
    """One step of one optimizer.

    `loss` is a graph whose inputs are the model's inputs and then the targets, whose body applies
    the models (`Call`; the instance's path is the model's name in `Training.models`) and whose
    one output is the scalar `loss`.  `models` are those whose parameters change.
    """

    models: tuple[str, ...]
    loss: Graph
    optimizer: Optimizer
    schedule: Schedule = field(default_factory=ConstantSchedule)
    clip: Clip | None = None
    every: int = 1


@dataclass(frozen=True)
class NamedMetric:
    """A metric under its name in the source; `operands` are outputs of the evaluation graph."""

    name: str
    metric: Metric
    operands: tuple[str, ...]


@dataclass(frozen=True)
class Start:
    """Pretrained weights to start from: strict, but for paths that match a pattern of `skip`."""

    path: str
    skip: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Training:
    """A `train` declaration.

    `models` are the trained models' graphs by their names in the declaration (one, under its own
    name, unless the declaration has parameters).  `targets` are what `data` supplies beside the
    models' inputs, which are `inputs`.

    `evaluation` is a graph with the same inputs as the loss graphs, whose body applies the models
    and whose outputs are the operands of the metrics, `NAME.0`, `NAME.1`, …; it also has the output
    `loss` unless the loss draws random numbers.  None where there is nothing to report.

    `precision` is the type in which a training step computes what profits from it; weights, the
    optimizer and all that is not training stay in f32.

    Parameters whose path matches a pattern of `no_decay` (as `fnmatch` matches, case included) have
    no weight decay.  `places` says where the settings that were given stand.

    `start`, `freeze`, `lr_scale`, more than one update, more than one model and
    `every` other than 1 are in the design; elaboration refuses them until they are built.
    """

    name: str
    models: dict[str, Graph]
    inputs: tuple[GraphInput, ...]
    targets: tuple[GraphInput, ...]
    data: Data
    updates: tuple[Update, ...]
    evaluation: Graph | None
    metrics: tuple[NamedMetric, ...]
    span: Span
    batch: int = 32
    epochs: int = 10
    seed: int = 0
    precision: DType = DType.F32
    start: Start | None = None
    freeze: tuple[str, ...] = ()
    lr_scale: tuple[tuple[str, float], ...] = ()
    no_decay: tuple[str, ...] = ()
    places: Mapping[str, Span] = field(default_factory=dict)
    variant: Callable[[Graph], Training | None] | None = None
    """Itself with the model at other values of its parameters, None where that is an error."""

    @property
    def model(self) -> Graph:
        """The one model of a `train` without parameters."""
        (graph,) = self.models.values()
        return graph

    @property
    def update(self) -> Update:
        """The one update of a `train` without `update` blocks."""
        (only,) = self.updates
        return only

    @property
    def is_mixed(self) -> bool:
        """Whether training computes in another precision than the model's own."""
        return self.precision is not DType.F32

    @property
    def decay_exceptions(self) -> tuple[str, ...]:
        """The patterns of `no_decay` where the optimizer has a weight decay, else none."""
        return self.no_decay if self.update.optimizer.weight_decay else ()

    def names(self) -> Iterator[str]:
        """Names of the arrays of a batch, in order: inputs, then targets."""
        yield from (given.value.name for given in (*self.inputs, *self.targets))
