"""How soon does the command answer?  Whole processes, from the shell's point of view."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from benchmarks.figures import Figure, Limit
from benchmarks.processes import SAMPLES, rounds, tercet

TITLE = "Start-up"
RUNS = 20


def figures() -> Iterable[Figure]:
    commands = {
        "`python -c pass`, for comparison": [sys.executable, "-c", "pass"],
        "`tercet --help`": tercet("--help"),
        "`tercet check samples/resnet18.model`": tercet("check", SAMPLES / "resnet18.model"),
    }
    limits = (None, Limit("<=", 0.15), Limit("<=", 0.35))
    spent = rounds(commands, RUNS)
    for (name, measured), limit in zip(spent.items(), limits, strict=True):
        yield Figure(name, "s", tuple(s.wall for s in measured), limit)
        yield Figure(f"{name}: processor time", "s", tuple(s.processor for s in measured))
