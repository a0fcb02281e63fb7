"""The command `tercet`: finds the command that was called, runs it, and tells what went wrong.

Only the module of that command is imported, and that only once its name is known, so that
`tercet --help` and a misspelt command answer at once.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tercet.cli.table import COMMANDS, command_names, overview
from tercet.version import VERSION

if TYPE_CHECKING:
    from types import FrameType

    from tercet.cli.command import Command

INTERRUPTED = 130
BROKEN_PIPE = 141


def process() -> int:
    """`main` as a process of its own, which ends with this exit code.

    Most commands are over before there is garbage worth looking for, and what is left at the end
    the system takes back: by default Python would walk over everything a dozen times, two of them
    while it ends, which is a fifth of the time of `tercet check`.
    """
    gc.set_threshold(200_000)
    code = main()
    gc.freeze()
    return code


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (the process's own by default) and return its exit code.

    0: done, or identical; 1: the answer is no (errors in the model, a script that failed, outputs
    that differ); 2: it could not be judged or was called wrongly; 70: an error in Tercet itself.
    No exception leaves this function.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    failed = 1
    try:
        with _ended_by_signals():
            _print_any_text()
            command = _find(arguments)
            if isinstance(command, int):
                code = command
            else:
                failed = command.failed
                code = command.execute(arguments[1:])
            print(end="", flush=True)
            return code
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return BROKEN_PIPE
    except Exception as error:
        from tercet.cli.failure import report

        if isinstance(error, OSError):
            _discard_output()
        return report(error, failed)


def _print_any_text() -> None:
    """Let a terminal of another encoding show what it has no character for as an escape."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """Drop what standard output still holds if it takes no more, so that exiting is quiet."""
    try:
        print(end="", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _find(arguments: Sequence[str]) -> Command | int:
    """The command that is called, or an exit code where there is nothing more to do."""
    name = arguments[0] if arguments else ""
    if name in ("-h", "--help", "help"):
        print(overview())
        return 0
    if name in ("-V", "--version"):
        print(f"tercet {VERSION}")
        return 0
    if name in COMMANDS:
        import importlib

        command: Command = importlib.import_module(f"tercet.cli.{COMMANDS[name].module}").COMMAND
        return command
    print(_unknown(name) if name else overview(), file=sys.stderr)
    return 2


def _unknown(name: str) -> str:
    import difflib

    if name.endswith(".model"):
        return f"tercet: which command for {name}? For example: tercet check {name}"
    near = difflib.get_close_matches(name, command_names(), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else " (tercet --help lists them)"
    return f"tercet: there is no command {name!r}{hint}"


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let Ctrl-C, a request to end, or the loss of the terminal unwind like an exception, once.

    Otherwise the process would vanish at once and leave the scripts it runs behind, or a second
    Ctrl-C would cut short what the first one has to clean up.
    """
    import signal
    import threading

    def end(number: int, frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: handler
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if (handler := signal.getsignal(number)) is not signal.SIG_IGN  # started by nohup or by &
    }
    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
