"""Which Python interpreter runs each target, and what is installed there.

Each framework may live in an interpreter of its own: the flag `--interpreter pytorch=/path`, else
the variable `TERCET_PYTORCH_PYTHON`, else the table `[interpreters]` of the nearest `tercet.toml`
from the working directory upward, else the interpreter Tercet itself runs in.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from functools import cache
from pathlib import Path

from tercet.dsl.records import dataclass
from tercet.errors import TercetError

PROBES = Path(__file__).parent / "probes"
PROBE_SECONDS = 60.0
OLDEST = (3, 10)
"""The first Python that has all of what scripts are written with, as `zip(…, strict=…)`."""
SETTINGS = "tercet.toml"


@dataclass(frozen=True)
class Framework:
    """What a target stands on: the module that has to be there and the extra that brings it."""

    target: str
    module: str
    extra: str | None
    export: str
    scripts_import: tuple[str, ...]


FRAMEWORKS: Mapping[str, Framework] = {
    framework.target: framework
    for framework in (
        Framework(
            "pytorch",
            "torch",
            "pytorch",
            "torch.onnx",
            ("numpy", "safetensors", "tqdm", "onnx"),  # torch.onnx imports it
        ),
        Framework(
            "tensorflow",
            "tensorflow",
            "tensorflow",
            "tf2onnx from a tf.function",
            ("numpy", "safetensors", "keras", "tf2onnx", "onnx"),
        ),
        Framework(
            "mxnet",
            "mxnet",
            "mxnet",
            "Tercet's exporter of MXNet symbols",
            ("numpy", "safetensors", "tqdm", "onnx"),
        ),
        Framework("onnx", "onnx", None, "written directly from the IR", ("numpy", "onnxruntime")),
    )
}
TARGETS = tuple(FRAMEWORKS)


@dataclass(frozen=True)
class TargetInfo:
    """What was found for a target.  `version` is None where its framework is absent."""

    name: str
    interpreter: str
    version: str | None
    extra: str | None

    @property
    def install(self) -> str:
        """The command that brings what is absent; another interpreter needs no Tercet."""
        if self.interpreter != sys.executable:
            framework = FRAMEWORKS[self.name]
            wanted = " ".join((framework.module, *framework.scripts_import))
            return f"{self.interpreter} -m pip install {wanted}"
        return f'pip install "tercet[{self.extra}]"' if self.extra else "pip install tercet"


@dataclass(frozen=True)
class Interpreters:
    """The interpreter of every target."""

    paths: Mapping[str, str] = field(default_factory=dict)

    def path(self, target: str) -> str:
        """The executable that runs the scripts of `target`."""
        return self.paths.get(target, sys.executable)


@dataclass(frozen=True)
class Packages:
    """The version of Python in an interpreter, and of each module asked for (None: absent)."""

    python: str
    versions: Mapping[str, str | None]


# ------------------------------------------------------------------------------------- settings


def read_interpreters(
    flags: Sequence[str] = (),
    environment: Mapping[str, str] = os.environ,
    start: Path | None = None,
) -> Interpreters:
    """The interpreters by flag, environment and `tercet.toml`, in this order of precedence.

    `flags` are `target=path`; `start` is where the search for `tercet.toml` begins (the working
    directory).  Raises `TercetError` for an unknown target, a path that is no executable file,
    or a `tercet.toml` that cannot be read.
    """
    found: dict[str, str] = {}
    for name, path, origin, folder in (
        *_from_settings(start or Path.cwd()),
        *_from_environment(environment),
        *_from_flags(flags),
    ):
        target = _known_target(name, origin)
        found[target] = _executable(path, origin, folder)
    return Interpreters(found)


_Entry = tuple[str, str, str, Path]


def _from_settings(start: Path) -> Iterable[_Entry]:
    for folder in (start, *start.parents):
        file = folder / SETTINGS
        if file.is_file():
            for name, path in _settings_table(file).items():
                yield name, path, f"{file}: [interpreters]", folder
            return


def _settings_table(file: Path) -> Mapping[str, str]:
    import tomllib

    try:
        table = tomllib.loads(file.read_text(encoding="utf-8")).get("interpreters", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TercetError(f"{file} is not valid TOML: {error}") from error
    if not isinstance(table, dict) or not all(isinstance(v, str) for v in table.values()):
        raise TercetError(
            f"{file}: [interpreters] has to map targets to paths",
            'for example: pytorch = "/opt/torch/bin/python"',
        )
    return table


def _from_environment(environment: Mapping[str, str]) -> Iterable[_Entry]:
    for target in TARGETS:
        variable = f"TERCET_{target.upper()}_PYTHON"
        if environment.get(variable):
            yield target, environment[variable], variable, Path.cwd()


def _from_flags(flags: Sequence[str]) -> Iterable[_Entry]:
    for flag in flags:
        name, equals, path = flag.partition("=")
        if not equals or not path:
            raise TercetError(
                f"--interpreter {flag}: a target and a path are needed",
                "for example: --interpreter pytorch=/opt/torch/bin/python",
            )
        yield name, path, "--interpreter", Path.cwd()


def _known_target(name: str, origin: str) -> str:
    if name == "onnx":
        raise TercetError(f"{origin}: the target onnx runs in Tercet's own interpreter")
    if name not in TARGETS:
        raise TercetError(f"{origin}: {unknown_target(name)}")
    return name


def _executable(path: str, origin: str, folder: Path) -> str:
    """An absolute path, not resolved: a virtual environment's python is a link."""
    expanded = os.path.expanduser(path)
    if os.sep not in expanded:
        found = shutil.which(expanded)
    else:
        found = shutil.which(os.path.abspath(folder / expanded))
    if found is None:
        raise TercetError(f"{origin}: {path} is not a program that can be run")
    return found


def unknown_target(name: str) -> str:
    """The sentence that tells what `name` may have been meant to be."""
    import difflib

    near = difflib.get_close_matches(name, [*TARGETS, "all"], n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"there is no target {name!r} (there are {', '.join(TARGETS)}){hint}"


# ------------------------------------------------------------------------------ what is installed


def packages(interpreter: str, modules: Sequence[str]) -> Packages:
    """The versions of `modules` in `interpreter`, without importing them.

    Raises `TercetError` where the interpreter does not run or is too old for scripts.
    """
    found = _packages(interpreter, tuple(modules))
    if tuple(map(int, found.python.split(".")[:2])) < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise TercetError(f"{interpreter} is Python {found.python}; scripts need {wanted} or later")
    return found


@cache
def _packages(interpreter: str, modules: tuple[str, ...]) -> Packages:
    if interpreter == sys.executable:
        from tercet.probes.packages import report

        return _as_packages(report(list(modules)))
    command = [interpreter, str(PROBES / "packages.py"), *modules]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PROBE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TercetError(f"the interpreter {interpreter} does not run: {error}") from error
    try:
        return _as_packages(json.loads(done.stdout.splitlines()[-1]))
    except (IndexError, ValueError, TypeError, KeyError) as error:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise TercetError(
            f"{interpreter} is not a Python interpreter"
            f" (exit code {done.returncode}{': ' + said[-1] if said else ''})"
        ) from error


def _as_packages(report: Mapping[str, object]) -> Packages:
    versions = report["packages"]
    if not isinstance(versions, dict):
        raise TypeError("packages is not an object")
    return Packages(str(report["python"]), versions)


def installed(target: str, interpreters: Interpreters | None = None) -> TargetInfo:
    """Whether the framework of `target` is there, and in which version.

    Raises `TercetError` for an unknown target or an interpreter that does not run.
    """
    framework = FRAMEWORKS.get(target)
    if framework is None:
        raise TercetError(unknown_target(target))
    interpreter = (interpreters or Interpreters()).path(target)
    version = packages(interpreter, [framework.module]).versions[framework.module]
    return TargetInfo(target, interpreter, version, framework.extra)


@dataclass(frozen=True)
class TargetChoice:
    """The targets to run, and those left out because their framework is absent."""

    chosen: tuple[TargetInfo, ...]
    absent: tuple[TargetInfo, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(info.name for info in self.chosen)


def choose_targets(
    named: Sequence[str] = (), interpreters: Interpreters | None = None
) -> TargetChoice:
    """The named targets, all of which have to be installed; without names, the installed ones.

    Raises `TercetError` for a named target that is absent, with the extra that brings it.
    """
    found = [installed(target, interpreters) for target in named or TARGETS]
    present = tuple(info for info in found if info.version is not None)
    absent = tuple(info for info in found if info.version is None)
    if named and absent:
        raise TercetError(
            "; ".join(f"{info.name} is not installed in {info.interpreter}" for info in absent),
            "; ".join(info.install for info in absent),
        )
    return TargetChoice(present, absent)
