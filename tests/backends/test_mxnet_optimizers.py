"""What scripts train with in MXNet, against the definition of each optimizer.

Classes of the script are exact.  MXNet's own differ as their notes say: then the weights are near,
and the note is there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from tercet.backends.mxnet.optimizers import printed_optimizer
from tercet.codegen.expr import Name
from tercet.compiler.graph.training import Update
from tercet.compiler.training import optimizers as opt
from tercet.compiler.training.clipping import Clip, ClipValue
from tercet.compiler.training.schedules import CosineSchedule

ROOT = Path(__file__).parents[2]
RATE = Name("args").lr
STEPS = 12


@dataclass(frozen=True)
class Case:
    """An optimizer, whether MXNet's own is another, and how near it comes then."""

    name: str
    optimizer: opt.Optimizer
    tolerance: float = 2e-6
    clip: Clip | None = None


CASES = [
    Case("sgd", opt.Sgd(0.1, weight_decay=0.01)),
    Case("sgd_momentum", opt.Sgd(0.1, momentum=0.9, weight_decay=0.01)),
    Case("nesterov", opt.Sgd(0.1, momentum=0.9, nesterov=True)),
    Case("nesterov_decay", opt.Sgd(0.1, momentum=0.9, nesterov=True, weight_decay=0.01)),
    Case("sgd_clipped", opt.Sgd(0.1, weight_decay=0.1), clip=ClipValue(0.5)),
    Case("adam", opt.Adam(0.01, weight_decay=0.01), tolerance=1e-5),
    Case("adamw", opt.AdamW(0.01, weight_decay=0.1)),
    Case("adamw_clipped", opt.AdamW(0.01, weight_decay=0.1), clip=ClipValue(0.5)),
    Case("nadam", opt.NAdam(0.01, weight_decay=0.01)),
    Case("rmsprop", opt.RmsProp(0.01), tolerance=1e-4),
    Case("rmsprop_momentum", opt.RmsProp(0.01, momentum=0.9, weight_decay=0.01)),
    Case("rmsprop_centered", opt.RmsProp(0.01, centered=True), tolerance=1e-4),
    Case("adagrad", opt.Adagrad(0.1, weight_decay=0.01, lr_decay=0.1, initial_accumulator=0.1)),
    Case("adadelta", opt.Adadelta(1.0, weight_decay=0.01)),
    Case("lion", opt.Lion(0.01, weight_decay=0.01)),
]
NOTED = {"adam", "rmsprop"}


def _update(case: Case) -> Update:
    return Update(("M",), cast(Any, None), case.optimizer, clip=case.clip)


def _arrays() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    random = np.random.default_rng(0)
    return random.normal(size=(5, 3)), random.normal(size=(STEPS, 5, 3))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("mxnet_optimizers")
    start, gradients = _arrays()
    np.save(place / "start.npy", start.astype(np.float32))
    np.save(place / "gradients.npy", gradients.astype(np.float32))
    for case in CASES:
        printed = printed_optimizer(_update(case), RATE, {})
        constant = f"MAX_GRADIENT = {case.clip.limit}\n" if isinstance(case.clip, ClipValue) else ""
        trainer = f"trainer = gluon.Trainer(model.collect_params(), {printed.arguments})\n"
        (place / f"{case.name}.py").write_text(f"{constant}{printed.piece.text}\n\n\n{trainer}")
        (place / f"{case.name}.rate").write_text(str(case.optimizer.lr))
    command = [sys.executable, "-m", "tests.backends.mxnet_optimizer_worker", str(place)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-4000:]
    (place / "stderr.txt").write_text(done.stderr)
    return place


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_definition_is_met(case: Case, folder: Path) -> None:
    weight, gradients = _arrays()
    slots = case.optimizer.initial(weight)
    found = np.load(folder / f"{case.name}.npy")
    for step, gradient in enumerate(gradients):
        if case.clip is not None:
            (gradient,) = case.clip.apply([gradient])
        weight, slots = case.optimizer.update(weight, gradient, slots, step, case.optimizer.lr)
        np.testing.assert_allclose(found[step], weight, rtol=0, atol=case.tolerance)


@pytest.mark.slow
def test_classes_of_the_script_take_no_name_from_mxnet(folder: Path) -> None:
    assert "overriding" not in (folder / "stderr.txt").read_text()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_differs_is_noted(case: Case) -> None:
    assert bool(printed_optimizer(_update(case), RATE, {}).notes) == (case.name in NOTED)


def test_a_schedule_with_momentum_is_noted() -> None:
    update = Update(("M",), cast(Any, None), opt.Sgd(0.1, momentum=0.9), CosineSchedule())
    assert "velocity" in printed_optimizer(update, RATE, {}).notes[0]
