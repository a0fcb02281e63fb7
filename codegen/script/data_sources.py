"""How each data source is read, in lines of NumPy: setup, and one expression for each column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from tercet.codegen.expr import Expr, Name
from tercet.codegen.script.pieces import Piece
from tercet.codegen.script.style import Style
from tercet.compiler.data.base import DataSource
from tercet.compiler.data.bundled import Digits, Table
from tercet.compiler.data.images import Cifar10, Cifar100, Mnist
from tercet.compiler.data.synthetic import Synthetic
from tercet.compiler.graph.columns import Use
from tercet.dsl.records import dataclass

RESERVED = frozenset(
    {
        "np",
        "check_finite",
        "check_indices",
        "path",
        "seed",
        "part",
        "order",
        "split",
        "train",
        "test",
        "random",
        "windows",
        "rows",
    }
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
    `lean_setup` stands in place of `setup` and `helpers` in a lean script, where that is shorter.
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
    lean_setup: tuple[str, ...] | None = None

    def styled(self, style: Style) -> Loading:
        """The reading of a script of this style."""
        if self.lean_setup is None:
            return self
        return style.pick(full=self, lean=replace(self, setup=self.lean_setup, helpers=()))


_Reader = Callable[[Any, Mapping[str, Use], Path], Loading]
_READERS: dict[type[DataSource], _Reader] = {}
R = TypeVar("R", bound=_Reader)


def reads(*sources: type[DataSource]) -> Callable[[R], R]:
    """Registers how a kind of source is read."""

    def register(reader: R) -> R:
        _READERS.update(dict.fromkeys(sources, reader))
        return reader

    return register


def loading(source: DataSource, used: Mapping[str, Use], folder: Path) -> Loading:
    """How a script reads a source of which it uses these columns; `folder` is the model's."""
    for cls in type(source).__mro__:
        if cls in _READERS:
            return _READERS[cls](source, used, folder)
    raise TypeError(type(source).__name__)


# ------------------------------------------------------------------------------- scikit-learn


@reads(Digits)
def _digits(source: Digits, used: Mapping[str, Use], folder: Path) -> Loading:
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


@reads(Table)
def _table(source: Table, used: Mapping[str, Use], folder: Path) -> Loading:
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
        if data[:3] != b"\\0\\0\\x08" or len(data) < 4:
            raise ValueError("not bytes in IDX format")
        shape = np.frombuffer(data, ">u4", count=data[3], offset=4)
        return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)
    except (OSError, EOFError, MemoryError, ValueError, zlib.error) as error:
        raise SystemExit(f"{folder / name}: {error}") from None''',
    ("import gzip", "import zlib", "import numpy as np"),
)


@reads(Mnist)
def _mnist(source: Mnist, used: Mapping[str, Use], folder: Path) -> Loading:
    setup = [
        'images = read_idx(path, f"{part}-images-idx3-ubyte")',
        'labels = read_idx(path, f"{part}-labels-idx1-ubyte")',
        "if images.shape != (len(labels), 28, 28):",
        '    found = f"images {images.shape}, labels {labels.shape}"',
        '    raise SystemExit(f"{path}, {part}: {found}, not {len(labels)} images of 28 x 28")',
    ]
    return Loading(
        {
            "pixels": Column(Name("images")[:, None], "uint8"),
            source.label: Column(Name("labels"), "uint8"),
        },
        tuple(setup),
        helpers=(_READ_IDX,),
        arguments=("data",),
        parts=("train", "t10k"),
        reserved=frozenset({"read_idx", "load_part", "images", "labels", "found"}),
    )


def _read_cifar(names: str) -> Piece:
    text = f'''\
def read_cifar(folder, part, labels):
    """Rows of label bytes, then the bytes of a 3x32x32 image."""
    rows = []
    for name in {names}:
        try:
            data = np.fromfile(folder / name, np.uint8)
        except OSError as error:
            raise SystemExit(f"{{folder / name}}: {{error}}") from None
        if not data.size or data.size % (labels + 3 * 32 * 32):
            raise SystemExit(f"{{folder / name}}: not whole rows of labels and images")
        rows.append(data.reshape(-1, labels + 3 * 32 * 32))
    return np.concatenate(rows)'''
    return Piece(text, ("import numpy as np",))


_CIFAR_10 = '[f"{part}_{k}.bin" for k in range(1, 6)] if part == "data_batch" else [f"{part}.bin"]'


@reads(Cifar10)
def _cifar(source: Cifar10, used: Mapping[str, Use], folder: Path) -> Loading:
    rows, labels = Name("rows"), len(source.labels)
    parts, names = ("data_batch", "test_batch"), _CIFAR_10
    if isinstance(source, Cifar100):
        parts, names = ("train", "test"), '[f"{part}.bin"]'
    columns = {
        "pixels": Column(rows[:, labels:].reshape(-1, 3, 32, 32), "uint8"),
        **{name: Column(rows[:, i], "uint8") for i, name in enumerate(source.labels)},
    }
    return Loading(
        columns,
        (f"rows = read_cifar(path, part, {labels})",),
        helpers=(_read_cifar(names),),
        arguments=("data",),
        parts=parts,
        reserved=frozenset({"read_cifar", "load_part"}),
    )


# ---------------------------------------------------------------------------------- synthetic


@reads(Synthetic)
def _synthetic(source: Synthetic, used: Mapping[str, Use], folder: Path) -> Loading:
    return Loading(
        {},
        ("random = np.random.default_rng(seed)",),
        arguments=("seed",),
        split=(source.split, source.shuffle),
    )
