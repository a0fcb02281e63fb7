"""Is a generated training step as fast as a hand-written one?  Both in one process, by turns."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure, Limit
from benchmarks.processes import ROOT, SAMPLES, TARGETS, environment, run, tercet

TITLE = "Training step, generated against hand-written"
ROUNDS = 24
EPOCHS = {"digits_resnet": 2, "mlp": 60}
"""Epochs of one turn: each takes half a second or more, so that what `train` prepares is little."""


@dataclass(frozen=True)
class Race:
    """A larger sample in one target, on the first rows of its data."""

    sample: str
    target: str
    epochs: int
    rows: int
    parameters: tuple[str, ...] = ()


FEWER = 12
"""Rounds of these, whose turns take longer."""
RACES = (
    Race("digits_cnn", "mxnet", 3, 1437),
    Race("tiny_gpt", "mxnet", 1, 48),
    Race("resnet18", "tensorflow", 1, 672, ("-P", "classes=10", "-P", "size=32")),
)


def figures() -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        for sample, epochs in EPOCHS.items():
            run(tercet("compile", "-t", "all", "-o", folder, SAMPLES / f"{sample}.model"))
            for target in TARGETS:
                script = f"{sample}_{target}"
                ratios = _ratios(Path(folder), script, script, epochs)
                yield Figure(f"`{sample}`, {target}", "×", ratios, Limit("<=", 1.02, "interval"))
        for one in RACES:
            options = ["-t", one.target, *one.parameters, "-o", folder]
            run(tercet("compile", *options, SAMPLES / f"{one.sample}.model"))
            script = f"{one.sample}_{one.target}"
            ratios = _ratios(Path(folder), script, script, one.epochs, one.rows)
            title = f"`{one.sample}`, {one.target}"
            yield Figure(title, "×", ratios, Limit("<=", 1.05, "interval"))
        ratios = _ratios(Path(folder), "mlp_pytorch", "mlp_pytorch_indexed", EPOCHS["mlp"])
        yield Figure("`mlp`, pytorch, against no `DataLoader`", "×", ratios)


def _ratios(
    folder: Path, generated: str, written: str, epochs: int, rows: int | None = None
) -> tuple[float, ...]:
    """The generated script's time by the hand-written one's."""
    by_hand = ROOT / "benchmarks" / "handwritten" / f"{written}.py"
    scripts = [folder / f"{generated}.py", by_hand]
    options = ["--epochs", str(epochs), "--rounds", str(ROUNDS if rows is None else FEWER)]
    options += [] if rows is None else ["--rows", str(rows)]
    command = [sys.executable, "-m", "benchmarks.race", *map(str, scripts), *options]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{generated}: {done.stderr[-2000:]}")
    seconds = json.loads(done.stdout.splitlines()[-1])
    return paired(seconds["generated"], seconds["written"])


def paired(generated: Sequence[float], written: Sequence[float]) -> tuple[float, ...]:
    """Ratios over two rounds each, in which each of both is first once."""
    both = zip(generated, written, strict=True)
    turns = list(zip(both, both, strict=True))
    return tuple((a[0] + b[0]) / (a[1] + b[1]) for a, b in turns)
