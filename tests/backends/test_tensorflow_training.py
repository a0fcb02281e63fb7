"""Training by TensorFlow scripts: optimizers against their definitions, losses, resuming."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tercet.backends.base import Place
from tercet.backends.tensorflow import BACKEND
from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.training import Training
from tercet.compiler.graph.weights import lively_weights
from tercet.compiler.pipeline import load
from tercet.dsl.source import Source
from tests.backends.onnx_graphs import Array
from tests.backends.tensorflow_scripts import run_all

_LINEAR = """
model Linear() {
    input x: f32[N, 3]
    y = x |> dense(2)
    output y
}
train Linear {
    target t: f32[N, 2]
    data = synthetic(rows = ROWS, split = 0.8) {
        x = normal(std = 1.0), t = stack([x[:, 0] - x[:, 1], 2 * x[:, 2]], axis = 1)
    }
    loss = mse(y, t)
    metrics = { mae = mae(y, t), rmse = rmse(y, t) }
    batch = BATCH
    epochs = EPOCHS
    SETTINGS
}
"""


@dataclass(frozen=True)
class Case:
    """Settings of `train`, and how near the definition Keras' optimizer comes."""

    name: str
    settings: str
    tolerance: float
    rows: int = 100
    batch: int = 16
    epochs: int = 4

    @property
    def text(self) -> str:
        """The model and its training."""
        numbers = {"ROWS": self.rows, "BATCH": self.batch, "EPOCHS": self.epochs}
        text = _LINEAR.replace("SETTINGS", self.settings)
        for name, number in numbers.items():
            text = text.replace(name, str(number))
        return text


OPTIMIZERS = [
    Case("cosine", "optimizer = sgd(lr = 0.1)\n schedule = cosine(warmup = 5)", 1e-5),
    # 37 steps an epoch, which no number of steps executed at once divides
    Case("uneven", "optimizer = sgd(lr = 0.01, momentum = 0.9)", 1e-5, rows=93, batch=2),
    # more epochs than one `fit` takes
    Case("long", "optimizer = sgd(lr = 0.01)\n schedule = cosine()", 1e-5, epochs=53),
]
"""Numbers of steps; `test_updates.py` goes through the optimizers."""

_CLASSIFIER = """
model Classifier() {
    input x: f32[N, 4]
    h = x |> dense(8) |> batch_norm |> relu |> dropout(0.2)
    logits = h |> dense(3)
    value = h |> dense(1)
    output logits, value
}
train Classifier {
    target label: i64[N]
    target t: f32[N, 1]
    data = synthetic(rows = 90, split = 0.8) {
        x = normal(std = 1.0), label = cast(x[:, 0] > 0, i64), t = x[:, 0:1]
    }
    loss = LOSS
    optimizer = OPTIMIZER(lr = 0.01)
    schedule = step(size = 5, gamma = 0.5)
    metrics = { accuracy = accuracy(logits, label), r2 = r2(value, t) }
    batch = 16
    epochs = 2
}
"""

LOSSES = {
    "smoothed": "cross_entropy(logits, label, label_smoothing = 0.1) + 0.5 * mae(value, t)",
    "ignored": "cross_entropy(logits, label, ignore_index = 1) + smooth_l1(value, t, beta = 0.5)",
    "summed": 'cross_entropy(logits, label, reduction = "sum") / N + huber(value, t)',
    "noisy": "nll(log_softmax(logits), label) + mse(value + 0.1 * random_normal([N, 1]), t)",
    "hinged": "hinge(value, sign(t)) + 0.1 * mean(logits ** 2)",
    "binary": "binary_cross_entropy(sigmoid(value), cast(t > 0, f32))",
    "bits": "binary_cross_entropy_with_logits(value, cast(t > 0, f32)) + 0 * mean(logits)",
    "divergent": "kl_div(log_softmax(logits), one_hot(label, 3)) + mean(value ** 2)",
    "angular": "cosine_similarity(logits, one_hot(label, 3)) + mean(value ** 2)",
}
RESUMED = {"noisy": "adam", "summed": "nadam"}
"""Losses whose runs are resumed, with the optimizer of each."""

_ROWS = """
model Rows() {
    input ids: i64[N, 4]
    y = sum(ids |> embedding(8, 3), axis = 1)
    output y
}
train Rows {
    target t: f32[N, 3]
    data = iris() { ids = cast(features, i64), t = features[:, 1:] }
    loss = mse(y, t)
    optimizer = adam(lr = 0.01)
    clip = global_norm(1.0)
    precision = f16
    epochs = 1
}
"""


def trained(text: str) -> tuple[Graph, Training]:
    program = load(Source("test.model", text)).program_or_raise()
    ((name, graph),) = program.models.items()
    training = program.trainings[name]
    assert isinstance(training, Training)
    return graph, training


def classifier(name: str) -> str:
    """The classifier with the loss of this name."""
    text = _CLASSIFIER.replace("LOSS", LOSSES[name])
    return text.replace("OPTIMIZER", RESUMED.get(name, "adam"))


def prepare(name: str, text: str, folder: Path, flags: str) -> None:
    place = folder / name
    graph, training = trained(text)
    script = BACKEND.render(graph, training, Place("test.model", place, place, "script.py"))
    place.mkdir(parents=True)
    (place / "script.py").write_text(script)
    (place / "flags.txt").write_text(flags.format(place))
    save_file(lively_weights(graph, 0), place / "weights.safetensors")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tensorflow_training")
    for case in OPTIMIZERS:
        prepare(f"a_{case.name}", case.text, place, "--log-dir {0}")
    for name in LOSSES:
        flags = "--log-dir {0} --checkpoint {0}/state --checkpoint-every 3 --epochs 1"
        prepare(f"b_{name}", classifier(name), place, flags)
    for name in RESUMED:
        text = classifier(name)
        prepare(f"c_{name}", text, place, "--epochs 2")
        resume = f"--epochs 2 --resume {place}/b_{name}/state"
        prepare(f"d_{name}", text, place, resume)
    prepare("e_rows_of_a_scaled_loss", _ROWS, place, "")
    run_all(place)
    return place


def _functions(script: str, *names: str) -> dict[str, Any]:
    """Functions of a script that need NumPy only."""
    tree = ast.parse(script)
    wanted: list[ast.stmt] = [
        d for d in tree.body if isinstance(d, ast.FunctionDef) and d.name in names
    ]
    scope: dict[str, Any] = {"np": np}
    exec(compile(ast.Module(wanted, []), "script.py", "exec"), scope)
    return scope


def _expected(case: Case, script: str, weights: dict[str, Array]) -> dict[str, Array]:
    """The weights after training, by the definitions in NumPy."""
    graph, training = trained(case.text)
    assert graph.name == "Linear"
    functions = _functions(script, "load_data", "batches")
    (x, t), _ = functions["load_data"](0)
    batches = functions["batches"]
    update = training.update
    optimizer = update.optimizer
    values = {name: array.astype(np.float64) for name, array in weights.items()}
    slots = {name: optimizer.initial(array) for name, array in values.items()}
    order = [rows for e in range(case.epochs) for rows in batches(len(x), case.batch, 0, e)]
    for step, rows in enumerate(order):
        error = 2 * (x[rows] @ values["dense.weight"].T + values["dense.bias"] - t[rows])
        error = error / error.size
        gradients = {"dense.weight": error.T @ x[rows], "dense.bias": error.sum(0)}
        if update.clip is not None:
            found = update.clip.apply(list(gradients.values()))
            gradients = dict(zip(gradients, found, strict=True))
        rate = optimizer.lr * update.schedule.factor(step, len(order))
        for name, gradient in gradients.items():
            values[name], slots[name] = optimizer.update(
                values[name], gradient, slots[name], step, rate
            )
    return values


def _no_error(place: Path) -> None:
    error = place / "error.txt"
    assert not error.exists(), f"{error.read_text()}\n{(place / 'script.py').read_text()}"


@pytest.mark.slow
@pytest.mark.parametrize("case", OPTIMIZERS, ids=lambda case: case.name)
def test_an_optimizer_does_what_is_defined(case: Case, folder: Path) -> None:
    place = folder / f"a_{case.name}"
    _no_error(place)
    start = load_file(place / "weights.safetensors")
    expected = _expected(case, (place / "script.py").read_text(), start)
    found = load_file(place / "saved.safetensors")
    for name, truth in expected.items():
        moved = np.abs(truth - start[name]).max()
        assert np.abs(found[name] - truth).max() <= case.tolerance * moved, name


@pytest.mark.slow
def test_the_record_of_training(folder: Path) -> None:
    place = folder / "a_cosine"
    _no_error(place)
    records = [json.loads(line) for line in (place / "metrics.jsonl").read_text().splitlines()]
    *epochs, last = records
    assert [(r["epoch"], r["step"]) for r in epochs] == [(1, 5), (2, 10), (3, 15), (4, 20)]
    assert epochs[0]["learning_rate"] == pytest.approx(0.1)
    assert epochs[-1]["loss"] < epochs[0]["loss"]
    assert last["epoch"] == 4
    script = (place / "script.py").read_text()
    _, (x, t) = _functions(script, "load_data")["load_data"](0)
    saved = load_file(place / "saved.safetensors")
    error = x @ saved["dense.weight"].T + saved["dense.bias"] - t
    assert last["test"]["loss"] == pytest.approx(np.square(error).mean(), rel=1e-4)
    assert last["test"]["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-4)
    assert last["test"]["rmse"] == pytest.approx(np.sqrt(np.square(error).mean()), rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_trains(name: str, folder: Path) -> None:
    place = folder / f"b_{name}"
    _no_error(place)
    first, last = map(json.loads, (place / "metrics.jsonl").read_text().splitlines())
    assert np.isfinite(first["loss"])
    assert first["learning_rate"] == 0.01
    assert set(last["test"]) >= {"accuracy", "r2"}
    before = load_file(place / "weights.safetensors")
    after = load_file(place / "saved.safetensors")
    assert all(np.isfinite(array).all() for array in after.values())
    assert any(np.abs(after[key] - before[key]).max() > 1e-4 for key in after)


@pytest.mark.slow
@pytest.mark.parametrize("name", RESUMED)
def test_a_resumed_run_ends_where_the_whole_one_does(name: str, folder: Path) -> None:
    _no_error(folder / f"c_{name}")
    _no_error(folder / f"d_{name}")
    whole = (folder / f"c_{name}" / "saved.safetensors").read_bytes()
    resumed = (folder / f"d_{name}" / "saved.safetensors").read_bytes()
    assert whole == resumed


@pytest.mark.slow
def test_rows_of_a_scaled_loss_are_added_up(folder: Path) -> None:
    place = folder / "e_rows_of_a_scaled_loss"
    _no_error(place)
    start = load_file(place / "weights.safetensors")["embedding.weight"]
    found = load_file(place / "saved.safetensors")["embedding.weight"]
    assert np.abs(found - start).max() == pytest.approx(0.03, rel=0.1)  # three steps of Adam
