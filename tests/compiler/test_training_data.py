"""Data sources: columns known when compiling, and printed `load_data` that gives such arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import datasets

from tercet.codegen.script.data import data_code
from tercet.compiler.data import (
    SOURCES,
    BreastCancer,
    Cifar10,
    Cifar100,
    Csv,
    DataSource,
    Diabetes,
    Digits,
    Draw,
    FashionMnist,
    Iris,
    Mnist,
    Npz,
    Synthetic,
    Text,
    Wine,
)
from tercet.compiler.errors import OpError
from tercet.compiler.graph.training import Data
from tercet.compiler.initializers import Normal, Orthogonal, Uniform
from tercet.compiler.ops import elementwise
from tercet.compiler.types import DType
from tests.compiler.data_mappings import (
    Mapping,
    N,
    f32,
    load,
    mapped,
    sample_files,
    script_text,
)

SAMPLES = Path(__file__).parents[2] / "samples"


def test_every_source_is_tried() -> None:
    assert {type(source) for source, _ in _everything()} | {Synthetic} == set(SOURCES.values())


def _everything() -> list[tuple[DataSource, list[str]]]:
    mnist = str(SAMPLES / "data/mnist5k")
    return [
        (Digits(), ["pixels", "digit"]),
        (Iris(), ["features", "label"]),
        (Wine(shuffle=False), ["features", "label"]),
        (BreastCancer(standardize=True), ["features", "label"]),
        (Diabetes(standardize=True, shuffle=False), ["features", "progression"]),
        (Mnist(mnist), ["pixels", "digit"]),
        (FashionMnist(mnist), ["pixels", "label"]),
        (Cifar10("."), ["pixels", "label"]),
        (Cifar100("."), ["pixels", "coarse_label", "label"]),
        (Csv("table.csv"), ["x", "Year_of_it"]),
        (Csv("table.csv", window=1, shuffle=False), ["x", "next_x", "next_Year_of_it"]),
        (Npz("arrays.npz"), ["image", "label"]),
        (Text("poem.txt", window=4), ["ids", "next_ids"]),
        (Text("poem.txt", window=4, level="chars", stride=2), ["ids"]),
    ]


@pytest.mark.parametrize("source, used", _everything(), ids=repr)
def test_arrays_are_what_the_columns_promise(
    source: DataSource, used: list[str], tmp_path: Path
) -> None:
    sample_files(tmp_path)
    data = mapped(source, tmp_path, None, **{f"my_{name}": name for name in used})
    types = [source.columns(N, tmp_path)[name] for name in used]
    for part in _load(data, tmp_path):
        lengths = {len(array) for array in part}
        assert len(lengths) == 1
        for array, type in zip(part, types, strict=True):
            assert array.dtype.name == type.dtype.numpy_name
            assert array.shape[1:] == type.shape[1:]


def _load(data: Data, folder: Path) -> Any:
    """`load_data` with the arguments that its call shows."""
    call = data_code(data, folder, folder).call
    values = {"args.data": folder / getattr(data.source, "path", ""), "args.seed": 0}
    arguments = call.removeprefix("load_data(").removesuffix(")")
    return load(data, folder, *(values[a] for a in arguments.split(", ") if a))


# ------------------------------------------------------------------------------------- scikit-learn


def _scaled_digits(mapping: Mapping) -> None:
    image = mapping.apply(elementwise.Divide(), mapping.columns["pixels"], mapping.constant(16.0))
    mapping.output("image", image)
    mapping.output("label", mapping.columns["digit"])


def test_digits_read_like_the_exemplar() -> None:
    data = mapped(Digits(), Path(), _scaled_digits)
    code = data_code(data, Path(), Path())
    assert code.call == "load_data(args.seed)"
    assert code.names == ("image", "label")
    assert code.piece.imports == (
        "import numpy as np",
        "from sklearn.datasets import load_digits",
    )
    assert (
        code.piece.text
        == '''\
def load_data(seed):
    """(image, label) to train on and to test on."""
    digits = load_digits()
    image = digits.images[:, None].astype(np.float32) / 16
    label = digits.target.astype(np.int64)
    order = np.random.default_rng(seed).permutation(len(image))
    split = int(0.8 * len(image))
    train, test = order[:split], order[split:]
    return (image[train], label[train]), (image[test], label[test])'''
    )


def test_digits_are_all_there_and_parted_by_the_seed() -> None:
    data = mapped(Digits(), Path(), _scaled_digits)
    (train, label), (test, test_label) = load(data, Path(), 0)
    assert len(train) == int(0.8 * 1797)
    assert len(train) + len(test) == 1797
    assert sorted([*label, *test_label]) == sorted(datasets.load_digits().target)
    again = load(data, Path(), 0)
    np.testing.assert_array_equal(again[0][0], train)
    assert not np.array_equal(load(data, Path(), 1)[0][0], train)


def test_standardizing_uses_training_rows_only() -> None:
    data = mapped(BreastCancer(standardize=True), Path(), None, x="features", label="label")
    (train, _), (test, _) = load(data, Path(), 3)
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(train.std(axis=0), 1, atol=1e-5)
    assert abs(test.mean(axis=0)).max() > 1e-3


# ---------------------------------------------------------------------------------------- synthetic


def _line(mapping: Mapping) -> None:
    x = mapping.output("x", mapping.apply(Draw(Uniform(-1, 1), 50, f32(1))))
    slope = mapping.apply(elementwise.Multiply(), mapping.constant(3.0), x)
    line = mapping.apply(elementwise.Add(), slope, mapping.constant(2.0))
    noise = mapping.apply(Draw(Normal(0.1), 50, f32(1)))
    mapping.output("y", mapping.apply(elementwise.Add(), line, noise))


def test_synthetic_data_read_like_their_formula() -> None:
    data = mapped(Synthetic(rows=50), Path(), _line)
    code = data_code(data, Path(), Path())
    assert "    x = random.uniform(-1, 1, (50, 1)).astype(np.float32)" in code.piece.text
    assert "    y = 3 * x + 2 + random.normal(0.0, 0.1, (50, 1)).astype(np.float32)" in (
        code.piece.text
    )
    (x, y), (test, _) = load(data, Path(), 0)
    assert (x.shape, test.shape) == ((40, 1), (10, 1))
    assert abs(y - 3 * x - 2).max() < 0.5
    assert not np.array_equal(x, load(data, Path(), 1)[0][0])


def test_a_matrix_cannot_be_drawn_as_orthogonal() -> None:
    with pytest.raises(OpError, match="drawn by"):
        Draw(Orthogonal(), 50, f32(1))


# ------------------------------------------------------------------------------------ the mapping


def test_names_that_python_or_the_code_need_are_changed() -> None:
    data = mapped(Digits(), Path(), None, digits="pixels", np="digit", split="digit")
    code = data_code(data, Path(), Path())
    assert set(code.names).isdisjoint({"digits", "np", "split"})
    assert [part.shape[1:] for part in load(data, Path(), 0)[0]] == [(1, 8, 8), (), ()]


def test_a_column_used_twice_is_read_once() -> None:
    def build(mapping: Mapping) -> None:
        pixels = mapping.columns["pixels"]
        mapping.output("a", mapping.apply(elementwise.Divide(), pixels, mapping.constant(16.0)))
        half = mapping.apply(elementwise.Greater(), pixels, mapping.constant(8.0))
        mapping.output("b", mapping.apply(elementwise.Cast(DType.F32), half))

    data = mapped(Digits(), Path(), build)
    text = data_code(data, Path(), Path()).piece.text
    assert text.count("digits.images") == 1
    (a, b), _ = load(data, Path(), 0)
    np.testing.assert_array_equal(b, (a > 0.5).astype(np.float32))


def test_a_script_finds_its_data_from_another_folder(tmp_path: Path) -> None:
    sample_files(tmp_path)
    data = mapped(Npz("arrays.npz"), tmp_path, None, label="label")
    code = data_code(data, tmp_path, tmp_path / "build" / "deep")
    assert code.piece.constants == (("DATA", 'Path(__file__).parent / "../../arrays.npz"'),)
    assert str(tmp_path) not in script_text(code)
