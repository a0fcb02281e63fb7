"""Gathering, creation, triangles and the greatest elements in ONNX."""

from __future__ import annotations

from tercet.backends.onnx import protobuf
from tercet.backends.onnx.builder import Context, lower
from tercet.compiler.dims import Size
from tercet.compiler.lazy import np
from tercet.compiler.ops.indexing import (
    Arange,
    ArgMax,
    ArgMin,
    CumSum,
    Full,
    Gather,
    OneHot,
    OnesLike,
    Sort,
    Take,
    TopK,
    Tril,
    Triu,
    ZerosLike,
)
from tercet.compiler.types import DType


@lower(Gather)
def _gather(op: Gather, c: Context) -> str:
    return c.node("Gather", c[0], c[1], axis=op.axis)


@lower(Take)
def _take(op: Take, c: Context) -> str:
    if op.axis is not None:
        return c.node("Gather", c[0], c[1], axis=op.axis)
    return c.node("Gather", c.node("Reshape", c[0], c.ints(-1)), c[1], axis=0)


@lower(OneHot)
def _one_hot(op: OneHot, c: Context) -> str:
    """In i64 to f32, which ONNX Runtime has; the codes are exact in any type."""
    indices = c.cast(c.x, c.type.dtype, DType.I64)
    values = c.constant(np.array([0, 1], dtype=np.float32), DType.F32)
    codes = c.node("OneHot", indices, c.scalar(op.classes, DType.I64), values, axis=op.axis)
    return c.cast(codes, DType.F32, op.dtype)


@lower(CumSum)
def _cumsum(op: CumSum, c: Context) -> str:
    axis = c.scalar(op.axis, DType.I64)
    return c.narrow("CumSum", c.x, axis, exclusive=int(op.exclusive), reverse=int(op.reverse))


@lower(Arange)
def _arange(op: Arange, c: Context) -> str:
    start, stop = op.ends
    if isinstance(start, int) and isinstance(stop, int):
        numbers = np.arange(start, stop, op.step, dtype=np.int64)
        return c.constant(numbers.astype(op.dtype.numpy_name), op.dtype)
    bounds = (c.size_scalar(start), c.size_scalar(stop), c.scalar(op.step, DType.I64))
    return c.cast(c.node("Range", *bounds), DType.I64, op.dtype)


def _filled(c: Context, shape: str, value: Size | float, dtype: DType) -> str:
    given = DType.F32 if dtype is DType.BF16 else dtype  # ONNX fills with bf16 from opset 20 on
    array = np.array([value], dtype=given.numpy_name)
    filled = c.node("ConstantOfShape", shape, value=protobuf.tensor("value", given, array))
    return c.cast(filled, given, dtype)


@lower(Full)
def _full(op: Full, c: Context) -> str:
    return _filled(c, c.shape(op.shape), op.value, op.dtype)


@lower(ZerosLike)
def _zeros_like(op: ZerosLike, c: Context) -> str:
    return _filled(c, c.shape_of(c.x, c.type), 0, c.type.dtype)


@lower(OnesLike)
def _ones_like(op: OnesLike, c: Context) -> str:
    return _filled(c, c.shape_of(c.x, c.type), 1, c.type.dtype)


@lower(Tril)
def _tril(op: Tril, c: Context) -> str:
    return _triangle(c, op.diagonal, upper=0)


@lower(Triu)
def _triu(op: Triu, c: Context) -> str:
    return _triangle(c, op.diagonal, upper=1)


def _triangle(c: Context, diagonal: int, upper: int) -> str:
    return c.narrow("Trilu", c.x, c.scalar(diagonal, DType.I64), upper=upper)


@lower(ArgMax)
def _argmax(op: ArgMax, c: Context) -> str:
    return c.node("ArgMax", c.x, axis=op.axis, keepdims=int(op.keepdims))


@lower(ArgMin)
def _argmin(op: ArgMin, c: Context) -> str:
    return c.node("ArgMin", c.x, axis=op.axis, keepdims=int(op.keepdims))


@lower(TopK)
def _topk(op: TopK, c: Context) -> tuple[str, ...]:
    largest = int(op.largest)
    return c.nodes("TopK", [c.x, c.ints(op.k)], 2, axis=op.axis, largest=largest, sorted=1)


@lower(Sort)
def _sort(op: Sort, c: Context) -> tuple[str, ...]:
    count = c.size(c.type.shape[op.axis])
    largest = int(op.descending)
    return c.nodes("TopK", [c.x, count], 2, axis=op.axis, largest=largest, sorted=1)
