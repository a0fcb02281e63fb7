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
    parser.add_argument(
        "--after", metavar="PASS", default="elaborate", help="which pass (default: elaborate)"
    )


def _run(args: argparse.Namespace) -> int:
    from tercet.compiler.graph.printer import print_program
    from tercet.compiler.pipeline import PASSES

    if args.after not in PASSES.names:
        raise TercetError(f"there is no pass {args.after}", f"known: {', '.join(PASSES.names)}")
    print(print_program(options.project(args, args.after).program), end="")
    return 0


COMMAND = Command(
    "ir",
    "Print the graph that the compiler works on.",
    ("tercet ir net.model                    after elaboration",),
    _add_arguments,
    _run,
)
