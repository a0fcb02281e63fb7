"""How well do the samples learn?  Every sample with real data, in each framework, over 3 seeds."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.figures import Figure, Limit
from benchmarks.processes import SAMPLES, TARGETS, environment, run, tercet

TITLE = "What the samples reach on data that they were not trained on"
SEEDS = (0, 1, 2)
ASKED: Mapping[str, Limit] = {
    "mnist_cnn": Limit(">=", 0.94),
    "digits_cnn": Limit(">=", 0.96),
    "digits_resnet": Limit(">=", 0.96),
}


def figures() -> Iterable[Figure]:
    for sample in sorted(SAMPLES.glob("*.model")):
        text = sample.read_text()
        if re.search(r"^\s*data\s*=", text, re.MULTILINE) and not _is_synthetic(text):
            yield from _sample(sample)


def _is_synthetic(text: str) -> bool:
    return re.search(r"^\s*data\s*=\s*synthetic\b", text, re.MULTILINE) is not None


def _sample(sample: Path) -> Iterable[Figure]:
    # Beside the sample, as a user would have it: scripts find data relative to themselves.
    with tempfile.TemporaryDirectory(dir=SAMPLES, prefix=".accuracy-") as name:
        folder = Path(name)
        run(tercet("compile", "-t", "all", "-o", folder, sample))
        for target in TARGETS:
            results = [_trained(folder, sample.stem, target, seed) for seed in SEEDS]
            for metric in results[0]:
                values = tuple(result[metric] for result in results)
                limit = ASKED.get(sample.stem) if metric == "accuracy" else None
                yield Figure(f"`{sample.stem}`, {target}: {metric}", "", values, limit)


def _trained(folder: Path, sample: str, target: str, seed: int) -> dict[str, float]:
    """The metrics that a script reports after training."""
    log = folder / f"{sample}-{target}-{seed}"
    options = ["--device", "cpu", "--seed", str(seed), "--log-dir", str(log)]
    script = str(folder / f"{sample}_{target}.py")
    done = subprocess.run(
        [sys.executable, script, *options],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{script}: {done.stderr[-2000:]}")
    last = (log / "metrics.jsonl").read_text().splitlines()[-1]
    return dict(json.loads(last)["test"])
