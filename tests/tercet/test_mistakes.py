"""Command lines that people get wrong: the exit code, and what is said about it.

Also what is odd but right: paths with spaces, links, other folders, tables that go to a file.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tercet.cli import main

NET = """\
model Net(width = 8, deep = false, rate = 0.5, act = relu) {
    input x: f32[N, 4]
    h = x |> dense(width) |> act
    if deep { h = h |> dense(width) }
    output y = h |> dense(3) |> dropout(rate)
}
train Net {
    target label: i64[N]
    data = iris() { x = features, label = label }
    loss = cross_entropy(y, label)
    optimizer = sgd(lr = 0.1)
    batch = 16
}
"""

SMALL = """\
model Small { input x: f32[N, 2]
    assert N <= 4, "{N} rows are too many"
    output y = x |> dense(2)
}
"""

ODD = """\
model Odd { input x: f32[N, T]
    assert T % 2 == 1
    output y = reshape(x, [N, T // 2, 2])
}
"""

PRECISIONS = """\
model Precisions { input x: f32[N, 2]
    input z: f64[N, 2]
    output y = x |> dense(2), w = z |> dense(2)
}
"""

TWO = """\
model A { input x: f32[N, 2]
    output y = x |> dense(2)
}
model B { input x: f32[N, 2]
    output y = x |> dense(3)
}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.model").write_text(NET)
    (tmp_path / "two.model").write_text(TWO)
    (tmp_path / "small.model").write_text(SMALL)
    (tmp_path / "odd.model").write_text(ODD)
    (tmp_path / "precisions.model").write_text(PRECISIONS)
    (tmp_path / "empty.model").write_text("")
    (tmp_path / "binary.model").write_bytes(bytes(range(256)) * 8)
    (tmp_path / "latin.model").write_bytes(b"# caf\xe9\n" + TWO.encode())
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder.model").mkdir()
    (tmp_path / "dangling.model").symlink_to("nowhere")
    (tmp_path / "loop.model").symlink_to("loop.model")
    return tmp_path


@pytest.mark.parametrize(
    "line, code, said",
    [
        ("check empty.model", 0, "no model"),
        ("check binary.model", 1, "is not UTF-8"),
        ("check latin.model", 1, "0xe9 is not UTF-8"),
        ("check folder.model", 2, "Is a directory"),
        ("check dangling.model", 2, "No such file"),
        ("check loop.model", 2, "symbolic links"),
        ("check missing.model", 2, "No such file"),
        ("check net.model missing.model", 2, "No such file"),
        ("check", 2, "required: FILE"),
        ("check net.model --jsn", 2, "did you mean --json?"),
        ("check net.model -m Nt", 1, "did you mean `Net`?"),
        ("check net.model -P widht=3", 1, "did you mean `width`?"),
        ("check net.model -P width", 2, "name=value"),
        ("check net.model -P width=3 -P width=4", 2, "given twice"),
        ("check net.model -P width=0", 1, "at least 1"),
        ("check net.model -P width=1e3", 1, "not the number 1000.0"),
        ("check net.model -P deep=True", 1, "write `true`"),
        ("check net.model -P act=foo", 1, "-P 'act=\"foo\"'"),
        ("check net.model -P rate=2", 1, "below 1"),
        ("check net.model -P act=gelu", 0, "no errors"),
        ("check net.model -T optimiser.lr=1", 1, "did you mean `optimizer`?"),
        ("check net.model -T optimizer.lrr=1", 1, "did you mean `lr`?"),
        ("check net.model -T optimizer.lr=0.2", 0, "no errors"),
        ("check net.model -T batch.size=3", 1, "`-T batch=…` whole"),
        ("check net.model -T batch=0", 1, "an integer from 1"),
        ("check two.model -T batch=3", 1, "no `train`"),
        ("show two.model", 1, "-m A"),
        ("show empty.model", 1, "no model"),
        ("show net.model --at M=3", 2, "its dimensions: N"),
        ("show net.model --at N=0", 2, "from 1 on"),
        ("show net.model --at N=1,N=2", 2, "given twice"),
        ("show net.model --at N", 2, "from 1 on"),
        (
            "show small.model --at N=5",
            2,
            "--at N=5: 5 rows are too many: N <= 4 must hold, and N is 5",
        ),
        ("ir net.model --after nothing", 2, "known:"),
        ("ops sofmax", 2, "did you mean softmax?"),
        ("explain E9999", 2, "no error code"),
        ("fmt folder", 2, "Is a directory"),
        ("fmt latin.model", 1, "not UTF-8"),
        ("new net", 2, "not overwritten"),
        ("new a.b", 2, "not the name of a model"),
        ("weights net.model -o folder", 2, "is a folder"),
        ("weights net.model -o /proc/w", 2, "/proc/w: "),
        ("weights net.model --seed -1", 2, "an integer from 0 on"),
        ("weights net.model --seed x", 2, "'x' is not an integer"),
        ("export net.model -o folder", 2, "is a folder"),
        ("export net.model --weights net.model", 2, "safetensors"),
        ("export net.model --weights missing", 2, "there is no file"),
        ("export net.model --seed x", 2, "'x' is not an integer"),
        ("export net.model -t all", 2, "one target at a time"),
        ("compile net.model -t pytroch", 2, "did you mean pytorch?"),
        ("compile net.model -t pytorch -o net.model", 2, "is not a folder"),
        ("check odd.model", 1, "`T % 2 == 1` and `T % 2 == 0`"),
        ("show odd.model", 1, "E0315"),
        ("compile odd.model -t onnx", 1, "E0315"),
        ("compile precisions.model -t pytorch", 1, "pytorch cannot mix f32 and f64"),
        ("compile precisions.model -t tensorflow", 1, "tensorflow cannot mix f32 and f64"),
        ("compile precisions.model -t mxnet", 1, "mxnet cannot mix f32 and f64"),
        ("compile odd.model -t pytorch", 1, "`T % 2 == 1` and `T % 2 == 0`"),
        ("compile odd.model -t tensorflow", 1, "E0315"),
        ("compile odd.model -t mxnet", 1, "E0315"),
        ("verify odd.model -t onnx", 2, "odd.model:2:5"),
        ("train two.model -m A", 2, "no `train A"),
        ("train net.model -t onnx", 2, "trains nothing"),
        ("train net.model --timeout x", 2, "not a positive number"),
        ("train net.model --seed abc", 2, "'abc' is not an integer from 0 to 4294967295"),
        ("train net.model --epochs -3", 2, "'-3' is not an integer from 0 on"),
        ("train net.model --batch-size 0", 2, "'0' is not an integer from 1 on"),
        ("train net.model --lr nan", 2, "'nan' is not a number from 0 on"),
        ("train net.model --weights missing", 2, "there is no file missing"),
        ("train net.model --resume missing", 2, "there is no file missing"),
        ("train net.model --checkpoint-every 3", 2, "needs --checkpoint"),
        ("train net.model --checkpoint folder", 2, "folder is a folder"),
        ("train net.model --save /proc/w", 2, "/proc/w: "),
        ("train net.model --data missing", 2, "iris reads no file"),
        ("predict net.model in.npz out.npz", 2, "--weights"),
        ("doctor --timeout x", 2, "'x' is not a positive number"),
        ("doctor --interpreter foo=bar", 2, "no target 'foo'"),
    ],
)
def test_mistake(line: str, code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == code
    told = capsys.readouterr()
    assert said in told.out + told.err
    assert "bug in Tercet" not in told.err


IMAGES = np.zeros((5, 3, 2), np.float32)
KINDS = np.zeros(5, np.int64)
WRONG_INPUTS: list[tuple[dict[str, Any], str]] = [
    ({"image": IMAGES}, "the input `kind` is missing"),
    ({"image": IMAGES, "kind": KINDS, "kin": KINDS}, "no input `kin`; did you mean `kind`?"),
    ({"image": IMAGES.astype(float), "kind": KINDS}, "`image` is float64, not float32"),
    ({"image": IMAGES, "kind": KINDS.astype("i4")}, "`kind` is int32, not int64"),
    ({"image": IMAGES[0], "kind": KINDS}, "the array has shape [3, 2]"),
    ({"image": IMAGES[:, :, :1], "kind": KINDS}, "axis 2 of `image` is 1, not 2"),
    ({"image": IMAGES, "kind": KINDS[:4]}, "axis 0 of `kind` is 4, not N = 5"),
    ({"image": IMAGES.repeat(4, 1), "kind": KINDS}, "T <= 9 must hold, and T is 12"),
    ({"image": IMAGES[:0], "kind": KINDS[:0]}, "`image` is empty along axis 0"),
]


@pytest.mark.parametrize("inputs, said", WRONG_INPUTS)
def test_inputs_that_do_not_fit_are_told_by_the_name_of_their_file(
    inputs: dict[str, Any], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "both.model").write_text(
        "model Both { input image: f32[N, T, 2]\n input kind: i64[N]\n assert T <= 9\n"
        " output y = mean(image, axis = 1) + (kind |> embedding(3, 2)) }"
    )
    np.savez(folder / "in.npz", **inputs)
    command = "predict both.model in.npz out.npz -t pytorch --weights w.safetensors"
    assert main(command.split()) == 2
    told = capsys.readouterr().err.strip()
    assert told.startswith("error: in.npz: ")
    assert said in told
    assert "\n" not in told


@pytest.mark.parametrize("line", ["weights net.model -o new/w", "export net.model -o new/m.onnx"])
def test_folders_of_results_are_made(line: str, folder: Path) -> None:
    assert main(line.split()) == 0
    assert Path(line.split()[-1]).is_file()


def test_models_of_one_file_do_not_overwrite_each_other(folder: Path) -> None:
    for model in "AB":
        assert main(["compile", "two.model", "-m", model, "-t", "pytorch"]) == 0
        assert main(["weights", "two.model", "-m", model]) == 0
    assert {path.name for path in folder.glob("*_pytorch.py")} == {"a_pytorch.py", "b_pytorch.py"}
    assert {path.stem for path in folder.glob("*.safetensors")} == {"a", "b"}


def test_new_makes_its_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "models/classifier"]) == 0
    assert main(["check", "models/classifier.model"]) == 0
    assert "Classifier: no errors" in capsys.readouterr().out


def test_commands_that_new_proposes_can_be_pasted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "my net"]) == 0
    proposed = capsys.readouterr().out.partition("next: tercet ")[2]
    lines = [
        line.split("tercet ")[1] for line in Path("my net.model").read_text().splitlines()[1:4]
    ]
    assert [shlex.split(line)[1] for line in (proposed, *lines)] == ["my net.model"] * 4


@pytest.mark.parametrize("name", ["class", "n", "42", "x-y z"])
def test_new_under_any_name_has_no_errors(name: str) -> None:
    assert main(["new", name]) == 0
    assert main(["check", f"{name}.model"]) == 0


def test_paths_with_spaces_links_and_other_folders(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "mit Leerzeichen ü.model").write_text(NET)
    (folder / "folder" / "link.model").symlink_to(folder / "net.model")
    assert main(["check", "mit Leerzeichen ü.model", "folder/link.model", str(folder)]) == 2
    assert capsys.readouterr().out.count("no errors") == 2
    assert main(["weights", "mit Leerzeichen ü.model"]) == 0
    assert (folder / "mit Leerzeichen ü.safetensors").is_file()


def test_a_byte_order_mark_and_other_line_ends(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"# a comment\n{NET}"
    for end in ("\r\n", "\r"):
        (folder / "dos.model").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", end).encode())
        assert main(["check", "dos.model"]) == 0
        assert "no model" not in capsys.readouterr().out


def test_a_table_for_a_file_is_not_folded(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "a_layer_with_quite_a_long_name" * 2
    text = f'model M {{ input x: f32[N, 4]\n output y = x |> dense(3, name = "{name}") }}'
    (folder / "long.model").write_text(text)
    monkeypatch.delenv("COLUMNS", raising=False)
    assert main(["show", "long.model"]) == 0
    assert name in capsys.readouterr().out


def test_what_show_prints_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "net.model", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert list(shown) == ["model", "inputs", "outputs", "parameters", "totals"]
    assert shown["inputs"] == [{"name": "x", "dtype": "f32", "shape": ["N", 4]}]
    assert shown["outputs"] == [{"name": "y", "dtype": "f32", "shape": ["N", 3]}]
    assert shown["parameters"][0] == {
        "path": "dense.weight",
        "shape": [8, 4],
        "dtype": "f32",
        "operation": "dense",
        "role": "weight",
        "trainable": True,
    }
    assert [p["path"] for p in shown["parameters"][2:]] == ["dense_2.weight", "dense_2.bias"]
    assert shown["totals"]["parameters"] == shown["totals"]["trainable"] == 8 * 5 + 3 * 9
