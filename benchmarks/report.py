"""Figures for people: a table in the terminal, `results.json`, the tables of the documentation."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure, Question
from benchmarks.processes import ROOT, SAMPLES, TARGETS
from benchmarks.reached import Reached

RESULTS = ROOT / "benchmarks" / "results.json"
PAGE = ROOT / "docs" / "performance.md"
SAMPLES_PAGE = SAMPLES / "README.md"
_PACKAGES = ("torch", "tensorflow-cpu", "tensorflow", "keras", "mxnet", "onnxruntime-gpu", "lark")
_HEADINGS = ("", "median", "95 % interval", "runs", "asked")
_REACHED = ("sample", "metric", *TARGETS, "asked, or to beat")
_MARKS = {True: "[green]✓", False: "[red]✗", None: ""}


def show(question: Question) -> None:
    """Print the figures of a question."""
    table = Table(*_HEADINGS, "", title=question.title)
    for figure in question.figures:
        table.add_row(*_cells(figure), _MARKS[figure.met])
    Console().print(table)


def show_reached(all_reached: Iterable[Reached]) -> None:
    """Print what samples reach, with a mark where something was asked."""
    table = Table(*_REACHED, "", title="What the samples reach: median and range over the seeds")
    for reached in all_reached:
        for metric, row in zip(reached.metrics, reached.rows(), strict=True):
            table.add_row(*row, _MARKS[reached.met(metric)])
    Console().print(table)


def keep(name: str, question: Question) -> None:
    """Put the answer into `results.json` in place of an older one, and all into the page."""
    results = _results()
    results[name] = {
        "title": question.title,
        "machine": machine(),
        "real_time": sys.platform == "linux" and os.sched_getscheduler(0) != os.SCHED_OTHER,
        "load": [round(load, 2) for load in question.load],
        "figures": [figure.to_json() for figure in question.figures],
    }
    _write(results)


def keep_reached(reached: Reached) -> None:
    """Put what a sample reaches in place of what it reached before, and all into the pages."""
    results = _results()
    results.setdefault("accuracy", {})[reached.sample] = reached.to_json()
    _write(results)


def _results() -> dict[str, Any]:
    return dict(json.loads(RESULTS.read_text())) if RESULTS.exists() else {}


def _write(results: dict[str, Any]) -> None:
    """`results.json` and the pages that show it; a crash leaves old files or new ones."""
    _replace(RESULTS, json.dumps(results, indent=1, sort_keys=True) + "\n")
    text = PAGE.read_text()
    for answered, answer in results.items():
        text = page_with(text, answered, answer)
    _replace(PAGE, text)
    _replace(SAMPLES_PAGE, samples_page_with(SAMPLES_PAGE.read_text(), results))


def _replace(path: Path, text: str) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text)
    temporary.replace(path)


def page_with(text: str, name: str, answer: dict[str, Any]) -> str:
    """The page with the table between `<!-- NAME -->` and `<!-- end -->` written anew."""
    lines = _accuracy(answer) if name == "accuracy" else _measured(answer)
    between = "\n".join([f"<!-- {name} -->", "", *lines, "", "<!-- end -->"])
    pattern = rf"<!-- {re.escape(name)} -->.*?<!-- end -->"
    return re.sub(pattern, lambda _: between, text, flags=re.DOTALL)


def samples_page_with(text: str, results: dict[str, Any]) -> str:
    """The list of samples, whose last column says what each reaches."""
    for name, data in results.get("accuracy", {}).items():
        row = rf"(^\| \[`{name}`\].*\|)[^|]*\|$"
        last = rf"\1 {Reached.from_json(data).headline()} |"
        text = re.sub(row, last, text, flags=re.MULTILINE)
    return text


def _measured(answer: dict[str, Any]) -> list[str]:
    rows = [_row(_HEADINGS), _row(["---"] * len(_HEADINGS))]
    rows += [_row(_cells(Figure.from_json(data))) for data in answer["figures"]]
    before, after = answer["load"]
    place = _place(answer["machine"])
    measured = f"Measured with {place}; load per core {before} before, {after} after"
    urgent = "; at real-time priority" if answer["real_time"] else ""
    return [*rows, "", f"{measured}{urgent}."]


def _accuracy(answer: dict[str, Any]) -> list[str]:
    """A row for each metric of each sample, then how long it takes and where it was measured."""
    every = [Reached.from_json(answer[name]) for name in sorted(answer)]
    rows = [_row(_REACHED), _row(["---"] * len(_REACHED))]
    rows += [_row(row) for reached in every for row in reached.rows()]
    trainings = [result for reached in every for result in reached.results]
    minutes = sum(result.seconds for result in trainings) / 60
    took = f"The {len(trainings)} trainings took {minutes:.0f} min of processor time in all."
    places = dict.fromkeys(_place(reached.machine) for reached in every)
    said = [took, *(f"Measured with {place}." for place in places)]
    if missing := sorted({path.stem for path in SAMPLES.glob("*.model")} - set(answer)):
        said.append(f"Not measured since they were last changed: {', '.join(missing)}.")
    return [*rows, "", " ".join(said)]


def _place(machine: Mapping[str, str]) -> str:
    return ", ".join(f"{what} {value}" for what, value in sorted(machine.items()))


def machine() -> dict[str, str]:
    """What the figures depend on."""
    found = {"Python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {"processor": _processor(), "cores": str(os.cpu_count()), **found}


def _processor() -> str:
    try:
        described = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"model name\s*: (.+)", described)
    return found[1] if found else platform.machine()


def _cells(figure: Figure) -> list[str]:
    low, high = figure.interval
    limit = "" if figure.limit is None else str(figure.limit)
    value = f"{_number(figure.median)} {figure.unit}"
    spread = f"{_number(low)} to {_number(high)}"
    return [figure.name, value, spread, str(len(figure.samples)), limit]


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.1f}"


def _row(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"
