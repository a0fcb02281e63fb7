"""`tercet explain CODE`: the page of an error code."""

from __future__ import annotations

import argparse

from tercet.cli.command import Command
from tercet.errors import TercetError


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("code", metavar="CODE", nargs="?", help="a code as errors show it: E0304")


def _run(args: argparse.Namespace) -> int:
    from tercet.dsl.codes import CODES, explanation

    if args.code is None:
        print("\n".join(f"{code}  {summary}" for code, summary in CODES.items()))
        return 0
    try:
        print(explanation(args.code).rstrip())
    except KeyError:
        raise TercetError(
            f"there is no error code {args.code!r}", "tercet explain lists them all"
        ) from None
    return 0


COMMAND = Command(
    name="explain",
    help="Explain an error code, with an example that fails and one that is mended.\n"
    "Without a code, list them all.",
    examples=["tercet explain E0304", "tercet explain"],
    add_arguments=_add_arguments,
    run=_run,
)
