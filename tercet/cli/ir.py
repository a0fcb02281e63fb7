"""`tercet ir FILE`: the compiler's graph as text."""

from __future__ import annotations

import argparse

from tercet.cli import options
from tercet.cli.command import Command
from tercet.errors import TercetError


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_file(parser)
    options.add_model(parser)
    options.add_training(parser)
    options.add_float64(parser)
    parser.add_argument("--after", metavar="PASS", help="which pass (default: the last)")


def _run(args: argparse.Namespace) -> int:
    from tercet.compiler.graph.printer import print_program
    from tercet.compiler.pipeline import PASSES, TWIN

    known = (TWIN if args.float64 else PASSES).names
    if args.after is not None and args.after not in known:
        raise TercetError(f"there is no pass {args.after}", f"known: {', '.join(known)}")
    print(print_program(options.project(args, args.after).program), end="")
    return 0


COMMAND = Command(
    "ir",
    "Print the graph that the compiler works on.",
    (
        "tercet ir net.model                    as the targets see it",
        "tercet ir net.model --float64          its twin in double precision",
    ),
    _add_arguments,
    _run,
)
