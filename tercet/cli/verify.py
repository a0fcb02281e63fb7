"""`tercet verify FILE`: do all targets compute the same?"""

from __future__ import annotations

import argparse
import json
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from tercet.cli import options, terminal
from tercet.cli.command import Command
from tercet.dsl.diagnostics import DiagnosticError
from tercet.errors import TercetError

if TYPE_CHECKING:
    from rich.console import Console

    from tercet.project import Project
    from tercet.verification.run import Progress


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_file(parser)
    options.add_targets(parser)
    options.add_model(parser)
    options.add_float64(parser)
    options.add_exact(parser)
    options.add_interpreter(parser)
    parser.add_argument(
        "--script",
        metavar="TARGET=FILE",
        action="append",
        default=[],
        help="judge this script in place of the generated one (repeatable)",
    )
    parser.add_argument(
        "--device",
        choices=("cpu", "cuda", "auto"),
        default="auto",
        help="where ONNX Runtime computes (default: auto, CUDA where it starts)",
    )
    parser.add_argument(
        "--seed", type=options.seed, default=0, help="of weights and probes (default: 0)"
    )
    parser.add_argument(
        "--weights", metavar="FILE", type=Path, help="canonical weights (default: drawn from SEED)"
    )
    options.add_output(
        parser, "keep report.json, scripts, weights, probes, answers and ONNX files there"
    )
    options.add_json(parser)
    options.add_timeout(parser, 600)


def _run(args: argparse.Namespace) -> int:
    from rich.console import Console

    from tercet.verification.report import print_report
    from tercet.verification.run import Request, verify_project

    project = _project(args)
    folder = options.output_folder(args.output or Path())
    request = Request(
        args.targets,
        _scripts(args.script),
        args.device,
        args.seed,
        args.weights,
        args.timeout,
        args.output,
        options.interpreters(args),
    )
    with _progress(Console(stderr=True)) as progress:
        report = verify_project(project, request, progress)
    if args.json:
        print(json.dumps(report.to_json(), indent=2))
    else:
        print_report(report, Console(width=terminal.width()))
    path = report.write(folder)
    if not args.json:
        print(f"the report is in {path}")
    return report.exit_code


def _project(args: argparse.Namespace) -> Project:
    """The model, and its `train` if that fits: none is run, so none that does not is a reason.

    A script by hand may train, which it is told not to do only where there is a `train`.
    """
    try:
        return options.project(args)
    except DiagnosticError as problem:
        if args.script:
            raise
        try:
            return options.project(args, inference=True)
        except DiagnosticError:
            raise problem from None


def _scripts(given: list[str]) -> dict[str, Path]:
    """The scripts by target.  Raises TercetError."""
    found: dict[str, Path] = {}
    for text in given:
        target, equals, path = text.partition("=")
        if not equals or not path:
            raise TercetError(f"--script {text}: write TARGET=FILE, as in pytorch=mine.py")
        if target in found:
            raise TercetError(f"--script is given twice for {target}")
        found[target] = Path(path)
    return found


def _progress(console: Console) -> AbstractContextManager[Progress]:
    from tercet.verification.progress import LiveProgress, PlainProgress

    return LiveProgress(console) if console.is_terminal else nullcontext(PlainProgress(console))


COMMAND = Command(
    "verify",
    "Give all targets the same weights and inputs, and compare every output: each framework with\n"
    "its own ONNX file, all ONNX files with each other, all with the float64 reference.\n"
    "Exit code 0: identical, 1: different, 2: not judged.",
    (
        "tercet verify net.model                                 all installed targets",
        "tercet verify net.model -t pytorch,onnx -o net_verify   keep everything that took part",
        "tercet verify net.model --weights net.safetensors       with trained weights",
        "tercet verify net.model --script pytorch=mine.py        a script edited by hand",
    ),
    _add_arguments,
    _run,
    failed=2,
)
