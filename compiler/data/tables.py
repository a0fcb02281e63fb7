"""Tables in text files: their columns, and the cells in the file's head that are no numbers.

The head is what is read when compiling, a megabyte at most; scripts read the whole file and say the
same of any cell.
"""

from __future__ import annotations

import csv
import gzip
import math
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import IO

from tercet.compiler.data.base import FileSource, f32, readable, require_split, source, unreadable
from tercet.compiler.dims import Size
from tercet.compiler.errors import OpError
from tercet.compiler.settings import require
from tercet.compiler.types import TensorType
from tercet.dsl.records import dataclass
from tercet.dsl.tokens import RESERVED

_HEAD = 1_000_000
"""Characters of a table looked at when compiling."""
_ROWS = 100
"""Rows of a table looked at to tell numbers from text."""


@source("csv")
@dataclass(frozen=True)
class Csv(FileSource):
    """A table with a header line: every column of numbers is f32[N] under its name in the header.

    A name that is no identifier has `_` in the place of what none may have, and a reserved word
    gets one at its end: a column `class` keeps its name, `in` is read as `in_`.  With
    `header = false` the first line is a row, and the columns are `column_1`, `column_2`, …; without
    `header`, numbers in the first line are an error, for either may be meant.  The file may be
    gzipped (`.gz`).

    `cast(x, i64)` and `cast(x, f64)` of a column read the number as it stands in the file, not
    through f32.  A cell that is blank or no finite number is an error that names its line; where
    the mapping asks `is_nan(x)`, blank ones and `nan` are read as NaN.  A column without any number
    in the first hundred rows is text and cannot be used.

    With `window`, the rows are a series in order: a column `x` is then f32[N, window], a window at
    every row, and `next_x` f32[N] is the value `horizon` rows after the window's last.  Windows
    overlap, so `shuffle = false` keeps what is tested apart from what is trained on.
    """

    window: int | None = None
    horizon: int = 1
    split: float = 0.8
    shuffle: bool = True
    delimiter: str = ","
    header: bool | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.window is None or self.window > 0, "window", "must be at least 1")
        require(self.horizon > 0, "horizon", f"must be at least 1, not {self.horizon}")
        require(len(self.delimiter) == 1, "delimiter", "is one character")
        require_split(self.split)

    def columns(self, rows: Size, folder: Path) -> dict[str, TensorType]:
        head = self.head(folder)
        found: dict[str, TensorType] = {}
        for name in head.names:
            if head.is_text(name):
                continue
            if self.window is None:
                found[name] = f32(rows)
            else:
                found[name] = f32(rows, self.window)
                found[f"next_{name}"] = f32(rows)
        return found

    def other_columns(self, folder: Path) -> dict[str, str]:
        head = self.head(folder)
        texts = {name: head.problem(name, gaps=True) for name in head.names if head.is_text(name)}
        return {name: said.message for name, said in texts.items() if said}

    def problem(self, column: str, folder: Path, *, gaps: bool) -> OpError | None:
        return self.head(folder).problem(self.base(column, folder), gaps=gaps)

    def base(self, column: str, folder: Path) -> str:
        """The column of the file that a column is made of."""
        names = self.head(folder).names
        return column if column in names else column.removeprefix("next_")

    def head(self, folder: Path) -> Head:
        """The first rows of the file.  Raises OpError E0610."""
        path = self.located(folder)
        return _head(path, readable(path), self.delimiter, self.header)


@dataclass(frozen=True)
class Head:
    """The first rows of a table, with their lines.

    `names` are the columns' in the language, with their names in the file, or their places where
    it has no header.
    """

    path: Path
    names: dict[str, str | int]
    rows: tuple[tuple[int, list[str]], ...]

    def is_text(self, name: str) -> bool:
        """Whether a column has no number at all."""
        place = list(self.names).index(name)
        return not any(_is_number(cells[place]) for _, cells in self.rows[:_ROWS])

    def problem(self, name: str, *, gaps: bool) -> OpError | None:
        """What is wrong with the first cell of a column that is no number.

        With `gaps`, blank cells and numbers that are not finite are none of it.
        """
        place = list(self.names).index(name)
        for line, cells in self.rows:
            cell = cells[place]
            if _is_number(cell, gaps=gaps):
                continue
            where, column = f"{self.path}, line {line}", f"in the column `{self.names[name]}`"
            said = f"{where}: {cell!r} {column} is not a finite number"
            if not cell.strip():
                said = f"{where}: a blank cell {column}"
            help = f"`where(is_nan({name}), 0.0, {name})` reads blank cells and `nan` as 0"
            is_gap = _is_number(cell, gaps=True)
            return OpError("E0610", said, attribute="path", help=help if is_gap else None)
        return None


def _is_number(cell: str, *, gaps: bool = False) -> bool:
    try:
        value = math.nan if gaps and not cell.strip() else float(cell)
    except ValueError:
        return False
    return cell.isascii() and "_" not in cell and (gaps or math.isfinite(value))


def identifier(header: str) -> str:
    """A column's name in the language: `Sea level (mm)` -> `Sea_level_mm`."""
    name = header.strip()
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        name = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "column"
    if name in RESERVED:
        return f"{name}_"
    return f"_{name}" if name[0].isdigit() else name


# ---------------------------------------------------------------------------------- reading heads


@lru_cache(maxsize=16)
def _head(path: Path, _state: object, delimiter: str, header: bool | None) -> Head:
    try:
        with _open_text(path) as file:
            reader = csv.reader(_first_lines(file), delimiter=delimiter)
            rows = tuple((reader.line_num, row) for row in reader if row)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise unreadable(path, f"not a table: {error}") from error
    if not rows:
        raise unreadable(path, "the file is empty")
    return _named(Head(path, {}, rows), header)


def _first_lines(file: IO[str]) -> Iterator[str]:
    """Lines up to the limit; a row that the limit cuts in a quoted cell is left out."""
    left, quotes = _HEAD, 0
    held: list[str] = []
    for line in file:
        held.append(line)
        quotes += line.count('"')
        if quotes % 2 == 0:
            yield from held
            held.clear()
        left -= len(line)
        if left < 0:
            return
    yield from held


def _named(head: Head, header: bool | None) -> Head:
    """The rows under their names, each of as many cells as there are names.  Raises OpError."""
    path, rows = head.path, head.rows
    first = rows[0][1]
    if header is None and any(map(_is_number, first)):
        shown = ", ".join(first[:5])
        help = "`header = false` reads it as a row of the columns `column_1`, `column_2`, …; "
        raise unreadable(
            path, f"numbers in the first line: {shown}", f"{help}`header = true` as their names"
        )
    names: dict[str, str | int]
    if header is False:
        names = {f"column_{place + 1}": place for place in range(len(first))}
    else:
        rows = rows[1:]
        names = {identifier(name): name for name in first}
    if len(names) < len(first):
        raise unreadable(path, f"two columns have the same name: {', '.join(first)}")
    if not rows:
        raise unreadable(path, "no rows under the header")
    for line, row in rows:
        if len(row) != len(first):
            raise unreadable(path, f"line {line} has {len(row)} cells, the first {len(first)}")
    return replace(head, names=names, rows=rows)


def _open_text(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", newline="", encoding="utf-8-sig")
    return path.open(newline="", encoding="utf-8-sig")
