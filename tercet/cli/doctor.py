"""`tercet doctor`: what is installed and whether it works."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from typing import TYPE_CHECKING

from tercet.cli import options
from tercet.cli.command import Command
from tercet.version import VERSION

if TYPE_CHECKING:
    from tercet.doctor import Report, RuntimeReport, TargetReport


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_interpreter(parser)
    options.add_timeout(parser, 120.0)
    parser.add_argument("--quick", action="store_true", help="do not start the frameworks")
    options.add_json(parser)


def _run(args: argparse.Namespace) -> int:
    from tercet.doctor import examine

    report = examine(options.interpreters(args), quick=args.quick, timeout=args.timeout)
    if args.json:
        print(json.dumps(report.to_json(), indent=2))
    else:
        print("\n".join(_lines(report)))
    return 1 if report.problems else 0


def _lines(report: Report) -> list[str]:
    lines = [f"Tercet {VERSION}, Python {platform.python_version()} ({sys.executable})", ""]
    lines += _table([_HEADER, *(_row(target) for target in report.targets)])
    lines += ["", *_runtime_lines(report.runtime)]
    if report.scikit_learn is None:
        lines += ["", 'scikit-learn is not installed (data sets): pip install "tercet[data]"']
    for target in report.targets:
        if target.info.version is None and target.problem is None:
            lines += ["", f"{target.info.name} is not installed: {target.info.install}"]
    return lines + [line for problem in report.problems for line in ("", f"problem: {problem}")]


_HEADER = ("target", "framework", "runs in", "GPU", "exports by")


def _row(target: TargetReport) -> tuple[str, ...]:
    from tercet.interpreters import FRAMEWORKS

    info = target.info
    own = info.interpreter == sys.executable
    version = f" (Python {target.python})" if target.python else ""
    where = "this Python" if own else f"{info.interpreter}{version}"
    if info.version is None:
        return (info.name, "-", where, "-", target.export)
    framework = f"{FRAMEWORKS[info.name].module} {info.version}"
    gpus = ", ".join(target.gpus) or ("none" if target.import_seconds is not None else "-")
    return (info.name, framework, where, gpus, target.export)


def _runtime_lines(runtime: RuntimeReport) -> list[str]:
    if runtime.version is None:
        return ["ONNX Runtime does not start"]
    cuda = "runs" if runtime.no_cuda is None else f"does not run: {runtime.no_cuda}"
    lines = [
        f"ONNX Runtime {runtime.version}",
        f"  providers  {', '.join(runtime.providers)}",
        f"  CUDA       {cuda}",
    ]
    if "cannot open shared object file" in cuda:
        lines.append('             on a machine with a GPU: pip install "tercet[cuda]"')
    return lines


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


COMMAND = Command(
    name="doctor",
    help="Tell what is installed for each target and try it: every framework is imported where it\n"
    "would run, and ONNX Runtime computes on CUDA, or says why not.\n"
    "Exit code 1 where something is installed and does not work.",
    examples=[
        "tercet doctor",
        "tercet doctor --json",
        "tercet doctor --interpreter mxnet=/opt/mxnet/bin/python",
    ],
    add_arguments=_add_arguments,
    run=_run,
)
