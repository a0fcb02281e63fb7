"""The options that several commands have, each with the same name, meaning and checks."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tercet.errors import TercetError
from tercet.files import require_output

if TYPE_CHECKING:
    from tercet.dsl.diagnostics import Diagnostic
    from tercet.interpreters import Interpreters, TargetChoice
    from tercet.project import Project


def add_file(parser: argparse.ArgumentParser) -> None:
    """FILE, as `args.file`."""
    parser.add_argument("file", metavar="FILE", type=Path, help="a .model file")


def add_model(parser: argparse.ArgumentParser) -> None:
    """-m MODEL, as `args.model`, and -P name=value, as `args.parameters` (name to text)."""
    parser.add_argument("-m", "--model", metavar="MODEL", help="which model of the file")
    _add_assignments(parser, "-P", "--parameter", "parameters", "a parameter of the model")


def add_training(parser: argparse.ArgumentParser) -> None:
    """-T key=value, as `args.training` (key to text)."""
    _add_assignments(parser, "-T", "--training", "training", "a setting of its training")


def add_float64(parser: argparse.ArgumentParser) -> None:
    """--float64, as `args.float64`, which `project` follows."""
    parser.add_argument(
        "--float64",
        action="store_true",
        help="the same model in double precision: f32 is f64 everywhere",
    )


def add_exact(parser: argparse.ArgumentParser) -> None:
    """--exact, as `args.exact`, which `project` follows."""
    parser.add_argument(
        "--exact",
        action="store_true",
        help="scripts that train to the same weights in every framework",
    )


SEVERAL = "pytorch, tensorflow, mxnet, onnx or all; several: -t pytorch,mxnet or -t twice"
ONE_FRAMEWORK = "pytorch, tensorflow or mxnet (default: the first that is installed)"


def add_targets(parser: argparse.ArgumentParser, help: str = SEVERAL) -> None:
    """-t TARGET, as `args.targets`: the named ones in order, none where none is named."""
    parser.add_argument(
        "-t",
        "--target",
        dest="targets",
        metavar="TARGET",
        action=_Targets,
        default=(),
        help=help,
    )


def add_interpreter(parser: argparse.ArgumentParser) -> None:
    """--interpreter TARGET=PYTHON, as `args.interpreter`; see `interpreters`."""
    parser.add_argument(
        "--interpreter",
        metavar="TARGET=PYTHON",
        action="append",
        default=[],
        help="the Python that runs a target's scripts (also [interpreters] in tercet.toml)",
    )


def add_output(parser: argparse.ArgumentParser, help: str, metavar: str = "DIR") -> None:
    """-o DIR, as `args.output`."""
    parser.add_argument("-o", "--output", metavar=metavar, type=Path, help=help)


def output_file(path: Path, *inputs: Path | None, makes_folder: bool = True) -> Path:
    """The path of a file to be written, which is none of the `inputs`; its folder is tried.

    Raises TercetError.
    """
    require_output(path, inputs)
    try:
        if not makes_folder and not path.parent.is_dir():
            raise TercetError(f"{path}: there is no folder {path.parent}")
        output_folder(path.parent)
    except OSError as problem:
        raise TercetError(f"{path}: {problem.strerror}") from None
    return path


def output_folder(path: Path) -> Path:
    """A folder for what takes long to find, made and tried before.  Raises OSError."""
    import tempfile

    path.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path):
        return path


def add_json(parser: argparse.ArgumentParser) -> None:
    """--json, as `args.json`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def add_timeout(parser: argparse.ArgumentParser, seconds: float | None) -> None:
    """--timeout SECONDS, as `args.timeout`; None for no limit."""
    default = "none" if seconds is None else f"{seconds:g}"
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        default=seconds,
        help=f"end a script that runs longer (default: {default})",
    )


# ------------------------------------------------------------------------- what they stand for


def interpreters(args: argparse.Namespace) -> Interpreters:
    """The interpreters by `--interpreter`, environment and `tercet.toml`.

    Raises `TercetError` for one that is not there.
    """
    from tercet.interpreters import read_interpreters

    return read_interpreters(args.interpreter)


def targets_to_run(args: argparse.Namespace) -> TargetChoice:
    """The targets named by `-t`, all of which must be installed; else the installed ones.

    Raises `TercetError` for a named target that is absent.
    """
    from tercet.interpreters import choose_targets

    return choose_targets(args.targets, interpreters(args))


def one_target(args: argparse.Namespace) -> str | None:
    """The target of a command that takes one only; None where none is named."""
    if len(args.targets) > 1:
        raise TercetError(f"one target at a time, not {', '.join(args.targets)}")
    return args.targets[0] if args.targets else None


# ------------------------------------------------------------------------------------- parsing


class _Targets(argparse.Action):
    """Collects the targets of every `-t`, each once, in the order of `TARGETS`."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        from tercet.interpreters import TARGETS, unknown_target

        named = {name.strip() for name in str(values).split(",")}
        for name in sorted(named - {*TARGETS, "all"}):
            raise argparse.ArgumentError(self, unknown_target(name))
        named |= set(getattr(namespace, self.dest))
        chosen = tuple(target for target in TARGETS if target in named or "all" in named)
        setattr(namespace, self.dest, chosen)


class _Assignments(argparse.Action):
    """Collects every `name=value` in a dictionary; the same name twice is a mistake."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        name, equals, value = (part.strip() for part in str(values).partition("="))
        if not (name and equals and value):
            raise argparse.ArgumentError(self, f"{values!r} is not of the form name=value")
        before: dict[str, str] = getattr(namespace, self.dest)
        if name in before:
            raise argparse.ArgumentError(self, f"{name} is given twice")
        setattr(namespace, self.dest, {**before, name: value})


def _add_assignments(
    parser: argparse.ArgumentParser, short: str, long: str, destination: str, what: str
) -> None:
    parser.add_argument(
        short,
        long,
        dest=destination,
        metavar="NAME=VALUE",
        action=_Assignments,
        default={},
        help=f"set {what} (repeatable)",
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number of seconds")
    return seconds


def seed(text: str) -> int:
    """The value of `--seed`: an integer from 0 on."""
    if not text.isdecimal() or int(text) >= 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer from 0 on")
    return int(text)


def join(names: Iterable[str]) -> str:
    """`a, b and c`."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def show_warnings(warnings: tuple[Diagnostic, ...]) -> None:
    """Prints the warnings of a model that has no errors."""
    if warnings:
        from tercet.cli.failure import print_diagnostics

        print_diagnostics(warnings)


def project(
    args: argparse.Namespace, after: str | None = None, *, inference: bool = False
) -> Project:
    """The model that FILE, -m, -P and (where the command has it) -T mean, its warnings printed.

    `after` is the pass to stop after; for `inference` no `train` is read.  Raises DiagnosticError.
    """
    from tercet.project import open_project

    opened = open_project(
        args.file,
        model=args.model,
        parameters=args.parameters,
        training=getattr(args, "training", None),
        after=after,
        inference=inference,
        float64=getattr(args, "float64", False),
        exact=getattr(args, "exact", False),
    )
    show_warnings(opened.warnings)
    return opened


def framework(args: argparse.Namespace) -> str:
    """The one framework to run: the one named by `-t`, else the first that is installed.

    Raises TercetError where it is absent, or no framework at all is there.
    """
    from tercet.interpreters import TARGETS, choose_targets

    found = interpreters(args)
    named = one_target(args)
    if named == "onnx":
        raise TercetError("onnx is a file format and trains nothing", "name a framework with -t")
    if named is not None:
        return choose_targets([named], found).names[0]
    present = [t for t in choose_targets((), found).names if t != "onnx"]
    if not present:
        known = ", ".join(t for t in TARGETS if t != "onnx")
        raise TercetError(f"none of {known} is installed", 'pip install "tercet[pytorch]"')
    return present[0]
