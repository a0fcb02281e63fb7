"""Arrays and text in a user's own files."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Literal

from tercet.compiler.data.base import FileSource, i64, readable, require_split, source, unreadable
from tercet.compiler.data.tables import identifier
from tercet.compiler.dims import Size
from tercet.compiler.lazy import np
from tercet.compiler.settings import require
from tercet.compiler.types import DType, TensorType
from tercet.dsl.records import dataclass


@source("npz")
@dataclass(frozen=True)
class Npz(FileSource):
    """Arrays saved by `numpy.savez`: each is a column under its name, its first axis the row.

    Names become identifiers as those of `csv` do.  A NaN or an infinite number is an error that
    names its row, unless the mapping asks `is_nan(x)` or `is_inf(x)`.  Pickled arrays are never
    read.  Big-endian and other unusual dtypes cannot be used.
    """

    split: float = 0.8
    shuffle: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require_split(self.split)

    def columns(self, rows: Size, folder: Path) -> dict[str, TensorType]:
        heads = self.heads(folder)
        lengths = {h.shape[0] for h in heads.values() if h.is_column}
        if len(lengths) > 1:
            listed = ", ".join(f"{h.name} {list(h.shape)}" for h in heads.values())
            raise unreadable(self.located(folder), f"arrays of different lengths: {listed}")
        return {
            name: TensorType(_DTYPES[h.dtype], (rows, *h.shape[1:]))
            for name, h in heads.items()
            if h.is_column
        }

    def other_columns(self, folder: Path) -> dict[str, str]:
        return {
            name: f"its dtype is {h.dtype}" if h.shape else "it has no rows"
            for name, h in self.heads(folder).items()
            if not h.is_column
        }

    def heads(self, folder: Path) -> dict[str, ArrayHead]:
        """Every array by its name in the language, without its elements.  Raises OpError E0610."""
        path = self.located(folder)
        return _heads(path, readable(path))


_DTYPES = {dtype.numpy_name: dtype for dtype in DType if dtype is not DType.BF16}


@dataclass(frozen=True)
class ArrayHead:
    """An array in a file: its name there, shape and dtype."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def is_column(self) -> bool:
        """Whether it has rows of elements that the language has."""
        return bool(self.shape) and self.dtype in _DTYPES


@lru_cache(maxsize=16)
def _heads(path: Path, _state: object) -> dict[str, ArrayHead]:
    import zipfile

    heads: dict[str, ArrayHead] = {}
    place = ""
    try:
        with zipfile.ZipFile(path) as archive:
            for place in archive.namelist():
                name = place.removesuffix(".npy")
                with archive.open(place) as file:
                    head = ArrayHead(name, *_array_head(file))
                if heads.setdefault(identifier(name), head) is not head:
                    raise ValueError("a second array of that name")
    except (
        Exception
    ) as error:  # what a damaged or foreign file makes NumPy and zipfile raise is open
        where = f"{place}: " if place else ""
        raise unreadable(path, f"not an .npz file: {where}{_first_line(error)}") from error
    return heads


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _array_head(file: IO[bytes]) -> tuple[tuple[int, ...], str]:
    format: Any = np.lib.format
    version = format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"array format {version} is not known")
    short = version == (1, 0)
    read = format.read_array_header_1_0 if short else format.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype.name if dtype.isnative else dtype.str


@source("text")
@dataclass(frozen=True)
class Text(FileSource):
    """A text cut into windows: `ids` i64[N, window], and `next_ids`, the same one place further on.

    `level = "bytes"` numbers the bytes of the file, 0 to 255; `"chars"` numbers its characters by
    code point order, from 0.  Windows start every `stride` places, by default side by side.
    """

    window: int = 128
    level: Literal["bytes", "chars"] = "bytes"
    stride: int | None = None
    split: float = 0.8
    shuffle: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.window > 0, "window", f"must be at least 1, not {self.window}")
        require(self.stride is None or self.stride > 0, "stride", "must be at least 1")
        require_split(self.split)

    def columns(self, rows: Size, folder: Path) -> dict[str, TensorType]:
        return {"ids": i64(rows, self.window), "next_ids": i64(rows, self.window)}

    def limits(self) -> dict[str, tuple[int, int]]:
        return {"ids": (0, 255), "next_ids": (0, 255)} if self.level == "bytes" else {}
