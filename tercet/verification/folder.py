"""Where the files of one verification are: a folder that is removed, or one that the user keeps.

A kept folder may hold files of the user's, and those of an earlier verification.  The latter are
removed, since an old answer must not pass for a new one; the former are left alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tercet.errors import TercetError
from tercet.guarding import temporary_folder
from tercet.tensors import write
from tercet.verification.probes import Probe

_MADE = re.compile(
    r"probe\d+\.safetensors"
    r"|(pytorch|tensorflow|mxnet)_answer\d+\.safetensors"
    r"|(pytorch|tensorflow|mxnet|onnx)\.onnx(\.data)?"
    r"|mxnet(-symbol)?\.json|mxnet-\d+\.params"
)
"""The names of what a verification writes, but for weights, scripts and the report."""


@dataclass(frozen=True)
class Folder:
    """The files of one verification: weights, probes and answers (safetensors), ONNX files."""

    path: Path

    @property
    def weights(self) -> Path:
        """The weights that every target is given."""
        return self.path / "weights.safetensors"

    def probe(self, index: int) -> Path:
        """The inputs of a probe."""
        return self.path / f"probe{index}.safetensors"

    def answer(self, target: str, index: int) -> Path:
        """The outputs of a framework for a probe."""
        return self.path / f"{target}_answer{index}.safetensors"

    def onnx(self, target: str) -> Path:
        """The ONNX file of a target."""
        return self.path / f"{target}.onnx"

    @property
    def symbol(self) -> Path:
        """What the names of MXNet's symbol and parameters begin with."""
        return self.path / "mxnet"

    def clear(self) -> None:
        """Removes what an earlier verification left.

        Raises TercetError where there are weights that none has left: they would be lost.
        """
        if self.weights.exists() and not self.probe(0).exists():
            raise TercetError(
                f"{self.weights} would be overwritten", "-o names a folder for a verification alone"
            )
        for path in self.path.iterdir():
            if _MADE.fullmatch(path.name):
                path.unlink()

    def write_probes(self, probes: Sequence[Probe]) -> None:
        """Writes the inputs of all probes."""
        for index, probe in enumerate(probes):
            write(self.probe(index), probe.inputs)


@contextmanager
def working_folder(kept: Path | None) -> Iterator[Folder]:
    """The folder `kept`, made and cleared, or one that is gone afterwards.

    Raises TercetError for a folder in which another verification is at work, and that of `clear`.
    """
    if kept is None:
        with temporary_folder() as path:
            yield Folder(path)
        return
    kept.mkdir(parents=True, exist_ok=True)
    with _for_one(kept):
        folder = Folder(kept.absolute())
        folder.clear()
        yield folder


@contextmanager
def _for_one(folder: Path) -> Iterator[None]:
    """Keeps other verifications out; however this one ends, the folder is free again."""
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TercetError(
                f"another verification is at work in {folder}", "-o names another folder"
            ) from None
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(descriptor)
