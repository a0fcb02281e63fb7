"""What a data source is: columns whose types are known when compiling.

A source is a frozen dataclass whose fields are its signature in the language.  The compiler
never loads its rows: `columns` tells types only, for `csv` and `npz` by reading the file's head.
The NumPy code that loads it in a generated script is in `codegen/script/data.py`.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import ClassVar

from tercet.compiler.dims import Size
from tercet.compiler.errors import OpError
from tercet.compiler.settings import Setting, registrar, require
from tercet.compiler.types import DType, TensorType
from tercet.dsl.records import dataclass
from tercet.dsl.visible import visible


class DataSource(Setting):
    """Base of all data sources."""

    published_test: ClassVar[bool] = False
    """Whether the source comes with a test part of its own; else it has a `split`."""

    bundled: ClassVar[bool] = False
    """Whether its rows are always the same, so that what `limits` tells does occur."""

    def limits(self) -> dict[str, tuple[int, int]]:
        """The least and the greatest number in columns of which that is known."""
        return {}

    def columns(self, rows: Size, folder: Path) -> dict[str, TensorType]:
        """The columns by name, `rows` being the first size of each.

        `folder` is that of the `.model` file, from which relative paths count.
        Raises OpError (E0610) where the file that tells is missing or malformed.
        """
        raise NotImplementedError(type(self).__name__)

    def other_columns(self, folder: Path) -> dict[str, str]:
        """Columns that exist but cannot be used, with the reason: for messages."""
        return {}

    def problem(self, column: str, folder: Path, *, gaps: bool) -> OpError | None:
        """What is seen to be wrong with a column's numbers; `gaps` may be blank or NaN."""
        return None


@dataclass(frozen=True)
class FileSource(DataSource):
    """A source that reads a file or a folder, which `--data` overrides."""

    path: str

    def __post_init__(self) -> None:
        require(bool(self.path), "path", "must not be empty")
        controls = [c for c in self.path if unicodedata.category(c) == "Cc"]
        require(not controls, "path", f"cannot hold {visible(''.join(controls[:1]))}")

    def located(self, folder: Path) -> Path:
        """The path, counted from the folder of the `.model` file where it is relative."""
        return folder / self.path


SOURCES: dict[str, type[DataSource]] = {}
"""Every data source by its name in the language."""

source = registrar(SOURCES)

NOT_YET = {
    "parquet": "write the columns as `npz` or `csv`",
    "image_folder": "write the images as one array in an `npz` file",
    "python": "write the arrays as `npz`",
}
"""Sources of the design that are not built, and what to do instead."""


def require_split(split: float) -> None:
    """Checks the share of rows to train on.  Raises OpError."""
    require(
        0 < split <= 1, "split", f"is the share of rows to train on, above 0 up to 1, not {split}"
    )


def unreadable(path: Path, problem: str, help: str | None = None) -> OpError:
    """The error for a data file that is missing or malformed."""
    return OpError("E0610", f"{path}: {problem}", attribute="path", help=help)


def readable(path: Path) -> tuple[int, int]:
    """Time and size of a file to read when compiling: another state is another file."""
    try:
        state = path.stat()
    except OSError as error:
        raise unreadable(
            path,
            "no such file; its columns must be known when compiling",
            help="the path is relative to the .model file",
        ) from error
    if not path.is_file():
        raise unreadable(path, "not a file that could be read")
    return state.st_mtime_ns, state.st_size


def f32(*shape: Size) -> TensorType:
    """The type of a column of f32, whose first size is the number of rows."""
    return TensorType(DType.F32, shape)


def i64(*shape: Size) -> TensorType:
    """The type of a column of i64, whose first size is the number of rows."""
    return TensorType(DType.I64, shape)
