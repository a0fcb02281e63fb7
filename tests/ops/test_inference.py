"""Inference against the reference: the same shape, dtype and precision, symbolic or not."""

from __future__ import annotations

import numpy as np
import pytest

from tercet.compiler import dims
from tercet.compiler.dims import Dim
from tercet.compiler.types import TensorType
from tests.ops.cases import CASES
from tests.ops.frame import OpCase


def _each(records: list[OpCase]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("record", records, ids=lambda record: record.name)


_SYMBOLIC = [record for record in CASES if record.symbolic]
_OF_FLOATS = [r for r in CASES if any(i is not None and i.dtype.is_float for i in r.inputs)]


def _is_of(type_: TensorType, array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> None:
    is_float = type_.dtype.is_float
    assert array.dtype.kind == "f" if is_float else array.dtype == type_.dtype.numpy_name
    assert array.shape == type_.shape


@_each(CASES)
def test_numbers(record: OpCase) -> None:
    types = record.op.infer_types(record.types())
    for type_, array in zip(types, record.reference(), strict=True):
        _is_of(type_, np.asarray(array))


@_each(_SYMBOLIC)
def test_symbols(record: OpCase) -> None:
    types = record.op.infer_types(record.types(record.symbolic))
    values = {f"S{number}": number for number in record.symbolic}
    for type_, expected in zip(types, record.op.infer_types(record.types()), strict=True):
        assert type_.dtype is expected.dtype
        assert tuple(dims.evaluate(size, values) for size in type_.shape) == expected.shape
    for left, relation, right in record.op.constraints(*record.types(record.symbolic)):
        assert isinstance(left, Dim) or isinstance(right, Dim)
        a, b = dims.evaluate(left, values), dims.evaluate(right, values)
        assert a == b if relation == "==" else a <= b


@_each(_OF_FLOATS)
def test_the_reference_keeps_the_precision(record: OpCase) -> None:
    narrow = [
        a.astype(np.float32) if a is not None and a.dtype.kind == "f" else a
        for a in record.arrays()
    ]
    results = record.op.reference(*narrow)
    for result in results if isinstance(results, tuple) else (results,):
        assert np.asarray(result).dtype in ("float32", "int64", "bool")


def test_records_have_names_of_their_own() -> None:
    names = [record.name for record in CASES]
    assert len(set(names)) == len(names)
