"""What a sample reaches: its metrics after training, in each framework and with each seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from benchmarks.figures import Limit
from benchmarks.processes import TARGETS

SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Result:
    """One training: the metrics over the test part, and the seconds of processor time it took."""

    sample: str
    target: str
    seed: int
    metrics: Mapping[str, float]
    seconds: float


@dataclass(frozen=True)
class Reached:
    """All trainings of a sample, what was asked of its metrics, and what they were done with.

    `options` are the parameters that the sample was compiled with, `machine` says where.
    """

    sample: str
    options: tuple[str, ...]
    results: tuple[Result, ...]
    limits: Mapping[str, Limit]
    machine: Mapping[str, str]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of what was reported; the loss only where nothing else was."""
        names = tuple(self.results[0].metrics)
        return tuple(name for name in names if name != "loss") or names

    def values(self, metric: str, target: str) -> tuple[float, ...]:
        return tuple(r.metrics[metric] for r in self.results if r.target == target)

    def met(self, metric: str) -> bool | None:
        """Whether the median over the seeds is as asked in every framework."""
        if metric not in self.limits:
            return None
        holds = self.limits[metric].holds
        return all(holds(median(self.values(metric, target))) for target in TARGETS)

    def seconds(self, target: str) -> float:
        return median(r.seconds for r in self.results if r.target == target)

    @property
    def title(self) -> str:
        return f"`{' '.join((self.sample, *self.options))}`"

    def rows(self) -> Iterable[tuple[str, ...]]:
        """A row for each metric: the sample, the metric, each framework, what is asked."""
        for metric in self.metrics:
            cells = (spread(self.values(metric, target)) for target in TARGETS)
            asked = str(self.limits[metric]) if metric in self.limits else ""
            missed = " (missed)" if self.met(metric) is False else ""
            yield (self.title, metric, *cells, asked + missed)

    def headline(self) -> str:
        """The first metric that has a limit, or the first: its median over all trainings."""
        metric = next((name for name in self.metrics if name in self.limits), self.metrics[0])
        return f"{metric} {number(median(r.metrics[metric] for r in self.results))}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> Reached:
        return Reached(
            data["sample"],
            tuple(data["options"]),
            tuple(Result(**result) for result in data["results"]),
            {metric: Limit(**limit) for metric, limit in data["limits"].items()},
            data["machine"],
        )


def spread(values: tuple[float, ...]) -> str:
    """The median and the range."""
    return f"{number(median(values))} ({number(min(values))}–{number(max(values))})"


def number(value: float) -> str:
    """Three significant digits, which tell 0.994 from 1."""
    return f"{value:.3g}"
