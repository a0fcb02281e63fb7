"""How long does compiling a sample for all targets take?  Whole processes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable

from benchmarks.figures import Figure, Limit
from benchmarks.processes import SAMPLES, TARGETS, rounds, tercet

TITLE = "Compile time of the samples"
RUNS = 5


def figures() -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        options = ("--force", "-t", ",".join(TARGETS), "-o", folder)
        commands = {f.stem: tercet("compile", *options, f) for f in sorted(SAMPLES.glob("*.model"))}
        for name, spent in rounds(commands, RUNS).items():
            yield Figure(f"`{name}`", "s", tuple(s.wall for s in spent), Limit("<=", 1))
