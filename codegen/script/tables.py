"""How a table in a text file is read: its columns as arrays, a wrong cell told with its line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from tercet.codegen.expr import Expr, Name
from tercet.codegen.names import Names
from tercet.codegen.render import render
from tercet.codegen.script.data_sources import RESERVED, Column, Loading, reads
from tercet.codegen.script.pieces import Piece, literal
from tercet.compiler.data.tables import Csv
from tercet.compiler.graph.columns import Use
from tercet.compiler.types import DType
from tercet.dsl.records import dataclass


@dataclass(frozen=True)
class _Reading:
    """A column of the file: its name or place there, the dtype to read it in, and its gaps."""

    key: str | int
    dtype: str
    gaps: bool

    @property
    def cells(self) -> Expr:
        """The numbers of the column."""
        return Name("table")[self.key]


@reads(Csv)
def _csv(source: Csv, used: Mapping[str, Use], folder: Path) -> Loading:
    names = source.head(folder).names
    bases = {column: source.base(column, folder) for column in used}
    readings = {
        base: _reading(names[base], [use for column, use in used.items() if bases[column] == base])
        for base in dict.fromkeys(bases.values())
    }
    types = {r.key: getattr(Name("np"), r.dtype) for r in readings.values()}
    gaps = [r.key for r in readings.values() if r.gaps]
    given = f", {literal(gaps)}" if gaps else ""
    setup = [f"table = read_csv(path, {literal(types)}{given})"]
    if source.window is None:
        columns = {n: Column(readings[n].cells, readings[n].dtype) for n in used}
        own: set[str] = set()
    else:
        lines, columns, own = _windows(source, bases, readings)
        setup += lines
    lean = _by_numpy(source, names, list(readings.values()))
    return Loading(
        columns,
        tuple(setup),
        helpers=(_read_csv(source, readings.values()),),
        arguments=("data",),
        split=(source.split, source.shuffle),
        reserved=frozenset({"table", "read_csv", "Column", "chain", "csv", "gzip", "math", *own}),
        lean_setup=None if lean is None else (lean, *setup[1:]),
    )


def _by_numpy(source: Csv, names: Mapping[str, str | int], readings: list[_Reading]) -> str | None:
    """The reading by NumPy alone, of a table without gaps; None where it cannot."""
    if source.header is False or any(r.gaps or not r.key for r in readings):
        return None
    places = list(names.values())
    np = Name("np")
    return "table = " + render(
        np.loadtxt(
            Name("path"),
            [(r.key, getattr(np, r.dtype)) for r in readings],
            comments=None,
            delimiter=source.delimiter,
            skiprows=1,
            usecols=[places.index(r.key) for r in readings],
            encoding="utf-8-sig",
            quotechar='"',
        )
    )


def _reading(key: str | int, uses: list[Use]) -> _Reading:
    """How to read a column so that each use gets its numbers as they stand in the file."""
    dtypes = {dtype for use in uses for dtype in use.dtypes}
    if all(dtype.is_integer for dtype in dtypes):
        read = "int64"
    else:
        short = dtypes <= {DType.F32, DType.F16, DType.BF16, DType.BOOL}
        read = "float32" if short else "float64"
    return _Reading(key, read, any(use.gaps for use in uses))


def _windows(
    source: Csv, bases: Mapping[str, str], readings: Mapping[str, _Reading]
) -> tuple[list[str], dict[str, Column], set[str]]:
    """Setup lines and columns of a series cut into windows, and the names that the lines assign."""
    assert source.window is not None
    beyond = source.window + source.horizon - 1
    lines: list[str] = []
    columns: dict[str, Column] = {}
    series: dict[str, Name] = {}
    names = Names(RESERVED)
    for column, base in bases.items():
        if base not in series:
            series[base] = Name(names.fresh(f"{base.lower()}_series"))
            lines.append(f"{render(series[base])} = {render(readings[base].cells)}")
        windows = Name("windows")
        place = windows if column == base else windows[:, -1] + source.horizon
        columns[column] = Column(series[base][place], readings[base].dtype)
    if series:
        rows = f"len({render(next(iter(series.values())))})"
        starts = f"np.arange({rows} - {beyond})[:, None]"
        lines.append(f"windows = {starts} + np.arange({source.window})")
    return lines, columns, {name.identifier for name in series.values()}


# -------------------------------------------------------------------------------------- the reader


def _read_csv(source: Csv, readings: Iterable[_Reading]) -> Piece:
    """The function that reads this file, with no more in it than these columns need."""
    zipped = Path(source.path).suffix == ".gz"
    integers = any(reading.dtype == "int64" for reading in readings)
    gaps = any(reading.gaps for reading in readings)
    opened = 'gzip.open(path, "rt", ' if zipped else "open(path, "
    delimiter = "" if source.delimiter == "," else f", delimiter={literal(source.delimiter)}"
    zip_errors = "EOFError, zlib.error, " if zipped else ""
    convert = "convert" if integers else "float"
    finite = "math.isfinite(column[-1])"
    good = f"cell.isascii() and {f'(name in gaps or {finite})' if gaps else finite}"
    text = f'''\
def read_csv(path, types{", gaps" if gaps else ""}):
    """Columns of a table in these types; what is no number is told with its line."""
    columns = {{name: Column(np.dtype(kind).char) for name, kind in types.items()}}
    try:
        with {opened}newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file{delimiter})
            rows = filter(None, reader)
{_PLACES if source.header is False else _HEADERS}
                if len(row) != len(head):
                    problem = f"{{len(row)}} cells, not {{len(head)}}"
                    raise SystemExit(f"{{path}}, line {{reader.line_num}}: {{problem}}")
                for name, column in columns.items():
                    cell = row[places[name]]
                    try:{_CONVERT if integers else ""}
                        column.append({convert}({_GAP if gaps else "cell"}.replace("_", "?")))
                        good = {good}
                    except {"(ValueError, OverflowError)" if integers else "ValueError"}:
                        good = False
                    if not good:
                        problem = f"{{cell!r}} in the column {{name!r}} is not a finite number"
                        raise SystemExit(f"{{path}}, line {{reader.line_num}}: {{problem}}")
    except (OSError, {zip_errors}UnicodeDecodeError, csv.Error) as error:
        raise SystemExit(f"{{path}}: {{error}}") from None
    return {{name: np.array(column) for name, column in columns.items()}}'''
    return Piece(f"{_WHOLE}\n\n\n{text}" if integers else text, _imports(zipped, source))


_HEADERS = """\
            head = next(rows, [])
            if wrong := [name for name in types if head.count(name) != 1]:
                raise SystemExit(f"{path}: not one column each of {wrong}")
            places = {name: head.index(name) for name in types}
            for row in rows:"""

_PLACES = """\
            head = next(rows, [])
            if len(head) <= max(types):
                raise SystemExit(f"{path}: {len(head)} columns, not {max(types) + 1}")
            places = {place: place for place in types}
            for row in chain([head], rows):"""

_CONVERT = """
                        convert = float if column.typecode in "fd" else whole"""

_GAP = '(cell.strip() or "nan")'

_WHOLE = '''\
def whole(cell):
    """The integer in a cell, exact where it is written as one."""
    try:
        return int(cell)
    except ValueError:
        return int(float(cell))'''


def _imports(zipped: bool, source: Csv) -> tuple[str, ...]:
    chained = ("from itertools import chain",) if source.header is False else ()
    unzipping = ("import gzip", "import zlib") if zipped else ()
    needed = (
        "import csv",
        "import math",
        "import numpy as np",
        "from array import array as Column",
    )
    return (*needed, *unzipping, *chained)
