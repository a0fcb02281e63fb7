"""Data that users have: gaps, NaN, damaged files; when checking, and when a script reads them."""

from __future__ import annotations

import gzip
import shutil
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tercet
from tercet.cli import main
from tercet.codegen.script.data import data_code
from tercet.compiler.graph.training import Training
from tercet.compiler.pipeline import CompileResult, load
from tercet.project import FRAMEWORKS
from tests.compiler.data_mappings import script_text
from tests.e2e.running import Forks

CASES = Path(__file__).parent
DATA_FILES = CASES / "hostile/data_files"

CHECKED = {
    "10-csv-gaps/bom_crlf": None,
    "10-csv-gaps/floatlabel": None,
    "10-csv-gaps/gap": "gap.csv, line 7: a blank cell in the column `age`",
    "10-csv-gaps/gap_early": "gap_early.csv, line 2: a blank cell in the column `age`",
    "10-csv-gaps/long": "long.csv: line 7 has 7 cells, the first 6",
    "10-csv-gaps/na": "na.csv, line 7: 'NA' in the column `age` is not a finite number",
    "10-csv-gaps/nanword": "nanword.csv, line 7: 'nan' in the column `age` is not a finite number",
    "10-csv-gaps/sex": "`csv` has no column `sex`",
    "10-csv-gaps/thousand": "thousand.csv, line 7: '1,031' in the column `age` is not a finite",
    "23-nan-data/fit": None,
    "23-nan-data/fit_x": None,
    "23-nan-data/fit_y": None,
    "23-nan-data/fit_inf": None,
    "23-nan-data/series": "series.csv, line 32: a blank cell in the column `load`",
    "examples/heart": None,
    "examples/nohead": "nohead.tsv: numbers in the first line: 1, 0.5, 2",
    "hostile/codegen_dim_in_mapping/a": "N is no number where data are mapped",
}
"""What `check` says of a case; None where it says nothing."""


@pytest.mark.parametrize("case", CHECKED)
def test_what_is_seen_when_checking(case: str) -> None:
    errors = load(CASES / f"{case}.model").errors
    said = CHECKED[case]
    if said is None:
        assert not errors
        return
    assert said in errors[0].message
    assert "\n" not in errors[0].message


def test_help_names_the_form_in_which_a_column_can_be_read(tmp_path: Path) -> None:
    (nohead,) = load(CASES / "examples/nohead.model").errors
    assert "`header = false`" in (nohead.help or "")
    (sex,) = load(CASES / "10-csv-gaps/sex.model").errors
    assert "sex.csv, line 2: 'f' in the column `sex` is not a finite number" in (sex.help or "")
    (gap,) = load(CASES / "10-csv-gaps/gap.model").errors
    assert "`where(is_nan(age), 0.0, age)`" in (gap.help or "")


# ------------------------------------------------------------------------------------ what is read


def _arrays(path: Path, data: Path | None = None) -> Any:
    """What the script of a model reads: all rows, in an order of its own."""
    result = load(path)
    assert result.program is not None, [str(d) for d in result.errors]
    (training,) = result.program.trainings.values()
    assert isinstance(training, Training)
    code = data_code(training.data, path.parent, path.parent)
    scope: dict[str, Any] = {"__file__": str(path.with_suffix(".py"))}
    exec(script_text(code), scope)
    given = scope["DATA"] if data is None else data
    seed = [0] if "seed" in code.call else []
    train, test = scope["load_data"](given, *seed)
    return [np.concatenate(pair) for pair in zip(train, test, strict=True)]


@pytest.mark.parametrize("case", ["bom_crlf", "floatlabel"])
def test_byte_order_marks_line_ends_and_quotes_read_alike(case: str) -> None:
    x, label = _arrays(CASES / f"10-csv-gaps/{case}.model")
    np.testing.assert_allclose(x.sum(axis=0), [69.0, 86.25], rtol=1e-6)
    assert (len(label), label.dtype, label.sum()) == (60, np.int64, 30)


def _edited(case: str, folder: Path, **words: str) -> Path:
    """A copy of a case with words of its model replaced."""
    for file in (CASES / case).parent.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    path = folder / f"{Path(case).name}.model"
    text = path.read_text()
    for old, new in words.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    return path


def test_a_column_named_like_a_keyword_is_read() -> None:
    x, ill = _arrays(CASES / "examples/heart.model")
    rows = np.loadtxt(CASES / "examples/heart.csv", delimiter=",", skiprows=1)
    assert ill.sum() == rows[:, 2].sum()
    np.testing.assert_allclose(x.sum(axis=0), [rows[:, 0].sum() / 100, rows[:, 1].sum()], rtol=1e-6)


def test_a_table_without_a_header_is_read_whole(tmp_path: Path) -> None:
    words = {'"\\t")': '"\\t", header = false)', "_0_5": "column_2", "(_2,": "(column_3,"}
    x, t = _arrays(_edited("examples/nohead", tmp_path, **words))
    rows = np.loadtxt(tmp_path / "nohead.tsv", delimiter="\t")
    assert (len(x), t.sum()) == (6, rows[:, 2].sum())
    np.testing.assert_allclose(x.sum(), rows[:, 1].sum(), rtol=1e-6)


def test_a_mapping_that_looks_for_gaps_may_have_them(tmp_path: Path) -> None:
    words = {"age / 30": "where(is_nan(age), 0.0, age) / 30"}
    x, _ = _arrays(_edited("10-csv-gaps/gap", tmp_path, **words))
    np.testing.assert_allclose(x.sum(axis=0), [69.0 - (25 + 37) / 30, 86.25], rtol=1e-6)
    path = _edited("23-nan-data/fit_x", tmp_path, **{"x = x,": "x = where(is_nan(x), 0.0, x),"})
    assert np.isfinite(_arrays(path)[0]).all()


def test_large_integers_keep_their_value(tmp_path: Path) -> None:
    numbers = [16777217, 9007199254740993, -9223372036854775808, 9223372036854775807, 3]
    (tmp_path / "ids.csv").write_text("id,x\n" + "".join(f"{n},0.5\n" for n in numbers))
    for cast, dtype in (("cast(id, i64)", "i64"), ("cast(id, f64)", "f64")):
        (tmp_path / "m.model").write_text(f"""
model M {{ input x: f32[N, 1]
    y = x |> dense(1)
    output y }}
train M {{
    target id: {dtype}[N]
    data = csv("ids.csv", split = 1, shuffle = false) {{ x = reshape(x, [N, 1]), id = {cast} }}
    loss = mean(y)
    optimizer = adam()
    batch = 2 }}""")
        _, ids = _arrays(tmp_path / "m.model")
        assert ids.tolist() == np.array(numbers, ids.dtype).tolist()
        assert ids.dtype == {"i64": np.int64, "f64": np.float64}[dtype]


# ------------------------------------------------------------------------------------- what is not

NAN = {
    "fit_x": r"x.npz: x must be finite; row \d+ holds nan at \[\d\]",
    "fit_y": r"y.npz: y must be finite; row \d+ holds nan$",
    "fit_inf": r"inf.npz: x must be finite; row \d+ holds inf at \[\d\]",
}


@pytest.mark.parametrize("case", NAN)
def test_nan_and_infinite_numbers_are_told_before_training(case: str) -> None:
    with pytest.raises(SystemExit, match=NAN[case]) as caught:
        _arrays(CASES / f"23-nan-data/{case}.model")
    file, _, place = str(caught.value).partition(": ")
    name, row = place.split()[0], int(place.split("row ")[1].split()[0])
    with np.load(file) as arrays:
        assert not np.isfinite(arrays[name][row]).all()
        assert np.isfinite(arrays[name][:row]).all()


GOOD = {
    "csv": ("d/csv/good.csv", "a,b,label\n" + "0.5,1,1\n1.0,2,0\n" * 20),
    "gz": ("d/gz/good.csv.gz", "a,b,label\n" + "0.5,1,1\n1.0,2,0\n" * 20),
    "npz": ("d/npz/good.npz", ""),
}


def _good(folder: Path) -> None:
    """The models of damaged files beside files that are whole."""
    for kind, (name, text) in GOOD.items():
        shutil.copy(DATA_FILES / f"m_{kind}.model", folder)
        path = folder / name
        path.parent.mkdir(parents=True)
        if kind == "npz":
            np.savez(path, a=np.ones((40, 2), np.float32), label=np.arange(40) % 3)
        else:
            path.write_bytes(gzip.compress(text.encode()) if kind == "gz" else text.encode())


def _member(**arrays: bytes) -> bytes:
    """An archive of these members."""
    held = BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, content in arrays.items():
            archive.writestr(f"{name}.npy", content)
    return held.getvalue()


def _array(header: str, content: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content


def _damaged_byte(good: bytes) -> bytes:
    place = good.index(b"\x93NUMPY") + 200
    return good[:place] + bytes([good[place] ^ 0xFF]) + good[place + 1 :]


def _with_method(good: bytes, method: int) -> bytes:
    """The archive with another method of compression, of its first member."""
    listed = good.index(b"PK\x01\x02") + 10
    edited = bytearray(good)
    edited[8] = edited[listed] = method
    return bytes(edited)


def _twice(good: bytes) -> bytes:
    """The archive with its first member once more."""
    held = BytesIO(good)
    with zipfile.ZipFile(held, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first = archive.namelist()[0]
        archive.writestr(first, archive.read(first))
    return held.getvalue()


_HEADER = "{{'descr': '{}', 'fortran_order': False, 'shape': (40, 2)}}"
DAMAGED: list[tuple[str, str, bytes | Callable[[bytes], bytes] | None]] = [
    *(("csv", name, None) for name in ("dup_col.csv", "empty.csv", "label_nan.csv")),
    ("csv", "ragged_long.csv", None),
    ("csv", "overflow.csv", b"a,b,label\n1,2,0\n1e39,2,0\n"),
    ("csv", "inf.csv", b"a,b,label\n1,2,0\ninf,2,0\n"),
    ("csv", "underscore.csv", b"a,b,label\n1,2,0\n1_0,2,0\n"),
    ("csv", "digits.csv", "a,b,label\n1,2,0\n\u0967,2,0\n".encode()),
    ("csv", "nul.csv", b"a,b,label\n1,\0,0\n"),
    ("csv", "latin1.csv", b"a,b,label\n1,\xe9,0\n"),
    ("gz", "empty.csv.gz", None),
    ("gz", "trunc.csv.gz", lambda good: good[: len(good) // 2]),
    ("gz", "flipped.csv.gz", lambda good: good[:14] + bytes([good[14] ^ 0xFF]) + good[15:]),
    ("gz", "plain.csv.gz", b"a,b,label\n1,2,0\n"),
    *(("npz", name, None) for name in ("encrypted.npz", "hugeshape.npz", "zflip0.npz")),
    ("npz", "flipped.npz", _damaged_byte),
    ("npz", "cut.npz", lambda good: good[: len(good) // 2]),
    ("npz", "text.npz", b"a,b,label\n"),
    ("npz", "method.npz", lambda good: _with_method(good, 99)),
    ("npz", "twice.npz", _twice),
    ("npz", "notnpy.npz", _member(a=b"1 2 3", label=b"1 2 3")),
    ("npz", "bignum.npz", _member(a=_array("{'shape': (" + "9" * 5000 + ",)}"), label=b"")),
    ("npz", "noheader.npz", _member(a=_array("{'descr': '<f4', "), label=b"")),
    ("npz", "pickled.npz", _member(a=_array(_HEADER.format("|O")))),
    ("npz", "short.npz", _member(a=_array(_HEADER.format("<f4"), b"12"), label=b"")),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("damaged")
    _good(made)
    for kind, name, content in DAMAGED:
        given = content
        if callable(given):
            given = given((made / GOOD[kind][0]).read_bytes())
        (made / name).write_bytes((DATA_FILES / name).read_bytes() if given is None else given)
    return made


@pytest.mark.parametrize("kind, name", [(kind, name) for kind, name, _ in DAMAGED])
def test_a_damaged_file_is_one_line_when_it_is_read(kind: str, name: str, folder: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        _arrays(folder / f"m_{kind}.model", folder / name)
    said = str(caught.value)
    assert said.startswith(str(folder / name))
    assert "\n" not in said
    assert len(said) > len(str(folder / name)) + 3


@pytest.mark.parametrize("kind, name", [(kind, name) for kind, name, _ in DAMAGED])
def test_a_damaged_file_is_one_line_when_checking(
    kind: str, name: str, folder: Path, tmp_path: Path
) -> None:
    text = (folder / f"m_{kind}.model").read_text().replace(GOOD[kind][0], name)
    shutil.copy(folder / name, tmp_path)
    (tmp_path / "m.model").write_text(text)
    result: CompileResult = load(tmp_path / "m.model")
    unseen = {"overflow.csv", "flipped.npz"}  # not in the heads, which are all that is looked at
    if name in unseen and not result.errors:
        return
    assert result.errors
    for error in result.errors:
        assert error.code in ("E0610", "E0604")
        assert "\n" not in error.message
    said = "its dtype is object" if name == "pickled.npz" else name
    assert any(said in f"{error.message} {error.help}" for error in result.errors)


# -------------------------------------------------------------------------- scripts of the targets


@pytest.fixture(scope="module", params=FRAMEWORKS)
def forks(request: pytest.FixtureRequest, folder: Path) -> Iterator[Forks]:
    for kind in GOOD:
        tercet.compile(folder / f"m_{kind}.model", targets=[request.param], output=folder)
    made = Forks(folder, request.param)
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind, name",
    [
        *(("csv", "ragged_long.csv"), ("csv", "label_nan.csv"), ("gz", "trunc.csv.gz")),
        *(("npz", "zflip0.npz"), ("npz", "hugeshape.npz"), ("npz", "notnpy.npz")),
    ],
)
def test_scripts_end_with_one_line(kind: str, name: str, forks: Forks) -> None:
    script = f"m_{kind}_{forks.target}.py"
    done = forks.run(script, "--data", str(forks.folder / name), "--epochs", "1")
    assert done.code == 1
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert str(forks.folder / name) in done.stderr


@pytest.mark.parametrize(
    "entry, code", [("one_hot(digit, 10)", 0), ("erf(pixels[:, 0, 0])", 1), ("pixels @ pixels", 1)]
)
def test_check_says_what_compile_would_of_a_mapping(
    entry: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = {0: "10", 1: "8"}[code] if "@" not in entry else "1, 8, 8"
    (tmp_path / "m.model").write_text(f"""
model M {{
    input x: f32[N, {size}]
    output y = x |> flatten |> dense(10)
}}
train M {{
    target label: i64[N]
    data = digits() {{ x = {entry}, label = digit }}
    loss = cross_entropy(y, label)
    optimizer = adam()
}}""")
    files = [str(tmp_path / "m.model"), "-o", str(tmp_path)]
    assert main(["check", files[0]]) == code
    assert main(["compile", *files, "-t", "pytorch"]) == code
    assert capsys.readouterr().err.count("E0512") == 2 * code
