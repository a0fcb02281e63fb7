"""`python -m benchmarks.updates`: measures what every target's updates are, for docs/training.md.

Two measurements, both in float64 and over 20 steps: a framework's own optimizer on given gradients,
and generated scripts that train small networks (`tests/backends/updates.py`), each against the
language's definitions.  `updates.json` keeps them; the page is written from it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.exact_page import section
from benchmarks.processes import ROOT
from tercet.compiler.training import optimizers as definitions
from tercet.compiler.training.optimizers import Optimizer
from tercet.compiler.training.schedules import CosineSchedule
from tests.backends.training_scripts import FRAMEWORKS, trained
from tests.backends.updates import NETS, STEPS, Case, compared, every_case, pairwise, run

RECORD = ROOT / "benchmarks" / "updates.json"
PAGE = ROOT / "docs" / "training.md"
_NETS = {"cnn": "the CNN", "lstm": "the LSTM", "transformer": "the transformer"}
TITLES = {"pytorch": "PyTorch", "tensorflow": "TensorFlow", "mxnet": "MXNet"}


@dataclass(frozen=True)
class Row:
    """An optimizer: how the language writes it, the definition measured, its names elsewhere.

    `said` has for each target what the stock one means, and what the script does therefore; empty
    where that is nothing.
    """

    name: str
    optimizer: Optimizer
    kinds: tuple[str, str, str]
    said: tuple[tuple[str, str], tuple[str, str], tuple[str, str]]
    cases: tuple[str, ...]


_SAME = ("the same", "")
_DECAY = "takes weight decay off the weights"
_RATE = "keeps the rate in the velocity"
_DECAYED = ("the same but that it " + _DECAY, "adds weight decay to the gradient")
_ROOT = "adds epsilon inside the root"
_BEFORE = "adds epsilon before the correction of the bias"
_OWN = "a class of the script"
_EPSILON = "a line in each step that sets its epsilon; betas rounded as its operation rounds them"

ROWS = (
    Row(
        "sgd",
        definitions.Sgd(0.1, weight_decay=0.1),
        ("SGD", "SGD", "sgd"),
        (_SAME, (f"{_DECAY}: without momentum the same", ""), _SAME),
        ("sgd",),
    ),
    Row(
        "sgd, momentum",
        definitions.Sgd(0.1, momentum=0.9, weight_decay=0.1),
        ("SGD", "SGD", "sgd"),
        (
            _SAME,
            (f"{_RATE}, {_DECAY}", "its own update where the rate changes or weights decay"),
            (_RATE, "with a schedule, a line in each step that sets its momentum"),
        ),
        ("momentum",),
    ),
    Row(
        "sgd, nesterov",
        definitions.Sgd(0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
        ("SGD", "SGD", "nag"),
        (
            _SAME,
            (f"{_RATE}, {_DECAY}", "its own update where the rate changes or weights decay"),
            (f"{_RATE}, decays otherwise", f"{_OWN} where the rate changes or weights decay"),
        ),
        ("nesterov",),
    ),
    Row(
        "adam",
        definitions.Adam(0.01, eps=1e-3, weight_decay=0.1),
        ("Adam", "Adam", "adam"),
        (_SAME, (f"{_BEFORE}, {_DECAY}", "its own update"), (_BEFORE, _EPSILON)),
        ("adam", "adam_betas"),
    ),
    Row(
        "adamw",
        definitions.AdamW(0.01, eps=1e-3, weight_decay=0.1),
        ("AdamW", "AdamW", "adamw"),
        (
            _SAME,
            (_BEFORE, "its own update"),
            ("an operation alone", f"{_OWN} around the operation"),
        ),
        ("adamw",),
    ),
    Row(
        "nadam",
        definitions.NAdam(0.01, eps=1e-3, weight_decay=0.1),
        ("NAdam", "Nadam", "nadam"),
        (
            _SAME,
            (f"has a `momentum_decay` of 1, {_DECAY}", "its own update for any other"),
            ("shares one momentum schedule between all parameters", _OWN),
        ),
        ("nadam", "nadam_pace"),
    ),
    Row(
        "rmsprop",
        definitions.RmsProp(0.01, eps=1e-3, weight_decay=0.1),
        ("RMSprop", "RMSprop", "rmsprop"),
        (_SAME, (f"{_ROOT}, {_DECAY}", "its own update"), (_ROOT, _OWN)),
        ("rmsprop", "rmsprop_momentum", "rmsprop_centered"),
    ),
    Row(
        "adagrad",
        definitions.Adagrad(0.1, eps=1e-3, weight_decay=0.1),
        ("Adagrad", "Adagrad", "adagrad"),
        (
            _SAME,
            (f"{_ROOT}, {_DECAY}", "its own update; `lr_decay` is in the table of rates"),
            (f"{_DECAY}, knows no `lr_decay`", _OWN),
        ),
        ("adagrad", "adagrad_decay"),
    ),
    Row(
        "adadelta",
        definitions.Adadelta(0.5, eps=1e-4, weight_decay=0.1),
        ("Adadelta", "Adadelta", "adadelta"),
        (_SAME, _DECAYED, ("knows no learning rate", _OWN)),
        ("adadelta",),
    ),
    Row(
        "lion",
        definitions.Lion(0.003, weight_decay=0.1),
        ("Lion", "Lion", "lion"),
        (("none", _OWN), _DECAYED, ("none", _OWN)),
        ("lion",),
    ),
)


def measured_stock() -> dict[str, dict[str, float]]:
    """For each row and framework the stock optimizer's largest difference, of its movement."""
    random = np.random.default_rng(0)
    start, gradients = random.normal(size=(5, 3)), random.normal(size=(STEPS, 5, 3))
    schedule = CosineSchedule(warmup=5)
    factors = [schedule.factor(step, STEPS) for step in range(STEPS)]
    found: dict[str, dict[str, float]] = {row.name: {} for row in ROWS}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        # One rate for all: theirs is in the settings, the table has factors of it.
        settings = {
            row.name: (dict(zip(FRAMEWORKS, row.kinds, strict=True)), _settings(row.optimizer))
            for row in ROWS
        }
        (folder / "settings.json").write_text(json.dumps(settings))
        np.save(folder / "start.npy", start)
        np.save(folder / "gradients.npy", gradients)
        np.save(folder / "factors.npy", np.array(factors))
        for framework in FRAMEWORKS:
            command = [sys.executable, "-m", "benchmarks.stock_updates", framework, place]
            subprocess.run(command, check=True, cwd=ROOT)
        for row in ROWS:
            truth = _defined(row.optimizer, start, gradients, factors)
            for framework in FRAMEWORKS:
                path = folder / f"{framework}-{row.name}.npy"
                if path.exists():
                    difference = np.abs(np.load(path) - truth).max() / np.abs(truth - start).max()
                    found[row.name][framework] = float(difference)
    return found


def _settings(optimizer: Optimizer) -> dict[str, Any]:
    return {field.name: getattr(optimizer, field.name) for field in fields(optimizer)}


def _defined(optimizer: Optimizer, weight: Any, gradients: Any, factors: list[float]) -> Any:
    slots = optimizer.initial(weight)
    for step, (gradient, factor) in enumerate(zip(gradients, factors, strict=True)):
        weight, slots = optimizer.update(weight, gradient, slots, step, optimizer.lr * factor)
    return weight


def measured_scripts(cases: list[Case]) -> dict[str, dict[str, float]]:
    """For each row and framework the largest difference of any weight in any of its trainings."""
    found: dict[str, dict[str, float]] = {row.name: {} for row in ROWS}
    with tempfile.TemporaryDirectory() as place:
        for framework in FRAMEWORKS:
            run(framework, cases, Path(place) / framework)
            for row in ROWS:
                own = [case for case in cases if case.optimizer in row.cases]
                found[row.name][framework] = max(
                    entry.relative
                    for case in own
                    for entry in compared(
                        trained(case.text)[1], Path(place) / framework / case.name
                    )
                )
    return found


# ------------------------------------------------------------------------------------------- page

_HEAD = """\
# Training: one meaning, three frameworks

`python -m benchmarks.updates` measures this page and writes it.

The same `.model` trains to the same weights in every target, up to rounding and to what draws
random numbers: an update means what [language.md](language.md) says, whatever the framework's own
optimizer means. **Stock** is how far a framework's optimizer, with the language's settings as near
as it has them, ends from the language's definition after {steps} steps (weight decay 0.1, a cosine
with warm-up, random gradients; float64, in MXNet float32). **Script** is how far the weights of
generated scripts end from it in float64: the worst weight of {cases} trainings of a convolutional
network with batch normalisation, an LSTM and a transformer block, in which every optimizer meets
every schedule, way to clip and kind of weight decay, and of the whole product of these four
({product}; `python -m benchmarks.update_product`). No weight is left out: the definition is given
the gradients that the framework had. Differences are shares of a weight's largest movement.
MXNet holds settings in float32: its differences are those of rounding them.

| optimizer | target | stock: what it does | difference | script: what it does | difference |
|---|---|---|---|---|---|
"""
_TAIL = """
Clipping: by global norm Keras' and MXNet's are the language's (MXNet's own function knows float32
only; for a model in f64 the script has three lines). PyTorch adds 1e-6 to the norm: for limits
below 1 the script takes that off again. Clipping by value is the same everywhere; MXNet's Adam
would do it after weight decay, so there the script does it.

Batch normalisation: the language, Keras and MXNet average the biased variance of a batch, PyTorch's
layer the unbiased one, which is larger by n / (n - 1); a comment in its script and a note of
`tercet compile` say so, and an [exact script](#exact-scripts) has a layer of its own. Trained
weights do not depend on it, inference after training does.

Attention's key bias and a bias before batch normalisation have a gradient of zero but for rounding,
which optimizers of Adam's kind and `lion` amplify: such elements differ between frameworks, and
nothing else depends on them.
"""


def page(record: dict[str, Any]) -> str:
    """The text of docs/training.md."""
    lines = []
    for row in ROWS:
        for framework, (stock, script) in zip(FRAMEWORKS, row.said, strict=True):
            cells = [
                _titled(row.name),
                TITLES[framework],
                stock,
                _figure(record["stock"][row.name].get(framework)),
                script or "uses it",
                _figure(_script(record, row, framework)),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    told = _told(record.get("product", {}))
    head = _HEAD.format(steps=STEPS, cases=record["cases"], product=told)
    return head + "\n".join(lines) + "\n" + _TAIL + section()


def _script(record: Mapping[str, Any], row: Row, framework: str) -> float:
    """The worst weight of all trainings, be they of the pairs or of the product."""
    nets = record.get("product", {}).values()
    worst = [net[framework]["worst"] for net in nets if framework in net]
    found: list[float] = [own[case] for own in worst for case in row.cases if case in own]
    found.append(record["scripts"][row.name][framework])
    return max(found)


def _told(product: Mapping[str, Any]) -> str:
    """How much of the product was measured: of which network, how often in each target."""
    whole = len(every_case()) // len(NETS)
    parts: list[str] = []
    for net, targets in product.items():
        counts = {f: targets[f]["trainings"] for f in FRAMEWORKS if f in targets}
        if all(count == whole for count in counts.values()) and len(counts) == len(FRAMEWORKS):
            said = f"all {whole} in each target"
        else:
            said = ", ".join(f"{count} in {TITLES[f]}" for f, count in counts.items())
            said = f"drawn from {whole}: {said}"
        parts.append(f"{_NETS[net]}: {said}")
    return "; ".join(parts) or "not measured"


def write_product(product: dict[str, Any]) -> None:
    """Puts what the product gave into the record and the page."""
    _write({**json.loads(RECORD.read_text()), "product": product})


def _write(record: dict[str, Any]) -> None:
    text = page(record)
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
    PAGE.write_text(text)


def write_page() -> None:
    """Writes the page anew from what is on record."""
    PAGE.write_text(page(json.loads(RECORD.read_text())))


def _titled(name: str) -> str:
    word, comma, rest = name.partition(",")
    return f"`{word}`{comma}{rest}"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.0e}"


def main() -> None:
    cases = pairwise()
    before = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    _write(
        {
            "cases": len(cases),
            "stock": measured_stock(),
            "scripts": measured_scripts(cases),
            "product": before.get("product", {}),
        }
    )


if __name__ == "__main__":
    main()
