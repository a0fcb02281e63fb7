"""Figures for people: a table in the terminal, `results.json`, the tables of the documentation."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure, Question
from benchmarks.processes import ROOT

RESULTS = ROOT / "benchmarks" / "results.json"
PAGE = ROOT / "docs" / "performance.md"
_PACKAGES = ("torch", "tensorflow-cpu", "tensorflow", "keras", "mxnet", "onnxruntime-gpu", "lark")
_HEADINGS = ("", "median", "95 % interval", "runs", "asked")


def show(question: Question) -> None:
    """Print the figures of a question."""
    table = Table(*_HEADINGS, "", title=question.title)
    for figure in question.figures:
        mark = {True: "[green]✓", False: "[red]✗", None: ""}[figure.met]
        table.add_row(*_cells(figure), mark)
    Console().print(table)


def keep(name: str, question: Question) -> None:
    """Put the answer into `results.json` in place of an older one, and all into the page."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results[name] = {
        "title": question.title,
        "machine": machine(),
        "real_time": sys.platform == "linux" and os.sched_getscheduler(0) != os.SCHED_OTHER,
        "load": [round(load, 2) for load in question.load],
        "figures": [figure.to_json() for figure in question.figures],
    }
    RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    if PAGE.exists():
        text = PAGE.read_text()
        for answered, answer in results.items():
            text = page_with(text, answered, answer)
        PAGE.write_text(text)


def page_with(text: str, name: str, answer: dict[str, Any]) -> str:
    """The page with the table between `<!-- NAME -->` and `<!-- end -->` written anew."""
    rows = [_row(_HEADINGS), _row(["---"] * len(_HEADINGS))]
    rows += [_row(_cells(Figure.from_json(data))) for data in answer["figures"]]
    before, after = answer["load"]
    place = ", ".join(f"{what} {value}" for what, value in answer["machine"].items())
    measured = f"Measured with {place}; load per core {before} before, {after} after"
    urgent = "; at real-time priority" if answer["real_time"] else ""
    lines = [*rows, "", f"{measured}{urgent}."]
    between = "\n".join([f"<!-- {name} -->", "", *lines, "", "<!-- end -->"])
    pattern = rf"<!-- {re.escape(name)} -->.*?<!-- end -->"
    return re.sub(pattern, lambda _: between, text, flags=re.DOTALL)


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
