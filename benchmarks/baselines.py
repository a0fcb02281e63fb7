"""What is reached without a network: the values that a trained sample has to beat.

    python -m benchmarks.baselines SAMPLE SCRIPT SEED

prints them as JSON, `{metric: value}`, for the rows that SCRIPT, a generated one, trains and tests
on with this seed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Arrays = tuple[Array, ...]


@dataclass(frozen=True)
class Baseline:
    """`metrics` gives the values from the arrays to train on and to test on; `reason` names it."""

    reason: str
    metrics: Callable[[Arrays, Arrays], Mapping[str, float]]


def _most_frequent(train: Arrays, test: Arrays) -> Mapping[str, float]:
    classes, counts = np.unique(train[-1], return_counts=True)
    return {"accuracy": float((test[-1] == classes[counts.argmax()]).mean())}


def _never_alike(train: Arrays, test: Arrays) -> Mapping[str, float]:
    """Two digits drawn at random mostly differ."""
    share = float(((np.bincount(test[-1]) / len(test[-1])) ** 2).sum())
    return {"accuracy": 1 - share}


def _last_value(train: Arrays, test: Arrays) -> Mapping[str, float]:
    history, following = test
    error = history[:, -1] - following
    return {"mae": float(np.abs(error).mean()), "rmse": float(np.sqrt((error**2).mean()))}


def _byte_pairs(train: Arrays, test: Arrays) -> Mapping[str, float]:
    """Which byte follows which, counted; a hundredth is added to each count."""
    counts = np.full((256, 256), 0.01)
    np.add.at(counts, (train[0].ravel(), train[1].ravel()), 1)
    probability = counts / counts.sum(1, keepdims=True)
    likelihood = probability[test[0], test[1]]
    return {"perplexity": float(np.exp(-np.log(likelihood).mean()))}


def _byte_counts(train: Arrays, test: Arrays) -> Mapping[str, float]:
    """Passages whose two halves have bytes in like numbers, by the cosine, in batches of 32."""
    usual = _histograms(np.concatenate(train)).mean(0)
    first, second = (_unit(_histograms(ids) - usual) for ids in test)
    batches = [slice(k, k + 32) for k in range(0, len(first), 32)]
    chosen = [(first[rows] @ second[rows].T).argmax(1) for rows in batches]
    right = [places == np.arange(len(places)) for places in chosen]
    return {"accuracy": float(np.concatenate(right).mean())}


def _histograms(ids: Array) -> Array:
    return np.stack([np.bincount(row, minlength=256) for row in ids]).astype(float)


def _unit(rows: Array) -> Array:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def _components(count: int) -> Callable[[Arrays, Arrays], Mapping[str, float]]:
    """The error of a projection on principal components: the best linear autoencoder."""

    def metrics(train: Arrays, test: Arrays) -> Mapping[str, float]:
        known, new = (arrays[0].reshape(len(arrays[0]), -1) for arrays in (train, test))
        mean = known.mean(0)
        axes = np.linalg.svd(known - mean, full_matrices=False)[2][:count]
        rest = (new - mean) - (new - mean) @ axes.T @ axes
        return {"mse": float((rest**2).mean())}

    return metrics


def _blurred(train: Arrays, test: Arrays) -> Mapping[str, float]:
    """Ink is where the mean of 3 x 3 noisy pixels is above a half."""
    (image,) = test
    noisy = image + 0.5 * np.random.default_rng(0).standard_normal(image.shape)
    padded = np.pad(noisy, ((0, 0), (0, 0), (1, 1), (1, 1)))
    height, width = image.shape[2:]
    shifted = [padded[..., i : i + height, j : j + width] for i in range(3) for j in range(3)]
    said = np.mean(shifted, axis=0) > 0.5
    ink = image > 0.5
    return {"f1": float(2 * (said & ink).sum() / (said.sum() + ink.sum()))}


_FREQUENT = Baseline("the most frequent class", _most_frequent)
BASELINES: Mapping[str, Baseline] = {
    "logistic_regression": _FREQUENT,
    "mlp": _FREQUENT,
    "article_cnn": _FREQUENT,
    "rnn": Baseline("the last value", _last_value),
    "lstm_forecast": Baseline("last month's growth", _last_value),
    "siamese": Baseline("never alike", _never_alike),
    "autoencoder": Baseline("16 principal components", _components(16)),
    "vae": Baseline("the mean image", _components(0)),
    "unet": Baseline("a blurred image's threshold", _blurred),
    "char_gru": Baseline("pairs of bytes", _byte_pairs),
    "tiny_gpt": Baseline("pairs of bytes", _byte_pairs),
    "bert_tiny": Baseline("counts of bytes", _byte_counts),
}


def parts(script: Path, seed: int) -> tuple[Arrays, Arrays]:
    """The arrays that a script trains on and tests on: its `main` without these two."""
    spec = importlib.util.spec_from_file_location(script.stem, script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    given = list[Arrays]()

    def aside(model: object, arrays: Arrays, args: object) -> dict[str, float]:
        given.append(arrays)
        return {}

    vars(module).update(train=aside, evaluate=aside)
    sys.argv = [str(script), "--seed", str(seed), "--device", "cpu"]
    with contextlib.redirect_stdout(None):
        module.main()
    train, test = given
    return train, test


if __name__ == "__main__":
    sample, script, seed = sys.argv[1:]
    print(json.dumps(BASELINES[sample].metrics(*parts(Path(script), int(seed)))))
