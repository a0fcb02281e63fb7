"""Learning-rate schedules as printed code: one pure Python function, the same for every target.

It computes exactly what `Schedule.factor` computes, in the same order of operations; the tests
compare the two bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from tercet.codegen.script.pieces import Piece, literal
from tercet.compiler.training.schedules import (
    ConstantSchedule,
    CosineSchedule,
    ExponentialSchedule,
    MultiStepSchedule,
    OneCycleSchedule,
    PolynomialSchedule,
    Schedule,
    StepSchedule,
)
from tercet.dsl.records import dataclass

FUNCTION = "learning_rate_factor"
"""Name of the printed function of (step, steps)."""


@dataclass(frozen=True)
class _Formula:
    """What follows the warm-up: in words, in lines, and the constants these use."""

    summary: str
    lines: tuple[str, ...]
    constants: tuple[tuple[str, object], ...] = ()
    divisor: str = ""
    uses_math: bool = False


_Printer = Callable[[Any], _Formula]
_PRINTERS: dict[type[Schedule], _Printer] = {}
P = TypeVar("P", bound=_Printer)


def _prints(schedule: type[Schedule]) -> Callable[[P], P]:
    def register(printer: P) -> P:
        _PRINTERS[schedule] = printer
        return printer

    return register


def schedule_piece(schedule: Schedule) -> Piece | None:
    """The function of a schedule; None for a constant rate, which needs none."""
    if schedule == ConstantSchedule():
        return None
    formula = _PRINTERS[type(schedule)](schedule)
    summary, lines, constants = formula.summary, list(formula.lines), list(formula.constants)
    if schedule.warmup:
        summary = f"Linear warm-up, then {summary}"
        constants.insert(0, ("WARMUP_STEPS", schedule.warmup))
        lines[:0] = [
            "if step < WARMUP_STEPS:",
            f"    return (step + 1) / WARMUP_STEPS{formula.divisor}",
        ]
    docstring = f'"""{summary[0].upper()}{summary[1:]}; a factor of the base rate."""'
    text = "\n    ".join((f"def {FUNCTION}(step, steps):", docstring, *lines))
    imports = ("import math",) if formula.uses_math else ()
    return Piece(text, imports, tuple((name, literal(value)) for name, value in constants))


def _since_warmup(schedule: Schedule) -> str:
    return "(step - WARMUP_STEPS)" if schedule.warmup else "step"


def _progress(schedule: Schedule) -> str:
    if schedule.warmup:
        return "progress = (step - WARMUP_STEPS) / max(1, steps - WARMUP_STEPS)"
    return "progress = step / max(1, steps)"


@_prints(ConstantSchedule)
def _constant(schedule: ConstantSchedule) -> _Formula:
    return _Formula("constant", ("return 1.0",))


@_prints(StepSchedule)
def _step(schedule: StepSchedule) -> _Formula:
    return _Formula(
        "step-wise decay",
        (f"return GAMMA ** ({_since_warmup(schedule)} // STEP_SIZE)",),
        (("STEP_SIZE", schedule.size), ("GAMMA", schedule.gamma)),
    )


@_prints(MultiStepSchedule)
def _multi_step(schedule: MultiStepSchedule) -> _Formula:
    return _Formula(
        "times GAMMA at each milestone",
        ("return GAMMA ** sum(milestone <= step for milestone in MILESTONES)",),
        (("MILESTONES", schedule.milestones), ("GAMMA", schedule.gamma)),
    )


@_prints(ExponentialSchedule)
def _exponential(schedule: ExponentialSchedule) -> _Formula:
    since = _since_warmup(schedule)
    if schedule.size == 1:
        line = f"return GAMMA ** {since}"
        return _Formula("times GAMMA at every step", (line,), (("GAMMA", schedule.gamma),))
    return _Formula(
        "exponential decay",
        (f"return GAMMA ** ({since} / STEP_SIZE)",),
        (("STEP_SIZE", schedule.size), ("GAMMA", schedule.gamma)),
    )


@_prints(PolynomialSchedule)
def _polynomial(schedule: PolynomialSchedule) -> _Formula:
    fall, constants = "1 - progress", []
    summary = "linear decay"
    if schedule.power != 1:
        fall, constants = "(1 - progress) ** POWER", [("POWER", schedule.power)]
        summary = "polynomial decay"
    return _falling(schedule, summary, fall, constants, schedule.end)


@_prints(CosineSchedule)
def _cosine(schedule: CosineSchedule) -> _Formula:
    fall = "0.5 * (1 + math.cos(math.pi * progress))"
    return _falling(schedule, "cosine decay", fall, [], schedule.end, uses_math=True)


def _falling(
    schedule: Schedule,
    summary: str,
    fall: str,
    constants: list[tuple[str, float]],
    end: float,
    uses_math: bool = False,
) -> _Formula:
    """A fall from 1 to `end`."""
    if not end:
        lines, summary = (_progress(schedule), f"return {fall}"), f"{summary} to zero"
        return _Formula(summary, lines, tuple(constants), uses_math=uses_math)
    factor = fall if "**" in fall else f"({fall})"
    lines = (_progress(schedule), f"return END_FACTOR + (1 - END_FACTOR) * {factor}")
    entries = (*constants, ("END_FACTOR", end))
    return _Formula(f"{summary} to END_FACTOR", lines, entries, uses_math=uses_math)


@_prints(OneCycleSchedule)
def _one_cycle(schedule: OneCycleSchedule) -> _Formula:
    shift = "step, steps = step - WARMUP_STEPS, steps - WARMUP_STEPS"
    lines = (
        *((shift,) if schedule.warmup else ()),
        "top = max(1, PEAK * steps - 1)",
        "if step <= top:",
        "    start, end, progress = 1 / DIV, 1, step / top",
        "else:",
        "    start, end = 1, 1 / (DIV * FINAL_DIV)",
        "    progress = (step - top) / max(1, steps - 1 - top)",
        "return end + (start - end) * 0.5 * (1 + math.cos(math.pi * progress))",
    )
    return _Formula(
        "one cycle up and down",
        lines,
        (("PEAK", schedule.peak), ("DIV", schedule.div), ("FINAL_DIV", schedule.final_div)),
        divisor=" / DIV",
        uses_math=True,
    )
