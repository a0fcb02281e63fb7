"""Every expression of a mapping has the language's dtype and value, whatever NumPy promotes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tercet.compiler.graph.ir import Apply, Graph, Value
from tercet.compiler.graph.training import Training
from tercet.compiler.reference.interpreter import concretize
from tests.compiler.data_mappings import load
from tests.compiler.texts import compiled

EXPRESSIONS = {
    "x + {n}": "float int",
    "{n} - x": "float int",
    "x * {n}": "float int",
    "x / {n}": "float",
    "x // {n}": "float int",
    "x % {n}": "float int",
    "abs(x) ** {n}": "float",
    "minimum(x, {n})": "float int",
    "maximum({n}, x)": "float int",
    "clip(x, max = {n})": "float int",
    "where(x > {n}, x, {n})": "float int",
    "where(m, {n}, x)": "float int",
    "concat([reshape(x, [N, 1]) * {n}, reshape(x, [N, 1])], axis = 1)[:, 0]": "float int",
    "stack([x, x + {n}], axis = 1)[:, 1]": "float int",
    "max(stack([x, where(m, x, {n})], axis = 1), axis = 1)": "float int",
    "sum(stack([x, x], axis = 1), axis = 1) - {n}": "float int",
    "prod(stack([x, x], axis = 1), axis = 1)": "float int",
    "mean(stack([x, x * {n}], axis = 1), axis = 1)": "float",
    "exp(minimum(x, 1) / {n})": "float",
    "rsqrt(abs(x) + {n})": "float",
    "round(x / {n})": "float",
    "sign(x - {n})": "float int",
    "square(x)": "float int",
    "-x": "float",
}
"""Expressions of a column `x`, one `m` of bools and a number, by the kinds of dtypes they take."""
NUMBERS = [
    *("1", "3", "127", "128", "255", "256", "2048", "32767", "65504", "65535", "65536", "100000"),
    *("16777217", "2147483648", "9007199254740993", "0.5", "1e-9", "1e30", "1e300"),
]
FLOATS, INTEGERS = ("f16", "f32", "f64"), ("u8", "i8", "i32", "i64")
_NUMPY = {"f16": "float16", "f32": "float32", "f64": "float64"}
_NUMPY |= {"u8": "uint8", "i8": "int8", "i32": "int32", "i64": "int64"}


def _mapping(dtype: str, entries: list[str], folder: Path) -> Training | None:
    """The training whose targets are these expressions; None where one is refused."""
    targets = "\n".join(f"target t{k}: {dtype}[N]" for k in range(len(entries)))
    mapping = ", ".join(f"t{k} = {entry}" for k, entry in enumerate(entries))
    text = f"""
model M {{ input f: f32[N, 1]
    y = f |> dense(1)
    output y }}
train M {{
    {targets}
    data = npz("a.npz", split = 1, shuffle = false) {{ f = f, {mapping} }}
    loss = mean(y)
    optimizer = adam()
}}"""
    result = compiled(text, folder)
    if result.program is None:
        assert {d.code for d in result.errors} <= {"E0304", "E0504"}, [
            str(d) for d in result.errors
        ]
        return None
    made = result.program.trainings["M"]
    assert isinstance(made, Training)
    return made


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS])
def test_numbers_of_every_size_leave_the_dtype_alone(dtype: str, tmp_path: Path) -> None:
    kind = "float" if dtype in FLOATS else "int"
    x = np.arange(-3, 9).astype(_NUMPY[dtype])
    columns = {"f": np.ones((12, 1), np.float32), "x": x, "m": x > 2}
    np.savez(tmp_path / "a.npz", **columns)
    tried = 0
    for number in NUMBERS:
        entries = [e.format(n=number) for e, kinds in EXPRESSIONS.items() if kind in kinds]
        made = _mapping(dtype, entries, tmp_path)
        if made is None:
            continue
        tried += 1
        expected = _referred(made.data.mapping, columns)
        (_, *arrays), _ = load(made.data, tmp_path, tmp_path / "a.npz", finite=False)
        for k, (entry, array) in enumerate(zip(entries, arrays, strict=True)):
            assert array.dtype == _NUMPY[dtype], entry
            if kind == "float" and ("//" in entry or "%" in entry):
                continue  # jumps, where the quotient is rounded to an integer
            np.testing.assert_allclose(
                array.astype(np.float64),
                expected[f"t{k}"].astype(np.float64),
                rtol={"f16": 4e-3, "f32": 1e-6}.get(dtype, 1e-14),
                err_msg=entry,
            )
    assert tried >= 3


def _referred(graph: Graph, columns: dict[str, Any]) -> dict[str, Any]:
    """The outputs as the operations' references have them, in the declared dtypes."""
    values: dict[Value, Any] = {i.value: columns[i.value.name] for i in graph.inputs}
    sizes = {"N": len(columns["x"])}
    for item in graph.body.walk():
        assert isinstance(item, Apply)
        given = [None if v is None else values[v] for v in item.inputs]
        values[item.outputs[0]] = np.asarray(concretize(item.op, sizes).reference(*given))
    return {output.name: values[output.value] for output in graph.outputs}


def test_where_of_two_numbers_has_a_dtype_inside_an_expression(tmp_path: Path) -> None:
    """`np.where(m, 1, 0)` alone is int64, and float64 as soon as it is stacked with float32."""
    x = np.arange(-3, 9).astype(np.float32)
    np.savez(tmp_path / "a.npz", f=np.ones((12, 1), np.float32), x=x, m=x > 2)
    made = _mapping("f32", ["max(stack([where(m, 1.0, 0.0), x], axis = 1), axis = 1)"], tmp_path)
    assert made is not None
    (_, array), _ = load(made.data, tmp_path, tmp_path / "a.npz")
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, np.maximum(x, x > 2))


@pytest.mark.parametrize(
    "entry", ["one_hot(cast(x, i64), 3)", "one_hot(cast(x, i32), 3, axis = -1)"]
)
def test_one_hot_is_its_reference(entry: str, tmp_path: Path) -> None:
    x = np.array([0, 2, 1, 3, -1, -3, -4, 200]).astype(np.float32)
    np.savez(tmp_path / "a.npz", f=np.ones((8, 1), np.float32), x=x)
    made = _mapping("f32", [f"{entry}[:, {k}]" for k in range(3)], tmp_path)
    assert made is not None
    (_, *arrays), _ = load(made.data, tmp_path, tmp_path / "a.npz")
    expected = [[1, 0, 0], [0, 0, 1], [0, 1, 0], [0] * 3, [0, 0, 1], [1, 0, 0], [0] * 3, [0] * 3]
    np.testing.assert_array_equal(np.stack(arrays, axis=1), np.array(expected, np.float32))


@pytest.mark.parametrize("entry", ["arange(3)", "arange(4, 1, -1)", "arange(2, 8, 2, i32)"])
def test_arange_counts(entry: str, tmp_path: Path) -> None:
    x = np.arange(6).astype(np.float32)
    np.savez(tmp_path / "a.npz", f=x[:, None], x=x)
    made = _mapping(
        "f32", [f"(x[:, none] * cast({entry}, f32))[:, {k}]" for k in range(3)], tmp_path
    )
    assert made is not None
    (_, *arrays), _ = load(made.data, tmp_path, tmp_path / "a.npz")
    counted = {"arange(3)": [0, 1, 2], "arange(4, 1, -1)": [4, 3, 2]}.get(entry, [2, 4, 6])
    np.testing.assert_array_equal(np.stack(arrays, axis=1), np.outer(x, counted))


MIXED = {
    "x - mean(x)": "`mean` over the rows",
    "x - mean(x, axis = 0)": "`mean` over the rows",
    "x - sum(reshape(x, [N, 1]), axis = 0)": "`sum` over the rows",
    "max(transpose(reshape(x, [N, 1])), axis = 0)": None,
    "max(transpose(reshape(x, [N, 1])), axis = 1) + x": "`max` over the rows",
    "flip(x, axis = 0)": "`flip` over the rows",
    "x[::-1]": "`index` over the rows",
    "x - x[0]": "`index` over the rows",
    "cast(argmax(x, axis = 0), f32) + x": "`argmax` over the rows",
    "reshape(transpose(pair), [N, 2])[:, 0]": "`reshape` over the rows",
    "x * N": "N is no number where data are mapped",
    "x / (2 * N - 1)": "2 * N - 1 is no number where data are mapped",
}
"""Expressions, and what is said of them; None where they are good."""


@pytest.mark.parametrize("entry", MIXED)
def test_a_mapping_works_on_each_row_alone(entry: str, tmp_path: Path) -> None:
    x = np.arange(6).astype(np.float32)
    np.savez(tmp_path / "a.npz", f=x[:, None], x=x, pair=np.stack([x, x], axis=1))
    text = f"""
model M {{ input f: f32[N, 1]
    y = f |> dense(1)
    output y }}
train M {{
    target t: f32[N]
    data = npz("a.npz") {{ f = f, t = {entry} }}
    loss = mean(y) + mean(t)
    optimizer = adam()
    batch = 2
}}"""
    errors = compiled(text, tmp_path).errors
    said = MIXED[entry]
    assert [(d.code, said in d.message) for d in errors if said] == [("E0512", True)] * bool(said)
    assert bool(errors) is bool(said), [str(d) for d in errors]
