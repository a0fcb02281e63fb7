"""The frame of the command: what is called, how failures are told, what never happens."""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import tercet.cli
from dsl.diagnostics import Diagnostic, DiagnosticError
from dsl.source import Source, Span
from tercet.cli import main, options
from tercet.cli.command import Command
from tercet.cli.table import COMMANDS, Entry
from tercet.errors import TercetError
from tercet.runner import Finished, Job, RunError

ROOT = Path(__file__).parents[2]


def tercet_process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tercet", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
        timeout=60,
    )


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


# ------------------------------------------------------------------------ the whole process


def test_help_needs_nothing_heavy() -> None:
    """By what is imported and not by the clock, which depends on the machine's other work."""
    code = (
        "import sys; from tercet.cli import main; main(['--help']);"
        "print(sorted({'argparse', 'lark', 'numpy', 'rich', 'onnx', 'compiler', 'dsl'}"
        " & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stderr == "[]\n"


def test_a_reader_that_leaves_is_no_error() -> None:
    command = f"{sys.executable} -m tercet explain; echo code $? >&2"
    done = subprocess.run(
        ["bash", "-c", f"({command}) | true"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stderr in ("code 141\n", "code 0\n")


def test_a_full_disk_is_told_without_a_traceback() -> None:
    command = f"{sys.executable} -m tercet --help > /dev/full"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "error: [Errno 28] No space left on device\n"


def test_a_disk_that_fills_up_leaves_no_half_of_a_script(tmp_path: Path) -> None:
    (tmp_path / "net.model").write_text("model N { input x: f32[N, 3]\n output y = x |> dense(2) }")
    command = "ulimit -f 1; exec {} -m tercet compile net.model -t pytorch"  # KiB of a file
    done = subprocess.run(
        ["bash", "-c", command.format(sys.executable)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == f"error: {tmp_path / 'net_pytorch.py'}: File too large\n"
    assert [path.name for path in tmp_path.iterdir()] == ["net.model"]


def test_closed_standard_output() -> None:
    command = f"{sys.executable} -m tercet --help >&-"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_without_the_characters() -> None:
    done = tercet_process("explain", "E0101", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


# ------------------------------------------------------------------------- explain, new


def test_explain(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "e0101"]) == 0
    assert "E0101" in capsys.readouterr().out
    assert main(["explain"]) == 0
    assert "E0101  " in capsys.readouterr().out
    assert main(["explain", "E9999"]) == 2
    assert "there is no error code 'E9999'" in capsys.readouterr().err


def test_new_overwrites_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "my-first_net"]) == 0
    text = Path("my-first_net.model").read_text()
    assert "model MyFirstNet(" in text
    assert "train MyFirstNet {" in text
    Path("my-first_net.model").write_text("mine")
    assert main(["new", "my-first_net.model"]) == 2
    assert "exists and is not overwritten" in capsys.readouterr().err
    assert Path("my-first_net.model").read_text() == "mine"


@pytest.mark.parametrize("name", ["/", "..", ".", "", "net.py"])
def test_new_with_a_bad_name(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", name]) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stem, name", [("net", "Net"), ("3d-unet", "Model3dUnet"), ("é", "Model")])
def test_model_names(stem: str, name: str) -> None:
    from tercet.cli.new import model_name

    assert model_name(stem) == name


def test_what_new_writes_has_no_errors(tmp_path: Path) -> None:
    from dsl.parser import parse, read_source

    assert main(["new", str(tmp_path / "net")]) == 0
    assert parse(read_source(tmp_path / "net.model")).diagnostics == ()
