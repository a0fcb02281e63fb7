"""`python -m benchmarks.exact`: how far apart exact training ends, for docs/training.md.

Every sample is trained in float64 for some steps in each framework, from the same start and with
the same batches and random numbers.  Large samples are made smaller by their own parameters.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.exact_page import RECORD
from benchmarks.processes import ROOT
from benchmarks.updates import write_page
from tests.backends.exact import FRAMEWORKS, LIMIT, STEPS, differences, prepare, run

SAMPLES = ROOT / "samples"


@dataclass(frozen=True)
class Smaller:
    """What makes a sample small enough to be trained here: flags of the script, parameters."""

    flags: str = ""
    parameters: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        said = [f"-P {name}={value}" for name, value in self.parameters.items()]
        return " ".join([*said, *([self.flags] if self.flags else [])])


SMALLER = {
    "autoencoder": Smaller("--batch-size 8"),
    "bert_tiny": Smaller("--batch-size 2", {"vocab": "300"}),
    "char_gru": Smaller("--batch-size 4", {"units": "32"}),
    "linear_regression": Smaller("--epochs 5"),
    "lstm_forecast": Smaller("--batch-size 8 --epochs 2"),
    "mlp": Smaller("--epochs 3"),
    "mobile_digits": Smaller("--batch-size 8"),
    "resnet18": Smaller("--batch-size 16", {"classes": "10", "size": "32"}),
    "tiny_gpt": Smaller("--batch-size 2", {"layers": "2", "dim": "32"}),
    "unet": Smaller("--batch-size 4", {"width": "4"}),
}


def measured(names: list[str]) -> dict[str, dict[str, Any]]:
    """For each sample the weight that ends farthest apart, and elements left to rounding."""
    found = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name in names:
            smaller = SMALLER.get(name, Smaller())
            prepare(SAMPLES / f"{name}.model", folder / name, smaller.flags, smaller.parameters)
        for framework in FRAMEWORKS:
            run(folder, framework)
        for name in names:
            apart = list(differences(folder / name))
            worst = max(apart, key=lambda d: d.largest)
            found[name] = {
                "as": str(SMALLER.get(name, "")),
                "weights": len(apart),
                "largest": worst.largest,
                "of": worst.name,
                "within rounding": {d.name: d.unsure for d in apart if d.unsure},
            }
            print(f"{name}: {worst.largest:.1e} ({worst.name})", file=sys.stderr)
    return found


def main() -> None:
    names = sys.argv[1:] or sorted(path.stem for path in SAMPLES.glob("*.model"))
    kept = json.loads(RECORD.read_text())["samples"] if RECORD.exists() and sys.argv[1:] else {}
    samples = {**kept, **measured(names)}
    record = {"steps": STEPS, "limit": LIMIT, "samples": dict(sorted(samples.items()))}
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
    write_page()


if __name__ == "__main__":
    main()
