"""What the benchmarks make of trainings: rows, limits, and the pages that show them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.baselines import BASELINES, Arrays
from benchmarks.figures import Limit
from benchmarks.questions.accuracy import ASKED, OPTIONS, samples
from benchmarks.reached import Reached, Result
from benchmarks.report import PAGE, RESULTS, SAMPLES_PAGE, page_with, samples_page_with

ACCURACY = {
    "pytorch": (0.95, 0.97, 0.96),
    "tensorflow": (0.96, 0.961, 0.97),
    "mxnet": (0.9, 0.9, 1.0),
}
RESULTS_OF_ALL = tuple(
    Result("net", target, seed, {"loss": 0.5, "accuracy": value}, 30.0)
    for target, values in ACCURACY.items()
    for seed, value in enumerate(values)
)
ASKED_OF_IT = {"accuracy": Limit(">=", 0.9, reason="a guess")}
NET = Reached("net", ("-P", "size=2"), RESULTS_OF_ALL, ASKED_OF_IT, {"cores": "2"})
ROW = "| 0.96 (0.95–0.97) | 0.961 (0.96–0.97) | 0.9 (0.9–1) |"


@pytest.mark.parametrize(
    "limit, met, asked",
    [
        (Limit(">=", 0.9, reason="a guess"), True, "≥ 0.9: a guess"),
        (Limit(">=", 0.96), False, "≥ 0.96 (missed)"),
        (Limit("<=", 0.95), False, "≤ 0.95 (missed)"),
        (None, None, ""),
    ],
)
def test_every_framework_has_to_reach_what_is_asked(
    limit: Limit | None, met: bool | None, asked: str
) -> None:
    net = replace(NET, limits={} if limit is None else {"accuracy": limit})
    assert net.met("accuracy") is met
    assert [row[-1] for row in net.rows()] == [asked]


def test_the_page_says_what_was_reached_and_what_it_took() -> None:
    answer = {"net": json.loads(json.dumps(NET.to_json()))}
    page = page_with("a\n<!-- accuracy -->old<!-- end -->\nb", "accuracy", answer)
    assert f"| `net -P size=2` | accuracy {ROW} ≥ 0.9: a guess |" in page
    assert "The 9 trainings took 4 min of processor time in all." in page
    assert "Not measured since they were last changed: article_cnn, " in page
    assert "old" not in page
    assert page.endswith("<!-- end -->\nb")


def test_the_list_of_samples_says_what_each_reaches() -> None:
    listed = "| [`net`](net.model) | A net | 2 | |\n| [`nets`](nets.model) | Nets | 2 | old |\n"
    page = samples_page_with(listed, {"accuracy": {"net": NET.to_json()}})
    assert page == listed.replace("| 2 | |", "| 2 | accuracy 0.96 |")


def test_the_pages_say_what_was_measured() -> None:
    results = json.loads(RESULTS.read_text())
    assert page_with(PAGE.read_text(), "accuracy", results["accuracy"]) == PAGE.read_text()
    assert samples_page_with(SAMPLES_PAGE.read_text(), results) == SAMPLES_PAGE.read_text()


def test_settings_are_those_of_samples() -> None:
    assert {*OPTIONS, *ASKED, *BASELINES} <= set(samples())


SERIES = np.arange(48, dtype=float).reshape(2, 24, 1)
HALVES = np.array([[1, 1, 2], [3, 3, 4]])


@pytest.mark.parametrize(
    "sample, train, test, reached",
    [
        ("mlp", ([], np.array([2, 2, 1])), ([], np.array([2, 1, 1, 2])), {"accuracy": 0.5}),
        ("siamese", (), (np.zeros(2), np.array([0, 1])), {"accuracy": 0.5}),
        ("rnn", (), (SERIES, SERIES[:, -1] + [[3], [4]]), {"mae": 3.5, "rmse": 12.5**0.5}),
        ("vae", (np.array([[0.0], [1.0]]),), (np.array([[1.5]]),), {"mse": 1.0}),
        ("bert_tiny", (HALVES, HALVES), (HALVES, HALVES[:, ::-1]), {"accuracy": 1.0}),
        ("unet", (), (np.full((1, 1, 28, 28), 10.0),), {"f1": 1.0}),
    ],
)
def test_what_is_reached_without_a_network(
    sample: str,
    train: Arrays,
    test: Arrays,
    reached: dict[str, float],
) -> None:
    assert BASELINES[sample].metrics(train, test) == pytest.approx(reached)


def test_pairs_of_bytes_that_always_follow_each_other_are_no_surprise() -> None:
    ids, following = np.array([[1, 2, 1]]), np.array([[2, 1, 2]])
    train = (np.tile(ids, (10_000, 1)), np.tile(following, (10_000, 1)))
    (perplexity,) = BASELINES["char_gru"].metrics(train, (ids, following)).values()
    assert 1 < perplexity < 1.001
