"""Labels that the loss ignores: left out of metrics, and nothing where none is left."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

import tercet
from tercet.compiler.graph.training import Training
from tercet.compiler.graph.weights import initial_weights
from tercet.compiler.pipeline import load
from tercet.project import FRAMEWORKS
from tests.e2e.running import Forks

CASES = Path(__file__).parent / "07-smooth-ignore-weight"


@pytest.mark.parametrize("case", ["acc", "empty", "metrics", "tags"])
def test_metrics_ignore_what_their_loss_ignores(case: str) -> None:
    program = load(CASES / f"{case}.model").program
    assert program is not None
    training = program.trainings["Tags"]
    assert isinstance(training, Training)
    assert {getattr(named.metric, "ignore_index", None) for named in training.metrics} == {-7}


@pytest.fixture(scope="module", params=FRAMEWORKS)
def forks(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Forks]:
    folder = tmp_path_factory.mktemp("ignored")
    for name in ("tags.npz", "empty.npz"):
        shutil.copy(CASES / name, folder)
    for case in ("acc", "empty", "list", "metrics", "tags"):
        shutil.copy(CASES / f"{case}.model", folder)
        tercet.compile(folder / f"{case}.model", targets=[request.param], output=folder)
    made = Forks(folder, request.param)
    yield made
    made.close()


def _tested(forks: Forks, case: str, *flags: str) -> dict[str, Any]:
    """What evaluation reports, from weights that do not depend on the framework."""
    random = np.random.default_rng(0)
    weights = forks.folder / "weights.safetensors"
    shapes = {"dense.weight": (4, 3), "dense.bias": (4,)}
    drawn = {n: random.normal(size=s).astype(np.float32) for n, s in shapes.items()}
    save_file(drawn, weights)
    log = forks.folder / f"log_{case}"
    done = forks.run(
        f"{case}_{forks.target}.py",
        *("--weights", str(weights), "--log-dir", str(log), *flags),
    )
    assert done.code == 0, done.stderr
    *_, last = (log / "metrics.jsonl").read_text().splitlines()
    found: dict[str, Any] = json.loads(last)["test"]
    return found


@pytest.mark.slow
def test_counted_labels_only(forks: Forks) -> None:
    random = np.random.default_rng(0)
    weight = random.normal(size=(4, 3)).astype(np.float32)
    bias = random.normal(size=4).astype(np.float32)
    with np.load(CASES / "tags.npz") as arrays:
        x, label = arrays["x"][6:], arrays["t"][6:]
    logits = x @ weight.T + bias
    counted = label != -7
    assert (counted.sum(), label.size) == (23, 30)
    right = (logits.argmax(-1) == label)[counted].mean()
    own = np.take_along_axis(logits, np.where(counted, label, 0)[..., None], -1)
    top = ((logits > own).sum(-1) < 2)[counted].mean()
    log_sum = np.log(np.exp(logits.astype(np.float64)).sum(-1))
    perplexity = np.exp((log_sum - own[..., 0])[counted].mean())
    found = _tested(forks, "metrics", "--epochs", "0", "--evaluate")
    assert found["acc"] == pytest.approx(right, abs=1e-6)
    assert found["top"] == pytest.approx(top, abs=1e-6)
    assert found["ppl"] == pytest.approx(perplexity, rel=1e-5)
    pairs = np.zeros((4, 4), int)
    np.add.at(pairs, (label[counted], logits.argmax(-1)[counted]), 1)
    assert found["pairs"] == pairs.tolist()
    right, either = np.diag(pairs), pairs.sum(0) + pairs.sum(1) - np.diag(pairs)
    assert found["iou"] == pytest.approx((right[either > 0] / either[either > 0]).mean())
    for case in ("acc", "tags"):
        assert _tested(forks, case, "--epochs", "0", "--evaluate")["acc"] == found["acc"]


@pytest.mark.slow
@pytest.mark.parametrize("case", ["tags", "list"])
def test_the_loss_and_a_step_of_it(case: str, forks: Forks) -> None:
    """Smoothed, weighted, with labels left out: as numbers, and as PyTorch computes them."""
    start = initial_weights(load(CASES / "tags.model").program_or_raise().models["Tags"], 0)
    log, weights, saved = (forks.folder / name for name in ("log_step", "start.st", "end.st"))
    save_file(start, weights)
    flags = ("--weights", str(weights), "--save", str(saved), "--log-dir", str(log))
    shutil.rmtree(log, ignore_errors=True)
    done = forks.run(f"{case}_{forks.target}.py", *flags)
    assert done.code == 0, done.stderr
    logged: dict[str, Any] = {}
    for line in (log / "metrics.jsonl").read_text().splitlines():
        logged |= json.loads(line)
    assert logged["loss"] == pytest.approx(2.015642, abs=1e-6)
    assert logged["test"]["loss"] == pytest.approx(1.833839, abs=2e-6)
    assert logged["test"]["acc"] == pytest.approx(8 / 23, abs=1e-6)
    for name, array in _stepped(start).items():
        np.testing.assert_allclose(load_file(saved)[name], array, atol=2e-7, err_msg=name)


def _stepped(start: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The weights after one step of gradient descent, in float64."""
    with np.load(CASES / "tags.npz") as arrays:
        x, label = arrays["x"][:6].reshape(-1, 3).astype(np.float64), arrays["t"][:6].ravel()
    x, label = x[label != -7], label[label != -7]
    weight = np.array([0.5, 2.0, 1.0, 3.0])
    logits = x @ start["dense.weight"].T + start["dense.bias"]
    chance = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    wanted = (0.8 * np.eye(4)[label] + 0.2 / 4) * weight
    slope = (chance * wanted.sum(-1, keepdims=True) - wanted) / weight[label].sum()
    gradients = {"dense.weight": slope.T @ x, "dense.bias": slope.sum(0)}
    return {name: array - 0.1 * gradients[name] for name, array in start.items()}


@pytest.mark.slow
def test_a_batch_without_counted_labels_changes_nothing(forks: Forks) -> None:
    saved = forks.folder / "saved.safetensors"
    found = _tested(forks, "empty", "--epochs", "1", "--save", str(saved))
    assert found["loss"] == 0
    assert np.isnan(found["acc"])
    before = load_file(forks.folder / "weights.safetensors")
    for name, array in load_file(saved).items():
        np.testing.assert_array_equal(array, before[name])
