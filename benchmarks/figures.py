"""Figures: what was measured, how sure it is, and what was asked of it.

The interval is a percentile bootstrap of the median (Efron and Tibshirani, An Introduction to the
Bootstrap, chapter 13): times on a shared machine are skewed, so means and t intervals mislead.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Literal

import numpy as np

RESAMPLES = 5_000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Limit:
    """What is asked of a figure: of its median, or of the end of its interval that is better.

    `reason` says what reaches this value, where the limit is something that can be measured too.
    """

    relation: Literal["<=", ">="]
    value: float
    of: Literal["median", "interval"] = "median"
    reason: str = ""

    def __str__(self) -> str:
        sign = "≤" if self.relation == "<=" else "≥"
        text = f"{sign} {self.value:.3g}" + (" in the interval" if self.of == "interval" else "")
        return f"{text}: {self.reason}" if self.reason else text

    def holds(self, value: float) -> bool:
        return value <= self.value if self.relation == "<=" else value >= self.value


@dataclass(frozen=True)
class Figure:
    """One quantity, measured several times."""

    name: str
    unit: str
    samples: tuple[float, ...]
    limit: Limit | None = None

    @property
    def median(self) -> float:
        return median(self.samples)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of the median."""
        values = np.array(self.samples)
        drawn = np.random.default_rng(0).choice(values, (RESAMPLES, len(values)))
        tail = 50 * (1 - CONFIDENCE)
        low, high = np.percentile(np.median(drawn, axis=1), (tail, 100 - tail))
        return float(low), float(high)

    @property
    def met(self) -> bool | None:
        """Whether the figure is as asked; None where nothing is."""
        if self.limit is None:
            return None
        low, high = self.interval if self.limit.of == "interval" else (self.median, self.median)
        return self.limit.holds(low if self.limit.relation == "<=" else high)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> Figure:
        limit = None if data["limit"] is None else Limit(**data["limit"])
        return Figure(data["name"], data["unit"], tuple(data["samples"]), limit)


@dataclass(frozen=True)
class Question:
    """A question, its figures, and how calm the machine was: load per core before and after."""

    title: str
    figures: tuple[Figure, ...]
    load: tuple[float, float]
