"""`python -m benchmarks.update_product`: each optimizer x schedule x clip x decay, in each target.

Each is 20 steps of float64 training of a generated script, compared with the language's definitions
(`tests/backends/updates.py`).  It takes about an hour and a half of one core, and can be stopped
and begun again: what is done stands in a file of lines, one a training.  With `--limit N` it ends
after N of them, with exit code 0; where nothing is left it writes `updates.json` and the page, and
ends with 3.

The CNN with batch normalisation comes first, then the other networks; cases come in an order drawn
once, each in all targets, so that what is done at any time is a fair part of the whole.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.processes import ROOT
from tests.backends.training_scripts import FRAMEWORKS, trained
from tests.backends.updates import NETS, Case, compared, every_case, run

STATE = ROOT / "build" / "updates.jsonl"
DONE = 3
_AT_ONCE = 40
"""Trainings of one process: a framework takes seconds to start, and keeps memory."""

Entry = dict[str, Any]


def planned() -> Iterator[tuple[str, Case]]:
    """Every target and case, in the order in which they are tried."""
    cases = every_case()
    random.Random(0).shuffle(cases)
    for net in NETS:
        own = [case for case in cases if case.net == net]
        for start in range(0, len(own), _AT_ONCE):
            for framework in FRAMEWORKS:
                yield from ((framework, case) for case in own[start : start + _AT_ONCE])


def read(state: Path) -> list[Entry]:
    """What was measured; the last line may have been cut off."""
    if not state.exists():
        return []
    lines = state.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def measure(state: Path, limit: int) -> bool:
    """Goes on for so many trainings; tells whether any are left."""
    known = {(entry["target"], entry["case"]) for entry in read(state)}
    left = [(f, case) for f, case in planned() if (f, case.name) not in known]
    state.parent.mkdir(parents=True, exist_ok=True)
    with state.open("a", encoding="utf-8") as file:
        for framework, cases in _chunks(left[:limit]):
            for entry in _measured(framework, cases):
                file.write(json.dumps(entry) + "\n")
            file.flush()
    return len(left) > limit


def _chunks(work: Sequence[tuple[str, Case]]) -> Iterator[tuple[str, list[Case]]]:
    for framework in FRAMEWORKS:
        own = [case for f, case in work if f == framework]
        for start in range(0, len(own), _AT_ONCE):
            yield framework, own[start : start + _AT_ONCE]


def _measured(framework: str, cases: list[Case]) -> Iterator[Entry]:
    """The worst weight of each training: how far it is from the oracle, of its largest movement."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / framework
        run(framework, cases, place)
        for case in cases:
            entry: Entry = {"target": framework, "case": case.name}
            error = place / case.name / "error.txt"
            if error.exists():
                yield {**entry, "error": error.read_text().splitlines()[-1]}
                continue
            found = list(compared(trained(case.text)[1], place / case.name))
            worst = max(found, key=lambda comparison: comparison.relative)
            still = [comparison.name for comparison in found if not comparison.movement]
            yield {**entry, "worst": worst.relative, "weight": worst.name, "unmoved": still}


def summary(entries: Sequence[Entry]) -> dict[str, Any]:
    """For each net and target: how many trainings, and for each optimizer the worst of them."""
    found: dict[str, Any] = {}
    for entry in entries:
        net, optimizer, *_ = entry["case"].split("-")
        own = found.setdefault(net, {}).setdefault(entry["target"], {"trainings": 0, "worst": {}})
        own["trainings"] += 1
        if "error" in entry or entry["unmoved"]:
            own.setdefault("problems", []).append(entry)
        worst = entry.get("worst", float("inf"))
        own["worst"][optimizer] = max(worst, own["worst"].get(optimizer, 0.0))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--state", type=Path, default=STATE)
    parser.add_argument("--limit", type=int, default=10**9)
    parser.add_argument(
        "--write", action="store_true", help="write what there is, and measure none"
    )
    args = parser.parse_args()
    if args.write or not measure(args.state, args.limit):
        from benchmarks.updates import write_product

        write_product(summary(read(args.state)))
        raise SystemExit(0 if args.write else DONE)


if __name__ == "__main__":
    main()
