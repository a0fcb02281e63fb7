"""Files of named arrays: `.npz` as NumPy writes it, `.safetensors` for everything else."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tercet.errors import TercetError
from tercet.files import require_input

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DAMAGED = (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError)
"""What NumPy raises for a file that is no `.npz`, or only was one."""


def read(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays in a file.  Raises TercetError for one that cannot be read."""
    require_input(path)
    return _read_npz(path) if path.suffix == ".npz" else _read_safetensors(path)


def _read_npz(path: Path) -> dict[str, NDArray[Any]]:
    import numpy as np

    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            raise TercetError(f"{path} is a single array (.npy): np.savez gives names")
        with found as arrays:
            return {name: arrays[name] for name in arrays.files}
    except _DAMAGED as problem:
        raise TercetError(f"{path} cannot be read: {problem}") from None


def _read_safetensors(path: Path) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        found = dict(load_file(path))
    except (SafetensorError, OSError) as problem:
        raise TercetError(f"{path} cannot be read: {problem}") from None
    except (TypeError, AttributeError):
        found = None
    # Once some package has registered bf16, it is read; nothing here computes with it.
    if found is None or any(array.dtype.isbuiltin != 1 for array in found.values()):
        raise TercetError(f"{path} holds numbers of a type that NumPy lacks, as bf16")
    return found


def write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Writes arrays by name.  Raises OSError."""
    if path.suffix == ".npz":
        _write_npz(path, arrays)
    else:
        from tercet.compiler.graph.weights import save

        save(path, arrays)


def _write_npz(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Not by `np.savez`, which takes an array named `file` for its own argument."""
    import numpy as np

    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.save(member, array, allow_pickle=False)
