"""`tercet check FILE...`: every error and warning of a model."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tercet.cli import options
from tercet.cli.command import Command


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="a .model file")
    options.add_model(parser)
    options.add_training(parser)
    options.add_json(parser)


def _run(args: argparse.Namespace) -> int:
    from tercet.cli.failure import UNREADABLE, print_diagnostics
    from tercet.compiler.pipeline import load
    from tercet.dsl.render import to_json

    code = 0
    entries = []
    for path in args.files:
        result = load(path, parameters=args.parameters, training=args.training, model=args.model)
        if result.errors:
            unreadable = any(d.code == UNREADABLE for d in result.errors)
            code = max(code, 2 if unreadable else 1)
        if args.json:
            diagnostics = [to_json(d) for d in result.diagnostics]
            entries.append({"file": str(path), "ok": not result.errors, "diagnostics": diagnostics})
            continue
        if result.diagnostics:
            print_diagnostics(result.diagnostics)
        if result.program is not None:
            names = ", ".join(result.program.models) or "no model, only what others import"
            print(f"{path}: {names}: no errors", file=sys.stdout)
    if args.json:
        print(json.dumps({"files": entries}, indent=2))
    return code


COMMAND = Command(
    "check",
    "Find every error in models, with its place and what to write instead.",
    (
        "tercet check net.model               names, shapes, types, training",
        "tercet check *.model --json          for an editor or a script",
        "tercet check net.model -P width=1    with another value of a parameter",
    ),
    _add_arguments,
    _run,
)
