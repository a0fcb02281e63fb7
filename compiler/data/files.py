"""Tables, arrays and text in a user's own files."""

from __future__ import annotations

import csv
import gzip
import re
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal

from tercet.compiler.data.base import FileSource, f32, i64, require_split, source, unreadable
from tercet.compiler.dims import Size
from tercet.compiler.lazy import np
from tercet.compiler.settings import require
from tercet.compiler.types import DType, TensorType
from tercet.dsl.records import dataclass

_HEAD = 100
"""Rows of a table looked at to tell numbers from text."""


@source("csv")
@dataclass(frozen=True)
class Csv(FileSource):
    """A table with a header line: every column of numbers is f32[N] under its name in the header.

    Characters of a name that no identifier has become `_`.  The file may be gzipped (`.gz`).
    A column whose first hundred rows are not all numbers is text and cannot be used.

    With `window`, the rows are a series in order: a column `x` is then f32[N, window], a window at
    every row, and `next_x` f32[N] is the value `horizon` rows after the window's last.  Windows
    overlap, so `shuffle = false` keeps what is tested apart from what is trained on.
    """

    window: int | None = None
    horizon: int = 1
    split: float = 0.8
    shuffle: bool = True
    delimiter: str = ","

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.window is None or self.window > 0, "window", "must be at least 1")
        require(self.horizon > 0, "horizon", f"must be at least 1, not {self.horizon}")
        require(len(self.delimiter) == 1, "delimiter", "is one character")
        require_split(self.split)

    def columns(self, rows: Size, folder: Path) -> dict[str, TensorType]:
        found: dict[str, TensorType] = {}
        for name, is_number in self._kinds(folder).items():
            if not is_number:
                continue
            if self.window is None:
                found[name] = f32(rows)
            else:
                found[name] = f32(rows, self.window)
                found[f"next_{name}"] = f32(rows)
        return found

    def other_columns(self, folder: Path) -> dict[str, str]:
        kinds = self._kinds(folder)
        return {name: "it holds text" for name, is_number in kinds.items() if not is_number}

    def headers(self, folder: Path) -> dict[str, str]:
        """The names in the file by the names in the language."""
        return {identifier(name): name for name in self._head(folder)[0]}

    def _kinds(self, folder: Path) -> dict[str, bool]:
        """For every column, whether it holds numbers."""
        header, *rows = self._head(folder)
        names = [identifier(name) for name in header]
        path = self.located(folder)
        if len(set(names)) < len(names):
            raise unreadable(path, f"two columns have the same name: {', '.join(names)}")
        if not rows:
            raise unreadable(path, "no rows under the header")
        if any(len(row) != len(header) for row in rows):
            raise unreadable(
                path, f"a row has another number of cells than the header ({len(header)})"
            )
        return {name: all(_is_number(row[i]) for row in rows) for i, name in enumerate(names)}

    def _head(self, folder: Path) -> list[list[str]]:
        path = self.located(folder)
        try:
            with _open_text(path) as file:
                reader = csv.reader(file, delimiter=self.delimiter)
                rows = list(islice((row for row in reader if row), _HEAD + 1))
        except FileNotFoundError as error:
            raise _missing(path) from error
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise unreadable(path, f"not a table: {error}") from error
        if not rows:
            raise unreadable(path, "the file is empty")
        return rows


def identifier(header: str) -> str:
    """A column's name in the language: `Sea level (mm)` -> `Sea_level_mm`."""
    name = re.sub(r"\W+", "_", header.strip()).strip("_") or "column"
    return f"_{name}" if name[0].isdigit() else name


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _open_text(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", newline="", encoding="utf-8-sig")
    return path.open(newline="", encoding="utf-8-sig")


def _missing(path: Path) -> Exception:
    return unreadable(
        path,
        "no such file; its columns must be known when compiling",
        help="the path is relative to the .model file",
    )


@source("npz")
@dataclass(frozen=True)
class Npz(FileSource):
    """Arrays saved by `numpy.savez`: each is a column under its name, its first axis the row.

    Pickled arrays are never read.  Big-endian and other unusual dtypes cannot be used.
    """

    split: float = 0.8
    shuffle: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require_split(self.split)

    def columns(self, rows: Size, folder: Path) -> dict[str, TensorType]:
        heads = dict(self._heads(folder))
        lengths = {shape[0] for shape, dtype in heads.values() if shape and dtype in _DTYPES}
        if len(lengths) > 1:
            listed = ", ".join(f"{name} {list(shape)}" for name, (shape, _) in heads.items())
            raise unreadable(self.located(folder), f"arrays of different lengths: {listed}")
        return {
            name: TensorType(_DTYPES[dtype], (rows, *shape[1:]))
            for name, (shape, dtype) in heads.items()
            if shape and dtype in _DTYPES
        }

    def other_columns(self, folder: Path) -> dict[str, str]:
        return {
            name: f"its dtype is {dtype}" if shape else "it has no rows"
            for name, (shape, dtype) in self._heads(folder)
            if not shape or dtype not in _DTYPES
        }

    def _heads(self, folder: Path) -> Iterator[tuple[str, tuple[tuple[int, ...], str]]]:
        """Shape and dtype of every array, without reading the arrays."""
        path = self.located(folder)
        try:
            with zipfile.ZipFile(path) as archive:
                for member in archive.namelist():
                    with archive.open(member) as file:
                        yield member.removesuffix(".npy"), _array_head(file)
        except FileNotFoundError as error:
            raise _missing(path) from error
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise unreadable(path, f"not an .npz file: {error}") from error


_DTYPES = {dtype.numpy_name: dtype for dtype in DType if dtype is not DType.BF16}


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
