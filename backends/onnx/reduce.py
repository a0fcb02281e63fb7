"""Reductions in ONNX; before opset 18, all but ReduceSum take their axes as an attribute."""

from __future__ import annotations

from collections.abc import Mapping

from tercet.backends.onnx.builder import Context, lower
from tercet.compiler import dims
from tercet.compiler.ops.reduce import (
    Norm,
    ReduceAll,
    ReduceAny,
    ReduceL1,
    ReduceL2,
    ReduceLogSum,
    ReduceLogSumExp,
    ReduceMax,
    ReduceMean,
    ReduceMin,
    ReduceProd,
    ReduceSum,
    ReduceSumSquare,
    Reduction,
    StandardDeviation,
    Variance,
)
from tercet.compiler.types import DType

_SAME: Mapping[type[Reduction], str] = {
    ReduceMean: "ReduceMean",
    ReduceMax: "ReduceMax",
    ReduceMin: "ReduceMin",
    ReduceProd: "ReduceProd",
    ReduceL1: "ReduceL1",
    ReduceL2: "ReduceL2",
    ReduceLogSum: "ReduceLogSum",
    ReduceLogSumExp: "ReduceLogSumExp",
    ReduceSumSquare: "ReduceSumSquare",
}


def _reduced(op: Reduction, c: Context, op_type: str, x: str, *, keepdims: bool) -> str:
    """Over the axes of the operation; a scalar has none, and is reduced as it is."""
    axes = list(op.axes(c.type.rank))
    return c.narrow(op_type, x, axes=axes or None, keepdims=int(keepdims))


def _summed(op: Reduction, c: Context, x: str) -> str:
    axes = op.axes(c.type.rank)
    if not axes:
        return x
    return c.narrow("ReduceSum", x, c.ints(*axes), keepdims=int(op.keepdims))


@lower(*_SAME)
def _same(op: Reduction, c: Context) -> str:
    return _reduced(op, c, _SAME[type(op)], c.x, keepdims=op.keepdims)


@lower(ReduceSum)
def _sum(op: ReduceSum, c: Context) -> str:
    return _summed(op, c, c.x)


@lower(Variance)
def _variance(op: Variance, c: Context) -> str:
    return _spread(op, c)


@lower(StandardDeviation)
def _standard_deviation(op: StandardDeviation, c: Context) -> str:
    return c.node("Sqrt", _spread(op, c))


def _spread(op: Variance | StandardDeviation, c: Context) -> str:
    centred = c.node("Sub", c.x, _reduced(op, c, "ReduceMean", c.x, keepdims=True))
    square = c.node("Mul", centred, centred)
    if not op.correction:
        return _reduced(op, c, "ReduceMean", square, keepdims=op.keepdims)
    count = dims.product(c.type.shape[axis] for axis in op.axes(c.type.rank)) - op.correction
    if isinstance(count, int):
        divisor = c.scalar(count)
    else:
        divisor = c.cast(c.size_scalar(count), DType.I64, c.type.dtype)
    return c.node("Div", _summed(op, c, square), divisor)


@lower(Norm)
def _norm(op: Norm, c: Context) -> str:
    simple = {1.0: "ReduceL1", 2.0: "ReduceL2"}.get(op.p)
    if simple is not None:
        return _reduced(op, c, simple, c.x, keepdims=op.keepdims)
    powers = c.node("Pow", c.node("Abs", c.x), c.scalar(op.p))
    return c.node("Pow", _summed(op, c, powers), c.scalar(1 / op.p))


@lower(ReduceAny)
def _any(op: ReduceAny, c: Context) -> str:
    return _of_bools(op, c, "ReduceMax")


@lower(ReduceAll)
def _all(op: ReduceAll, c: Context) -> str:
    return _of_bools(op, c, "ReduceMin")


def _of_bools(op: Reduction, c: Context, op_type: str) -> str:
    numbers = c.cast(c.x, DType.BOOL, DType.I32)
    found = _reduced(op, c, op_type, numbers, keepdims=op.keepdims)
    return c.cast(found, DType.I32, DType.BOOL)
