"""Small networks in float64, everything a `train` can ask of their updates, and what must result.

The oracle is the language's own definitions in NumPy: it takes the gradients that a framework had
in every step, and everything after the backward pass (clipping, weight decay, the optimizer, the
schedule) is its own.
"""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from tercet.codegen.script.style import FULL, Style
from tercet.compiler.graph.training import Training
from tests.backends.torch_scripts import ROOT
from tests.backends.training_scripts import prepare

Array = np.ndarray[Any, Any]
STEPS = 20

NETS = {
    "cnn": """
model Net {
    input x: f64[N, 1, 6, 6]
    h = x |> conv2d(4, 3, padding = 1, bias = false) |> batch_norm |> relu |> max_pool2d(2)
    output y = h |> flatten |> dense(2)
}
""",
    "lstm": """
model Net {
    input x: f64[N, 5, 3]
    h = x |> lstm(4)
    output y = h[:, -1] |> dense(2)
}
""",
    "transformer": """
model Net {
    input x: f64[N, 4, 6]
    q, k, v = x |> layer_norm |> dense(18) |> split(3, axis = -1)
    h = x + (scaled_dot_product_attention(q, k, v, causal = true) |> dense(6))
    h = h + (h |> layer_norm |> dense(8) |> gelu |> dense(6))
    output y = h |> layer_norm |> mean(axis = 1) |> dense(2)
}
""",
}
TRAIN = """
train Net {{
    target goal: f64[N, 2]
    data = synthetic(rows = {rows}, split = 1.0) {{
        x = normal(std = 1.0), goal = normal(std = 1.0)
    }}
    loss = mse(y, goal)
    optimizer = {optimizer}
    schedule = {schedule}
    clip = {clip}
    {more}
    batch = 4
    epochs = 1
}}
"""
OPTIMIZERS = {
    "sgd": "sgd(lr = 0.05{})",
    "momentum": "sgd(lr = 0.05, momentum = 0.9{})",
    "nesterov": "sgd(lr = 0.05, momentum = 0.9, nesterov = true{})",
    "adam": "adam(lr = 0.01, eps = 1e-3{})",
    "adam_betas": "adam(lr = 0.01, beta1 = 0.8, beta2 = 0.95, eps = 1e-3{})",
    "adamw": "adamw(lr = 0.01, beta1 = 0.8, beta2 = 0.99, eps = 1e-3{})",
    "nadam": "nadam(lr = 0.01, beta1 = 0.8, beta2 = 0.99, eps = 1e-3{})",
    "nadam_pace": "nadam(lr = 0.01, momentum_decay = 1.0, eps = 1e-3{})",
    "rmsprop": "rmsprop(lr = 0.01, rho = 0.9, eps = 1e-3{})",
    "rmsprop_momentum": "rmsprop(lr = 0.01, momentum = 0.5, eps = 1e-3{})",
    "rmsprop_centered": "rmsprop(lr = 0.01, centered = true, eps = 1e-3{})",
    "adagrad": "adagrad(lr = 0.05, eps = 1e-3{})",
    "adagrad_decay": "adagrad(lr = 0.05, lr_decay = 0.1, initial_accumulator = 0.1{})",
    "adadelta": "adadelta(lr = 0.5, rho = 0.8, eps = 1e-4{})",
    "lion": "lion(lr = 0.003, beta1 = 0.8, beta2 = 0.95{})",
}
"""`eps` is so large that it matters where a framework adds it."""
SCHEDULES = {
    "constant": "constant()",
    "warmup": "constant(warmup = 7)",
    "step": "step(size = 6, gamma = 0.5)",
    "multi_step": "multi_step(milestones = [5, 12], gamma = 0.3)",
    "exponential": "exponential(gamma = 0.95)",
    "polynomial": "polynomial(power = 2, end = 0.1)",
    "cosine": "cosine(warmup = 5)",
    "one_cycle": "one_cycle()",
}
CLIPS = {"none": "none", "norm": "global_norm(0.5)", "value": "value(0.05)"}
DECAYS = {
    "none": ("weight_decay = 0.0", ""),
    "decay": ("weight_decay = 0.1", ""),
    "spared": ("weight_decay = 0.1", 'no_decay = ["*.bias"]'),
}


@dataclass(frozen=True)
class Case:
    """One training, by the names of its parts."""

    net: str
    optimizer: str
    schedule: str
    clip: str
    decay: str

    @property
    def name(self) -> str:
        return "-".join((self.net, self.optimizer, self.schedule, self.clip, self.decay))

    @property
    def text(self) -> str:
        argument, more = DECAYS[self.decay]
        train = TRAIN.format(
            rows=4 * STEPS,
            optimizer=OPTIMIZERS[self.optimizer].format(f", {argument}"),
            schedule=SCHEDULES[self.schedule],
            clip=CLIPS[self.clip],
            more=more,
        )
        return NETS[self.net] + train


_KINDS: tuple[Mapping[str, object], ...] = (NETS, OPTIMIZERS, SCHEDULES, CLIPS, DECAYS)
PARTS: tuple[Sequence[str], ...] = tuple(tuple(kinds) for kinds in _KINDS)


def every_case() -> list[Case]:
    """The whole product."""
    return [Case(*parts) for parts in itertools.product(*PARTS)]


def pairwise() -> list[Case]:
    """Cases in which every two parts of different kinds meet."""
    return _covering(_all_pairs())


def covering() -> list[Case]:
    """Fewer: an optimizer meets a constant rate and one that changes, not every schedule.

    All schedules reach an optimizer by one function of the step.
    """
    kinds = [OPTIMIZERS, SCHEDULES]
    met = {"constant", "cosine"}
    return _covering(
        {
            ((i, left), (j, right))
            for (i, left), (j, right) in _all_pairs()
            if [_KINDS[i], _KINDS[j]] != kinds or right in met
        }
    )


_Pair = tuple[tuple[int, str], tuple[int, str]]


def _all_pairs() -> set[_Pair]:
    return {
        pair
        for (i, left), (j, right) in itertools.combinations(enumerate(PARTS), 2)
        for pair in itertools.product([(i, name) for name in left], [(j, name) for name in right])
    }


def _covering(pairs: set[_Pair]) -> list[Case]:
    """Cases that hold all these pairs: each takes the most of those that are left."""
    candidates = list(itertools.product(*PARTS))
    random.Random(0).shuffle(candidates)
    chosen: list[Case] = []
    while pairs:
        best = max(candidates, key=lambda parts: len(pairs & _pairs(parts)))
        pairs = pairs - _pairs(best)
        chosen.append(Case(*best))
    return chosen


def _pairs(parts: Sequence[str]) -> set[_Pair]:
    return set(itertools.combinations(enumerate(parts), 2))


def run(framework: str, cases: Sequence[Case], place: Path, style: Style = FULL) -> None:
    """Trains every case in a folder of `place` called after it."""
    for case in cases:
        prepare(framework, case.text, place / case.name, style=style)
    command = [sys.executable, "-m", "tests.backends.update_worker", framework, str(place)]
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]


@dataclass(frozen=True)
class Comparison:
    """A parameter after training: how far a framework is from the oracle, and how far it moved."""

    name: str
    difference: float
    movement: float

    @property
    def relative(self) -> float:
        return self.difference / self.movement if self.movement else self.difference


def _gradients(folder: Path) -> dict[str, list[Array]]:
    """Of every parameter of a job, in every step."""
    found: dict[str, dict[int, Array]] = {}
    with np.load(folder / "gradients.npz") as file:
        for key in file.files:
            step, _, name = key.partition("/")
            found.setdefault(name, {})[int(step)] = file[key]
    return {name: [steps[k] for k in range(STEPS)] for name, steps in found.items()}


def largest_gradients(folder: Path) -> dict[str, Array]:
    """The largest magnitude that every element's gradient had in a job."""
    return {name: np.abs(steps).max(axis=0) for name, steps in _gradients(folder).items()}


def compared(training: Training, folder: Path) -> Iterator[Comparison]:
    """Every trained parameter of a job, against what the language says."""
    start, found = (load_file(folder / f"{n}.safetensors") for n in ("weights", "trained"))
    gradients = _gradients(folder)
    values = expected(training, {name: start[name] for name in gradients}, gradients)
    for name, value in values.items():
        difference = float(np.abs(found[name] - value).max())
        yield Comparison(name, difference, float(np.abs(value - start[name]).max()))


def expected(
    training: Training, values: Mapping[str, Array], gradients: Mapping[str, Sequence[Array]]
) -> dict[str, Array]:
    """The weights after `STEPS` updates with these gradients."""
    update = training.update
    optimizer = update.optimizer
    values = dict(values)
    slots = {name: optimizer.initial(value) for name, value in values.items()}
    for step in range(STEPS):
        given = [gradients[name][step] for name in values]
        given = given if update.clip is None else update.clip.apply(given)
        rate = optimizer.lr * update.schedule.factor(step, STEPS)
        for (name, value), gradient in zip(list(values.items()), given, strict=True):
            own = optimizer
            if any(fnmatchcase(name, pattern) for pattern in training.decay_exceptions):
                own = type(optimizer)(**{**vars(optimizer), "weight_decay": 0.0})
            values[name], slots[name] = own.update(value, gradient, slots[name], step, rate)
    return values
