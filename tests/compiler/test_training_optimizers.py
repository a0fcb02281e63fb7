"""Optimizers and clipping: the NumPy definitions against PyTorch's, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from tercet.compiler.errors import OpError
from tercet.compiler.training import CLIPS, OPTIMIZERS, ClipValue, GlobalNorm, Optimizer
from tercet.compiler.training.optimizers import (
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    NAdam,
    RmsProp,
    Sgd,
)

STEPS = 12
RATES = [0.05 * (0.9**step) for step in range(STEPS)]

CASES: list[tuple[Optimizer, str]] = [
    (Sgd(0.1), "SGD(p, lr=1)"),
    (Sgd(0.1, momentum=0.9, weight_decay=0.01), "SGD(p, lr=1, momentum=0.9, weight_decay=0.01)"),
    (Sgd(0.1, momentum=0.8, nesterov=True), "SGD(p, lr=1, momentum=0.8, nesterov=True)"),
    (Adam(weight_decay=0.02), "Adam(p, weight_decay=0.02)"),
    (AdamW(), "AdamW(p)"),
    (NAdam(weight_decay=0.02), "NAdam(p, weight_decay=0.02)"),
    (RmsProp(weight_decay=0.02), "RMSprop(p, weight_decay=0.02)"),
    (RmsProp(momentum=0.9, centered=True), "RMSprop(p, momentum=0.9, centered=True)"),
    (Adagrad(lr_decay=0.1), "Adagrad(p, lr_decay=0.1)"),
    (Adagrad(initial_accumulator=0.1), "Adagrad(p, initial_accumulator_value=0.1)"),
    (Adadelta(weight_decay=0.02), "Adadelta(p, weight_decay=0.02)"),
]

TORCH = """
import json, sys
import torch
calls, rates, weight, gradients = json.loads(sys.stdin.read())
results = []
for call in calls:
    w = torch.tensor(weight, dtype=torch.float64, requires_grad=True)
    optimizer = eval("torch.optim." + call, {"torch": torch, "p": [w]})
    for rate, gradient in zip(rates, gradients):
        optimizer.param_groups[0]["lr"] = rate
        w.grad = torch.tensor(gradient, dtype=torch.float64)
        optimizer.step()
    results.append(w.tolist())
print(json.dumps(results))
"""


def _problem() -> tuple[Any, list[Any]]:
    random = np.random.default_rng(3)
    return random.normal(size=5), [random.normal(size=5) for _ in range(STEPS)]


def _run(optimizer: Optimizer) -> Any:
    weight, gradients = _problem()
    slots = optimizer.initial(weight)
    for step, (rate, gradient) in enumerate(zip(RATES, gradients, strict=True)):
        weight, slots = optimizer.update(weight, gradient, slots, step, rate)
    return weight


def test_every_optimizer_is_defined() -> None:
    tried = {type(optimizer) for optimizer, _ in CASES} | {Lion}
    assert tried == set(OPTIMIZERS.values())


@pytest.mark.slow
def test_pytorch_agrees() -> None:
    weight, gradients = _problem()
    calls = [call for _, call in CASES]
    problem = json.dumps([calls, RATES, weight.tolist(), [g.tolist() for g in gradients]])
    command = [sys.executable, "-c", TORCH]
    done = subprocess.run(
        command, input=problem, capture_output=True, text=True, timeout=120, check=True
    )
    for (optimizer, call), expected in zip(CASES, json.loads(done.stdout), strict=True):
        # PyTorch keeps the product of NAdam's momenta in float32.
        rtol = 1e-8 if isinstance(optimizer, NAdam) else 1e-12
        np.testing.assert_allclose(_run(optimizer), expected, rtol=rtol, err_msg=call)


def test_lion_moves_by_the_rate() -> None:
    optimizer = Lion(lr=0.1)
    weight, slots = optimizer.update(
        np.zeros(2), np.array([3.0, -1e-6]), optimizer.initial(np.zeros(2)), 0, 0.1
    )
    np.testing.assert_allclose(weight, [-0.1, 0.1])
    np.testing.assert_allclose(slots["m"], [0.03, -1e-8])


def test_velocity_does_not_hold_the_rate() -> None:
    optimizer = Sgd(1.0, momentum=0.5)
    weight = np.zeros(1)
    _, slots = optimizer.update(weight, np.ones(1), optimizer.initial(weight), 0, 1e-3)
    np.testing.assert_allclose(slots["velocity"], [1.0])


def test_global_norm_is_of_all_gradients_together() -> None:
    clipped = GlobalNorm(1.0).apply([np.array([3.0]), np.array([4.0])])
    np.testing.assert_allclose(np.concatenate(clipped), [0.6, 0.8])
    small = GlobalNorm(10.0).apply([np.array([3.0]), np.array([4.0])])
    np.testing.assert_array_equal(np.concatenate(small), [3.0, 4.0])


def test_clipping_by_value() -> None:
    assert set(CLIPS) == {"global_norm", "value"}
    np.testing.assert_array_equal(ClipValue(1.0).apply([np.array([-3.0, 0.5])])[0], [-1.0, 0.5])


@pytest.mark.parametrize(
    "cls, arguments",
    [
        (Sgd, {"lr": -1.0}),
        (Sgd, {"lr": 0.1, "nesterov": True}),
        (Adam, {"beta2": 1.0}),
        (AdamW, {"weight_decay": -0.1}),
        (GlobalNorm, {"limit": 0.0}),
        (RmsProp, {"lr": float("nan")}),
    ],
)
def test_meaningless_settings_are_refused(cls: type[Any], arguments: dict[str, Any]) -> None:
    with pytest.raises(OpError) as caught:
        cls(**arguments)
    assert caught.value.code == "E0504"
    assert caught.value.attribute in arguments
