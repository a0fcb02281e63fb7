"""`python -m benchmarks.fuzz`: hostile texts by the hundred thousand, and the record of it.

Every text is made from the campaign's number and its own (`tests/fuzz`), checked, formatted twice
and printed for every target.  The record, `benchmarks/fuzz.json`, is written after every chunk, so
that a campaign that was interrupted goes on; where the code has changed since, it begins anew.
`--again` tries what was found once more, with the code as it is now: what ends well is told apart,
as mended, and tried by the tests ever after.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.processes import ROOT, SAMPLES
from benchmarks.report import machine
from tests.fuzz.mutations import Mutant, Mutator
from tests.fuzz.trial import SECONDS, Outcome, tried

RECORD = ROOT / "benchmarks" / "fuzz.json"
CHUNK = 1_000
INPUTS = 200_000
_SLOWEST = 5


@dataclass
class Record:
    """What a campaign has found so far; `next` is the number of the text that comes next."""

    campaign: int
    code: str
    next: int = 0
    limit: float = SECONDS
    seconds: float = 0.0
    outcomes: dict[str, dict[str, int]] = field(default_factory=dict)
    slowest: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    mended: list[dict[str, Any]] = field(default_factory=list)
    """Findings of `code` that end well with later code, with their texts."""
    machine: dict[str, str] = field(default_factory=machine)

    def add(self, mutant: Mutant, outcome: Outcome) -> None:
        """Counts what became of a text."""
        counts = Counter(self.outcomes.get(mutant.kind, {}))
        counts[outcome.stage] += 1
        self.outcomes[mutant.kind] = dict(sorted(counts.items()))
        self.seconds += outcome.seconds
        self.next = mutant.number + 1
        told = {"number": mutant.number, "origin": mutant.origin, "kind": mutant.kind}
        slow = [*self.slowest, {**told, "seconds": round(outcome.seconds, 3)}]
        self.slowest = sorted(slow, key=lambda one: -one["seconds"])[:_SLOWEST]
        if outcome.finding is not None:
            text = mutant.text.decode("latin-1")  # any bytes, as JSON can hold them
            self.findings.append({**told, "finding": outcome.finding, "latin-1": text})

    def try_again(self, folder: Path) -> None:
        """Moves the findings that end well now to those that were mended."""
        for finding in list(self.findings):
            if tried(finding["latin-1"].encode("latin-1"), folder).finding is None:
                self.findings.remove(finding)
                self.mended.append(finding)


def main() -> int:
    """Run the campaign, or the rest of it; the exit code is 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=INPUTS, help=f"texts (default {INPUTS:,})")
    parser.add_argument("--campaign", type=int, default=1, help="the number that texts come from")
    parser.add_argument("--again", action="store_true", help="try what was found once more")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data").symlink_to(SAMPLES / "data")
        if args.again:
            record = Record(**json.loads(RECORD.read_text("utf-8")))
            record.try_again(folder)
            _write(record)
            args.inputs = 0
        else:
            record = _begun(args.campaign)
        mutator = Mutator(args.campaign)
        while record.next < args.inputs:
            for number in range(record.next, min(record.next + CHUNK, args.inputs)):
                mutant = mutator.mutant(number)
                record.add(mutant, tried(mutant.text, folder))
            _write(record)
            print(f"{record.next:,} texts, {len(record.findings)} findings", flush=True)
    for finding in record.findings:
        print(finding)
    return int(bool(record.findings))


def _begun(campaign: int) -> Record:
    """The record of a campaign that has begun with this code, or a new one."""
    code = _digest()
    if RECORD.exists():
        found = Record(**json.loads(RECORD.read_text("utf-8")))
        if (found.campaign, found.code) == (campaign, code):
            return found
    return Record(campaign, code)


def _write(record: Record) -> None:
    """Replaces the record; what interrupts it leaves the older one or this."""
    temporary = RECORD.with_suffix(".tmp")
    text = json.dumps({**asdict(record), "seconds": round(record.seconds, 1)}, indent=1)
    temporary.write_text(text + "\n", "utf-8")
    temporary.replace(RECORD)


def _digest() -> str:
    """What tells whether the code is the same: a hash of all that takes part."""
    found = hashlib.sha256()
    for path in _sources():
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def _sources() -> Iterator[Path]:
    for folder in ("dsl", "compiler", "codegen", "backends", "tercet", "tests/fuzz"):
        yield from sorted((ROOT / folder).glob("**/*.py"))


if __name__ == "__main__":
    raise SystemExit(main())
