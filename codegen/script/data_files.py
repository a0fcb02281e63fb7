"""How a user's own files are read: tables, arrays, text; one line tells what is wrong with one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tercet.codegen.expr import Expr, Name, lift
from tercet.codegen.names import Names
from tercet.codegen.render import render
from tercet.codegen.script.data_sources import RESERVED, Column, Loading, reads
from tercet.codegen.script.files import types_text
from tercet.codegen.script.pieces import Piece, literal
from tercet.compiler import dims
from tercet.compiler.data.files import Csv, Npz, Text


def _read_csv(source: Csv) -> Piece:
    zipped = Path(source.path).suffix == ".gz"
    opened = 'gzip.open(path, "rt", ' if zipped else "open(path, "
    delimiter = "" if source.delimiter == "," else f", delimiter={literal(source.delimiter)}"
    zip_errors = "EOFError, zlib.error, " if zipped else ""
    text = f'''\
def read_csv(path, headers):
    """The numbers under these headers of a table."""
    try:
        with {opened}newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file{delimiter})
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, {zip_errors}UnicodeDecodeError, csv.Error) as error:
        raise SystemExit(f"{{path}}: {{error}}") from None
    if missing := sorted(set(headers) - set(reader.fieldnames or [])):
        raise SystemExit(f"{{path}}: no columns {{missing}}")
    columns = {{header: np.empty(len(rows), np.float32) for header in headers}}
    for i, (line, row) in enumerate(rows):
        for header in headers:
            try:
                columns[header][i] = float(row[header])
            except (TypeError, ValueError):
                cell = row.get(header)
                problem = f"{{cell!r}} in the column {{header!r}} is not a number"
                raise SystemExit(f"{{path}}, line {{line}}: {{problem}}") from None
    return columns'''
    imports = ("import csv", "import numpy as np")
    return Piece(text, (*imports, "import gzip", "import zlib") if zipped else imports)


@reads(Csv)
def _csv(source: Csv, used: Sequence[str], folder: Path) -> Loading:
    headers = source.headers(folder)
    bases = [_base(column, headers) for column in used]
    read = literal([headers[name] for name in dict.fromkeys(bases)])
    setup = [f"table = read_csv(path, {read})"]
    if source.window is None:
        columns = {name: Column(_cells(headers[name]), "float32") for name in used}
        own: set[str] = set()
    else:
        lines, columns, own = _windows(source, headers, used)
        setup += lines
    return Loading(
        columns,
        tuple(setup),
        helpers=(_read_csv(source),),
        arguments=("data",),
        split=(source.split, source.shuffle),
        reserved=frozenset({"table", "read_csv", "csv", "gzip", *own}),
    )


def _base(column: str, headers: dict[str, str]) -> str:
    """The column of the file that a column is made of."""
    return column if column in headers else column.removeprefix("next_")


def _cells(header: str) -> Expr:
    """The numbers under a header."""
    return Name("table")[header]


def _windows(
    source: Csv, headers: dict[str, str], used: Sequence[str]
) -> tuple[list[str], dict[str, Column], set[str]]:
    """Setup lines and columns of a series cut into windows, and the names that the lines assign."""
    assert source.window is not None
    beyond = source.window + source.horizon - 1
    lines: list[str] = []
    columns: dict[str, Column] = {}
    series: dict[str, Name] = {}
    names = Names(RESERVED)
    for column in used:
        base = _base(column, headers)
        if base not in series:
            series[base] = Name(names.fresh(f"{base.lower()}_series"))
            lines.append(f"{render(series[base])} = {render(_cells(headers[base]))}")
        windows = Name("windows")
        place = windows if column == base else windows[:, -1] + source.horizon
        columns[column] = Column(series[base][place], "float32")
    if series:
        rows = f"len({render(next(iter(series.values())))})"
        starts = f"np.arange({rows} - {beyond})[:, None]"
        lines.append(f"windows = {starts} + np.arange({source.window})")
    return lines, columns, {name.identifier for name in series.values()}


_READ_ARRAYS = Piece(
    '''\
def read_arrays(path, types):
    """Arrays of an .npz file, which must have these dtypes and shapes."""
    if not zipfile.is_zipfile(path):
        raise SystemExit(f"{path}: not an .npz file")
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in types.keys() & set(file.files)}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise SystemExit(f"{path}: {error}") from None
    check(path, arrays, types)
    return arrays''',
    ("import zipfile", "import numpy as np"),
)


@reads(Npz)
def _npz(source: Npz, used: Sequence[str], folder: Path) -> Loading:
    columns = source.columns(dims.symbol("rows"), folder)
    types = types_text({name: columns[name] for name in used})
    return Loading(
        {name: Column(Name("arrays")[name], "") for name in used},
        (f"arrays = read_arrays(path, {types})",),
        helpers=(_READ_ARRAYS,),
        arguments=("data",),
        split=(source.split, source.shuffle),
        reserved=frozenset({"arrays", "read_arrays", "check", "zipfile"}),
        lean_setup=("arrays = np.load(path)",),
    )


_READ_TEXT = Piece(
    '''\
def read_text(path):
    """The characters of a text in UTF-8."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise SystemExit(f"{path}: {error}") from None'''
)


@reads(Text)
def _text(source: Text, used: Sequence[str], folder: Path) -> Loading:
    if source.level == "bytes":
        read = "text = np.frombuffer(path.read_bytes(), np.uint8).astype(np.int64)"
    else:
        read = "text = np.unique(list(read_text(path)), return_inverse=True)[1]"
    stride = source.stride or source.window
    starts = f"np.arange(0, len(text) - {source.window}, {stride})[:, None]"
    text, windows = Name("text"), Name("windows")
    return Loading(
        {
            "ids": Column(text[windows], "int64"),
            "next_ids": Column(text[windows + lift(1)], "int64"),
        },
        (read, f"windows = {starts} + np.arange({source.window})"),
        helpers=() if source.level == "bytes" else (_READ_TEXT,),
        arguments=("data",),
        split=(source.split, source.shuffle),
        reserved=frozenset({"text", "read_text"}),
    )
