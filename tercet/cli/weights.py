"""`tercet weights FILE`: initial weights in the canonical file."""

from __future__ import annotations

import argparse
from pathlib import Path

from tercet.cli import options
from tercet.cli.command import Command


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_file(parser)
    options.add_model(parser)
    options.add_float64(parser)
    help = "of the random numbers (default: 0)"
    parser.add_argument("--seed", type=options.seed, default=0, help=help)
    options.add_output(parser, "the file (default: <model>.safetensors)", "FILE")


def _run(args: argparse.Namespace) -> int:
    from tercet.compiler.graph.weights import initial_weights, save

    project = options.project(args, inference=True)
    path = options.output_file(args.output or Path(f"{project.stem}.safetensors"), args.file)
    weights = initial_weights(project.model, args.seed)
    save(path, weights)
    print(f"{path}: {len(weights)} tensors, {sum(w.size for w in weights.values()):,} numbers")
    return 0


COMMAND = Command(
    "weights",
    "Write initial weights that fit every target: the same numbers for the same seed.",
    (
        "tercet weights net.model -o w.safetensors --seed 1",
        "tercet export net.model -t tensorflow --weights w.safetensors -o net.onnx",
    ),
    _add_arguments,
    _run,
)
