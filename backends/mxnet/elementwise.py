"""Element-wise arithmetic, comparison and functions in MXNet.

Operators written infix want equal shapes in a Symbol, `broadcast_*` broadcast.  Comparisons
give 0 and 1 in the dtype of their operands; here they become float32.
"""

from __future__ import annotations

from tercet.backends.base import Unsupported, refused
from tercet.backends.mxnet.symbolic_shape import length_of
from tercet.backends.mxnet.target import DTYPES, F, held_as, is_number, lower
from tercet.codegen.expr import Binary, Expr, Helper, Name, lift
from tercet.codegen.target import Application, infix
from tercet.compiler.dims import Dim
from tercet.compiler.ops import elementwise as ops
from tercet.compiler.ops.base import Op
from tercet.compiler.types import DType

_BROADCASTING: dict[type[Op], Expr] = {
    ops.Add: F.broadcast_add,
    ops.Subtract: F.broadcast_sub,
    ops.Multiply: F.broadcast_mul,
    ops.Divide: F.broadcast_div,
    ops.Modulo: F.broadcast_mod,
    ops.Power: F.broadcast_power,
    ops.Equal: F.broadcast_equal,
    ops.NotEqual: F.broadcast_not_equal,
    ops.Less: F.broadcast_lesser,
    ops.LessEqual: F.broadcast_lesser_equal,
    ops.Greater: F.broadcast_greater,
    ops.GreaterEqual: F.broadcast_greater_equal,
    ops.LogicalAnd: F.broadcast_logical_and,
    ops.LogicalOr: F.broadcast_logical_or,
}

_FUNCTIONS: dict[type[Op], Expr] = {
    ops.Abs: F.abs,
    ops.Sign: F.sign,
    ops.Square: F.square,
    ops.Exp: F.exp,
    ops.Expm1: F.expm1,
    ops.Log: F.log,
    ops.Log1p: F.log1p,
    ops.Sqrt: F.sqrt,
    ops.Rsqrt: F.rsqrt,
    ops.Reciprocal: F.reciprocal,
    ops.Sin: F.sin,
    ops.Cos: F.cos,
    ops.Tan: F.tan,
    ops.Asin: F.arcsin,
    ops.Acos: F.arccos,
    ops.Atan: F.arctan,
    ops.Sinh: F.sinh,
    ops.Cosh: F.cosh,
    ops.Asinh: F.arcsinh,
    ops.Acosh: F.arccosh,
    ops.Atanh: F.arctanh,
    ops.Erf: F.erf,
    ops.Floor: F.floor,
    ops.Ceil: F.ceil,
}

_MIRRORED: dict[type[Op], str] = {
    ops.Equal: "==",
    ops.NotEqual: "!=",
    ops.Less: ">",
    ops.LessEqual: ">=",
    ops.Greater: "<",
    ops.GreaterEqual: "<=",
}


def _broadcast(op: Op, at: Application, a: Expr, b: Expr) -> Expr:
    """Infix, unless the operands need broadcasting at an execution of the site."""
    numbers = is_number(at, 0) or is_number(at, 1)
    alike = numbers or at.type(0).shape == at.type(1).shape
    return infix(op, a, b) if alike else _BROADCASTING[type(op)](a, b)


@lower.exact(ops.Erf)
def _exact_erf(op: ops.Erf, at: Application, x: Expr) -> Expr:
    return Helper("erf")(F, x)


@lower(ops.Constant)
def _size(op: ops.Constant, at: Application) -> Expr:
    """A size that only the run knows, as a number; other constants are printed as they are."""
    assert isinstance(op.value, Dim)
    try:
        return length_of(at, op.value, held_as(op.dtype))
    except Unsupported as problem:
        raise refused("mxnet", "a size as a number", at.item.span, problem) from None


@lower(ops.Add, ops.Subtract, ops.Multiply, ops.Divide, ops.Modulo)
def _arithmetic(op: Op, at: Application, a: Expr, b: Expr) -> Expr:
    return _broadcast(op, at, a, b)


@lower(ops.Power)
def _power(op: ops.Power, at: Application, a: Expr, b: Expr) -> Expr:
    """Integers by way of float64, which holds them exactly."""
    if at.result.dtype.is_float:
        return _broadcast(op, at, a, b)
    wide = [x if is_number(at, k) else F.cast(x, dtype="float64") for k, x in enumerate((a, b))]
    return F.cast(_broadcast(op, at, *wide), dtype=held_as(at.result.dtype))


@lower(*ops.COMPARISONS)
def _comparison(op: Op, at: Application, a: Expr, b: Expr) -> Expr:
    tensor = 0
    if is_number(at, 0):  # NDArray and Symbol compare from the left
        tensor = 1
        found: Expr = Binary(_MIRRORED[type(op)], b, a)
    else:
        found = _broadcast(op, at, a, b)
    plain = held_as(at.type(tensor).dtype) == "float32"
    return found if plain else F.cast(found, dtype="float32")


@lower(ops.FloorDivide)
def _floor_divide(op: ops.FloorDivide, at: Application, a: Expr, b: Expr) -> Expr:
    if at.result.dtype.is_float:
        return F.floor(_broadcast(ops.Divide(), at, a, b))
    if is_number(at, 0):
        a = a * F.ones_like(b)
    if is_number(at, 1):
        return Helper("floor_divide_by")(a, b)
    return Helper("floor_divide")(F, a, b)


@lower(*_FUNCTIONS)
def _function(op: Op, at: Application, x: Expr) -> Expr:
    return _FUNCTIONS[type(op)](x)


@lower(ops.Round)
def _round(op: ops.Round, at: Application, x: Expr) -> Expr:
    return Helper("round_half_to_even")(F, x)


@lower(ops.Negate)
def _negate(op: ops.Negate, at: Application, x: Expr) -> Expr:
    return -x


@lower(ops.IsNan)
def _is_nan(op: ops.IsNan, at: Application, x: Expr) -> Expr:
    found = Helper("is_nan")(x)
    return found if at.type(0).dtype is DType.F32 else F.cast(found, dtype="float32")


@lower(ops.IsInf)
def _is_inf(op: ops.IsInf, at: Application, x: Expr) -> Expr:
    found = Binary("==", F.abs(x), Name("np").inf)
    return found if at.type(0).dtype is DType.F32 else F.cast(found, dtype="float32")


@lower(ops.LogicalAnd, ops.LogicalOr)
def _logical(op: ops.LogicalAnd | ops.LogicalOr, at: Application, a: Expr, b: Expr) -> Expr:
    a, b = (_truth(at, k, x, other) for k, x, other in ((0, a, b), (1, b, a)))
    return _BROADCASTING[type(op)](a, b)


def _truth(at: Application, index: int, x: Expr, other: Expr) -> Expr:
    """An operand as a tensor; a constant in the shape of the other one."""
    constant = at.constant(index)
    if constant is None:
        return x
    return F.ones_like(other) if constant.value else F.zeros_like(other)


@lower(ops.LogicalNot)
def _not(op: ops.LogicalNot, at: Application, x: Expr) -> Expr:
    return F.logical_not(x)


@lower(ops.Minimum, ops.Maximum)
def _extreme(op: ops.Minimum | ops.Maximum, at: Application, a: Expr, b: Expr) -> Expr:
    largest = isinstance(op, ops.Maximum)
    if is_number(at, 0) or is_number(at, 1):
        return (F.maximum if largest else F.minimum)(a, b)
    return (F.broadcast_maximum if largest else F.broadcast_minimum)(a, b)


@lower(ops.Where)
def _where(op: ops.Where, at: Application, condition: Expr, a: Expr, b: Expr) -> Expr:
    numbers = any(is_number(at, k) for k in (1, 2))
    if not numbers and all(at.type(k).shape == at.result.shape for k in range(3)):
        return F.where(condition, a, b)
    return Helper("where")(F, condition, a, b, held_as(at.result.dtype))


@lower(ops.Clip)
def _clip(op: ops.Clip, at: Application, x: Expr) -> Expr:
    if op.min is not None and op.max is not None and at.type(0).dtype.is_float:
        return F.clip(x, op.min, op.max)
    return _bounded(op, x)


@lower.exact(ops.Clip)  # `clip` has its bounds in float32
def _exact_clip(op: ops.Clip, at: Application, x: Expr) -> Expr:
    return _bounded(op, x)


def _bounded(op: ops.Clip, x: Expr) -> Expr:
    if op.min is not None:
        x = F.maximum(x, op.min)
    return x if op.max is None else F.minimum(x, op.max)


@lower(ops.Cast)
def _cast(op: ops.Cast, at: Application, x: Expr) -> Expr:
    if op.dtype is DType.BOOL:
        found = Binary("!=", x, lift(0))
        return found if DTYPES[at.type(0).dtype] == "float32" else F.cast(found, dtype="float32")
    return F.cast(x, dtype=held_as(op.dtype))
