"""The frame of the command: what is called, how failures are told, what never happens."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import tercet.cli
from tercet.cli import main, options
from tercet.cli.command import Command
from tercet.cli.table import COMMANDS, Entry
from tercet.dsl.diagnostics import Diagnostic, DiagnosticError
from tercet.dsl.source import Source, Span
from tercet.errors import TercetError
from tercet.runner import Finished, Job, RunError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make `tercet try` run a function."""

    def add(run: Callable[[argparse.Namespace], int], failed: int = 1) -> None:
        def add_arguments(parser: argparse.ArgumentParser) -> None:
            options.add_model(parser)
            options.add_targets(parser)
            options.add_training(parser)

        module = argparse.Namespace(
            COMMAND=Command("try", "Try.", ["tercet try"], add_arguments, run, failed)
        )
        monkeypatch.setitem(COMMANDS, "try", Entry("try", "try"))
        monkeypatch.setitem(sys.modules, "tercet.cli.try", module)

    return add


def raising(error: BaseException) -> Callable[[argparse.Namespace], int]:
    def run(args: argparse.Namespace) -> int:
        raise error

    return run


def diagnostic(code: str = "E0201") -> Diagnostic:
    return Diagnostic(code, "it is wrong", Span(Source("net.model", "model\n"), 0, 5), "mend it")


# ---------------------------------------------------------------------------- which command


def test_overview_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"  {name} " in text and entry.line in text for name, entry in COMMANDS.items())
    assert all(len(line) <= 80 for line in text.splitlines())


def test_without_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage: tercet" in capsys.readouterr().err


@pytest.mark.parametrize(
    "word, says",
    [("complie", "did you mean 'compile'"), ("xyzzy", "--help"), ("a.model", "check a.model")],
)
def test_unknown_command(capsys: pytest.CaptureFixture[str], word: str, says: str) -> None:
    assert main([word]) == 2
    assert says in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"tercet {tercet.__version__}\n"


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_a_page_with_examples(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert main([name, "--help"]) == 0
    assert f"examples:\n  tercet {name}" in capsys.readouterr().out
    command = importlib.import_module(f"tercet.cli.{COMMANDS[name].module}").COMMAND
    assert command.name == name


@pytest.mark.parametrize("name", ["train", "predict", "export"])
def test_a_command_of_one_target_offers_no_several(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    main([name, "--help"])
    assert "several" not in capsys.readouterr().out


# ------------------------------------------------------------------------------- exit codes


@pytest.mark.parametrize(
    "error, code, says",
    [
        (TercetError("no such thing", "take another"), 2, "no such thing\nhelp: take another"),
        (DiagnosticError(diagnostic()), 1, "mend it"),
        (DiagnosticError(diagnostic(), diagnostic()), 1, "2 errors"),
        (DiagnosticError(diagnostic("E0134")), 2, "it is wrong"),
        (RunError(Finished(Job("pytorch", []), -11, 1.0, "last words\n")), 1, "SIGSEGV"),
        (FileNotFoundError(2, "No such file", "x.npz"), 2, "x.npz: No such file"),
        (KeyboardInterrupt(), 130, ""),
        (RecursionError("deep"), 70, "this is a bug in Tercet"),
        (MemoryError("58 TiB"), 2, "there is not enough memory: 58 TiB"),
        (KeyError("x"), 70, "KeyError: 'x' at test_cli.py:"),
    ],
)
def test_failures(
    register: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    says: str,
) -> None:
    register(raising(error))
    assert main(["try"]) == code
    told = capsys.readouterr().err
    assert says in told
    assert "Traceback" not in told


def test_a_command_may_call_a_failure_unjudged(register: Callable[..., None]) -> None:
    register(raising(DiagnosticError(diagnostic())), failed=2)
    assert main(["try"]) == 2
    register(raising(RunError(Finished(Job("pytorch", []), 1, 1.0, ""))), failed=2)
    assert main(["try"]) == 2


def test_a_traceback_only_where_it_is_asked_for(
    register: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    register(raising(ValueError("x")))
    monkeypatch.setenv("TERCET_DEBUG", "1")
    assert main(["try"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_colours_only_where_they_are_wanted(
    register: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    register(raising(DiagnosticError(diagnostic())))
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    main(["try"])
    assert "\033" not in capsys.readouterr().err
    monkeypatch.setenv("FORCE_COLOR", "1")
    main(["try"])
    assert "\033" in capsys.readouterr().err
    monkeypatch.setenv("NO_COLOR", "1")
    main(["try"])
    assert "\033" not in capsys.readouterr().err


# ---------------------------------------------------------------------------------- options


def parsed(register: Callable[..., None], *arguments: str) -> argparse.Namespace:
    seen: list[argparse.Namespace] = []

    def keep(args: argparse.Namespace) -> int:
        seen.append(args)
        return 0

    register(keep)
    assert main(["try", *arguments]) == 0
    return seen[0]


def test_targets(register: Callable[..., None]) -> None:
    assert parsed(register).targets == ()
    assert parsed(register, "-t", "onnx", "-t", "mxnet,pytorch").targets == (
        "pytorch",
        "mxnet",
        "onnx",
    )
    assert len(parsed(register, "-t", "all", "-t", "onnx").targets) == 4


def test_assignments(register: Callable[..., None]) -> None:
    args = parsed(register, "-P", "classes=100", "-P", "name = a=b", "-T", "optimizer.lr=0.1")
    assert args.parameters == {"classes": "100", "name": "a=b"}
    assert args.training == {"optimizer.lr": "0.1"}
    assert parsed(register).parameters == {}


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["-t", "torch"], "there is no target 'torch'"),
        (["-t", "pytorhc"], "did you mean pytorch?"),
        (["-t", ""], "there is no target ''"),
        (["-P", "classes"], "'classes' is not of the form name=value"),
        (["-P", "=3"], "not of the form"),
        (["-P", "a=1", "-P", "a=2"], "a is given twice"),
        (["--modle", "x"], "did you mean --model?"),
        (["extra"], "unrecognized arguments: extra"),
    ],
)
def test_wrong_options(
    register: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    register(lambda args: 0)
    assert main(["try", *arguments]) == 2
    assert says in capsys.readouterr().err
