"""What `no_decay` spares, by numbers: a step whose gradient is zero moves by weight decay alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tercet.dsl.diagnostics import DiagnosticError
from tests.backends.training_scripts import FRAMEWORKS, check, prepare, run_all, trained

_MODEL = """
block Unit(units) {
    input x: f32[N, T, D]
    output x |> dense(units, name = "class") |> layer_norm |> relu
}
model Net() {
    input x: f32[N, 5, 3]
    param gain: f32[4] = ones()
    param bias: f32[4] = ones()
    h = x
    for _ in range(2) { h = h |> Unit(4) }
    h = (h * gain + bias) |> lstm(5) |> gru(3)
    y = h[:, -1] |> batch_norm |> dense(2)
    output y
}
train Net {
    target t: f32[N, 2]
    data = synthetic(rows = 8, split = 1.0) { x = normal(std = 1.0), t = normal(std = 1.0) }
    loss = LOSS
    optimizer = OPTIMIZER
    no_decay = PATTERNS
    batch = 4
    epochs = 1
}
"""
PATTERNS = '["*bias", "*norm*", "gain"]'
SPARED = ("bias", "norm", "gain")


@dataclass(frozen=True)
class Case:
    """An optimizer with weight decay."""

    name: str
    optimizer: str


CASES = [
    Case("sgd", "sgd(lr = 0.1, weight_decay = 0.2)"),
    Case("momentum", "sgd(lr = 0.1, momentum = 0.9, weight_decay = 0.2)"),
    Case("nesterov", "sgd(lr = 0.1, momentum = 0.9, nesterov = true, weight_decay = 0.2)"),
    Case("adam", "adam(lr = 0.1, weight_decay = 0.2)"),
    Case("adamw", "adamw(lr = 0.1, weight_decay = 0.2)"),
    Case("nadam", "nadam(lr = 0.1, weight_decay = 0.2)"),
    Case("rmsprop", "rmsprop(lr = 0.1, eps = 1e-20, weight_decay = 0.2)"),
    Case("adagrad", "adagrad(lr = 0.1, weight_decay = 0.2)"),
    Case("adadelta", "adadelta(lr = 0.1, weight_decay = 0.2)"),
    Case("lion", "lion(lr = 0.1, weight_decay = 0.2)"),
]
SOME = ("sgd", "adam", "adamw", "lion")
"""Those tried in TensorFlow, where weight decay is one line of the base class and starting slow."""
RUNS = [
    (framework, case)
    for framework in FRAMEWORKS
    for case in CASES
    if framework != "tensorflow" or case.name in SOME
]
WHOLE, HALF, REST = (
    "--epochs 3 --save {0}/whole",
    "--epochs 2 --checkpoint {0}/state",
    "--epochs 3 --resume {0}/state --save {0}/resumed",
)
RESUMED = [case for case in CASES if case.name in ("momentum", "adamw")]


def _text(optimizer: str, loss: str = "0 * mean(y + t)", patterns: str = PATTERNS) -> str:
    text = _MODEL.replace("OPTIMIZER", optimizer).replace("PATTERNS", patterns)
    return text.replace("LOSS", loss)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    places = {}
    for framework in FRAMEWORKS:
        place = places[framework] = tmp_path_factory.mktemp(f"{framework}_no_decay")
        for case in (case for where, case in RUNS if where == framework):
            start = "--batch-size 8 --weights {0}/weights.safetensors --save {0}/saved"
            prepare(framework, _text(case.optimizer), place / case.name, start)
        for case in RESUMED:
            text = _text(case.optimizer, "mse(y, t)")
            prepare(framework, text, place / f"{case.name}_resumed", WHOLE, HALF, REST)
        run_all(place)
    return places


@pytest.mark.slow
@pytest.mark.parametrize("framework, case", RUNS, ids=lambda part: getattr(part, "name", part))
def test_exactly_the_others_decay(framework: str, case: Case, folders: dict[str, Path]) -> None:
    place = folders[framework] / case.name
    check(place)
    graph, training = trained(_text(case.optimizer))
    optimizer = training.update.optimizer
    before, after = load_file(place / "weights.safetensors"), load_file(place / "saved")
    for path, parameter in graph.parameters():
        if not parameter.trainable:
            continue
        weight = before[path].astype(np.float64)
        if any(word in path for word in SPARED):
            np.testing.assert_array_equal(after[path], before[path], path)
            continue
        slots = optimizer.initial(weight)
        expected, _ = optimizer.update(weight, 0 * weight, slots, 0, optimizer.lr)
        moved = np.abs(expected - weight).max()
        assert moved > 1e-4
        np.testing.assert_allclose(after[path], expected, rtol=0, atol=1e-3 * moved, err_msg=path)


@pytest.mark.slow
@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("case", RESUMED, ids=lambda case: case.name)
def test_a_resumed_run_spares_the_same(
    case: Case, framework: str, folders: dict[str, Path]
) -> None:
    place = folders[framework] / f"{case.name}_resumed"
    check(place)
    assert (place / "whole").read_bytes() == (place / "resumed").read_bytes()


def test_keras_cannot_tell_the_biases_of_a_gru_apart(tmp_path: Path) -> None:
    text = _text("adamw(lr = 0.1)", patterns='["*.bias"]')
    with pytest.raises(DiagnosticError) as caught:
        prepare("tensorflow", text, tmp_path / "job")
    (problem,) = caught.value.diagnostics
    assert problem.code == "E0701"
    assert "`gru.recurrent_bias` from `gru.bias`" in problem.message
    assert problem.span.text == '["*.bias"]'


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_without_weight_decay_nothing_is_said_of_it(framework: str, tmp_path: Path) -> None:
    prepare(framework, _text("adam(lr = 0.1)"), tmp_path / "job")
    text = (tmp_path / "job" / "script.py").read_text()
    assert "fnmatch" not in text
    assert "NO_DECAY" not in text
