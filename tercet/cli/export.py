"""`tercet export FILE -t TARGET`: ONNX from a framework's own graph, or directly."""

from __future__ import annotations

import argparse
from pathlib import Path

from tercet.cli import options
from tercet.cli.command import Command
from tercet.guarding import temporary_folder


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_file(parser)
    options.add_targets(parser, "pytorch, tensorflow, mxnet or onnx (default: onnx)")
    options.add_model(parser)
    options.add_float64(parser)
    options.add_interpreter(parser)
    parser.add_argument("--weights", metavar="FILE", type=Path, help="canonical weights")
    parser.add_argument(
        "--seed", type=options.seed, default=0, help="of initial weights, where none are given"
    )
    options.add_output(parser, "the file (default: <model>_<target>.onnx)", "FILE")
    options.add_timeout(parser, 600)


def _run(args: argparse.Namespace) -> int:
    from tercet.compiler.graph import weights as canonical
    from tercet.exporting import export

    project = options.project(args, inference=True)
    target = options.one_target(args) or "onnx"
    name = args.output or Path(f"{project.stem}_{target}.onnx")
    path = options.output_file(name, args.file, args.weights)
    with temporary_folder() as folder:
        weights = args.weights
        if weights is None:
            weights = folder / "initial.safetensors"
            canonical.save(weights, canonical.initial_weights(project.model, args.seed))
        if target != "onnx":
            options.targets_to_run(args)
        export(project, target, weights, path, options.interpreters(args), args.timeout)
    print(path)
    return 0


COMMAND = Command(
    "export",
    "Write ONNX: by a framework's own exporter (-t pytorch, tensorflow, mxnet), or directly.",
    (
        "tercet export net.model --weights net.safetensors           directly, no framework",
        "tercet export net.model -t tensorflow --weights net.safetensors -o net.onnx",
    ),
    _add_arguments,
    _run,
)
