"""`python -m benchmarks [QUESTION...]`: ask some questions, or all, and keep the answers."""

from __future__ import annotations

import argparse
import importlib
import os
from collections.abc import Sequence
from typing import Any

from benchmarks import report
from benchmarks.figures import Question
from benchmarks.questions import accuracy

QUESTIONS = ("startup", "scaling", "compiling", "training", "verifying", "accuracy")


def main() -> int:
    """Ask; the exit code is 1 where a figure is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("questions", nargs="*", metavar="QUESTION", help=", ".join(QUESTIONS))
    parser.add_argument(
        "--only", metavar="SAMPLE,...", help="accuracy of these samples; the others' stays as it is"
    )
    args = parser.parse_args()
    names = args.questions or QUESTIONS
    samples = args.only.split(",") if args.only else accuracy.samples()
    if args.only and names != ["accuracy"]:
        parser.error("--only chooses samples of the question accuracy")
    if unknown := set(samples) - set(accuracy.samples()):
        parser.error(f"no sample {sorted(unknown)}; there are {', '.join(accuracy.samples())}")
    if unknown := set(names) - set(QUESTIONS):
        parser.error(f"no question {sorted(unknown)}; there are {', '.join(QUESTIONS)}")
    missed = False
    for name in names:
        if name == "accuracy":
            missed |= not _reached(samples)
            continue
        question = _asked(importlib.import_module(f"benchmarks.questions.{name}"))
        report.show(question)
        report.keep(name, question)
        missed |= any(figure.met is False for figure in question.figures)
    return int(missed)


def _reached(samples: Sequence[str]) -> bool:
    """Train the samples; whether each of them could be trained, and reaches what is asked."""
    found = list(accuracy.ask(samples, report.keep_reached))
    reached = [each for each in found if each]
    report.show_reached(reached)
    return len(reached) == len(samples) and all(
        each.met(metric) is not False for each in reached for metric in each.metrics
    )


def _asked(module: Any) -> Question:
    before = _load()
    figures = tuple(module.figures())
    return Question(module.TITLE, figures, (before, _load()))


def _load() -> float:
    """How many processes wanted each core in the last minute."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)


if __name__ == "__main__":
    try:
        status = main()
    except KeyboardInterrupt:  # what was known before is kept
        status = 130
    raise SystemExit(status)
