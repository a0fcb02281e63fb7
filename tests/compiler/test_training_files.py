"""Data in files: folders of images, tables, arrays and text, and what is wrong with them."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tercet.codegen.script.data import data_code
from tercet.codegen.script.style import Style
from tercet.compiler.data import Cifar10, Cifar100, Csv, DataSource, Mnist, Npz, Text
from tercet.compiler.errors import OpError
from tests.compiler.data_mappings import N, load, mapped, sample_files

SAMPLES = Path(__file__).parents[2] / "samples"


SAMPLES = Path(__file__).parents[2] / "samples"


# ------------------------------------------------------------------------------------ image folders


def test_mnist_has_its_published_parts() -> None:
    data = mapped(Mnist("data/mnist5k"), SAMPLES, None, image="pixels", label="digit")
    train, test = load(data, SAMPLES, SAMPLES / "data/mnist5k")
    assert (len(train[0]), len(test[0])) == (4000, 1000)
    assert train[0].max() == 255
    assert set(np.unique(test[1])) == set(range(10))


def test_mnist_also_reads_files_that_are_not_zipped(tmp_path: Path) -> None:
    for file in (SAMPLES / "data/mnist5k").glob("*.gz"):
        (tmp_path / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
    data = mapped(Mnist("."), tmp_path, None, image="pixels", label="digit")
    zipped = mapped(Mnist("data/mnist5k"), SAMPLES, None, image="pixels", label="digit")
    for a, b in zip(
        load(data, tmp_path, tmp_path), load(zipped, SAMPLES, SAMPLES / "data/mnist5k"), strict=True
    ):
        np.testing.assert_array_equal(a[0], b[0])


IDX, BATCH = "folder/train-images-idx3-ubyte", "folder/data_batch_1.bin"
CSV = Csv("table.csv")
HEADLESS = Csv("plain.csv", header=False)
ZIPPED = Csv("table.csv.gz")
SERIES = Csv("table.csv", window=2, shuffle=False)
ARRAYS = Npz("arrays.npz")
WRONG: list[tuple[DataSource, list[str], str, bytes | None, str]] = [
    (Mnist("."), ["pixels", "digit"], "nowhere", None, "nowhere: no such folder; --data reads"),
    (Mnist("."), ["pixels", "digit"], "folder", b"", "folder/train-images-idx3-ubyte: .*No such"),
    (Mnist("."), ["pixels"], "folder/train-images-idx3-ubyte", b"\x00\x00\x08\x01\x00", "buffer"),
    (Mnist("."), ["pixels"], "folder/train-images-idx3-ubyte", b"text", "not bytes in IDX format"),
    (Mnist("."), ["pixels"], "folder/train-images-idx3-ubyte.gz", b"text", "ubyte: .*gzip"),
    (Mnist("."), ["pixels"], IDX, b"\0\0\x08", "not bytes in IDX"),
    (
        Mnist("."),
        ["pixels"],
        "folder/train-images-idx3-ubyte",
        b"\0\0\x08\x02" + b"\xff" * 9,
        "shape",
    ),
    (Cifar10("."), ["pixels", "label"], "folder", b"", "data_batch_1.bin: .*No such file"),
    (
        Cifar10("."),
        ["label"],
        "folder/data_batch_1.bin",
        b"cut",
        "data_batch_1.bin: not whole rows",
    ),
    (
        Cifar10("."),
        ["label"],
        "folder/data_batch_1.bin",
        b"0" * 3073,
        "data_batch_2.bin: .*No such",
    ),
    (Cifar100("."), ["label"], "folder/train.bin", b"", "train.bin: .*"),
    (CSV, ["x"], "nowhere.csv", None, "nowhere.csv: no such file; --data reads another one"),
    (CSV, ["x"], "folder", b"", "folder: no such file"),
    (
        CSV,
        ["x"],
        "bad.csv",
        b"x,y\n1,2\n\n2,3\n?,4\n",
        "bad.csv, line 5: '\\?' in the column 'x'",
    ),
    (
        CSV,
        ["x"],
        "bad.csv",
        b'x,y\n1,"2\n3"\n,4\n',
        "bad.csv, line 4: '' in the column 'x' is not a finite number",
    ),
    (CSV, ["x"], "bad.csv", b"y,x\n1,2\n2\n", "bad.csv, line 3: 1 cells, not 2"),
    (CSV, ["x"], "bad.csv", b"y,x\n1,2\n2,3,4\n", "bad.csv, line 3: 3 cells, not 2"),
    (CSV, ["x"], "bad.csv", b"x,y,x\n1,2,3\n", r"bad.csv: not one column each of \['x'\]"),
    (CSV, ["x"], "bad.csv", b"x\n1\n1_0\n", "bad.csv, line 3: '1_0' in the column 'x'"),
    (CSV, ["x"], "bad.csv", b"x\n1\nnan\n", "bad.csv, line 3: 'nan' in the column 'x'"),
    (CSV, ["x"], "bad.csv", b"x\n1\n-inf\n", "bad.csv, line 3: '-inf' in the column 'x'"),
    (CSV, ["x"], "bad.csv", b"x\n1\n1e39\n", "bad.csv, line 3: '1e39' in the column 'x'"),
    (CSV, ["x"], "bad.csv", b"", r"bad.csv: not one column each of \['x'\]"),
    (HEADLESS, ["column_1"], "bad.csv", b"", "bad.csv: 0 columns, not 1"),
    (HEADLESS, ["column_2"], "bad.csv", b"1,2\n3,x\n", "bad.csv, line 2: 'x' in the column 1"),
    (ZIPPED, ["x"], "bad.csv.gz", b"", r"bad.csv.gz: not one column each of \['x'\]"),
    (
        ZIPPED,
        ["x"],
        "bad.csv.gz",
        gzip.compress(b"x\n1\n", mtime=0)[:-9],
        "bad.csv.gz: .*end-of-stream",
    ),
    (ZIPPED, ["x"], "bad.csv.gz", b"x\n1\n", "bad.csv.gz: Not a gzipped file"),
    (CSV, ["x"], "bad.csv", b"y\n1\n", r"bad.csv: not one column each of \['x'\]"),
    (CSV, ["x"], "bad.csv", b"x\n\xff\n", "bad.csv: .*utf-8"),
    (SERIES, ["next_x"], "bad.csv", b"x\n1\n2\n3\nabc\n", "line 5: 'abc' in the column 'x'"),
    (ARRAYS, ["image", "label"], "bad.npz", b"text", "bad.npz: not an .npz file"),
    (ARRAYS, ["image", "label"], "folder", b"", "folder: no such file"),
    (Text("poem.txt", window=2, level="chars"), ["ids"], "bad.txt", b"\xff", "bad.txt: .*utf-8"),
]


@pytest.mark.parametrize("source, columns, name, content, message", WRONG)
def test_wrong_data_end_the_script_with_a_line(
    source: DataSource,
    columns: list[str],
    name: str,
    content: bytes | None,
    message: str,
    tmp_path: Path,
) -> None:
    sample_files(tmp_path)
    (tmp_path / "folder").mkdir()
    if content is not None and name != "folder":
        (tmp_path / name).write_bytes(content)
    data = mapped(source, tmp_path, None, **{f"out_{column}": column for column in columns})
    given = tmp_path / name.split("/")[0]
    seed = [0] if getattr(source, "shuffle", False) else []
    with pytest.raises(SystemExit, match=message) as end:
        load(data, tmp_path, given, *seed)
    assert "\n" not in str(end.value)


@pytest.mark.parametrize("images, labels", [((3, 28, 28), (2,)), ((2, 32, 32), (2,)), ((2,), (2,))])
def test_images_and_labels_that_do_not_match_end_the_script(
    images: tuple[int, ...], labels: tuple[int, ...], tmp_path: Path
) -> None:
    for kind, shape in (("images-idx3", images), ("labels-idx1", labels)):
        head = bytes([0, 0, 8, len(shape)]) + np.array(shape, ">i4").tobytes()
        body = np.zeros(shape, np.uint8).tobytes()
        (tmp_path / f"train-{kind}-ubyte").write_bytes(head + body)
    data = mapped(Mnist("."), tmp_path, None, image="pixels", label="digit")
    with pytest.raises(SystemExit, match=r"train: images \(.*not 2 images of 28 x 28"):
        load(data, tmp_path, tmp_path)


WRONG_ARRAYS: list[tuple[dict[str, Any], str]] = [
    ({"label": np.arange(5)}, r"holds \['label'\], not \['image', 'label'\]"),
    ({"image": np.ones((5, 2), np.float64)}, r"image is float64 \[5, 2\], not uint8 \[rows, 2\]"),
    ({"image": np.ones((5, 3), np.uint8)}, r"image is uint8 \[5, 3\], not uint8 \[rows, 2\]"),
    ({"image": np.ones(5, np.uint8)}, r"image is uint8 \[5\], not uint8 \[rows, 2\]"),
    ({"label": np.arange(4)}, r"label is int64 \[4\], not int64 \[5\]"),
    ({"label": np.array([None] * 5)}, "Object arrays cannot be loaded"),
]


@pytest.mark.parametrize("arrays, message", WRONG_ARRAYS)
def test_arrays_unlike_those_compiled_for_end_the_script(
    arrays: dict[str, Any], message: str, tmp_path: Path
) -> None:
    right = {"image": np.ones((5, 2), np.uint8), "label": np.arange(5)}
    np.savez(tmp_path / "arrays.npz", **right)
    given = arrays if len(message.split("holds")) > 1 else {**right, **arrays}
    np.savez(tmp_path / "other.npz", **given)
    data = mapped(ARRAYS, tmp_path, None, image="image", label="label")
    with pytest.raises(SystemExit, match=message):
        load(data, tmp_path, tmp_path / "other.npz", 0)


# ------------------------------------------------------------------------------------- user's files


def test_windows_of_a_series_end_before_what_follows() -> None:
    source = Csv("data/series/airline.csv", window=12, horizon=2, shuffle=False)
    data = mapped(source, SAMPLES, None, past="Passengers", future="next_Passengers")
    (past, future), (test, _) = load(data, SAMPLES, SAMPLES / "data/series/airline.csv")
    assert past[0].tolist()[:3] == [112, 118, 132]
    assert len(past) + len(test) == 144 - 12 - 2 + 1
    assert future[0] == past[2, -1]
    assert past[5, 0] == past[0, 5]


def test_text_columns_of_a_table_are_not_offered(tmp_path: Path) -> None:
    sample_files(tmp_path)
    source = Csv("table.csv")
    assert set(source.columns(N, tmp_path)) == {"Year_of_it", "x"}
    assert source.other_columns(tmp_path) == {
        "name": f"{tmp_path}/table.csv, line 2: 'a' in the column `name` is not a finite number"
    }


@pytest.mark.parametrize(
    "content, message",
    [
        (None, "no such file"),
        ("", "empty"),
        ("a,b\n", "no rows"),
        ("a,a\n1,2\n", "same name"),
        ("a,b\n1,2\n1\n", "line 3 has 1 cells, the first 2"),
        ("a,b\n1,2,3\n", "line 2 has 3 cells, the first 2"),
        ("1,0.5\n2,0.6\n", "numbers in the first line: 1, 0.5"),
        ("country,2020\nx,1\n", "numbers in the first line: country, 2020"),
    ],
)
def test_tables_that_cannot_be_read(content: str | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "t.csv").write_text(content)
    with pytest.raises(OpError, match=message) as caught:
        Csv("t.csv").columns(N, tmp_path)
    assert caught.value.code == "E0610"
    assert str(tmp_path / "t.csv") in caught.value.message


def test_npz_heads_are_read_without_the_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((4, 2), ">f4"), y=np.zeros(4, bool), z=np.float32(1))
    source = Npz("a.npz")
    assert {k: str(t) for k, t in source.columns(N, tmp_path).items()} == {"y": "bool[N]"}
    assert set(source.other_columns(tmp_path)) == {"x", "z"}
    np.savez(tmp_path / "b.npz", x=np.zeros(4), y=np.zeros(5))
    with pytest.raises(OpError, match="different lengths"):
        Npz("b.npz").columns(N, tmp_path)
    (tmp_path / "c.npz").write_text("no")
    with pytest.raises(OpError, match="not an"):
        Npz("c.npz").columns(N, tmp_path)


def test_names_of_columns_become_identifiers(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("target,in,Sea level (mm),2020,t_,_x,größe\n1,2,3,4,5,6,7\n")
    columns = Csv("t.csv", header=True).columns(N, tmp_path)
    assert list(columns) == ["target", "in_", "Sea_level_mm", "_2020", "t_", "_x", "gr_e"]
    np.savez(tmp_path / "a.npz", **{"if": np.zeros(2), "sea level": np.ones(2)})
    source = Npz("a.npz", shuffle=False, split=1)
    data = mapped(source, tmp_path, None, a="if_", b="sea_level")
    (a, b), _ = load(data, tmp_path, tmp_path / "a.npz")
    assert (a.tolist(), b.tolist()) == ([0, 0], [1, 1])


def test_a_table_without_a_header_is_read_from_its_first_line(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("1\t0.5\ta\n2\t0.25\tb\n")
    source = Csv("t.tsv", delimiter="\t", header=False, shuffle=False, split=1)
    assert set(source.columns(N, tmp_path)) == {"column_1", "column_2"}
    data = mapped(source, tmp_path, None, x="column_2")
    ((x,), _) = load(data, tmp_path, tmp_path / "t.tsv")
    assert x.tolist() == [0.5, 0.25]


def test_text_is_cut_side_by_side_and_shifted_by_one() -> None:
    source = Text("data/text/hamlet.txt", window=64, shuffle=False)
    data = mapped(source, SAMPLES, None, tokens="ids", following="next_ids")
    (tokens, following), (test, _) = load(data, SAMPLES, SAMPLES / "data/text/hamlet.txt")
    raw = (SAMPLES / "data/text/hamlet.txt").read_bytes()
    assert bytes(tokens[0].tolist()) == raw[:64]
    assert bytes(tokens[1].tolist()) == raw[64:128]
    assert bytes(following[0].tolist()) == raw[1:65]
    assert len(tokens) + len(test) == (len(raw) - 1) // 64


@pytest.mark.parametrize("source", [CSV, ZIPPED, SERIES], ids=repr)
def test_a_lean_script_reads_a_table_by_numpy_alone(source: Csv, tmp_path: Path) -> None:
    sample_files(tmp_path)
    columns = {"a": "x", "b": "Year_of_it"} if source.window is None else {"a": "next_x"}
    data = mapped(source, tmp_path, None, **columns)
    lean = data_code(data, tmp_path, tmp_path, style=Style(lean=True))
    assert "np.loadtxt" in lean.piece.text
    assert "read_csv" not in lean.piece.text
    scope: dict[str, Any] = {}
    exec("\n".join((*lean.piece.imports, lean.piece.text)), scope)
    seed = [0] if source.shuffle else []
    path = tmp_path / source.path
    for full, short in zip(
        load(data, tmp_path, path, *seed), scope["load_data"](path, *seed), strict=True
    ):
        for array, other in zip(full, short, strict=True):
            assert array.dtype == other.dtype
            np.testing.assert_array_equal(array, other)
