"""How each data source is read, in lines of NumPy: setup, and one expression for each column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from compiler import dims
from compiler.codegen.expr import Expr, Name, lift
from compiler.codegen.files import types_text
from compiler.codegen.names import Names
from compiler.codegen.pieces import Piece, literal
from compiler.codegen.render import render
from compiler.data.base import DataSource
from compiler.data.bundled import Digits, Table
from compiler.data.files import Csv, Npz, Text
from compiler.data.images import Cifar10, Cifar100, Mnist
from compiler.data.synthetic import Synthetic
from dsl.records import dataclass

np = Name("np")

RESERVED = frozenset(
    {"np", "path", "seed", "part", "order", "split", "train", "test", "random", "windows", "rows"}
)
"""Names that `load_data` may assign or read."""


@dataclass(frozen=True)
class Column:
    """An array in a script: its expression and the name of its NumPy dtype there."""

    expr: Expr
    dtype: str


@dataclass(frozen=True)
class Loading:
    """The reading of one source.

    `arguments` are the flags (`data`, `seed`) that it needs, `parts` what `load_part` is called
    with where the source has a test part, `split` share and shuffling where it has not, `length`
    the number of rows where it is known before the mapping, `reserved` names that `setup` assigns.
    """

    columns: dict[str, Column]
    setup: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    helpers: tuple[Piece, ...] = ()
    arguments: tuple[str, ...] = ()
    parts: tuple[str, str] = ("", "")
    split: tuple[float, bool] = (1.0, False)
    length: str = ""
    reserved: frozenset[str] = frozenset()


_Reader = Callable[[Any, Sequence[str], Path], Loading]
_READERS: dict[type[DataSource], _Reader] = {}
R = TypeVar("R", bound=_Reader)


def _reads(*sources: type[DataSource]) -> Callable[[R], R]:
    def register(reader: R) -> R:
        _READERS.update(dict.fromkeys(sources, reader))
        return reader

    return register


def loading(source: DataSource, used: Sequence[str], folder: Path) -> Loading:
    """How a script reads a source of which it uses these columns; `folder` is the model's."""
    for cls in type(source).__mro__:
        if cls in _READERS:
            return _READERS[cls](source, used, folder)
    raise TypeError(type(source).__name__)


def _cast(expr: Expr, dtype: str) -> Column:
    return Column(expr.astype(getattr(np, dtype)), dtype)


# ------------------------------------------------------------------------------- scikit-learn


@_reads(Digits)
def _digits(source: Digits, used: Sequence[str], folder: Path) -> Loading:
    digits = Name("digits")
    return Loading(
        {
            "pixels": Column(digits.images[:, None], "float64"),
            "digit": Column(digits.target, "intp"),
        },
        ("digits = load_digits()",),
        ("from sklearn.datasets import load_digits",),
        split=(source.split, source.shuffle),
        reserved=frozenset({"digits", "load_digits"}),
    )


@_reads(Table)
def _table(source: Table, used: Sequence[str], folder: Path) -> Loading:
    name = source.loader.removeprefix("load_")
    table = Name(name)
    features = Name("features") if source.standardize else table.data
    label_dtype = "float64" if source.label == "progression" else "intp"
    return Loading(
        {
            "features": Column(features, "float64"),
            source.label: Column(table.target, label_dtype),
        },
        (f"{name} = {source.loader}()",),
        (f"from sklearn.datasets import {source.loader}",),
        split=(source.split, source.shuffle),
        length=f"len({name}.data)",
        reserved=frozenset({name, source.loader, "features", "mean", "std"}),
    )


# ------------------------------------------------------------------------- folders of images

_READ_IDX = Piece(
    '''\
def read_idx(folder, name):
    """An array of bytes in IDX format, gzipped or not."""
    try:
        if (folder / name).exists():
            data = (folder / name).read_bytes()
        else:
            data = gzip.decompress((folder / f"{name}.gz").read_bytes())
        if data[:3] != b"\\0\\0\\x08":
            raise ValueError("not bytes in IDX format")
        shape = np.frombuffer(data, ">i4", count=data[3], offset=4)
        return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise SystemExit(f"{folder / name}: {error}") from None''',
    ("import gzip", "import zlib", "import numpy as np"),
)


@_reads(Mnist)
def _mnist(source: Mnist, used: Sequence[str], folder: Path) -> Loading:
    def array(kind: str) -> Expr:
        return Name("read_idx")(Name("path"), Name(f'f"{{part}}-{kind}-ubyte"'))

    return Loading(
        {
            "pixels": _cast(array("images-idx3")[:, None], "float32"),
            source.label: _cast(array("labels-idx1"), "int64"),
        },
        helpers=(_READ_IDX,),
        arguments=("data",),
        parts=("train", "t10k"),
        reserved=frozenset({"read_idx", "load_part"}),
    )


_READ_CIFAR = Piece(
    '''\
def read_cifar(folder, pattern, labels):
    """Rows of label bytes, then the bytes of a 3x32x32 image."""
    files = sorted(folder.glob(pattern))
    if not files:
        raise SystemExit(f"{folder}: no file {pattern}")
    data = np.concatenate([np.fromfile(file, np.uint8) for file in files])
    if data.size % (labels + 3 * 32 * 32):
        raise SystemExit(f"{folder}: {pattern} are not whole rows of labels and images")
    return data.reshape(-1, labels + 3 * 32 * 32)''',
    ("import numpy as np",),
)


@_reads(Cifar10)
def _cifar(source: Cifar10, used: Sequence[str], folder: Path) -> Loading:
    rows, labels = Name("rows"), len(source.labels)
    parts = ("data_batch_*.bin", "test_batch.bin")
    if isinstance(source, Cifar100):
        parts = ("train.bin", "test.bin")
    columns = {
        "pixels": _cast(rows[:, labels:].reshape(-1, 3, 32, 32), "float32"),
        **{name: _cast(rows[:, i], "int64") for i, name in enumerate(source.labels)},
    }
    return Loading(
        columns,
        (f"rows = read_cifar(path, part, {labels})",),
        helpers=(_READ_CIFAR,),
        arguments=("data",),
        parts=parts,
        reserved=frozenset({"read_cifar", "load_part"}),
    )


# ------------------------------------------------------------------------------ a user's files


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


@_reads(Csv)
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


@_reads(Npz)
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


@_reads(Text)
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


@_reads(Synthetic)
def _synthetic(source: Synthetic, used: Sequence[str], folder: Path) -> Loading:
    return Loading(
        {},
        ("random = np.random.default_rng(seed)",),
        arguments=("seed",),
        split=(source.split, source.shuffle),
    )
