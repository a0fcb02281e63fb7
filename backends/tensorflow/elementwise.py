"""Element-wise arithmetic, comparison and functions in TensorFlow."""

from __future__ import annotations

from tercet.backends.tensorflow.target import Placed, lower, tf
from tercet.codegen.expr import Binary, Expr, Helper
from tercet.codegen.target import chosen_truth, infix
from tercet.compiler.ops import elementwise as ops
from tercet.compiler.ops.base import Op
from tercet.compiler.types import DType

_FUNCTIONS: dict[type[Op], Expr] = {
    ops.Square: tf.square,
    ops.Exp: tf.exp,
    ops.Expm1: Helper("expm1"),
    ops.Log: tf.math.log,
    ops.Sqrt: tf.sqrt,
    ops.Rsqrt: tf.math.rsqrt,
    ops.Reciprocal: tf.math.reciprocal,
    ops.Sin: tf.sin,
    ops.Cos: tf.cos,
    ops.Tan: tf.tan,
    ops.Asin: tf.asin,
    ops.Acos: tf.acos,
    ops.Atan: tf.atan,
    ops.Sinh: tf.sinh,
    ops.Cosh: tf.cosh,
    ops.Asinh: tf.asinh,
    ops.Acosh: tf.acosh,
    ops.Atanh: tf.atanh,
    ops.Erf: tf.math.erf,
    ops.Floor: tf.floor,
    ops.Ceil: tf.math.ceil,
    ops.Round: tf.round,
    ops.IsNan: tf.math.is_nan,
    ops.IsInf: tf.math.is_inf,
}


@lower(*ops.ARITHMETIC, *ops.COMPARISONS)
def _infix(op: Op, at: Placed, a: Expr, b: Expr) -> Expr:
    if isinstance(op, ops.Power) and at.result.dtype is DType.U8:  # of which it has no powers
        return tf.cast(tf.cast(a, tf.int32) ** tf.cast(b, tf.int32), tf.uint8)
    return infix(op, a, b)


@lower(ops.LogicalAnd)
def _and(op: ops.LogicalAnd, at: Placed, a: Expr, b: Expr) -> Expr:
    return a & b


@lower(ops.LogicalOr)
def _or(op: ops.LogicalOr, at: Placed, a: Expr, b: Expr) -> Expr:
    return a | b


@lower(ops.FloorDivide, ops.Modulo)
def _quotient(op: ops.FloorDivide | ops.Modulo, at: Placed, a: Expr, b: Expr) -> Expr:
    divides = isinstance(op, ops.FloorDivide)
    if at.result.dtype.is_float:
        return Binary("//" if divides else "%", a, b)
    if at.constant(0) is not None:  # a number has no dtype of its own
        a = tf.cast(a, at.dtype(at.result.dtype))
    return Helper("floor_divide" if divides else "floor_modulo")(a, b)


@lower(*_FUNCTIONS)
def _function(op: Op, at: Placed, x: Expr) -> Expr:
    return _FUNCTIONS[type(op)](x)


@lower(ops.Abs)
def _abs(op: ops.Abs, at: Placed, x: Expr) -> Expr:
    return x if at.type(0).dtype is DType.U8 else tf.abs(x)  # which takes none


@lower(ops.Sign)
def _sign(op: ops.Sign, at: Placed, x: Expr) -> Expr:
    return tf.minimum(x, 1) if at.type(0).dtype is DType.U8 else tf.sign(x)  # which takes none


@lower(ops.Log1p)
def _log1p(op: ops.Log1p, at: Placed, x: Expr) -> Expr:
    return tf.math.log(1 + x)  # ONNX has no log1p


@lower(ops.Negate)
def _negate(op: ops.Negate, at: Placed, x: Expr) -> Expr:
    return -x


@lower(ops.LogicalNot)
def _not(op: ops.LogicalNot, at: Placed, x: Expr) -> Expr:
    return ~x


@lower(ops.Minimum)
def _minimum(op: ops.Minimum, at: Placed, a: Expr, b: Expr) -> Expr:
    return tf.minimum(a, b)


@lower(ops.Maximum)
def _maximum(op: ops.Maximum, at: Placed, a: Expr, b: Expr) -> Expr:
    return tf.maximum(a, b)


@lower(ops.Where)
def _where(op: ops.Where, at: Placed, condition: Expr, a: Expr, b: Expr) -> Expr:
    """TensorFlow takes the dtype from the second operand, and a number's is f32 or i32."""
    if at.result.dtype is DType.BOOL:
        return chosen_truth(at, condition, a, b)
    alone = at.result.dtype not in (DType.F32, DType.I32) or at.constant(2) is not None
    if at.constant(1) is not None and alone:
        a = tf.constant(a, at.dtype(at.result.dtype))
    return tf.where(condition, a, b)


@lower(ops.Clip)
def _clip(op: ops.Clip, at: Placed, x: Expr) -> Expr:
    low, high = _limit(op.min, at), _limit(op.max, at)
    if low is None:
        return tf.minimum(x, high)
    return tf.maximum(x, low) if high is None else tf.clip_by_value(x, low, high)


def _limit(value: float | None, at: Placed) -> object:
    return float(value) if value is not None and at.type(0).dtype.is_float else value


@lower(ops.Cast)
def _cast(op: ops.Cast, at: Placed, x: Expr) -> Expr:
    return tf.cast(x, at.dtype(op.dtype))
