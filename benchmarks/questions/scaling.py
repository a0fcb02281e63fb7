"""Does time grow in step with a model?  Chains of layers, written in three ways.

An operation's cost is the time above that of a model with four operations, by their number.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure, Limit
from benchmarks.processes import TARGETS, rounds, tercet

TITLE = "Scaling"
RUNS = 5
RUNS_OF_LARGEST = 2
SMALL, LARGE, LARGEST = 4, 10_000, 50_000
LAYERS = ("relu", "dense(8)", "tanh", "layer_norm")


def _statements(count: int) -> str:
    lines = [f"    h = h |> {LAYERS[k % 4]}" for k in range(count)]
    return "\n".join(["    h = x", *lines])


def _pipe(count: int) -> str:
    return "\n".join(["    h = x", *(f"        |> {LAYERS[k % 4]}" for k in range(count))])


def _loop(count: int) -> str:
    body = " |> ".join(LAYERS)
    return f"    h = x\n    for i in range({count // 4}) {{\n        h = h |> {body}\n    }}"


FORMS = {"statements": _statements, "stages of a pipe": _pipe, "layers of a loop": _loop}


def model(form: str, count: int) -> str:
    """A chain of `count` operations."""
    chain = FORMS[form](count)
    return f"model Chain {{\n    input x: f32[N, 8]\n{chain}\n    output h\n}}\n"


def figures() -> Iterable[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        for form in FORMS:
            yield from _figures(form, Path(folder))


def _figures(form: str, folder: Path) -> Iterable[Figure]:
    large = _costs(form, folder, LARGE, TARGETS, RUNS)
    largest = _costs(form, folder, LARGEST, TARGETS[:1], RUNS_OF_LARGEST)
    for what, samples in large.items():
        name = f"{LARGE:,} {form}: {what}"
        limit = 0.2 if what.startswith("check for") else 0.3
        yield Figure(name, "ms an operation", samples, Limit("<=", limit))
    for what, samples in largest.items():
        growth = tuple(sample / median(large[what]) for sample in samples)
        yield Figure(f"{LARGEST:,} against {LARGE:,} {form}: {what}", "× an operation", growth)


def _costs(
    form: str, folder: Path, count: int, targets: Sequence[str], runs: int
) -> dict[str, tuple[float, ...]]:
    """Milliseconds an operation: of a `check` that prints nothing, and of what goes beyond it."""
    commands = {}
    for size in (SMALL, count):
        file = folder / f"chain{size}.model"
        file.write_text(model(form, size))
        commands[size, "check"] = tercet("check", "-t", "onnx", file)
        for target in targets:
            commands[size, f"check for {target}"] = tercet("check", "-t", target, file)
            compiling = tercet("compile", "--force", "-t", target, "-o", folder, file)
            commands[size, f"code for {target}"] = compiling
    spent = rounds(commands, runs)
    cost = {
        what: [
            1000 * (large.wall - small.wall) / (count - SMALL)
            for large, small in zip(spent[count, what], spent[SMALL, what], strict=True)
        ]
        for size, what in commands
        if size == SMALL
    }
    checks = cost.pop("check")
    code = {
        what: tuple(a - b for a, b in zip(all_, checks, strict=True)) for what, all_ in cost.items()
    }
    return {"check": tuple(checks), **code}
