"""The shared text around the model: it runs, it keeps `docs/scripts.md`, and linters like it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tercet.codegen.script.data import data_code
from tercet.codegen.script.files import LOG, WRITE, checkpoint_piece
from tercet.codegen.script.metrics import printed_metrics
from tercet.codegen.script.pieces import Piece, joined
from tercet.codegen.script.schedules import schedule_piece
from tercet.codegen.script.style import Style
from tercet.codegen.script.training import BATCHES, argument_lines, constants, optimizer_constants
from tercet.compiler.data import BreastCancer, Csv, DataSource, Mnist, Text
from tercet.compiler.graph.ir import Graph, Region
from tercet.compiler.graph.training import NamedMetric, Training, Update
from tercet.compiler.training import METRICS, ClipValue, GlobalNorm
from tercet.compiler.training.clipping import Clip
from tercet.compiler.training.optimizers import Adam, Optimizer, RmsProp, Sgd
from tercet.compiler.training.schedules import CosineSchedule, MultiStepSchedule, Schedule
from tests.compiler.data_mappings import BLOCK, SPAN, mapped

SAMPLES = Path(__file__).parents[2] / "samples"
DOCS = Path(__file__).parents[2] / "docs"
EMPTY = Graph("loss", BLOCK, {}, {}, (), Region(), ())


def training(
    optimizer: Optimizer,
    schedule: Schedule | None = None,
    clip: Clip | None = None,
    source: DataSource | None = None,
) -> Training:
    update = Update(("Model",), EMPTY, optimizer, schedule or CosineSchedule(), clip)
    data = mapped(source or BreastCancer(), SAMPLES, None)
    return Training("Model", {"Model": EMPTY}, (), (), data, (update,), None, (), SPAN, seed=7)


def run(*pieces: Piece) -> dict[str, Any]:
    whole = joined(pieces)
    scope: dict[str, Any] = {}
    exec("\n".join((*whole.imports, whole.text)), scope)
    return scope


def test_constants_are_what_the_source_says() -> None:
    model = training(
        Sgd(0.05, momentum=0.9, weight_decay=1e-4), CosineSchedule(warmup=50), GlobalNorm(1.0)
    )
    assert constants(model) == (
        ("BATCH_SIZE", "32"),
        ("EPOCHS", "10"),
        ("LEARNING_RATE", "0.05"),
        ("MOMENTUM", "0.9"),
        ("WEIGHT_DECAY", "0.0001"),
        ("WARMUP_STEPS", "50"),
        ("MAX_GRADIENT_NORM", "1.0"),
        ("SEED", "7"),
    )
    assert optimizer_constants(training(Adam())) == {"lr": "LEARNING_RATE"}
    assert ("MAX_GRADIENT", "0.5") in constants(training(Adam(), clip=ClipValue(0.5)))
    assert ("MILESTONES", "(5, 9)") in constants(training(Adam(), MultiStepSchedule((5, 9))))
    assert constants(None) == (("SEED", "0"),)


def _parser(model: Training | None) -> Any:
    lines = argument_lines(model, '"cpu"', "write an ONNX model here")
    code = "def parse():\n" + "".join(f"    {line}\n" for line in lines) + "    return args\n"
    scope: dict[str, Any] = {"__doc__": "A script.", "Path": Path, "DATA": Path("data")}
    exec(f"import argparse\nimport os\n{code}", scope)
    scope.update({name: eval(value) for name, value in constants(model)})
    return scope["parse"]


def test_flags_are_those_of_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    documented = re.findall(r"^\| `--([a-z-]+)", (DOCS / "scripts.md").read_text(), re.MULTILINE)
    model = training(Sgd(0.1), source=Mnist("data/mnist5k"))
    printed = re.findall(r'"--([a-z-]+)"', "\n".join(argument_lines(model, '"cpu"', "")))
    assert sorted(documented) == sorted(printed)
    untrained = re.findall(r'"--([a-z-]+)"', "\n".join(argument_lines(None, '"cpu"', "")))
    assert set(untrained) == {"seed", "device", "weights", "save", "predict", "export"}
    text = "\n".join(argument_lines(model, '"cpu"', "", Style(lean=True)))
    lean = re.findall(r'"--([a-z-]+)"', text)
    assert lean == ["epochs", "batch-size", "seed", "device", "weights", "save", "export"]

    command = "s.py --epochs 0 --lr 0.5 --predict a b --predict c d --data elsewhere --evaluate"
    monkeypatch.setattr(sys, "argv", command.split())
    args = _parser(model)()
    assert (args.epochs, args.batch_size, args.lr, args.seed) == (0, 32, 0.5, 7)
    assert args.predict == [["a", "b"], ["c", "d"]]
    assert args.data == Path("elsewhere")
    assert args.evaluate
    assert args.checkpoint is None
    monkeypatch.setattr(sys, "argv", ["s.py"])
    assert _parser(None)().predict == []


def test_batches_depend_on_seed_and_epoch_alone() -> None:
    batches = run(BATCHES)["batches"]
    first = batches(103, 10, 0, 0)
    assert first.shape == (10, 10)
    assert len(set(first.ravel())) == 100
    np.testing.assert_array_equal(first, batches(103, 10, 0, 0))
    assert not np.array_equal(first, batches(103, 10, 0, 1))
    assert not np.array_equal(first, batches(103, 10, 1, 0))
    with pytest.raises(SystemExit, match="9 training rows do not fill a batch of 10"):
        batches(9, 10, 0, 0)


def test_the_contract_prints_the_code_of_batches() -> None:
    assert BATCHES.text in (DOCS / "scripts.md").read_text()


def test_a_checkpoint_comes_back_and_belongs_to_its_run(tmp_path: Path) -> None:
    save = Piece("", ("from safetensors.numpy import save as to_bytes",))
    rmsprop = training(RmsProp(momentum=0.9, centered=True))
    scope = run(save, WRITE, checkpoint_piece("Model", "pytorch", rmsprop))
    path = str(tmp_path / "run.ckpt")
    tensors = {"weights/a.weight": np.arange(3.0), "random/cpu": np.zeros(2, np.uint8)}
    identity = scope["identity"](0, 32)
    scope["write"](path, tensors, {**identity, "step": "17"})
    assert os.listdir(tmp_path) == ["run.ckpt"]
    found, step = scope["read_checkpoint"](path, identity)
    assert step == 17
    assert {name: array.tolist() for name, array in found.items()} == {
        "weights/a.weight": [0.0, 1.0, 2.0],
        "random/cpu": [0, 0],
    }
    with pytest.raises(SystemExit, match="batch_size is '32', not '16'"):
        scope["read_checkpoint"](path, scope["identity"](0, 16))
    other = run(checkpoint_piece("Model", "pytorch", training(Sgd(0.1, momentum=0.9))))
    message = "optimizer is 'rmsprop, momentum, centered', not 'sgd, momentum'"
    with pytest.raises(SystemExit, match=message):
        scope["read_checkpoint"](path, other["identity"](0, 32))


def test_log_appends_lines(tmp_path: Path) -> None:
    log = run(LOG)["log"]
    log(str(tmp_path / "logs"), {"epoch": 1})
    log(str(tmp_path / "logs"), {"epoch": 2})
    text = (tmp_path / "logs" / "metrics.jsonl").read_text()
    assert text == '{"epoch": 1}\n{"epoch": 2}\n'


def _all_text() -> str:
    sources = [
        (BreastCancer(standardize=True), "features"),
        (Mnist("data/mnist5k"), "pixels"),
        (Csv("data/series/airline.csv", window=12, shuffle=False), "Passengers"),
        (Text("data/text/hamlet.txt"), "ids"),
    ]
    loads = [data_code(mapped(s, SAMPLES, None, x=c), SAMPLES, SAMPLES).piece for s, c in sources]
    metrics = printed_metrics([NamedMetric(n, cls(), ()) for n, cls in METRICS.items()]).piece
    model = training(Sgd(0.1), source=Mnist("data/mnist5k"))
    schedule = schedule_piece(CosineSchedule(warmup=3))
    assert schedule is not None
    whole = joined(
        [metrics, schedule, BATCHES, WRITE, LOG, checkpoint_piece("Model", "pytorch", model)]
    )
    flags = "".join(f"    {line}\n" for line in argument_lines(model, '"cpu"', "write ONNX here"))
    top = joined([*loads, whole])
    lines = (
        '"""Text."""',
        *top.imports,
        "import argparse",
        "from safetensors.numpy import save as to_bytes",
        *(f"{name} = {value}" for name, value in constants(model)),
        'DATA = Path("data")',
    )
    definitions = re.sub(r"def load_(data|part)", _numbered(), top.text)
    return "\n".join(lines) + f"\n\n\n{definitions}\n\n\ndef main():\n{flags}    return args\n"


def _numbered() -> Any:
    """One name for each `load_data`, so that they can stand in one file."""
    numbers = iter(range(100))
    return lambda match: f"def load_{match[1]}_{next(numbers)}"


def test_linters_like_the_text() -> None:
    ruff = [sys.executable, "-m", "ruff"]
    options = ["--isolated", "--line-length", "88", "-"]
    formatted = subprocess.run(
        [*ruff, "format", *options], input=_all_text(), capture_output=True, text=True, check=True
    ).stdout
    select = ["--select", "E,F,W,UP,B", "--ignore", "F821,E402"]  # load_part was renamed above
    checked = subprocess.run(
        [*ruff, "check", *select, *options],
        input=formatted,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
