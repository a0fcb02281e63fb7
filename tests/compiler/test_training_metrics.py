"""Metrics: known values, batches of any size, and printed classes that agree."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from tercet.codegen.script.metrics import printed_metrics
from tercet.compiler.dims import symbol
from tercet.compiler.errors import OpError
from tercet.compiler.graph.training import NamedMetric
from tercet.compiler.training.metrics import (
    F1,
    METRICS,
    R2,
    Accuracy,
    AreaUnderCurve,
    BinaryAccuracy,
    ClassMetric,
    ClassPrecision,
    ClassRecall,
    CohenKappa,
    Confusion,
    MeanAbsoluteError,
    MeanIntersectionOverUnion,
    MeanSquaredError,
    Metric,
    Perplexity,
    Precision,
    Recall,
    RootMeanSquaredError,
    TopKAccuracy,
)
from tercet.compiler.types import DType, TensorType

N = symbol("N")
ROWS, CLASSES, LENGTH = 23, 6, 5

PAIRS: tuple[type[ClassMetric], ...] = (
    Confusion,
    ClassPrecision,
    ClassRecall,
    MeanIntersectionOverUnion,
    CohenKappa,
)
CASES: list[tuple[Metric, str]] = [
    (Accuracy(), "classes"),
    (Accuracy(axis=-1), "language"),
    (TopKAccuracy(k=2), "classes"),
    (TopKAccuracy(axis=-1, k=3), "language"),
    (Perplexity(), "classes"),
    (Perplexity(axis=-1), "language"),
    (Accuracy(axis=-1, ignore_index=2), "language"),
    (TopKAccuracy(axis=-1, k=3, ignore_index=2), "language"),
    (Perplexity(axis=-1, ignore_index=2), "language"),
    (Perplexity(ignore_index=-1), "classes"),
    *((metric(), "classes") for metric in PAIRS),
    *((metric(axis=-1), "language") for metric in PAIRS),
    *((metric(axis=-1, ignore_index=2), "language") for metric in PAIRS),
    (AreaUnderCurve(), "binary"),
    (AreaUnderCurve(), "ties"),
    (BinaryAccuracy(), "binary"),
    (Precision(), "binary"),
    (Recall(threshold=0.3), "binary"),
    (F1(), "binary"),
    (MeanAbsoluteError(), "regression"),
    (MeanSquaredError(), "regression"),
    (RootMeanSquaredError(), "regression"),
    (R2(), "regression"),
]


def operands(kind: str) -> tuple[Any, Any]:
    random = np.random.default_rng(5)
    match kind:
        case "classes":
            logits = random.normal(size=(ROWS, CLASSES)).astype(np.float32)
            return logits, random.integers(0, CLASSES, ROWS)
        case "language":
            logits = random.normal(size=(ROWS, LENGTH, CLASSES)).astype(np.float32)
            return logits, random.integers(0, CLASSES, (ROWS, LENGTH))
        case "binary":
            prediction = random.uniform(size=(ROWS, 1)).astype(np.float32)
            return prediction, random.integers(0, 2, (ROWS, 1)).astype(np.float32)
        case "ties":
            return random.integers(0, 5, (ROWS, 2)), random.integers(0, 2, (ROWS, 2)) > 0
    return (
        random.normal(size=(ROWS, 3)).astype(np.float32),
        random.normal(size=(ROWS, 3)).astype(np.float32),
    )


def cut(arrays: tuple[Any, Any], size: int) -> list[tuple[Any, Any]]:
    a, b = arrays
    return [(a[i : i + size], b[i : i + size]) for i in range(0, ROWS, size)]


def test_every_metric_is_tried() -> None:
    assert {type(metric) for metric, _ in CASES} == set(METRICS.values())


@pytest.mark.parametrize("metric, kind", CASES, ids=repr)
def test_an_uneven_last_batch_counts_by_its_rows(metric: Metric, kind: str) -> None:
    whole = metric.reference([operands(kind)])
    batched = metric.reference(cut(operands(kind), 10))
    np.testing.assert_allclose(batched, whole, rtol=1e-12)
    assert np.isscalar(whole) == metric.is_number
    assert not np.isnan(whole).all()


@pytest.mark.parametrize("metric, kind", CASES, ids=repr)
def test_printed_class_gives_the_same(metric: Metric, kind: str) -> None:
    printed = printed_metrics([NamedMetric("it", metric, ("it.0", "it.1"))])
    scope: dict[str, Any] = {}
    exec("\n".join((*printed.piece.imports, printed.piece.text)), scope)
    made = eval(printed.objects["it"], scope)
    for batch in cut(operands(kind), 10):
        made.update(*batch)
    np.testing.assert_allclose(made.result(), metric.reference([operands(kind)]), rtol=1e-12)


def test_printing_does_not_change_the_arrays() -> None:
    printed = printed_metrics([NamedMetric("p", Perplexity(), ("p.0", "p.1"))])
    scope: dict[str, Any] = {}
    exec("\n".join((*printed.piece.imports, printed.piece.text)), scope)
    logits, label = operands("classes")
    logits = logits.astype(np.float64)
    before = logits.copy()
    scope["Perplexity"]().update(logits, label)
    np.testing.assert_array_equal(logits, before)


def test_scikit_learn_agrees() -> None:
    logits, label = operands("classes")
    prediction, truth = operands("binary")
    said, true = prediction[:, 0] > 0.5, truth[:, 0] > 0.5
    a, b = operands("regression")
    top2 = sklearn_metrics.top_k_accuracy_score(label, logits, k=2, labels=range(CLASSES))
    pairs = [
        (Accuracy(), (logits, label), sklearn_metrics.accuracy_score(label, logits.argmax(1))),
        (TopKAccuracy(k=2), (logits, label), top2),
        (Precision(), (prediction, truth), sklearn_metrics.precision_score(true, said)),
        (Recall(), (prediction, truth), sklearn_metrics.recall_score(true, said)),
        (F1(), (prediction, truth), sklearn_metrics.f1_score(true, said)),
        (R2(), (a.ravel(), b.ravel()), sklearn_metrics.r2_score(b.ravel(), a.ravel())),
    ]
    for metric, arrays, expected in pairs:
        assert metric.reference([arrays]) == pytest.approx(expected, rel=1e-6), metric


def test_scikit_learn_agrees_on_pairs_of_classes_and_on_ranks() -> None:
    logits, label = operands("classes")
    said, each = logits.argmax(1), list(range(CLASSES))
    score, truth = (array.ravel() for array in operands("ties"))
    shares = {"labels": each, "average": None, "zero_division": np.nan}
    met = np.union1d(said, label)
    expected: list[tuple[Metric, Any]] = [
        (Confusion(), sklearn_metrics.confusion_matrix(label, said, labels=each)),
        (ClassPrecision(), sklearn_metrics.precision_score(label, said, **shares)),
        (ClassRecall(), sklearn_metrics.recall_score(label, said, **shares)),
        (
            MeanIntersectionOverUnion(),
            sklearn_metrics.jaccard_score(label, said, labels=met, average="macro"),
        ),
        (CohenKappa(), sklearn_metrics.cohen_kappa_score(label, said)),
    ]
    for metric, number in expected:
        np.testing.assert_allclose(metric.reference([(logits, label)]), number, rtol=1e-12)
    area = sklearn_metrics.roc_auc_score(truth, score)
    assert AreaUnderCurve().reference([(score, truth)]) == pytest.approx(area, rel=1e-12)


def test_classes_that_are_not_met() -> None:
    """They are no part of the mean of `iou`; shares of nothing are NaN."""
    logits, label = np.eye(4)[[0, 0, 1]], np.array([0, 1, 1], np.int32)
    assert Confusion().reference([(logits, label)])[:2] == [[1, 0, 0, 0], [1, 1, 0, 0]]  # type: ignore[index]
    assert MeanIntersectionOverUnion().reference([(logits, label)]) == 0.5
    nan = math.nan
    found = ClassPrecision().reference([(logits, label)])
    np.testing.assert_array_equal(found, [0.5, 1.0, nan, nan])
    np.testing.assert_array_equal(ClassRecall().reference([(logits, label)]), [1.0, 0.5, nan, nan])
    assert np.isnan(AreaUnderCurve().reference([(np.arange(3.0), np.ones(3))]))
    assert np.isnan(CohenKappa().reference([(np.eye(2)[[1, 1]], np.ones(2, int))]))


def test_metrics_of_pairs_count_them_by_one_function() -> None:
    """Byte labels do not overflow in it; some of the metrics leave labels out, others do not."""
    kinds = [Confusion(), Confusion(ignore_index=255), CohenKappa()]
    printed = printed_metrics([NamedMetric(f"m{k}", m, ("a", "b")) for k, m in enumerate(kinds)])
    scope: dict[str, Any] = {}
    exec("\n".join((*printed.piece.imports, printed.piece.text)), scope)
    logits = np.eye(200, dtype=np.float32)[[150, 199, 3]]
    label = np.array([150, 199, 4], np.uint8)
    for name, metric in zip(printed.objects, kinds, strict=True):
        made = eval(printed.objects[name], scope)
        made.update(logits, label)
        np.testing.assert_array_equal(made.result(), metric.reference([(logits, label)]))
    assert not printed.numbers


def test_two_of_a_kind_share_one_class() -> None:
    printed = printed_metrics(
        [
            NamedMetric("top2", TopKAccuracy(k=2), ("top2.0", "top2.1")),
            NamedMetric("top3", TopKAccuracy(k=3), ("top3.0", "top3.1")),
        ]
    )
    assert printed.objects == {"top2": "TopKAccuracy(k=2)", "top3": "TopKAccuracy(k=3)"}
    assert printed.piece.text.count("class ") == 1


@pytest.mark.parametrize(
    "metric",
    [
        *(metric(axis=-1) for metric in PAIRS),
        *(Accuracy(axis=-1), Perplexity(axis=-1), TopKAccuracy(axis=-1, k=2)),
    ],
)
def test_ignored_labels_are_left_out(metric: ClassMetric) -> None:
    logits, label = operands("language")
    ignoring, counted = replace(metric, ignore_index=-7), label != 2
    some = ignoring.reference([(logits, np.where(counted, label, -7))])
    np.testing.assert_allclose(some, metric.reference([(logits[counted], label[counted])]), 1e-12)
    nothing = ignoring.reference([(logits, np.full_like(label, -7))])
    np.testing.assert_array_equal(
        nothing, np.full_like(some, 0 if metric.name == "confusion" else math.nan)
    )


def test_precision_of_nothing_is_nan() -> None:
    nothing = np.zeros(4), np.ones(4)
    assert np.isnan(Precision().reference([nothing]))


@pytest.mark.parametrize(
    "metric, types, code",
    [
        (Accuracy(), ((N, 10), (N, 1)), "E0301"),
        (Accuracy(axis=2), ((N, 10), (N,)), "E0309"),
        (TopKAccuracy(k=10), ((N, 10), (N,)), "E0504"),
        (MeanSquaredError(), ((N, 1), (N,)), "E0301"),
    ],
)
def test_operands_that_do_not_fit_are_refused(
    metric: Metric, types: tuple[Any, Any], code: str
) -> None:
    prediction = TensorType(DType.F32, types[0])
    label = TensorType(DType.I64, types[1])
    with pytest.raises(OpError) as caught:
        metric.check(prediction, label)
    assert caught.value.code == code
