"""`tercet train FILE`: trains with one framework, and keeps the weights."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tercet.cli import options, terminal
from tercet.cli.command import Command
from tercet.errors import TercetError
from tercet.files import require_input

if TYPE_CHECKING:
    from tercet.compiler.data.base import DataSource


def _integer(least: int, most: int | None = None) -> Callable[[str], str]:
    """Reads an integer of these bounds, and leaves it as it was written."""
    bounds = f"from {least} on" if most is None else f"from {least} to {most}"

    def read(text: str) -> str:
        if not text.isdecimal() or not least <= int(text) <= (most or int(text)):
            raise argparse.ArgumentTypeError(f"{text!r} is not an integer {bounds}")
        return text

    return read


def _rate(text: str) -> str:
    try:
        positive = float(text) >= 0
    except ValueError:
        positive = False
    if not positive:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 on")
    return text


_PASSED_ON: tuple[tuple[str, str, str, Callable[[str], str]], ...] = (
    ("--epochs", "N", "train until so many epochs are done", _integer(0)),
    ("--batch-size", "N", "rows of a training batch", _integer(1)),
    ("--lr", "X", "base learning rate", _rate),
    ("--seed", "S", "of weights, split, batches and dropout", _integer(0, 2**32 - 1)),
    ("--data", "PATH", "read the data from here", str),
    ("--device", "D", "cpu, cuda or cuda:K", str),
    ("--weights", "FILE", "start from these weights", str),
    ("--checkpoint", "FILE", "write the state of training there after every epoch", str),
    ("--checkpoint-every", "STEPS", "and after so many steps", _integer(1)),
    ("--resume", "FILE", "go on from a checkpoint", str),
    ("--log-dir", "DIR", "append to metrics.jsonl in this folder", str),
)
"""Flags of the script, checked here already: a framework takes seconds to start."""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_file(parser)
    options.add_targets(parser, options.ONE_FRAMEWORK)
    options.add_model(parser)
    options.add_training(parser)
    options.add_float64(parser)
    options.add_exact(parser)
    options.add_interpreter(parser)
    parser.add_argument(
        "--save", metavar="FILE", type=Path, help="the weights (default: <model>.safetensors)"
    )
    for flag, metavar, help, type in _PASSED_ON:
        parser.add_argument(flag, metavar=metavar, help=help, type=type)
    parser.add_argument(
        "--allow-nonfinite", action="store_true", help="train on where the loss is not finite"
    )
    options.add_timeout(parser, None)


def _run(args: argparse.Namespace) -> int:
    from tercet.runner import run
    from tercet.scripts import temporary_script
    from tercet.weights_files import require_fit

    project = options.project(args)
    if project.training is None:
        raise TercetError(
            f"{args.file} has no `train {project.model.name} {{ … }}`",
            "`tercet new NAME` writes a model that has one",
        )
    _check_files(args, project.training.data.source)
    target = options.framework(args)
    data = None if args.data is None else Path(args.data)
    inputs = (args.file, data, None if args.weights is None else Path(args.weights))
    save = args.save or Path(f"{project.stem}.safetensors")
    for path in (save, args.checkpoint):
        if path is not None:
            options.output_file(Path(path), *inputs, makes_folder=False)
    if args.weights is not None:
        require_fit(project, Path(args.weights))
    flags = ["--save", str(save)]
    for flag, *_ in _PASSED_ON:
        value = getattr(args, flag.strip("-").replace("-", "_"))
        flags += [flag, value] if value is not None else []
    flags += ["--allow-nonfinite"] if args.allow_nonfinite else []
    with temporary_script(project, target, options.interpreters(args)) as script:
        terminal.note(f"training {project.model.name} with {target}")
        finished = run(script.job(flags, args.timeout), inherit=True)
    if not finished.ok:
        print(f"error: {target} {finished.outcome}", file=sys.stderr)
        return 1
    terminal.note(f"the weights are in {save}")
    return 0


def _check_files(args: argparse.Namespace, source: DataSource) -> None:
    """What the script would only say once its framework has started.  Raises TercetError."""
    from tercet.compiler.data.base import FileSource

    if args.data is not None and not isinstance(source, FileSource):
        raise TercetError(f"--data {args.data}: {source.name} reads no file")
    for path in (args.weights, args.resume, args.data):
        if path is not None and not (path == args.data and Path(path).is_dir()):
            require_input(Path(path))
    if args.checkpoint_every is not None and args.checkpoint is None:
        raise TercetError("--checkpoint-every needs --checkpoint FILE")


COMMAND = Command(
    "train",
    "Train a model with one framework; the weights fit all of them.",
    (
        "tercet train net.model                          with the first framework installed",
        "tercet train net.model -t mxnet -T epochs=3 --save net.safetensors",
        "tercet train net.model --checkpoint run.ckpt    and later --resume run.ckpt",
        "tercet train net.model --exact -t tensorflow    to the weights of any other framework",
    ),
    _add_arguments,
    _run,
)
