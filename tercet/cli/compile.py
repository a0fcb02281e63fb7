"""`tercet compile FILE`: the training scripts."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tercet.cli import options, terminal
from tercet.cli.command import Command


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_file(parser)
    options.add_targets(parser)
    options.add_model(parser)
    options.add_training(parser)
    options.add_float64(parser)
    options.add_exact(parser)
    options.add_output(parser, "where the scripts go (default: the current folder)")
    parser.add_argument(
        "--lean",
        action="store_true",
        help="shorter scripts: no checkpoints, no prediction, no checks of files",
    )
    parser.add_argument(
        "--force", action="store_true", help="also overwrite scripts that were edited"
    )
    parser.add_argument(
        "--why",
        action="store_true",
        help="tell, for every class and loop, why it is printed as it is",
    )


def _run(args: argparse.Namespace) -> int:
    from tercet.codegen.decisions import decision_lines
    from tercet.project import drafts, script_targets, write_scripts

    project = options.project(args)
    targets = script_targets(args.targets)
    if "onnx" in args.targets:
        terminal.note("onnx has no script; `tercet export -t onnx` writes its file")
    folder = args.output or Path()
    printed = drafts(project, targets, folder, lean=args.lean)
    for path in write_scripts(project, printed, folder, force=args.force):
        print(path)
    for target, draft in printed.items():
        for note in draft.notes:
            terminal.note(f"{target}: {note} (docs/training.md)")
    for target, draft in printed.items() if args.why else ():
        print(f"{target}:", file=sys.stderr)
        for line in decision_lines(draft.decisions):
            print(f"  {line}", file=sys.stderr)
    return 0


COMMAND = Command(
    "compile",
    "Write a training script for each framework.",
    (
        "tercet compile net.model                        all three, here",
        "tercet compile net.model -t pytorch -o scripts  one, elsewhere",
        "tercet compile net.model --lean -o to_read      short ones, to read and to go on from",
        "tercet compile net.model --exact                which train to the same weights",
        "tercet compile net.model -P width=128 -T optimizer.lr=0.1",
        "tercet compile net.model --why                  and why they look as they do",
    ),
    _add_arguments,
    _run,
)
