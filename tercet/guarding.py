"""Nothing is left behind where this process is killed: neither scripts nor temporary folders.

`kill -9` runs no handler.  A process of its own (`probes/guard.py`) reads from a pipe whose other
end is here alone, and sees that end go, on every system, whatever thread started what.  It is there
only while there is something to guard.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from tercet.interpreters import PROBES

_GUARD = [sys.executable, "-I", "-S", str(PROBES / "guard.py")]


class _Guarded:
    """What there is to guard, told to the guard as it begins and ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._process: subprocess.Popen[str] | None = None

    def begin(self, kind: str, what: str | int) -> None:
        with self._lock:
            if self._process is None:
                self._process = subprocess.Popen(
                    _GUARD,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    text=True,
                    start_new_session=True,  # Ctrl-C is not for it
                )
            self._count += 1
            self._tell(True, kind, what)

    def end(self, kind: str, what: str | int) -> None:
        with self._lock:
            self._count -= 1
            self._tell(False, kind, what)
            if not self._count and self._process is not None:
                with suppress(OSError):
                    self._stdin().close()
                self._process.wait()
                self._process = None

    def _tell(self, *entry: bool | str | int) -> None:
        with suppress(OSError):  # someone has ended the guard
            self._stdin().write(f"{json.dumps(entry)}\n")
            self._stdin().flush()

    def _stdin(self) -> IO[str]:
        assert self._process is not None
        assert self._process.stdin is not None
        return self._process.stdin


_GUARDED = _Guarded()


def guard_group(group: int) -> None:
    """Kill the process group where this process dies before `release_group`."""
    _GUARDED.begin("group", group)


def release_group(group: int) -> None:
    """The process group has ended."""
    _GUARDED.end("group", group)


@contextmanager
def temporary_folder(prefix: str = "tercet-", parent: Path | None = None) -> Iterator[Path]:
    """A folder that is gone afterwards, even where this process is killed."""
    with tempfile.TemporaryDirectory(
        prefix=prefix, dir=parent, ignore_cleanup_errors=True
    ) as folder:
        path = Path(folder).absolute()
        _GUARDED.begin("folder", str(path))
        try:
            yield path
        finally:
            _GUARDED.end("folder", str(path))
