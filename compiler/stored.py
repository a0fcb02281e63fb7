"""Arrays of safetensors files that parameters start as: `weights("tables.safetensors", "x")`."""

from __future__ import annotations

import os
from dataclasses import field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tercet.compiler.errors import OpError, require
from tercet.compiler.initializers import INITIALIZERS, Fans, Initializer, Shape
from tercet.compiler.lazy import np
from tercet.dsl.records import dataclass
from tercet.dsl.syntax_hints import nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tercet.compiler.ops.base import Array

_SUFFIX = ".safetensors"
_MOST_NAMES = 5
"""Names that one message lists."""


@dataclass(frozen=True)
class Stored(Initializer):
    """The tensor of that name in a safetensors file; the path is relative to the `.model` file."""

    path: str
    tensor: str

    def __post_init__(self) -> None:
        message = f"the path is that of a `{_SUFFIX}` file"
        require(self.path.endswith(_SUFFIX) and self.path.isprintable(), "path", message)

    def found(self, folder: Path) -> StoredArray:
        """The array itself.  Raises OpError E0610."""
        path = Path(os.path.normpath(folder / self.path)).absolute()
        try:
            state = path.stat()
        except (OSError, ValueError):
            help = "the path is relative to the .model file"
            raise OpError("E0610", f"{path}: no such file", attribute="path", help=help) from None
        if not path.is_file():
            raise OpError("E0610", f"{path}: not a file that could be read", attribute="path")
        array = _read(path, self.tensor, (state.st_mtime_ns, state.st_size))
        return StoredArray(str(path), self.tensor, array.shape, array.dtype.name)


Stored.name = "weights"
INITIALIZERS["weights"] = Stored


@dataclass(frozen=True)
class StoredArray(Initializer):
    """A tensor that was found in a file; `dtype` is NumPy's name of it."""

    path: str
    tensor: str
    shape: tuple[int, ...]
    dtype: str = field(compare=False)

    def unfit(self, shape: Shape) -> str | None:
        if self.shape == shape:
            return None
        return f"`{self.tensor}` in {Path(self.path).name} has the shape {list(self.shape)}"

    def array(self) -> Array:
        """The numbers, as they stand in the file.  Raises OpError E0610."""
        return _read(Path(self.path), self.tensor, None)

    def sample(
        self, random: np.random.Generator, shape: tuple[int, ...], fans: Fans
    ) -> NDArray[np.float64]:
        return self.array().reshape(shape)


StoredArray.name = "weights"


@lru_cache(maxsize=8)
def _read(path: Path, name: str, _state: object) -> Array:
    import safetensors

    try:
        with safetensors.safe_open(os.fspath(path), framework="numpy") as file:
            names = list(file.keys())
            if name not in names:
                near = nearest(name, names)
                listed = ", ".join(names[:_MOST_NAMES]) + (" …" if len(names) > _MOST_NAMES else "")
                help = f"did you mean `{near}`?" if near else f"it holds {listed or 'nothing'}"
                message = f"{path} holds no tensor `{name}`"
                raise OpError("E0610", message, attribute="tensor", help=help)
            array: Array = file.get_tensor(name)
    except (OSError, safetensors.SafetensorError, TypeError, MemoryError) as error:
        message = f"{path} cannot be read as safetensors: {error}"
        raise OpError("E0610", message, attribute="path") from None
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        (place, *_) = np.argwhere(~np.isfinite(array))
        number = array[tuple(place)]
        message = f"{path}: `{name}` holds {number} at {place.tolist()}"
        raise OpError("E0610", message, attribute="tensor", help="weights are finite numbers")
    return array
