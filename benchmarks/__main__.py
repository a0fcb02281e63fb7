"""`python -m benchmarks [QUESTION...]`: ask some questions, or all, and keep the answers."""

from __future__ import annotations

import argparse
import importlib
import os
from typing import Any

from benchmarks import report
from benchmarks.figures import Question

QUESTIONS = ("startup", "scaling", "compiling", "training", "verifying", "accuracy")


def main() -> int:
    """Ask; the exit code is 1 where a figure is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("questions", nargs="*", metavar="QUESTION", help=", ".join(QUESTIONS))
    names = parser.parse_args().questions or QUESTIONS
    if unknown := set(names) - set(QUESTIONS):
        parser.error(f"no question {sorted(unknown)}; there are {', '.join(QUESTIONS)}")
    missed = False
    for name in names:
        question = _asked(importlib.import_module(f"benchmarks.questions.{name}"))
        report.show(question)
        report.keep(name, question)
        missed |= any(figure.met is False for figure in question.figures)
    return int(missed)


def _asked(module: Any) -> Question:
    before = _load()
    figures = tuple(module.figures())
    return Question(module.TITLE, figures, (before, _load()))


def _load() -> float:
    """How many processes wanted each core in the last minute."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)


if __name__ == "__main__":
    raise SystemExit(main())
