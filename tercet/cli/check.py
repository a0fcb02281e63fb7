"""`tercet check FILE...`: every error and warning of a model."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tercet.cli import options
from tercet.cli.command import Command
from tercet.dsl.collection import uncollected

if TYPE_CHECKING:
    from tercet.dsl.diagnostics import Diagnostic


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="a .model file")
    options.add_targets(parser, f"{options.SEVERAL} (default: those that `compile` takes)")
    options.add_model(parser)
    options.add_training(parser)
    options.add_exact(parser)
    options.add_json(parser)


def _run(args: argparse.Namespace) -> int:
    code = 0
    entries = []
    for path in args.files:
        with uncollected():
            failed, entry = _check(path, args)
        code = max(code, failed)
        entries.append(entry)
    if args.json:
        import json

        print(json.dumps({"files": entries}, indent=2))
    return code


def _check(path: Path, args: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    """The exit code for a file and its part of the JSON; without `--json`, it is told as text."""
    from tercet.compiler.pipeline import load
    from tercet.project import refusals, script_targets

    result = load(path, parameters=args.parameters, training=args.training, model=args.model)
    errors = (*result.errors, *refusals(result, script_targets(args.targets), exact=args.exact))
    diagnostics = (*errors, *result.warnings)
    code = _code(errors)
    if args.json:
        from tercet.dsl.render import to_json

        told = [to_json(d) for d in diagnostics]
        return code, {"file": str(path), "ok": not errors, "diagnostics": told}
    if diagnostics:
        from tercet.cli.failure import print_diagnostics

        print_diagnostics(diagnostics)
    if result.program is not None and not errors:
        names = ", ".join(result.program.models) or "no model, only what others import"
        print(f"{path}: {names}: no errors", file=sys.stdout)
    return code, {}


def _code(errors: Sequence[Diagnostic]) -> int:
    if not errors:
        return 0
    from tercet.cli.failure import UNREADABLE

    return 2 if any(d.code == UNREADABLE for d in errors) else 1


COMMAND = Command(
    "check",
    "Find every error in models, with its place and what to write instead.",
    (
        "tercet check net.model               names, shapes, types, training, what targets lack",
        "tercet check net.model -t pytorch    for one target alone",
        "tercet check *.model --json          for an editor or a script",
        "tercet check net.model -P width=1    with another value of a parameter",
    ),
    _add_arguments,
    _run,
)
