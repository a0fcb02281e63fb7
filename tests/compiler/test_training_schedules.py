"""Schedules: documented values, and printed code that computes the same bits."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tercet.codegen.script.pieces import joined
from tercet.codegen.script.schedules import FUNCTION, schedule_piece
from tercet.compiler.errors import OpError
from tercet.compiler.training.schedules import (
    SCHEDULES,
    ConstantSchedule,
    CosineSchedule,
    ExponentialSchedule,
    MultiStepSchedule,
    OneCycleSchedule,
    PolynomialSchedule,
    Schedule,
    StepSchedule,
)

EXAMPLES: list[Schedule] = [
    ConstantSchedule(warmup=7),
    StepSchedule(10),
    StepSchedule(10, gamma=0.5, warmup=4),
    MultiStepSchedule((5, 30)),
    MultiStepSchedule((3, 30), gamma=0.3, warmup=5),
    ExponentialSchedule(0.97),
    ExponentialSchedule(0.5, size=20, warmup=3),
    PolynomialSchedule(),
    PolynomialSchedule(end=0.1, warmup=5),
    PolynomialSchedule(power=2.0, end=0.1),
    CosineSchedule(),
    CosineSchedule(warmup=10),
    CosineSchedule(end=0.05, warmup=10),
    OneCycleSchedule(),
    OneCycleSchedule(peak=0.2, div=10.0, warmup=6),
]


def test_every_schedule_is_tried() -> None:
    assert {type(s) for s in EXAMPLES} == set(SCHEDULES.values())


@pytest.mark.parametrize("schedule", EXAMPLES, ids=repr)
@pytest.mark.parametrize("steps", [1, 2, 8, 50])
def test_printed_code_computes_the_same_bits(schedule: Schedule, steps: int) -> None:
    piece = schedule_piece(schedule)
    assert piece is not None
    constants = "\n".join(f"{name} = {value}" for name, value in joined([piece]).constants)
    assert max(map(len, piece.text.splitlines())) <= 88
    script = "\n".join((*piece.imports, constants, piece.text))
    scope: dict[str, Any] = {}
    exec(script, scope)
    printed = [scope[FUNCTION](step, steps) for step in range(steps)]
    assert printed == [schedule.factor(step, steps) for step in range(steps)]


def test_a_constant_rate_needs_no_function() -> None:
    assert schedule_piece(ConstantSchedule()) is None


def test_warmup_reaches_the_base_rate_with_its_last_step() -> None:
    schedule = CosineSchedule(warmup=4)
    assert [schedule.factor(s, 104) for s in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_cosine_is_half_way_in_the_middle_and_never_quite_zero() -> None:
    schedule = CosineSchedule()
    assert schedule.factor(50, 100) == pytest.approx(0.5)
    assert 0 < schedule.factor(99, 100) < 1e-3


def test_one_cycle_peaks_where_pytorch_does() -> None:
    # OneCycleLR(max_lr=1, total_steps=100): the peak is at step pct_start * 100 - 1.
    schedule = OneCycleSchedule()
    factors = [schedule.factor(s, 100) for s in range(100)]
    assert factors[0] == pytest.approx(1 / 25)
    assert max(range(100), key=factors.__getitem__) == 29
    assert factors[99] == pytest.approx(1 / 25e4)


def test_milestones_count_from_the_beginning() -> None:
    schedule = MultiStepSchedule((10,), warmup=5)
    assert schedule.factor(9, 20) == 1.0
    assert math.isclose(schedule.factor(10, 20), 0.1)


@pytest.mark.parametrize(
    "cls, arguments",
    [
        (StepSchedule, {"size": 0}),
        (MultiStepSchedule, {"milestones": (5, 5)}),
        (OneCycleSchedule, {"peak": 1.0}),
        (CosineSchedule, {"warmup": -1}),
        (ExponentialSchedule, {"gamma": 0.0}),
    ],
)
def test_meaningless_settings_are_refused(cls: type[Schedule], arguments: dict[str, Any]) -> None:
    with pytest.raises(OpError) as caught:
        cls(**arguments)
    assert caught.value.attribute in arguments
