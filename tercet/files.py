"""Files of a user: what may be read, what may be replaced, and how it is replaced."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from tercet.errors import TercetError


def require_input(path: Path) -> Path:
    """The path of a file that can be read without waiting for it.  Raises TercetError."""
    if not path.exists():
        raise TercetError(f"there is no file {path}")
    if not path.is_file():
        raise TercetError(f"{path} is {_kind(path)}, not a file")
    return path


def require_output(path: Path, inputs: Iterable[Path | None] = ()) -> Path:
    """The path of a file that may be written: it replaces nothing but an earlier output.

    `inputs` are what the command reads.  Raises TercetError for these, for a model, and for what
    is no file: replacing a device would take it away from everyone.
    """
    if path.exists() and not path.is_file():
        raise TercetError(f"{path} is {_kind(path)}, not a file")
    if any(given is not None and _is_same(path, given) for given in inputs):
        raise TercetError(f"{path} is an input and would be overwritten", "choose another name")
    if path.exists() and ".model" in (path.suffix, path.resolve().suffix):
        raise TercetError(f"{path} is a model and would be overwritten", "choose another name")
    return path


def _kind(path: Path) -> str:
    if path.is_dir():
        return "a folder"
    return "a pipe" if path.is_fifo() else "a socket" if path.is_socket() else "a device"


def _is_same(path: Path, other: Path) -> bool:
    if path.exists() and other.exists():
        return path.samefile(other)
    return path.absolute() == other.absolute()


def replace_text(path: Path, text: str) -> None:
    """Put `text` in the place of a file at once: whatever happens, the old or the new is there.

    The permissions stay, and a link goes on pointing to its file.  Raises OSError.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, f"is {_kind(path)}, not a file", str(path))
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            temporary.chmod(path.stat().st_mode)
        temporary.replace(path)
    except OSError as problem:
        raise OSError(problem.errno, problem.strerror, str(path)) from None
    finally:
        temporary.unlink(missing_ok=True)
