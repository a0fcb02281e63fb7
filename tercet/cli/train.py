"""`tercet train FILE`: trains with one framework, and keeps the weights."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tercet.cli import options, terminal
from tercet.cli.command import Command
from tercet.errors import TercetError

_PASSED_ON = (
    ("--epochs", "N", "train until so many epochs are done"),
    ("--batch-size", "N", "rows of a training batch"),
    ("--lr", "X", "base learning rate"),
    ("--seed", "S", "of weights, split, batches and dropout"),
    ("--data", "PATH", "read the data from here"),
    ("--device", "D", "cpu, cuda or cuda:K"),
    ("--weights", "FILE", "start from these weights"),
    ("--checkpoint", "FILE", "write the state of training there after every epoch"),
    ("--checkpoint-every", "STEPS", "and after so many steps"),
    ("--resume", "FILE", "go on from a checkpoint"),
    ("--log-dir", "DIR", "append to metrics.jsonl in this folder"),
)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_file(parser)
    options.add_targets(parser)
    options.add_model(parser)
    options.add_training(parser)
    options.add_interpreter(parser)
    parser.add_argument(
        "--save", metavar="FILE", type=Path, help="the weights (default: <model>.safetensors)"
    )
    for flag, metavar, help in _PASSED_ON:
        parser.add_argument(flag, metavar=metavar, help=help)
    options.add_timeout(parser, None)


def _run(args: argparse.Namespace) -> int:
    from tercet.runner import run
    from tercet.scripts import temporary_script

    project = options.project(args)
    if project.training is None:
        raise TercetError(
            f"{args.file} has no `train {project.model.name} {{ … }}`", "see docs/tutorial.md"
        )
    target = options.framework(args)
    save = options.output_file(args.save or Path(f"{project.stem}.safetensors"))
    flags = ["--save", str(save)]
    for flag, _, _ in _PASSED_ON:
        value = getattr(args, flag.strip("-").replace("-", "_"))
        flags += [flag, value] if value is not None else []
    with temporary_script(project, target, options.interpreters(args)) as script:
        terminal.note(f"training {project.model.name} with {target}")
        finished = run(script.job(flags, args.timeout), inherit=True)
    if not finished.ok:
        print(f"error: {target} {finished.outcome}", file=sys.stderr)
        return 1
    terminal.note(f"the weights are in {save}")
    return 0


COMMAND = Command(
    "train",
    "Train a model with one framework; the weights fit all of them.",
    (
        "tercet train net.model                          with the first framework installed",
        "tercet train net.model -t mxnet -T epochs=3 --save net.safetensors",
        "tercet train net.model --checkpoint run.ckpt    and later --resume run.ckpt",
    ),
    _add_arguments,
    _run,
)
