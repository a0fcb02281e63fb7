"""However a command is ended, none of the processes that it started is left."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

import pytest

from tercet.cli import main
from tercet.cli.command import Command
from tercet.cli.table import COMMANDS, Entry
from tercet.errors import TercetError
from tercet.processes import GRACE_SECONDS, uninterrupted
from tercet.runner import Job, run_all
from tests.tercet.test_runner import IGNORES_SIGTERM, exists, script, wait_until_gone


class Lines:
    """The numbers that scripts print, one a line; output may come in any pieces."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def __call__(self, job: Job, text: str) -> None:
        self._texts[job.name] = self._texts.get(job.name, "") + text

    @property
    def numbers(self) -> list[int]:
        return [int(text) for text in self._texts.values() if text.endswith("\n")]


def test_an_exception_of_a_listener_ends_every_process() -> None:
    lines = Lines()

    def stop(job: Job, text: str) -> None:
        lines(job, text)
        if len(lines.numbers) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_all([script(IGNORES_SIGTERM, "a"), script(IGNORES_SIGTERM, "b")], on_text=stop)
    assert wait_until_gone(lines.numbers) == []


def test_a_program_that_is_missing_ends_the_others(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    hang = f"import os, pathlib, time; pathlib.Path({str(note)!r}).write_text(str(os.getpid()))\n"
    jobs = [
        script(hang + "time.sleep(60)"),
        script(f"import os, time\nwhile not os.path.exists({str(note)!r}): time.sleep(0.02)"),
        Job("absent", ["/nowhere/python", "x.py"]),
    ]
    with pytest.raises(TercetError, match="/nowhere/python cannot be started"):
        run_all(jobs, at_once=2)
    assert wait_until_gone([int(note.read_text())]) == []


INTERRUPTIONS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def _interrupted(number: signal.Signals, done: list[str]) -> None:
    with uninterrupted():
        os.kill(os.getpid(), number)
        done.append("the block")


@pytest.mark.parametrize("number", INTERRUPTIONS)
def test_an_interruption_waits_until_processes_are_noted(number: signal.Signals) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    done: list[str] = []
    before = signal.signal(number, stop)
    try:
        with pytest.raises(KeyboardInterrupt):
            _interrupted(number, done)
    finally:
        signal.signal(number, before)
    assert done == ["the block"]


@pytest.mark.parametrize("number", INTERRUPTIONS)
def test_an_interrupted_command_leaves_no_process(number: signal.Signals, tmp_path: Path) -> None:
    """A whole process in the place of `tercet verify`, stopped from outside while it runs jobs."""
    main = (
        "import signal, sys\n"
        "from tercet.runner import Job, run_all\n"
        "def stop(number, frame): raise SystemExit(128 + number)\n"
        "signal.signal(signal.SIGTERM, stop)\n"
        "signal.signal(signal.SIGHUP, stop)\n"
        # A shell's background process, as this one may be, inherits that SIGINT is ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"job = Job('hung', [sys.executable, '-c', {IGNORES_SIGTERM!r}])\n"
        "def show(job, text): print(text, end='', flush=True)\n"
        "run_all([job] * 3, on_text=show)\n"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", main],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
        start_new_session=True,
    ) as command:
        assert command.stdout is not None
        processes = [int(command.stdout.readline()) for _ in range(3)]
        assert all(map(exists, processes))
        command.send_signal(number)
        command.wait(timeout=GRACE_SECONDS + 60)
    assert command.returncode in (-number, 128 + number)
    assert wait_until_gone(processes) == []


@pytest.mark.parametrize("number", INTERRUPTIONS)
def test_a_second_interruption_does_not_cut_the_cleaning_up_short(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def run(args: argparse.Namespace) -> int:
        try:
            os.kill(os.getpid(), number)
            time.sleep(60)
        finally:
            os.kill(os.getpid(), number)
            done.append("cleaned up")
        return 0

    command = Command("try", "Try.", ["tercet try"], lambda parser: None, run)
    monkeypatch.setitem(COMMANDS, "try", Entry("try", "try"))
    monkeypatch.setitem(sys.modules, "tercet.cli.try", argparse.Namespace(COMMAND=command))
    own = signal.signal(number, signal.default_int_handler)  # not ignored, as it is after `&`
    try:
        assert main(["try"]) == 128 + number
        assert done == ["cleaned up"]
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, own)
