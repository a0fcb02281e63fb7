"""Learning-rate schedules: a factor of the base rate for every step.

`step` is the number of updates already made, so the first update uses step 0 and the last
`steps - 1`.  Every schedule takes `warmup`: for so many steps the rate rises in a straight line,
`(step + 1) / warmup`, and the schedule proper begins after them at step `warmup`.  All lengths are
in steps, not epochs.  Arithmetic is Python's float64; generated scripts print the same formulas
(`codegen/training.py`) and the tests compare the two step by step.
"""

from __future__ import annotations

import math
from dataclasses import field

from tercet.compiler.settings import Setting, registrar, require, require_not_negative
from tercet.dsl.records import dataclass


@dataclass(frozen=True)
class Schedule(Setting):
    """Base of all schedules: the warm-up."""

    warmup: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        require_not_negative("warmup", self.warmup)

    def factor(self, step: int, steps: int) -> float:
        """The factor of the base rate for the update after `step` others, of `steps` in all."""
        if step < self.warmup:
            return (step + 1) / self.warmup / self.divisor
        return self.decay(step - self.warmup, steps - self.warmup)

    @property
    def divisor(self) -> float:
        """The schedule proper begins at 1 / divisor; warm-up rises to that."""
        return 1.0

    def decay(self, step: int, steps: int) -> float:
        """The factor at `step` of `steps` after the warm-up."""
        raise NotImplementedError(type(self).__name__)


SCHEDULES: dict[str, type[Schedule]] = {}
"""Every schedule by its name in the language."""

schedule = registrar(SCHEDULES)


def progress(step: int, steps: int) -> float:
    """The share of the steps that is over: 0 at the first, (steps - 1) / steps at the last.

    Never above 1: where there are fewer steps than warm-up, nothing follows it.
    """
    return step / max(1, steps)


@schedule("constant")
@dataclass(frozen=True)
class ConstantSchedule(Schedule):
    """The base rate throughout."""

    def decay(self, step: int, steps: int) -> float:
        return 1.0


@schedule("step")
@dataclass(frozen=True)
class StepSchedule(Schedule):
    """`gamma ** (step // size)`: times `gamma` after every `size` steps that follow the warm-up."""

    size: int
    gamma: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.size > 0, "size", f"must be at least 1, not {self.size}")
        require_not_negative("gamma", self.gamma)

    def decay(self, step: int, steps: int) -> float:
        return float(self.gamma ** (step // self.size))


@schedule("multi_step")
@dataclass(frozen=True)
class MultiStepSchedule(Schedule):
    """Times `gamma` at each milestone: `gamma` to the number of milestones at or before the step.

    Milestones are numbers of steps from the beginning of training, warm-up included.
    """

    milestones: tuple[int, ...]
    gamma: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        rising = all(a < b for a, b in zip((0, *self.milestones), self.milestones, strict=False))
        require(rising, "milestones", "must be numbers of steps in rising order")
        require_not_negative("gamma", self.gamma)

    def decay(self, step: int, steps: int) -> float:
        passed = sum(milestone <= step + self.warmup for milestone in self.milestones)
        return float(self.gamma**passed)


@schedule("exponential")
@dataclass(frozen=True)
class ExponentialSchedule(Schedule):
    """`gamma ** (step / size)`, counted after the warm-up: smoothly by `gamma` in `size` steps."""

    gamma: float
    size: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.gamma > 0, "gamma", f"must be greater than 0, not {self.gamma}")
        require(self.size > 0, "size", f"must be at least 1, not {self.size}")

    def decay(self, step: int, steps: int) -> float:
        return float(self.gamma ** (step / self.size))


@schedule("polynomial")
@dataclass(frozen=True)
class PolynomialSchedule(Schedule):
    """`end + (1 - end) * (1 - progress) ** power`; `end` is a factor of the base rate."""

    power: float = 1.0
    end: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.power > 0, "power", f"must be greater than 0, not {self.power}")
        require_not_negative("end", self.end)

    def decay(self, step: int, steps: int) -> float:
        remaining = 1 - progress(step, steps)
        return float(self.end + (1 - self.end) * remaining**self.power)


@schedule("cosine")
@dataclass(frozen=True)
class CosineSchedule(Schedule):
    """`end + (1 - end) * 0.5 * (1 + cos(pi * progress))`; `end` is a factor of the base rate.

    Loshchilov and Hutter, 2017, without restarts.
    """

    end: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_not_negative("end", self.end)

    def decay(self, step: int, steps: int) -> float:
        fall = 0.5 * (1 + math.cos(math.pi * progress(step, steps)))
        return self.end + (1 - self.end) * fall


@schedule("one_cycle")
@dataclass(frozen=True)
class OneCycleSchedule(Schedule):
    """Smith and Topin, 2018: cosine up to the base rate, then cosine down to almost nothing.

    From `1 / div` up to 1 over the first `peak` of the steps, then down to `1 / (div * final_div)`
    at the last step: PyTorch's OneCycleLR with `max_lr` as the base rate.  A warm-up rises to
    `1 / div`.
    """

    peak: float = 0.3
    div: float = 25.0
    final_div: float = 1e4

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 < self.peak < 1, "peak", f"must lie between 0 and 1, not {self.peak}")
        require(self.div > 0, "div", f"must be greater than 0, not {self.div}")
        require(self.final_div > 0, "final_div", f"must be greater than 0, not {self.final_div}")

    @property
    def divisor(self) -> float:
        return self.div

    def decay(self, step: int, steps: int) -> float:
        top = max(1.0, self.peak * steps - 1)
        if step <= top:
            return _cosine(1 / self.div, 1.0, step / top)
        share = (step - top) / max(1.0, steps - 1 - top)
        return _cosine(1.0, 1 / (self.div * self.final_div), share)


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * share))
