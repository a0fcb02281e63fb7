"""`python -m benchmarks accuracy`: many trainings at a time, kept sample by sample."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.processes import ROOT, TARGETS
from benchmarks.questions import accuracy
from benchmarks.questions.accuracy import Training
from benchmarks.reached import SEEDS, Reached, Result


@pytest.fixture(autouse=True)
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings without scripts: MXNet fails at the second seed of the sample `broken`."""

    def compiled(sample: str, folder: Path) -> Iterable[Training]:
        return [Training(sample, target, seed, folder) for seed in SEEDS for target in TARGETS]

    def result(training: Training) -> Result:
        if (training.sample, training.target, training.seed) == ("broken", "mxnet", 1):
            raise SystemExit("no more memory")
        reached = {"accuracy": 0.9 + training.seed / 100}
        return Result(training.sample, training.target, training.seed, reached, 1.0)

    monkeypatch.setattr(accuracy, "_compiled", compiled)
    monkeypatch.setattr(Training, "result", result)


def test_a_training_that_fails_costs_its_sample_alone(capsys: pytest.CaptureFixture[str]) -> None:
    kept = list[Reached]()
    answers = list(accuracy.ask(["net", "broken", "other"], kept.append))
    assert [each.sample for each in kept] == [each.sample for each in answers if each]
    assert {each.sample for each in kept} == {"net", "other"}
    assert len(answers) == 3
    for each in kept:
        assert {t: each.values("accuracy", t) for t in TARGETS} == dict.fromkeys(
            TARGETS, (0.9, 0.91, 0.92)
        )
    said = capsys.readouterr()
    assert "no more memory" in said.err
    assert "broken, mxnet, seed 1: failed" in said.out
    assert "[27/27]" in said.out


def test_only_the_chosen_samples_are_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RESULTS", "PAGE", "SAMPLES_PAGE"):
        monkeypatch.setattr(report, name, tmp_path / name)
    (tmp_path / "RESULTS").write_text('{"accuracy": {}}')
    (tmp_path / "PAGE").write_text("<!-- accuracy --><!-- end -->")
    (tmp_path / "SAMPLES_PAGE").write_text("| [`net`](net.model) | A net | 2 | |\n")
    list(accuracy.ask(["other"], report.keep_reached))
    before = json.loads((tmp_path / "RESULTS").read_text())["accuracy"]
    list(accuracy.ask(["net"], report.keep_reached))
    after = json.loads((tmp_path / "RESULTS").read_text())["accuracy"]
    assert set(after) == {"net", "other"}
    assert after["other"] == before["other"]
    assert "| `net` | accuracy | 0.91 (0.9–0.92) |" in (tmp_path / "PAGE").read_text()
    assert "| 2 | accuracy 0.91 |" in (tmp_path / "SAMPLES_PAGE").read_text()


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["accuracy", "--only", "mplp"], "no sample ['mplp']; there are article_cnn, "),
        (["startup", "--only", "mlp"], "--only chooses samples of the question accuracy"),
        (["speed"], "no question ['speed']; there are startup, "),
    ],
)
def test_what_cannot_be_asked(arguments: list[str], said: str) -> None:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert said in done.stderr
