"""How well do the samples learn?  Each of them, in each framework, with three seeds.

Accuracy does not depend on the time that it takes, so as many trainings run at a time as there are
cores, each with one thread.  What a sample reaches is kept as soon as its trainings are done.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from benchmarks.baselines import BASELINES
from benchmarks.figures import Limit
from benchmarks.processes import ROOT, SAMPLES, TARGETS, environment, run, tercet
from benchmarks.reached import SEEDS, Reached, Result, number
from benchmarks.report import machine

TITLE = "What the samples reach on data that they were not trained on"
OPTIONS: Mapping[str, tuple[str, ...]] = {"resnet18": ("-P", "classes=10", "-P", "size=32")}
"""Parameters of those samples that are not trained as they stand."""
ASKED: Mapping[str, Mapping[str, Limit]] = {
    "digits_cnn": {"accuracy": Limit(">=", 0.96)},
    "digits_resnet": {"accuracy": Limit(">=", 0.96)},
    "resnet18": {"accuracy": Limit(">=", 0.96)},
    "multi_task": {"accuracy": Limit(">=", 0.96)},
    "mnist_cnn": {"accuracy": Limit(">=", 0.94)},
    "mobile_digits": {"accuracy": Limit(">=", 0.94)},
}
_SMALLER_IS_BETTER = {"mae", "mse", "rmse", "perplexity"}
_ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}


def samples() -> tuple[str, ...]:
    """All samples: each can be trained (tests/samples)."""
    return tuple(sorted(path.stem for path in SAMPLES.glob("*.model")))


@dataclass(frozen=True)
class Training:
    """A script to be run from beginning to end."""

    sample: str
    target: str
    seed: int
    folder: Path

    @property
    def script(self) -> Path:
        return self.folder / f"{self.sample}_{self.target}.py"

    def result(self) -> Result:
        """Train; raises SystemExit with the script's last words where it fails."""
        log = self.folder / f"{self.sample}-{self.target}-{self.seed}"
        options = ["--device", "cpu", "--seed", str(self.seed), "--log-dir", str(log)]
        command = [sys.executable, str(self.script), *options]
        spent = run(command, self.folder, more=_ONE_THREAD)
        last = (log / "metrics.jsonl").read_text().splitlines()[-1]
        metrics = json.loads(last)["test"]
        return Result(self.sample, self.target, self.seed, metrics, round(spent.processor, 1))


def ask(chosen: Collection[str], keep: Callable[[Reached], None]) -> Iterator[Reached | None]:
    """Train the chosen samples; `keep` each that is done.  None stands for one that failed."""
    with tempfile.TemporaryDirectory() as name:
        trainings = [t for sample in chosen for t in _compiled(sample, Path(name))]
        done: dict[str, list[Result | None]] = {sample: [] for sample in chosen}
        for training, result in _at_a_time(trainings):
            results = done[training.sample]
            results.append(result)
            print(_line(training, result, sum(map(len, done.values())), len(trainings)), flush=True)
            if len(results) < len(TARGETS) * len(SEEDS):
                continue
            found = [result for result in results if result]
            if len(found) < len(results):
                yield None
                continue
            reached = _reached(training, found)
            keep(reached)
            yield reached


def _compiled(sample: str, folder: Path) -> Iterable[Training]:
    options = OPTIONS.get(sample, ())
    run(tercet("compile", "-t", "all", *options, "-o", folder, SAMPLES / f"{sample}.model"))
    return [Training(sample, target, seed, folder) for seed in SEEDS for target in TARGETS]


def _at_a_time(trainings: Iterable[Training]) -> Iterator[tuple[Training, Result | None]]:
    """The trainings with their results as they come; None where one failed."""
    with _pool() as pool:
        running = {pool.submit(training.result): training for training in trainings}
        for future in as_completed(running):
            yield running[future], _outcome(future)


@contextmanager
def _pool() -> Iterator[ThreadPoolExecutor]:
    """One thread a core waits for processes; what has not begun is dropped at an interruption."""
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _outcome(future: Future[Result]) -> Result | None:
    try:
        return future.result()
    except SystemExit as failure:
        print(failure, file=sys.stderr, flush=True)
        return None


def _line(training: Training, result: Result | None, count: int, total: int) -> str:
    said = "failed"
    if result:
        metrics = "  ".join(f"{name} {number(value)}" for name, value in result.metrics.items())
        said = f"{metrics}  ({result.seconds:.0f} s)"
    return f"[{count}/{total}] {training.sample}, {training.target}, seed {training.seed}: {said}"


def _reached(training: Training, results: list[Result]) -> Reached:
    sample = training.sample
    in_order = sorted(results, key=lambda r: (TARGETS.index(r.target), r.seed))
    limits = {**_to_beat(replace(training, target="pytorch"), in_order[0].metrics)}
    limits |= ASKED.get(sample, {})
    return Reached(sample, OPTIONS.get(sample, ()), tuple(in_order), limits, machine())


def _to_beat(training: Training, metrics: Collection[str]) -> Mapping[str, Limit]:
    """What is reached without a network, where that is known: the median over the seeds."""
    if training.sample not in BASELINES:
        return {}
    module = [sys.executable, "-m", "benchmarks.baselines", training.sample, str(training.script)]
    found = [json.loads(_said([*module, str(seed)])) for seed in SEEDS]
    reason = BASELINES[training.sample].reason
    return {
        metric: Limit(
            "<=" if metric in _SMALLER_IS_BETTER else ">=",
            median(values[metric] for values in found),
            reason=reason,
        )
        for metric in found[0]
        if metric in metrics
    }


def _said(command: Sequence[str]) -> str:
    return subprocess.run(
        command, cwd=ROOT, env=environment(), check=True, stdout=subprocess.PIPE, text=True
    ).stdout
