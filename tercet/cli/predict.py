"""`tercet predict FILE IN OUT`: outputs of the model for inputs in a file."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from tercet.cli import options
from tercet.cli.command import Command
from tercet.errors import TercetError
from tercet.guarding import temporary_folder


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_file(parser)
    parser.add_argument("inputs", metavar="IN", type=Path, help=".npz or .safetensors, by name")
    parser.add_argument("outputs", metavar="OUT", type=Path, help=".npz or .safetensors")
    parser.add_argument("--weights", metavar="FILE", type=Path, required=True)
    options.add_targets(parser, options.ONE_FRAMEWORK)
    options.add_model(parser)
    options.add_float64(parser)
    options.add_interpreter(parser)
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:K (default: cpu)")
    options.add_timeout(parser, 600)


def _run(args: argparse.Namespace) -> int:
    from tercet.compiler.reference.inputs import InputError, check_inputs
    from tercet.runner import run
    from tercet.scripts import temporary_script
    from tercet.tensors import read, write
    from tercet.weights_files import require_fit

    project = options.project(args, inference=True)
    target = options.framework(args)
    inputs = read(args.inputs)
    options.output_file(args.outputs, args.file, args.inputs, args.weights)
    try:
        check_inputs(project.model, inputs)
    except InputError as problem:
        raise TercetError(f"{args.inputs}: {problem}") from None
    require_fit(project, args.weights)
    with (
        temporary_folder() as folder,
        temporary_script(project, target, options.interpreters(args)) as script,
    ):
        source, result = folder / "in.safetensors", folder / "out.safetensors"
        write(source, inputs)
        flags = ["--epochs", "0"] if project.training is not None else []
        flags += ["--device", args.device, "--weights", str(args.weights.absolute())]
        flags += ["--predict", str(source), str(result)]
        job = script.job(flags, args.timeout)
        ours = {str(source): str(args.inputs), str(result): str(args.outputs)}
        run(replace(job, aliases={**ours, **job.aliases})).require_success()
        outputs = read(result)
    write(args.outputs, outputs)
    shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in outputs.items())
    print(f"{args.outputs}: {shapes}")
    return 0


COMMAND = Command(
    "predict",
    "Run a model with trained weights on inputs from a file.",
    ("tercet predict net.model images.npz logits.npz --weights net.safetensors",),
    _add_arguments,
    _run,
)
