"""What a verification found: JSON for programs, a table for people, an exit code for both."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tercet.files import replace_text
from tercet.verification.compare import Verdict
from tercet.verification.judge import Pair, worst

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

EXIT_CODES: Mapping[Verdict, int] = {"identical": 0, "different": 1, "not judged": 2}
_STYLES: Mapping[Verdict, str] = {
    "identical": "green",
    "different": "bold red",
    "not judged": "yellow",
}


@dataclass(frozen=True)
class TargetReport:
    """One target: what ran, where, and for how long; `problem` is why it could not be judged."""

    name: str
    versions: dict[str, str]
    device: str
    seconds: float
    placement: dict[str, int] = field(default_factory=dict)
    problem: str | None = None


@dataclass(frozen=True)
class ProbeReport:
    """One probe: its name, the value of every symbolic size, and what its inputs are."""

    name: str
    sizes: dict[str, int]
    inputs: str


@dataclass(frozen=True)
class Report:
    """The outcome of one verification.

    `not_judged` says in words what kept it from a verdict, `notes` what else was left out.
    """

    model: str
    seed: int
    device: str
    targets: tuple[TargetReport, ...]
    probes: tuple[ProbeReport, ...]
    pairs: tuple[Pair, ...]
    not_judged: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """A difference outweighs what could not be judged; nothing compared is not judged."""
        verdicts: list[Verdict] = [pair.verdict for pair in self.pairs]
        if self.not_judged:
            verdicts.append("not judged")
        return worst(verdicts)

    @property
    def identical(self) -> bool:
        """Whether everything was judged, and nothing differs."""
        return self.verdict == "identical"

    @property
    def exit_code(self) -> int:
        """That of `tercet verify`: 0 identical, 1 different, 2 not judged."""
        return EXIT_CODES[self.verdict]

    def to_json(self) -> dict[str, Any]:
        """The object that `report.json` holds; numbers that JSON lacks are strings."""
        return {
            "identical": self.identical,
            "verdict": self.verdict,
            "model": self.model,
            "seed": self.seed,
            "device": self.device,
            "targets": [asdict(target) for target in self.targets],
            "probes": [asdict(probe) for probe in self.probes],
            "pairs": [_plain(asdict(pair)) for pair in self.pairs],
            "not_judged": list(self.not_judged),
            "notes": list(self.notes),
        }

    def write(self, folder: Path) -> Path:
        """Puts `report.json` into the folder at once: two verifications may end together."""
        path = folder / "report.json"
        replace_text(path, json.dumps(self.to_json(), indent=2) + "\n")
        return path


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: str(value) if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in values.items()
    }


# ------------------------------------------------------------------------------------ for people


def print_report(report: Report, console: Console) -> None:
    """The tables of targets and pairs, the reasons, and the verdict in one line."""
    console.print(_target_table(report))
    console.print(_pair_table(report))
    for note in report.notes:
        console.print(f"note: {note}", style="dim", markup=False, soft_wrap=True)
    for reason in report.not_judged:
        console.print(f"not judged: {reason}", style="yellow", markup=False, soft_wrap=True)
    style = _STYLES[report.verdict]
    console.print(_closing_line(report), style=style, markup=False, soft_wrap=True)


def _target_table(report: Report) -> Table:
    from rich.table import Table

    table = Table("target", "versions", "ran on", box=None, pad_edge=False, header_style="bold")
    table.add_column("seconds", justify="right")
    for target in report.targets:
        versions = ", ".join(f"{name} {version}" for name, version in target.versions.items())
        where = target.device
        if target.placement:
            counts = ", ".join(f"{count} {name}" for name, count in target.placement.items())
            where += f" ({counts.replace('ExecutionProvider', '')})"
        table.add_row(target.name, versions, where, f"{target.seconds:.1f}")
    return table


def _pair_table(report: Report) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table("left", "right", "output", box=None, pad_edge=False, header_style="bold")
    table.add_column("max abs", justify="right")
    table.add_column("max rel", justify="right")
    table.add_column("verdict")
    for pair in report.pairs:
        verdict = Text(pair.verdict, _STYLES[pair.verdict])
        if pair.verdict != "identical" and pair.reason:
            where = f" at {pair.probe}" if pair.probe else ""
            verdict.append(f": {pair.reason}{where}")
        numbers = (_number(pair.max_abs), _number(pair.max_rel))
        table.add_row(pair.left, pair.right, pair.output, *numbers, verdict)
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}" if value else "0"


def _closing_line(report: Report) -> str:
    names = ", ".join(target.name for target in report.targets)
    pairs, probes = len(report.pairs), len(report.probes)
    count = f"{pairs} comparison{'s' * (pairs != 1)} over {probes} probe{'s' * (probes != 1)}"
    return f"{report.model}: {report.verdict} ({names}; {count})"
