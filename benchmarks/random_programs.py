"""`python -m benchmarks.random_programs`: random programs by the thousand, and the record of it.

Every program follows from its number (`tests/random_programs`); it is compiled for all targets,
run, trained by a step, and a part of them exported, written lean, or built with other arguments.
Of each kind of finding the first is shrunk.  Then known faults are put back into the compiler one
at a time, and must be found.  `--again 17 203` tries single numbers anew, where the code has been
mended since: the record then keeps what was found, and tells under `again` what is.  The record,
`benchmarks/random_programs.json`, is written after every chunk, so that a campaign that was
interrupted goes on; where the code has changed since, it begins anew.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.processes import ROOT
from benchmarks.report import machine
from tercet.project import FRAMEWORKS
from tests.random_programs.judging import Finding, Verdict, judge
from tests.random_programs.mutants import MUTANTS, Mutant
from tests.random_programs.programs import Program
from tests.random_programs.search import program_of, search
from tests.random_programs.workers import Workers

RECORD = ROOT / "benchmarks" / "random_programs.json"
PROGRAMS = 2_000
WITHIN = 200
"""Programs within which a fault that was put back must be found."""
_CHUNK = 50
_LONGEST = "hypothesis.internal.conjecture.engine.MAX_SHRINKING_SECONDS"


@dataclass
class Record:
    """What a campaign has found so far; `next` is the number of the program that comes next."""

    code: str
    next: int = 0
    seconds: float = 0.0
    compared: dict[str, int] = field(default_factory=dict)
    """In how many programs what was compared."""
    left_out: dict[str, int] = field(default_factory=dict)
    """In how many programs what was not, and why."""
    unjudged: dict[str, int] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    findings: list[dict[str, Any]] = field(default_factory=list)
    mutants: dict[str, dict[str, Any]] = field(default_factory=dict)
    again: dict[str, Any] = field(default_factory=dict)
    """What the numbers with findings give with later code."""
    machine: dict[str, str] = field(default_factory=machine)

    def add(self, verdict: Verdict) -> None:
        """Counts what became of a program; findings are told apart from it."""
        self.next += 1
        self.compared = _counted(self.compared, verdict.compared)
        self.left_out = _counted(self.left_out, verdict.left_out)
        self.refusals = _counted(self.refusals, verdict.refusals.values())
        self.unjudged = _counted(self.unjudged, [verdict.unjudged] if verdict.unjudged else [])


def _counted(before: dict[str, int], found: Iterable[str]) -> dict[str, int]:
    return dict(sorted((Counter(before) + Counter(found)).items()))


class _Found(Exception):
    """A finding of the kind that is looked for."""


def main() -> int:
    """Run the campaign, or the rest of it; the exit code is 1 where it is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.random_programs")
    parser.add_argument("--programs", type=int, default=PROGRAMS, help=f"default {PROGRAMS:,}")
    parser.add_argument(
        "--again", type=int, nargs="*", help="numbers to try with the code as it is"
    )
    parser.add_argument("--mutants", action="store_true", help="look for planted faults alone")
    args = parser.parse_args()
    if args.mutants:
        return int(not _hunts(Record(**json.loads(RECORD.read_text("utf-8")))))
    if args.again is not None:
        return _again(args.again)
    record = _begun()
    with Workers(FRAMEWORKS) as workers:
        while record.next < args.programs:
            started = time.monotonic()
            for _ in range(min(_CHUNK, args.programs - record.next)):
                _try(record, workers)
            record.seconds += time.monotonic() - started
            _write(record)
            print(f"{record.next:,} programs, {len(record.findings)} findings", flush=True)
    are_found = _hunts(record)
    return int(bool(record.findings) or not are_found)


def _hunts(record: Record) -> bool:
    """Looks for the faults that were not looked for with this code; whether all were found."""
    with Workers(FRAMEWORKS) as workers:
        for mutant in MUTANTS:
            if record.mutants.get(mutant.name, {}).get("code") != _digest():
                record.mutants[mutant.name] = _hunt(mutant, workers)
                _write(record)
                print(mutant.name, record.mutants[mutant.name]["number"], flush=True)
    return all(found["number"] is not None for found in record.mutants.values())


def _try(record: Record, workers: Workers) -> None:
    number = record.next
    program = program_of(number)
    verdict = judge(program, workers)
    record.add(verdict)
    known = {_kind(f["target"], f["kind"], f["message"]) for f in record.findings}
    for finding in verdict.findings:
        smallest = program.text
        if (kind := _kind(finding.target, finding.kind, finding.message)) not in known:
            smallest = _smallest(number, finding, workers)
            known.add(kind)
        told = {**asdict(finding), "message": _without_folders(finding.message)}
        record.findings.append({"number": number, **told, "program": smallest})


def _without_folders(message: str) -> str:
    """A message as it is on any machine: of paths, the names of files."""
    return re.sub(r"(?:/[^/\s\"':]+)+/", "", message)


def _kind(target: str, kind: str, message: str) -> tuple[str, str, str]:
    """What findings with the same cause have in common: of a crash, what it ended with."""
    told = message.strip().splitlines()[-1] if kind in ("crash", "compile", "file") else ""
    return target, kind, re.sub(r"\d+", "", told)[:60]


def _again(numbers: list[int]) -> int:
    """Tries single programs, and writes what they give into the record that there is."""
    record = Record(**json.loads(RECORD.read_text("utf-8")))
    found: dict[str, list[str]] = {}
    with Workers(FRAMEWORKS) as workers:
        for number in numbers:
            findings = judge(program_of(number), workers).findings
            found[str(number)] = [_without_folders(str(f))[-300:] for f in findings]
    before = record.again.get("programs", {}) if record.again.get("code") == _digest() else {}
    record.again = {"code": _digest(), "programs": {**before, **found}}
    _write(record)
    return int(any(found.values()))


def _smallest(number: int, finding: Finding, workers: Workers) -> str:
    """The text of the smallest program with a finding of the kind."""
    last = ""

    def check(program: Program) -> None:
        nonlocal last
        found = judge(program, workers).findings
        if any((f.target, f.kind) == (finding.target, finding.kind) for f in found):
            last = program.text
            raise _Found

    with mock.patch(_LONGEST, 60.0), contextlib.suppress(_Found):
        search(number, check)
    return last


def _hunt(mutant: Mutant, workers: Workers) -> dict[str, Any]:
    """The number of the first program that finds a fault, and what it finds.

    A program in which something is found without the fault tells nothing of it.
    """
    given = {"code": _digest()}
    for number in range(WITHIN):
        program = program_of(number)
        with mutant.planted():
            found = judge(program, workers, mutant.targets).findings
        if found and not judge(program, workers, mutant.targets).findings:
            told = _without_folders(found[0].message.strip().splitlines()[-1])
            finding = f"{found[0].kind}: {told}"
            return {**given, "number": number, "target": found[0].target, "finding": finding}
    return {**given, "number": None}


def _begun() -> Record:
    """The record of a campaign that has begun with this code, or a new one."""
    code = _digest()
    if RECORD.exists():
        found = Record(**json.loads(RECORD.read_text("utf-8")))
        if found.code == code:
            return found
    return Record(code)


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
    for folder in ("dsl", "compiler", "codegen", "backends", "tests/random_programs"):
        yield from sorted((ROOT / folder).glob("**/*.py"))


if __name__ == "__main__":
    raise SystemExit(main())
