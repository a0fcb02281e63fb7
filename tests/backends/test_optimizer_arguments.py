"""Every argument of every optimizer reaches the scripts: trained weights against the definitions.

Values of `eps` are so small that it does not matter where a framework adds it.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from sklearn.datasets import load_iris

from tercet.backends.tensorflow.optimizers import differences
from tercet.compiler.training import OPTIMIZERS, Optimizer
from tercet.compiler.training.optimizers import RmsProp, Sgd
from tests.backends.training_scripts import check, run_cases, trained

FRAMEWORKS = ("pytorch", "mxnet")
"""Keras' weight decay is decoupled: `test_tensorflow_training.py`."""
BATCH = 8
TEXT = f"""
model M {{{{
    input x: f32[N, 4]
    output y = x |> dense(3)
}}}}
train M {{{{
    target t: f32[N, 3]
    data = iris() {{{{ x = features, t = features[:, 1:] }}}}
    loss = mse(y, t)
    optimizer = {{optimizer}}
    {{more}}
    batch = {BATCH}
    epochs = 1
}}}}
"""
OPTIMIZER_TEXTS = {
    "sgd": "sgd(lr = 0.01, momentum = 0.8, weight_decay = 0.2)",
    "nesterov": "sgd(lr = 0.01, momentum = 0.8, nesterov = true, weight_decay = 0.2)",
    "adam": "adam(lr = 0.01, beta1 = 0.8, beta2 = 0.95, eps = 1e-9, weight_decay = 0.2)",
    "adamw": "adamw(lr = 0.01, beta1 = 0.8, beta2 = 0.95, eps = 1e-9, weight_decay = 0.2)",
    "nadam": """nadam(lr = 0.01, beta1 = 0.8, beta2 = 0.95, eps = 1e-9, momentum_decay = 0.5,
        weight_decay = 0.2)""",
    "rmsprop": "rmsprop(lr = 0.01, rho = 0.9, eps = 1e-9, weight_decay = 0.2)",
    "rmsprop_centered": """rmsprop(lr = 0.01, rho = 0.9, eps = 1e-4, momentum = 0.5,
        centered = true, weight_decay = 0.2)""",
    "adagrad": """adagrad(lr = 0.05, lr_decay = 0.1, eps = 1e-9, initial_accumulator = 0.1,
        weight_decay = 0.2)""",
    "adadelta": "adadelta(lr = 0.5, rho = 0.8, eps = 1e-5, weight_decay = 0.2)",
    "lion": "lion(lr = 0.001, beta1 = 0.8, beta2 = 0.95, weight_decay = 0.2)",
}
MORE = {
    "plain": "",
    "norm": "clip = global_norm(0.5)",
    "value": "clip = value(0.2)",
    "spared": 'no_decay = ["*.bias"]',
}
CASES = {
    f"{name}_{kind}": TEXT.format(optimizer=optimizer, more=more)
    for name, optimizer in OPTIMIZER_TEXTS.items()
    for kind, more in MORE.items()
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("optimizer_arguments")
    return run_cases(FRAMEWORKS, CASES, place, "--weights {0}/weights.safetensors --save {0}/saved")


def _expected(text: str, start: dict[str, Any]) -> dict[str, Any]:
    """The weights after an epoch, by the definitions alone."""
    _, training = trained(text)
    optimizer, clip = training.update.optimizer, training.update.clip
    decay = {
        name: 0.0 if name.endswith("bias") and training.decay_exceptions else None for name in start
    }
    features = load_iris().data.astype(np.float32).astype(np.float64)
    rows = features[np.random.default_rng(0).permutation(len(features))[: int(0.8 * 150)]]
    order = np.random.default_rng((0, 0)).permutation(len(rows)).reshape(-1, BATCH)
    weights = {name: array.astype(np.float64) for name, array in start.items()}
    slots = {name: optimizer.initial(array) for name, array in weights.items()}
    for step, batch in enumerate(order):
        x = rows[batch]
        error = x @ weights["dense.weight"].T + weights["dense.bias"] - x[:, 1:]
        error *= 2 / error.size
        gradients = {"dense.weight": error.T @ x, "dense.bias": error.sum(axis=0)}
        if clip is not None:
            clipped = clip.apply(list(gradients.values()))
            gradients = dict(zip(gradients, clipped, strict=True))
        for name, gradient in gradients.items():
            of_it = _with_decay(optimizer, decay[name])
            weights[name], slots[name] = of_it.update(
                weights[name], gradient, slots[name], step, optimizer.lr
            )
    return weights


def _with_decay(optimizer: Any, decay: float | None) -> Any:
    settings = {f.name: getattr(optimizer, f.name) for f in fields(optimizer)}
    return optimizer if decay is None else type(optimizer)(**{**settings, "weight_decay": decay})


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_no_argument_is_left_out(name: str) -> None:
    texts = "\n".join(t for t in OPTIMIZER_TEXTS.values() if t.startswith(f"{name}("))
    assert all(f"{field.name} = " in texts for field in fields(OPTIMIZERS[name]))


@pytest.mark.slow
@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", CASES)
def test_scripts_train_as_defined(name: str, framework: str, folder: Path) -> None:
    job = folder / framework / name
    check(job)
    expected = _expected(CASES[name], load_file(job / "weights.safetensors"))
    found = load_file(job / "saved")
    assert found.keys() == expected.keys()
    for path, array in expected.items():
        np.testing.assert_allclose(found[path], array, rtol=0, atol=2e-5, err_msg=path)


@pytest.mark.parametrize("optimizer", [Sgd(0.1, momentum=0.9), RmsProp(0.1, momentum=0.9)])
def test_keras_note_on_a_changing_rate(optimizer: Optimizer) -> None:
    assert "velocity" in " ".join(differences(optimizer, changing_rate=True))
    assert "velocity" not in " ".join(differences(optimizer, changing_rate=False))
