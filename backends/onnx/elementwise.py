"""Element-wise operations in ONNX.

Two mean something else there: Div of integers rounds towards zero, and Mod of floating-point
numbers takes the sign of the dividend.
"""

from __future__ import annotations

from collections.abc import Mapping

from tercet.backends.onnx.builder import Context, lower
from tercet.compiler.dims import Dim
from tercet.compiler.ops import elementwise as ops
from tercet.compiler.ops.base import Op
from tercet.compiler.types import DType

_SAME: Mapping[type[Op], str] = {
    ops.Add: "Add",
    ops.Subtract: "Sub",
    ops.Multiply: "Mul",
    ops.Divide: "Div",
    ops.Minimum: "Min",
    ops.Maximum: "Max",
    ops.Equal: "Equal",
    ops.Less: "Less",
    ops.LessEqual: "LessOrEqual",
    ops.Greater: "Greater",
    ops.GreaterEqual: "GreaterOrEqual",
    ops.LogicalAnd: "And",
    ops.LogicalOr: "Or",
    ops.LogicalNot: "Not",
    ops.Negate: "Neg",
    ops.Abs: "Abs",
    ops.Sign: "Sign",
    ops.Exp: "Exp",
    ops.Log: "Log",
    ops.Sqrt: "Sqrt",
    ops.Reciprocal: "Reciprocal",
    ops.Sin: "Sin",
    ops.Cos: "Cos",
    ops.Tan: "Tan",
    ops.Asin: "Asin",
    ops.Acos: "Acos",
    ops.Atan: "Atan",
    ops.Sinh: "Sinh",
    ops.Cosh: "Cosh",
    ops.Asinh: "Asinh",
    ops.Acosh: "Acosh",
    ops.Atanh: "Atanh",
    ops.Erf: "Erf",
    ops.Floor: "Floor",
    ops.Ceil: "Ceil",
    ops.Round: "Round",
    ops.IsNan: "IsNaN",
}
"""Operations without attributes that are one operator of ONNX, operands in the same order."""


@lower(*_SAME)
def _same(op: Op, c: Context) -> str:
    return c.node(_SAME[type(op)], *c.inputs)


@lower(ops.Constant)
def _constant(op: ops.Constant, c: Context) -> str:
    if isinstance(op.value, Dim):
        return c.cast(c.size_scalar(op.value), DType.I64, op.dtype)
    return c.scalar(op.value, op.dtype)


@lower(ops.Listed)
def _listed(op: ops.Listed, c: Context) -> str:
    return c.constant(op.reference(), op.dtype)


@lower(ops.Where)
def _where(op: ops.Where, c: Context) -> str:
    """ONNX Runtime lacks Where for booleans."""
    condition, x, y = c[0], c[1], c[2]
    if c.result.dtype is not DType.BOOL:
        return c.node("Where", condition, x, y)
    chosen = c.node("And", condition, x)
    return c.node("Or", chosen, c.node("And", c.node("Not", condition), y))


@lower(ops.IsInf)
def _is_inf(op: ops.IsInf, c: Context) -> str:
    """ONNX takes halves from opset 20 on; as f32 they are as infinite."""
    dtype = c.type.dtype
    return c.node("IsInf", c.cast(c.x, dtype, dtype if dtype is DType.F64 else DType.F32))


@lower(ops.Power)
def _power(op: ops.Power, c: Context) -> str:
    return c.narrow("Pow", c[0], c[1], arity=2)


@lower(ops.NotEqual)
def _not_equal(op: ops.NotEqual, c: Context) -> str:
    return c.node("Not", c.node("Equal", c[0], c[1]))


@lower(ops.FloorDivide)
def _floor_divide(op: ops.FloorDivide, c: Context) -> str:
    if c.type.dtype.is_float:
        return c.node("Floor", c.node("Div", c[0], c[1]))
    rest = c.node("Mod", c[0], c[1], fmod=0)
    return c.node("Div", c.node("Sub", c[0], rest), c[1])


@lower(ops.Modulo)
def _modulo(op: ops.Modulo, c: Context) -> str:
    if not c.type.dtype.is_float:
        return c.node("Mod", c[0], c[1], fmod=0)
    whole = c.node("Floor", c.node("Div", c[0], c[1]))
    return c.node("Sub", c[0], c.node("Mul", c[1], whole))


@lower(ops.Clip)
def _clip(op: ops.Clip, c: Context) -> str:
    low = None if op.min is None else c.scalar(op.min)
    high = None if op.max is None else c.scalar(op.max)
    if c.type.dtype in (DType.F32, DType.F64):  # Clip with one limit has no infinity on that side
        if high is None:
            return c.node("Max", c.x, low)
        if low is None:
            return c.node("Min", c.x, high)
    return c.node("Clip", c.x, low, high)


@lower(ops.Cast)
def _cast(op: ops.Cast, c: Context) -> str:
    return c.cast(c.x, c.type.dtype, op.dtype)


@lower(ops.Square)
def _square(op: ops.Square, c: Context) -> str:
    return c.node("Mul", c.x, c.x)


@lower(ops.Rsqrt)
def _rsqrt(op: ops.Rsqrt, c: Context) -> str:
    return c.node("Reciprocal", c.node("Sqrt", c.x))


@lower(ops.Expm1)
def _expm1(op: ops.Expm1, c: Context) -> str:
    return c.node("Sub", c.node("Exp", c.x), c.scalar(1.0))


@lower(ops.Log1p)
def _log1p(op: ops.Log1p, c: Context) -> str:
    return c.node("Log", c.node("Add", c.x, c.scalar(1.0)))
