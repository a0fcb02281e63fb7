"""Operations in the mapping of `data`, printed as NumPy and run, against their references."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import datasets

from tercet.codegen.expr import Name
from tercet.codegen.names import Names
from tercet.codegen.script.data import data_code
from tercet.codegen.script.data_sources import Column
from tercet.codegen.script.numpy_ops import mapping_lines
from tercet.compiler.data import Digits
from tercet.compiler.graph.ir import Apply, Graph, GraphInput, GraphOutput, Region, Value
from tercet.compiler.ops import (
    arithmetic,
    comparison,
    elementwise,
    indexing,
    mathematics,
    reduce,
    shape,
)
from tercet.compiler.ops.base import OPERATIONS, Op
from tercet.compiler.types import DType, TensorType
from tercet.dsl.diagnostics import DiagnosticError
from tests.compiler.data_mappings import BLOCK, SPAN, Mapping, N, load, mapped

X = np.linspace(-2, 3, 24).reshape(6, 4).astype(np.float32)
Y = np.full((6, 4), 1.5, np.float32)

DTYPES = {dtype.numpy_name: dtype for dtype in DType if dtype is not DType.BF16}

_MODULES = {m.__name__ for m in (arithmetic, comparison, elementwise, mathematics)}

ELEMENTWISE: list[Op] = [
    *(
        cls()
        for cls in OPERATIONS.values()
        if cls.__module__ in _MODULES
        and cls not in (elementwise.Clip, elementwise.Cast, elementwise.Erf)
    ),
    elementwise.Clip(-0.5, 0.5),
    elementwise.Clip(min=0.1),
    elementwise.Cast(DType.I64),
    elementwise.Cast(DType.BOOL),
]


def _operands(op: Op) -> list[Any]:
    """Arrays that the operation takes."""
    arrays: list[Any] = [X, Y]
    if op.name.startswith("logical"):
        arrays = [X > 0, Y > X]
    if isinstance(op, elementwise.Where):
        arrays = [X > 0, X, Y]
    return arrays[: len(op.operands)]


def _printed(op: Op, arrays: list[Any]) -> Any:
    """What the printed line computes."""
    types = [TensorType(DTYPES[array.dtype.name], (N, 4)) for array in arrays]
    values = [Value(f"v{i}", type) for i, type in enumerate(types)]
    (type,) = op.infer_types(types)
    output = Value("out", type)
    graph = Graph(
        "data",
        BLOCK,
        {},
        {"N": N},
        tuple(GraphInput(v, (None, None), SPAN) for v in values),
        Region((Apply(op, tuple(values), (output,), SPAN),)),
        (GraphOutput("out", output, SPAN),),
    )
    columns = {v.name: Column(Name(v.name), v.type.dtype.numpy_name) for v in values}
    scope: dict[str, Any] = {"np": np}
    scope |= {value.name: array for value, array in zip(values, arrays, strict=True)}
    exec("\n".join(mapping_lines(graph, columns, Names()).lines), scope)
    return scope["out"]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("op", ELEMENTWISE, ids=repr)
def test_element_wise_operations_are_their_references(op: Op) -> None:
    arrays = _operands(op)
    expected, result = op.reference(*arrays), _printed(op, arrays)
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result, expected, rtol=1e-6)


@pytest.mark.parametrize(
    "op",
    [
        reduce.ReduceSum(axis=1),
        reduce.ReduceMean(axis=-1, keepdims=True),
        reduce.ReduceMax(axis=(0, 1)),
        reduce.ReduceMin(),
        reduce.ReduceProd(axis=1),
        indexing.ArgMax(axis=1),
        indexing.ArgMin(axis=1, keepdims=True),
    ],
    ids=repr,
)
def test_reductions_are_their_references(op: Op) -> None:
    expected, result = op.reference(X), _printed(op, [X])
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result, expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["int64", "int32", "int8", "uint8"])
@pytest.mark.parametrize(
    "op",
    [
        *(elementwise.Add(), elementwise.Multiply(), elementwise.FloorDivide()),
        *(elementwise.Modulo(), elementwise.Minimum(), elementwise.Square(), elementwise.Abs()),
        *(elementwise.Clip(1, 3), reduce.ReduceSum(axis=1), reduce.ReduceSum(keepdims=True)),
        *(reduce.ReduceProd(axis=1), reduce.ReduceMax(axis=1), indexing.ArgMax(axis=1)),
    ],
    ids=repr,
)
def test_integers_keep_their_size(op: Op, dtype: str) -> None:
    x = np.arange(16, 40).reshape(6, 4).astype(dtype)
    arrays = [x, x // 3][: len(op.operands)]
    expected, result = op.reference(*arrays), _printed(op, arrays)
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result, expected)


def _shapes(mapping: Mapping) -> None:
    pixels = mapping.columns["pixels"]
    flat = mapping.apply(shape.Reshape((N, 64)), pixels)
    last = shape.Index((shape.Slice(), shape.NewAxis(), shape.Slice(-2, None)))
    results = {
        "flat": flat,
        "first": mapping.apply(shape.Index((shape.Slice(), shape.Integer(0))), flat),
        "last": mapping.apply(last, flat),
        "turned": mapping.apply(shape.Permute((0, 2, 3, 1)), pixels),
        "squeezed": mapping.apply(shape.Squeeze(1), pixels),
        "deep": mapping.apply(shape.Unsqueeze((1, 2)), flat),
        "both": mapping.apply(shape.Stack(1), flat, flat),
        "wide": mapping.apply(shape.Concat(1), flat, flat),
        "back": mapping.apply(shape.Flip(1), flat),
        "rest": mapping.apply(shape.Flatten(2), pixels),
    }
    for name, value in results.items():
        mapping.output(name, value)


def test_shapes_in_the_mapping_are_their_references() -> None:
    data = mapped(Digits(shuffle=False), Path(), _shapes)
    arrays = load(data, Path())[0]
    pixels = datasets.load_digits().images[: len(arrays[0]), None].astype(np.float32)
    values: dict[int, Any] = {id(data.mapping.inputs[0].value): pixels}
    for item in data.mapping.body.walk():
        assert isinstance(item, Apply)
        op = shape.Reshape((-1, 64)) if isinstance(item.op, shape.Reshape) else item.op
        values[id(item.outputs[0])] = op.reference(*(values[id(v)] for v in item.inputs))
    for array, output in zip(arrays, data.mapping.outputs, strict=True):
        np.testing.assert_array_equal(array, values[id(output.value)], err_msg=output.name)


def test_numbers_alone_still_become_the_dtype_of_the_language() -> None:
    def build(mapping: Mapping) -> None:
        large = mapping.apply(
            elementwise.Greater(), mapping.columns["pixels"], mapping.constant(8.0)
        )
        one, zero = mapping.constant(1.0), mapping.constant(0.0)
        mapping.output("mask", mapping.apply(elementwise.Where(), large, one, zero))

    ((mask,), _) = load(mapped(Digits(), Path(), build), Path(), 0)
    assert mask.dtype == np.float32
    assert set(np.unique(mask)) == {0.0, 1.0}


def test_what_has_no_rule_is_refused_at_its_place() -> None:
    def build(mapping: Mapping) -> None:
        mapping.output("x", mapping.apply(elementwise.Erf(), mapping.columns["pixels"]))

    with pytest.raises(DiagnosticError) as caught:
        data_code(mapped(Digits(), Path(), build), Path(), Path())
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.span) == ("E0512", SPAN)
    assert "`erf`" in diagnostic.message
