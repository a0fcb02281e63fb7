"""`python -m benchmarks.zoo [NETWORK...]`: the networks of samples/zoo, measured and compared.

Each is checked and compiled at full size, its small instance verified on all targets, and its
outputs compared with those of the library that has it.  The record, `benchmarks/zoo.json`, is
written after every network, and docs/zoo.md from it; `--page` writes the page alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import tercet
from benchmarks import processes
from benchmarks.report import machine
from benchmarks.zoo_page import PAGE, RECORD, page
from tests.zoo.library import compare, is_installed
from tests.zoo.networks import NETWORKS, Library, Network, trainable

_TARGETS = (*processes.TARGETS, "onnx")
_RUNS = 3


def main() -> int:
    """Measure; the exit code is 1 where a network is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.zoo", description=__doc__)
    known = [network.name for network in NETWORKS]
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=", ".join(known))
    parser.add_argument("--page", action="store_true", help="write docs/zoo.md alone")
    args = parser.parse_args()
    if unknown := set(args.networks) - set(known):
        parser.error(f"no network {sorted(unknown)}; there are {', '.join(known)}")
    chosen = [n for n in NETWORKS if n.name in (args.networks or known)]
    for network in [] if args.page else chosen:
        record = _record()
        record["machine"] = machine()
        record["networks"][network.name] = found = measured(network)
        _write(record)
        print(network.name, found["verdict"], found["library"], flush=True)
    record = _record()
    _write(record)
    return int(not all(_is_well(n, record["networks"].get(n.name)) for n in chosen))


def measured(network: Network) -> dict[str, Any]:
    """What is on record of a network."""
    report = tercet.verify(
        network.path, targets=_TARGETS, parameters=network.small, device="cpu", timeout=None
    )
    return {
        "text": digest(network),
        "lines": len(network.path.read_text(encoding="utf-8").splitlines()),
        "trainable": trainable(network.opened({})),
        "check": _seconds("check", network.path),
        "compile": _seconds("compile", network.path),
        "small": {"parameters": dict(network.small), "trainable": _small(network)},
        "verdict": report.verdict,
        "comparisons": len(report.pairs),
        "between_targets": max(pair.max_rel or 0.0 for pair in report.pairs),
        "library": _compared(network, network.library),
    }


def digest(network: Network) -> str:
    """What tells whether the file is the one that was measured."""
    return hashlib.sha256(network.path.read_bytes()).hexdigest()[:16]


def _small(network: Network) -> int:
    return trainable(network.opened(network.small))


def _seconds(command: str, path: Path) -> float:
    """Processor time of the whole command, the median of some runs."""
    with tempfile.TemporaryDirectory() as folder:
        more: Sequence[str] = ("-o", folder, "--force") if command == "compile" else ()
        runs = [processes.run(processes.tercet(command, path, *more)) for _ in range(_RUNS)]
    return round(statistics.median(run.processor for run in runs), 3)


def _compared(network: Network, library: Library | None) -> dict[str, Any] | None:
    """The largest difference to the library; None where there is none that has the network."""
    if library is None:
        return None
    if not is_installed(library):
        raise SystemExit(f"{library.package} is needed: pip install -c constraints.txt .[zoo]")
    with tempfile.TemporaryDirectory() as folder:
        found = compare(network, Path(folder))
    return {
        "name": library.builder,
        "version": version(library.package),
        "parameters": dict(library.parameters),
        "difference": found.difference,
        "dependence": found.dependence,
    }


def _is_well(network: Network, found: dict[str, Any] | None) -> bool:
    if found is None or found["verdict"] != "identical":
        return False
    library, compared = network.library, found["library"]
    return library is None or compared["difference"] <= library.tolerance


def _record() -> dict[str, Any]:
    if not RECORD.exists():
        return {"machine": {}, "networks": {}}
    return dict(json.loads(RECORD.read_text(encoding="utf-8")))


def _write(record: dict[str, Any]) -> None:
    """Record and page, in the networks' order; one that is no more is left out."""
    networks = record["networks"]
    record["networks"] = {n.name: networks[n.name] for n in NETWORKS if n.name in networks}
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(record), encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
