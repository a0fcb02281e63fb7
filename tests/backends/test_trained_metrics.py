"""What evaluation reports after training, the last batch being smaller: equal in all frameworks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.backends.training_scripts import FRAMEWORKS, check, run_cases

TEXT = """
model M {{
    input x: f32[N, 4]
    output y = x |> dense({width}) {ending}
}}
train M {{
    target t: {target}
    data = iris() {{ x = features, t = {source} }}
    loss = {loss}
    optimizer = sgd(lr = 0.02)
    metrics = {{ m = {metric} }}
    batch = 8
    epochs = 1
}}
"""
NUMBERS = {
    "width": 3,
    "ending": "",
    "target": "f32[N, 3]",
    "source": "features[:, 1:] / 4",  # none of them 0 or 1
    "loss": "mse(y, t)",
}
CLASSES = {**NUMBERS, "target": "i64[N]", "source": "label", "loss": "cross_entropy(y, t)"}
SEQUENCES = {
    "width": 12,
    "ending": "|> reshape([N, 4, 3])",
    "target": "i64[N, 4]",
    "source": "repeat(reshape(label, [N, 1]), 4, axis = 1)",
    "loss": "cross_entropy(y, t, axis = -1)",
}
PAIRS = ("confusion", "class_precision", "class_recall", "iou", "cohen_kappa")
CASES = {
    **{
        f"{name}_of_numbers": TEXT.format(**NUMBERS, metric=f"{name}(y, t)")
        for name in ("mae", "mse", "rmse", "r2", "binary_accuracy", "precision", "recall", "f1")
    },
    **{
        f"{metric.partition('(')[0]}_of_classes": TEXT.format(**CLASSES, metric=metric)
        for metric in ("accuracy(y, t)", "top_k_accuracy(y, t, k = 2)", "perplexity(y, t)")
    },
    **{f"{name}_of_classes": TEXT.format(**CLASSES, metric=f"{name}(y, t)") for name in PAIRS},
    **{
        f"{name}_of_sequences": TEXT.format(
            **SEQUENCES, metric=f"{name}(y, t, axis = -1, ignore_index = 1)"
        )
        for name in PAIRS
    },
    **{
        f"{metric.partition('(')[0]}_of_sequences": TEXT.format(**SEQUENCES, metric=metric)
        for metric in (
            "accuracy(y, t, axis = -1)",
            "top_k_accuracy(y, t, k = 2, axis = -1)",
            "perplexity(y, t, axis = -1)",
        )
    },
    "auc_of_numbers": TEXT.format(**NUMBERS, metric="auc(y, t)"),
    "a_threshold": TEXT.format(**NUMBERS, metric="binary_accuracy(y, t, threshold = 0.2)"),
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("trained_metrics")
    return run_cases(FRAMEWORKS, CASES, place, "--weights {0}/weights.safetensors --log-dir {0}")


def _reported(job: Path) -> dict[str, Any]:
    check(job)
    *_, last = (json.loads(line) for line in (job / "metrics.jsonl").read_text().splitlines())
    found: dict[str, Any] = last["test"]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_all_frameworks_report_the_same(name: str, folder: Path) -> None:
    first, *others = (_reported(folder / framework / name) for framework in FRAMEWORKS)
    assert list(first) == ["loss", "m"]
    for other in others:
        assert list(other) == list(first)
        for measured, expected in zip(other.values(), first.values(), strict=True):
            np.testing.assert_allclose(measured, expected, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_matrix_is_logged_as_rows_and_printed_as_a_table(framework: str, folder: Path) -> None:
    job = folder / framework / "confusion_of_classes"
    rows = _reported(job)["m"]
    assert np.shape(rows) == (3, 3)
    assert np.sum(rows) == 30
    assert f"m\n{np.array(rows)}\nloss " in (job / "output.txt").read_text()
