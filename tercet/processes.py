"""One child process with everything it starts: watched by threads, ended as a whole.

A process leads a session of its own, so that one signal reaches its workers too; where this process
is killed, `tercet.guarding` sends it.  Two threads
watch it, one its output and one its end, because either can outlast the other: a framework that
closed its output may hang, a forgotten worker may hold the output open.
"""

from __future__ import annotations

import codecs
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from tercet.errors import TercetError
from tercet.guarding import guard_group, release_group
from tercet.noise import Quiet

KEPT_CHARACTERS = 1 << 16
"""How much of the end of the output is kept."""
GRACE_SECONDS = 2.0
"""From asking processes to end to ending them; also how long silent output is waited for."""
_INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_CHUNK_BYTES = 1 << 16
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Event:
    """Something heard of a process: bytes, the end of its output (`b""`), or its end (None)."""

    process: Process
    output: bytes | None


Events = queue.Queue[Event]


class Process:
    """A started command.  Only the thread that called handles its events; see `handle`.

    With `inherit` it writes to this process's own streams; `quiet` takes out what TensorFlow says
    while it starts, of the error stream alone where the streams are inherited.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path | None,
        environment: Mapping[str, str],
        timeout: float | None,
        inherit: bool,
        quiet: bool,
        events: Events,
    ) -> None:
        self.kept = ""
        self._released = False
        self.started = self.heard = time.monotonic()
        self.ended: float | None = None
        self._deadline = self.started + (float("inf") if timeout is None else timeout)
        self._drained = inherit and not quiet
        self._quiet = Quiet() if quiet else None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._abandoned = threading.Event()
        self._events = events
        self._popen = _start(command, folder, environment, inherit, quiet)
        guard_group(self._popen.pid)
        for watch in (self._watch_end,) if self._drained else (self._watch_end, self._watch_output):
            threading.Thread(target=watch, daemon=True).start()

    # -------------------------------------------------------------------- in the watching threads

    def _watch_output(self) -> None:
        watched = self._popen.stdout or self._popen.stderr
        assert watched is not None
        with watched as stream:
            while chunk := os.read(stream.fileno(), _CHUNK_BYTES):
                self._tell(chunk)
        self._tell(b"")

    def _watch_end(self) -> None:
        self._popen.wait()
        self._tell(None)

    def _tell(self, output: bytes | None) -> None:
        """Wait for room in the queue, but not after the caller has gone."""
        while not self._abandoned.is_set():
            with suppress(queue.Full):
                return self._events.put(Event(self, output), timeout=0.2)
        return None

    # ---------------------------------------------------------------------- in the calling thread

    def handle(self, output: bytes | None) -> str:
        """Note an event of this process; the text it brought, perhaps none."""
        self.heard = time.monotonic()
        if output is None:
            self.ended = self.heard
            return ""
        self._drained = self._drained or not output
        text = self._decoder.decode(output, final=not output)
        if self._quiet is not None:
            text = self._quiet.feed(text, final=not output)
        self.kept = (self.kept + text)[-KEPT_CHARACTERS:]
        return text

    @property
    def due(self) -> float:
        """The time at which it is over although nothing more is heard of it."""
        if self.ended is None:
            return self._deadline
        return self.heard if self._drained else self.heard + GRACE_SECONDS

    def is_over(self) -> bool:
        """Whether it is due, and nothing that was already heard of it waits to be handled."""
        unheard = self.ended is not None and not self._drained and not self._events.empty()
        return self.due <= time.monotonic() and not unheard

    @property
    def exit_code(self) -> int:
        """As `subprocess` gives it: negative for a signal.  Only after `end_all`."""
        return self._popen.wait()

    def signal_group(self, number: int) -> bool:
        """Send a signal to the process and all it started; whether any of them is there."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, number)
            return True
        return False

    def release(self) -> None:
        """Neither the process nor what it started is there any more; for the last call."""
        if not self._released:
            self._released = True
            release_group(self._popen.pid)

    def abandon(self) -> None:
        """Nobody listens to its events any more."""
        self._abandoned.set()


def _start(
    command: Sequence[str],
    folder: Path | None,
    environment: Mapping[str, str],
    inherit: bool,
    quiet: bool,
) -> subprocess.Popen[bytes]:
    output = None if inherit else subprocess.PIPE
    errors = subprocess.PIPE if quiet else None
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors if inherit else subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise TercetError(f"{command[0]} cannot be started: {error.strerror}") from error


def end_all(processes: Iterable[Process]) -> None:
    """Ask the processes and what they started to end, then end what is still there.

    Takes `GRACE_SECONDS` at most for all together.  What a process that has ended by itself left
    behind is ended at once.
    """
    processes = list(processes)
    left: list[Process] = []
    for process in processes:
        process.abandon()
        if process.ended is not None:
            process.signal_group(signal.SIGKILL)
        elif process.signal_group(signal.SIGTERM):
            left.append(process)
    give_up = time.monotonic() + GRACE_SECONDS
    while left and time.monotonic() < give_up:
        time.sleep(_POLL_SECONDS)
        left = [process for process in left if process.signal_group(0)]
    for process in left:
        process.signal_group(signal.SIGKILL)
    for process in processes:
        process.release()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C, a request to end and the loss of the terminal back until the block is done.

    Between the start of a process and the note of it, and while processes are being ended, an
    interruption would leave some behind.  In another thread than the main one, where none arrive,
    this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pending: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        pending.append(number)

    before = {number: signal.signal(number, note) for number in _INTERRUPTIONS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if pending:
            signal.raise_signal(pending[0])
