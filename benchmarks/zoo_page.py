"""docs/zoo.md: the networks of samples/zoo, and what was measured of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.processes import ROOT
from tests.zoo.networks import NETWORKS, Network

RECORD = ROOT / "benchmarks" / "zoo.json"
PAGE = ROOT / "docs" / "zoo.md"

_TEXT = """\
# The zoo

Networks that everybody knows, in `samples/zoo/`, each in one file of at most 60 lines with its
training. They are written as their papers and libraries have them: with the published number of
trainable parameters, and with weights that go from the library to ours by name, one to one.
Every parameter of a model makes it smaller or larger with `-P`:

```sh
tercet show samples/zoo/resnet50.model -P classes=10
tercet compile samples/zoo/resnet50.model -o build
tercet verify samples/zoo/resnet50.model -P size=32 -P width=8 -P 'depths=[1, 1, 1, 1]'
```

What they train on is drawn, so that each file runs as it stands: data of yours goes in its place
([language.md](language.md#train)).

**check** and **compile** are seconds of processor time of the whole command at full size, for
PyTorch, TensorFlow and MXNet. **verdict** is that of `tercet verify` on all four targets for the
small instance named below, with the largest difference between any two of the targets' answers
and the reference, relative to the output. **library** is the largest difference of the float64
reference to the library's network in double precision, by the scale of its output, with the same
weights: random ones, under which the outputs change with the inputs. `python -m benchmarks.zoo`
measures all of this; `tests/zoo` verifies the small instances and trains each for 20 steps in every
framework.

| network | reference | lines | parameters | check | compile | verdict | library |
|---|---|---:|---:|---:|---:|---|---|
"""

_INSTANCES = """
The instances that were verified, and those that were compared with a library:

| network | verified at | parameters | library | compared at |
|---|---|---:|---|---|
"""


def page(record: Mapping[str, Any]) -> str:
    """The whole page."""
    networks = [(n, record["networks"][n.name]) for n in NETWORKS if n.name in record["networks"]]
    rows = [_row(network, found) for network, found in networks]
    instances = [_instance(network, found) for network, found in networks]
    place = ", ".join(f"{what} {value}" for what, value in sorted(record["machine"].items()))
    text = _TEXT + "".join(rows) + _INSTANCES + "".join(instances)
    return f"{text}\nMeasured with {place}.\n"


def _row(network: Network, found: Mapping[str, Any]) -> str:
    library = found["library"]
    cells = [
        f"[`{network.name}`](../samples/zoo/{network.name}.model)",
        network.reference,
        str(found["lines"]),
        f"{found['trainable']:,}",
        f"{found['check']:.2f}",
        f"{found['compile']:.2f}",
        f"{found['verdict']}, {found['between_targets']:.0e}",
        f"{library['difference']:.0e}" if library else "none has it",
    ]
    return f"| {' | '.join(cells)} |\n"


def _instance(network: Network, found: Mapping[str, Any]) -> str:
    small, library = found["small"], found["library"]
    cells = [
        f"`{network.name}`",
        _settings(small["parameters"]),
        f"{small['trainable']:,}",
        f"`{library['name']}` {library['version']}" if library else "",
        (_settings(library["parameters"]) or "full size") if library else "",
    ]
    return f"| {' | '.join(cells)} |\n"


def _settings(parameters: Mapping[str, str]) -> str:
    return " ".join(f"`{name}={value}`" for name, value in parameters.items())
