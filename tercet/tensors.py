"""Files of named arrays: `.npz` as NumPy writes it, `.safetensors` for everything else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tercet.errors import TercetError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def read(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays in a file.  Raises TercetError for one that cannot be read."""
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    if not path.is_file():
        raise TercetError(f"there is no file {path}")
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        return dict(load_file(path))
    except (SafetensorError, ValueError, OSError) as problem:
        raise TercetError(f"{path} cannot be read: {problem}") from None


def write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Writes arrays by name."""
    import numpy as np
    from safetensors.numpy import save_file

    if path.suffix == ".npz":
        np.savez(path, **dict(arrays))
    else:
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)
