"""Generated scripts, run in processes that cannot outlive the command that started them.

A framework may hang in its C++ code, ignore signals, start workers of its own, or print without
end.  `tercet.processes` sees to that for one script; here are jobs, their results, and several
jobs side by side.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path

from tercet.dsl.records import dataclass
from tercet.errors import TercetError
from tercet.processes import Events, Process, end_all, uninterrupted

SHOWN_LINES = 20
_QUEUED_EVENTS = 64
_LONGEST_WAIT = 3600.0


@dataclass(frozen=True)
class Job:
    """One script to run, for `timeout` seconds at most.

    `environment` is laid over `script_environment()`; `quiet` leaves out what TensorFlow says while
    it starts; `aliases` are what files of ours are called in messages.
    """

    name: str
    command: Sequence[str]
    folder: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout: float | None = None
    quiet: bool = False
    aliases: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Finished:
    """How a script ended, and after how many seconds.

    `output` is the end of what it printed, both streams as they came; a negative `exit_code` is
    that of a signal.
    """

    job: Job
    exit_code: int
    seconds: float
    output: str
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        """Whether it ended by itself, with exit code 0."""
        return self.exit_code == 0 and not self.timed_out

    @property
    def outcome(self) -> str:
        """How it ended, in words."""
        if self.timed_out:
            return f"did not end within {self.job.timeout:g} s and was stopped"
        if self.exit_code < 0:
            hint = ", perhaps for want of memory" if self.exit_code == -signal.SIGKILL else ""
            name = _signal_name(-self.exit_code)
            return f"was ended by {name} after {self.seconds:.1f} s{hint}"
        return f"ended with exit code {self.exit_code} after {self.seconds:.1f} s"

    def last_lines(self, count: int = SHOWN_LINES) -> str:
        """The last lines of the output; a progress bar counts as what it showed last."""
        output = self.output
        for path, alias in self.job.aliases.items():
            output = output.replace(path, alias)
        lines = (line.rstrip().rpartition("\r")[2] for line in output.split("\n"))
        return "\n".join([line for line in lines if line][-count:])

    def require_success(self) -> Finished:
        """This same result; raises `RunError` where the script failed."""
        if not self.ok:
            raise RunError(self)
        return self


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class RunError(TercetError):
    """A script failed; `finished` tells how."""

    exit_code = 1

    def __init__(self, finished: Finished) -> None:
        said = finished.last_lines()
        tail = f"; it printed last:\n{said}" if said else " and printed nothing"
        super().__init__(f"{finished.job.name} {finished.outcome}{tail}")
        self.finished = finished


def script_environment(extra: Mapping[str, str], threads: int | None = None) -> dict[str, str]:
    """The environment of a script: this process's, made repeatable, quiet, unbuffered, UTF-8.

    `threads` limits the arithmetic threads, for several scripts side by side; what the user has
    set for TensorFlow's log level or for the number of threads stays.
    """
    defaults = {"TF_CPP_MIN_LOG_LEVEL": "3"}
    if threads is not None:
        defaults["OMP_NUM_THREADS"] = str(threads)
    always = {"PYTHONHASHSEED": "0", "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
    return {**defaults, **os.environ, **always, **extra}


def run(
    job: Job,
    *,
    on_text: Callable[[Job, str], None] | None = None,
    inherit: bool = False,
    threads: int | None = None,
) -> Finished:
    """Run one script and tell how it ended; that it failed raises nothing here.

    `on_text` gets the output as it comes.  With `inherit` the script writes straight to this
    process's own streams (a progress bar sees the terminal), and `output` stays empty, but for the
    error stream of a job that is `quiet`, which passes through here.  Raises
    `TercetError` where the program cannot be started.
    """
    return run_all([job], on_text=on_text, inherit=inherit, threads=threads)[0]


def run_all(
    jobs: Sequence[Job],
    *,
    at_once: int | None = None,
    on_text: Callable[[Job, str], None] | None = None,
    on_end: Callable[[Finished], None] | None = None,
    inherit: bool = False,
    threads: int | None = None,
) -> list[Finished]:
    """Run scripts side by side, `at_once` at most (None: all); the results are in `jobs`' order.

    The callbacks run in the calling thread.  Whatever ends this call early (Ctrl-C, an exception
    of a callback, a program that cannot be started), no process of any of the jobs is left.
    """
    events: Events = queue.Queue(_QUEUED_EVENTS)
    waiting = list(range(len(jobs)))[::-1]
    running: dict[Process, int] = {}
    results: dict[int, Finished] = {}
    try:
        while waiting or running:
            while waiting and (at_once is None or len(running) < at_once):
                index = waiting.pop()
                with uninterrupted():
                    running[_start(jobs[index], inherit, threads, events)] = index
            _listen(events, running, jobs, _to_stderr if inherit else on_text)
            for process in [process for process in running if process.is_over()]:
                with uninterrupted():
                    index = running.pop(process)
                    results[index] = _finish(process, jobs[index])
                if on_end is not None:
                    on_end(results[index])
    finally:
        with uninterrupted():
            end_all(running)
    return [results[index] for index in range(len(jobs))]


def _start(job: Job, inherit: bool, threads: int | None, events: Events) -> Process:
    environment = script_environment(job.environment, threads)
    timeout, quiet = job.timeout, job.quiet
    return Process(job.command, job.folder, environment, timeout, inherit, quiet, events)


def _to_stderr(job: Job, text: str) -> None:
    print(text, end="", file=sys.stderr, flush=True)


def _listen(
    events: Events,
    running: Mapping[Process, int],
    jobs: Sequence[Job],
    on_text: Callable[[Job, str], None] | None,
) -> None:
    """Wait until something is heard of a process or something is due, and note what was heard."""
    wait = min(process.due for process in running) - time.monotonic()
    try:
        event = events.get(timeout=max(0.0, min(wait, _LONGEST_WAIT)))
    except queue.Empty:
        return
    text = event.process.handle(event.output)
    if text and on_text is not None and event.process in running:
        on_text(jobs[running[event.process]], text)


def _finish(process: Process, job: Job) -> Finished:
    """The result of a process that has ended or run out of time; ends what it left behind."""
    ended = process.ended
    end_all([process])
    seconds = (ended or time.monotonic()) - process.started
    return Finished(job, process.exit_code, seconds, process.kept, timed_out=ended is None)
