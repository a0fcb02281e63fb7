"""How long does `tercet verify` take against the slowest target's own work, done alone?

That work is one process: import the framework, export, predict.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from statistics import median

import numpy as np
from safetensors.numpy import save_file

from benchmarks.figures import Figure, Limit
from benchmarks.processes import SAMPLES, TARGETS, rounds, run, tercet

TITLE = "Verification of `digits_cnn` against the slowest target"
RUNS = 5


def figures() -> Iterable[Figure]:
    sample = SAMPLES / "digits_cnn.model"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(tercet("compile", "-t", "all", "-o", folder, sample))
        run(tercet("weights", sample, "-o", folder / "w.safetensors", "--seed", 0))
        image = np.random.default_rng(0).random((2, 1, 8, 8), np.float32)
        save_file({"image": image}, folder / "in.safetensors")
        own = {target: _alone(folder, target) for target in TARGETS}
        verify = tercet("verify", sample, "--device", "cpu", "-o", folder / "verified")
        spent = rounds({**own, "verify": verify}, RUNS)
    seconds = {name: tuple(s.wall for s in taken) for name, taken in spent.items()}
    for target in TARGETS:
        yield Figure(f"{target} alone: import, export, predict", "s", seconds[target])
    yield Figure("`tercet verify samples/digits_cnn.model`", "s", seconds["verify"])
    slowest = max(TARGETS, key=lambda target: median(seconds[target]))
    ratios = zip(seconds["verify"], seconds[slowest], strict=True)
    name = f"`tercet verify` against {slowest} alone"
    yield Figure(name, "×", tuple(a / b for a, b in ratios), Limit("<=", 1.5))


def _alone(folder: Path, target: str) -> list[str]:
    given = ["--epochs", "0", "--device", "cpu", "--weights", str(folder / "w.safetensors")]
    predict = ["--predict", str(folder / "in.safetensors"), str(folder / f"{target}.safetensors")]
    exported = str(folder / f"{target}.onnx")
    script = str(folder / f"digits_cnn_{target}.py")
    return [sys.executable, script, *given, *predict, "--export", exported]
