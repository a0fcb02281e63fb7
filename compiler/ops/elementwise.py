"""Element-wise operations: arithmetic, comparisons, logic, functions of one number, `cast`.

Operands broadcast as in NumPy; a symbolic size goes with 1 or an equal size only.  Dtypes do not
mix: literals have become `Constant`s of the tensor's dtype before types are inferred.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from compiler.dims import Dim, Size
from compiler.lazy import np
from compiler.ops.base import Layout, Op, Operand, OpError, operation, require_float
from compiler.ops.checks import broadcast_shapes, require
from compiler.ops.special import erf
from compiler.types import DType, TensorType

if TYPE_CHECKING:
    from compiler.ops.base import Array


def require_number(x: TensorType, operand: int = 0) -> TensorType:
    """The type itself, if its elements are not bools.  Raises OpError E0305."""
    if x.dtype is DType.BOOL:
        help = "convert with `cast(x, f32)`"
        raise OpError("E0305", "needs numbers, not bool", operand=operand, help=help)
    return x


def require_bool(x: TensorType, operand: int = 0) -> TensorType:
    """The type itself, if its elements are bools.  Raises OpError E0305."""
    if x.dtype is not DType.BOOL:
        help = "compare first, as in `x > 0`"
        raise OpError("E0305", f"needs bool elements, not {x.dtype}", operand=operand, help=help)
    return x


def broadcast(x: TensorType, y: TensorType, operand: int = 1) -> TensorType:
    """The common type of two operands.  Raises OpError E0304 (dtypes) or E0302 (shapes)."""
    if x.dtype is not y.dtype:
        help = f"convert one with `cast(x, {x.dtype})`"
        message = f"does not mix {x.dtype} and {y.dtype}"
        raise OpError("E0304", message, operand=operand, help=help)
    return TensorType(x.dtype, broadcast_shapes(x.shape, y.shape, operand=operand))


@dataclass(frozen=True)
class Constant(Op):
    """A literal or a size as a scalar tensor.  ONNX: Constant.

    It has no name in the language: the compiler makes one of each literal beside a tensor,
    `x + 1`, in the dtype of that tensor.
    """

    name = "constant"
    layout = Layout.AGNOSTIC
    value: int | float | bool | Size
    dtype: DType

    def infer(self) -> TensorType:
        return TensorType(self.dtype, ())

    def reference(self) -> Array:
        if isinstance(self.value, Dim):
            raise TypeError(f"{self.value} has no number yet; substitute sizes first")
        return np.asarray(self.value, dtype=self.dtype.numpy_name)


# ------------------------------------------------------------------------------------ arithmetic


@dataclass(frozen=True)
class _Binary(Op):
    operands = (Operand("x"), Operand("y"))
    layout = Layout.AGNOSTIC

    def infer(self, x: TensorType, y: TensorType) -> TensorType:
        return require_number(broadcast(x, y))


@operation("add")
class Add(_Binary):
    """`x + y`, element by element, of numbers.

    Shapes broadcast, dtypes are equal.  ONNX: Add.

        h = x + shortcut
    """

    operator = "+"

    def reference(self, x: Array, y: Array) -> Array:
        return np.add(x, y)


@operation("subtract")
class Subtract(_Binary):
    """`x - y`, element by element, of numbers.

    Shapes broadcast, dtypes are equal.  ONNX: Sub.

        error = prediction - y
    """

    operator = "-"

    def reference(self, x: Array, y: Array) -> Array:
        return np.subtract(x, y)


@operation("multiply")
class Multiply(_Binary):
    """`x * y`, element by element, of numbers.

    Shapes broadcast, dtypes are equal.  ONNX: Mul.

        h = gate * x
    """

    operator = "*"

    def reference(self, x: Array, y: Array) -> Array:
        return np.multiply(x, y)


@operation("divide")
class Divide(_Binary):
    """`x / y`, element by element, of floating-point numbers.

    Shapes broadcast, dtypes are equal.  Integers are refused, since their quotient
    has two meanings: write `//`, or `cast` first.  ONNX: Div.

        h = x / 255
    """

    operator = "/"

    def infer(self, x: TensorType, y: TensorType) -> TensorType:
        result = broadcast(x, y)
        if not result.dtype.is_float:
            help = "write `//` for the integer quotient, or convert with `cast(x, f32)`"
            raise OpError("E0305", f"needs floating-point elements, not {x.dtype}", help=help)
        return result

    def reference(self, x: Array, y: Array) -> Array:
        return np.divide(x, y)


@operation("floor_divide")
class FloorDivide(_Binary):
    """`floor(x / y)`, element by element: rounded towards minus infinity, as in Python.

    Shapes broadcast, dtypes are equal.  ONNX: Floor of Div; its Div of integers rounds towards
    zero, which differs for operands of different signs.

        row = position // width
    """

    operator = "//"

    def reference(self, x: Array, y: Array) -> Array:
        return np.floor(np.divide(x, y)) if x.dtype.kind == "f" else np.floor_divide(x, y)


@operation("modulo")
class Modulo(_Binary):
    """`x - y * floor(x / y)`, element by element: it has the sign of y, as in Python.

    Shapes broadcast, dtypes are equal.  ONNX: Mod with fmod = 0 (of integers).

        column = position % width
    """

    operator = "%"

    def reference(self, x: Array, y: Array) -> Array:
        if x.dtype.kind != "f":
            return np.mod(x, y)
        return np.subtract(x, y * np.floor(np.divide(x, y)))


@operation("power")
class Power(_Binary):
    """`x ** y`, element by element, of numbers.

    Shapes broadcast, dtypes are equal.  An integer to a negative power is not defined.  ONNX: Pow.

        h = x ** 2
    """

    operator = "**"

    def reference(self, x: Array, y: Array) -> Array:
        return np.power(x, y)


@operation("minimum")
class Minimum(_Binary):
    """The smaller one of x and y, element by element; NaN where either is.

    Shapes broadcast, dtypes are equal.  ONNX: Min.

        h = minimum(x, 6)
    """

    def reference(self, x: Array, y: Array) -> Array:
        return np.minimum(x, y)


@operation("maximum")
class Maximum(_Binary):
    """The larger one of x and y, element by element; NaN where either is.

    Shapes broadcast, dtypes are equal.  ONNX: Max.

        h = maximum(x, 0)
    """

    def reference(self, x: Array, y: Array) -> Array:
        return np.maximum(x, y)


# ----------------------------------------------------------------------------------- comparisons


@dataclass(frozen=True)
class _Comparison(Op):
    operands = (Operand("x"), Operand("y"))
    layout = Layout.AGNOSTIC
    ordered: ClassVar[bool] = True

    def infer(self, x: TensorType, y: TensorType) -> TensorType:
        result = broadcast(x, y)
        return (require_number(result) if self.ordered else result).with_dtype(DType.BOOL)


@operation("equal")
class Equal(_Comparison):
    """Whether `x == y`, element by element, of any dtype; the result is bool.

    Shapes broadcast, dtypes are equal.  ONNX: Equal.

        hit = prediction == label
    """

    operator = "=="
    ordered = False

    def reference(self, x: Array, y: Array) -> Array:
        return np.equal(x, y)


@operation("not_equal")
class NotEqual(_Comparison):
    """Whether `x != y`, element by element, of any dtype; the result is bool.

    Shapes broadcast, dtypes are equal.  ONNX: Not of Equal.

        mask = tokens != 0
    """

    operator = "!="
    ordered = False

    def reference(self, x: Array, y: Array) -> Array:
        return np.not_equal(x, y)


@operation("less")
class Less(_Comparison):
    """Whether `x < y`, element by element, of numbers; the result is bool.

    Shapes broadcast, dtypes are equal.  ONNX: Less.

        mask = x < 0
    """

    operator = "<"

    def reference(self, x: Array, y: Array) -> Array:
        return np.less(x, y)


@operation("less_equal")
class LessEqual(_Comparison):
    """Whether `x <= y`, element by element, of numbers; the result is bool.

    Shapes broadcast, dtypes are equal.  ONNX: LessOrEqual.

        mask = x <= 0
    """

    operator = "<="

    def reference(self, x: Array, y: Array) -> Array:
        return np.less_equal(x, y)


@operation("greater")
class Greater(_Comparison):
    """Whether `x > y`, element by element, of numbers; the result is bool.

    Shapes broadcast, dtypes are equal.  ONNX: Greater.

        mask = x > 0
    """

    operator = ">"

    def reference(self, x: Array, y: Array) -> Array:
        return np.greater(x, y)


@operation("greater_equal")
class GreaterEqual(_Comparison):
    """Whether `x >= y`, element by element, of numbers; the result is bool.

    Shapes broadcast, dtypes are equal.  ONNX: GreaterOrEqual.

        mask = x >= 0
    """

    operator = ">="

    def reference(self, x: Array, y: Array) -> Array:
        return np.greater_equal(x, y)


# ----------------------------------------------------------------------------------------- logic


@dataclass(frozen=True)
class _Logical(Op):
    operands = (Operand("x"), Operand("y"))
    layout = Layout.AGNOSTIC

    def infer(self, x: TensorType, y: TensorType) -> TensorType:
        return broadcast(require_bool(x), require_bool(y, 1))


@operation("logical_and")
class LogicalAnd(_Logical):
    """Whether both are true, element by element, of bools.

    Shapes broadcast.  ONNX: And.

        inside = x > 0 and x < 1
    """

    operator = "and"

    def reference(self, x: Array, y: Array) -> Array:
        return np.logical_and(x, y)


@operation("logical_or")
class LogicalOr(_Logical):
    """Whether at least one is true, element by element, of bools.

    Shapes broadcast.  ONNX: Or.

        outside = x < 0 or x > 1
    """

    operator = "or"

    def reference(self, x: Array, y: Array) -> Array:
        return np.logical_or(x, y)


@operation("logical_not")
@dataclass(frozen=True)
class LogicalNot(Op):
    """The opposite of each bool.

    x keeps its shape.  ONNX: Not.

        visible = not padding
    """

    operands = (Operand("x"),)
    layout = Layout.AGNOSTIC
    operator = "not"

    def infer(self, x: TensorType) -> TensorType:
        return require_bool(x)

    def reference(self, x: Array) -> Array:
        return np.logical_not(x)


# ---------------------------------------------------------------------------------- three, casts


@operation("where")
@dataclass(frozen=True)
class Where(Op):
    """x where the condition is true, else y, element by element.

    `condition` is bool, x and y have one dtype; all three shapes broadcast.  ONNX: Where.

        h = where(mask, x, 0)
    """

    operands = (Operand("condition"), Operand("x"), Operand("y"))
    layout = Layout.AGNOSTIC

    def infer(self, condition: TensorType, x: TensorType, y: TensorType) -> TensorType:
        require_bool(condition)
        result = broadcast(x, y, operand=2)
        return result.with_shape(*broadcast_shapes(condition.shape, result.shape, operand=1))

    def reference(self, condition: Array, x: Array, y: Array) -> Array:
        return np.where(condition, x, y)


@operation("clip")
@dataclass(frozen=True)
class Clip(Op):
    """`minimum(maximum(x, min), max)`, either limit absent where it is none.

    x, of numbers, keeps its type; limits of integers are integers.  ONNX: Clip.

        h = x |> clip(min = 0, max = 6)
    """

    operands = (Operand("x"),)
    layout = Layout.AGNOSTIC
    min: int | float | None = None
    max: int | float | None = None

    def __post_init__(self) -> None:
        require(self.min is not None or self.max is not None, "min", "needs `min` or `max`")
        if self.min is not None and self.max is not None:
            message = f"`min` is {self.min}, which is above `max`, {self.max}"
            require(self.min <= self.max, "min", message)

    def infer(self, x: TensorType) -> TensorType:
        for attribute, limit in (("min", self.min), ("max", self.max)):
            if x.dtype.is_integer and isinstance(limit, float):
                require(False, attribute, f"`{attribute}` must be an integer, as x is {x.dtype}")
        return require_number(x)

    def reference(self, x: Array) -> Array:
        y = x if self.min is None else np.maximum(x, np.asarray(self.min, x.dtype))
        return y if self.max is None else np.minimum(y, np.asarray(self.max, x.dtype))


@operation("cast")
@dataclass(frozen=True)
class Cast(Op):
    """The same numbers as elements of another dtype.

    Floating-point numbers are cut towards zero where the result is an integer; a bool is
    whether the number is not zero.  x keeps its shape.  ONNX: Cast.

        h = cast(mask, f32)
    """

    operands = (Operand("x"),)
    layout = Layout.AGNOSTIC
    dtype: DType

    def infer(self, x: TensorType) -> TensorType:
        return x.with_dtype(self.dtype)

    def reference(self, x: Array) -> Array:
        return np.asarray(x, dtype=self.dtype.numpy_name)


# ----------------------------------------------------------------------- functions of one number


@dataclass(frozen=True)
class _OfNumber(Op):
    operands = (Operand("x"),)
    layout = Layout.AGNOSTIC

    def infer(self, x: TensorType) -> TensorType:
        return require_number(x)


@operation("negate")
class Negate(_OfNumber):
    """`-x`, element by element, of signed numbers.

    x keeps its type.  ONNX: Neg.

        h = -x
    """

    operator = "-"

    def infer(self, x: TensorType) -> TensorType:
        if x.dtype is DType.U8:
            help = "convert with `cast(x, i32)`"
            raise OpError("E0305", "needs signed numbers, not u8", operand=0, help=help)
        return require_number(x)

    def reference(self, x: Array) -> Array:
        return np.negative(x)


@operation("abs")
class Abs(_OfNumber):
    """The absolute value of each number.

    x keeps its type.  ONNX: Abs.

        distance = abs(x - y)
    """

    def reference(self, x: Array) -> Array:
        return np.abs(x)


@operation("sign")
class Sign(_OfNumber):
    """-1, 0 or 1, as each number is negative, zero or positive.

    x keeps its type.  ONNX: Sign.

        direction = sign(x)
    """

    def reference(self, x: Array) -> Array:
        return np.sign(x)


@operation("square")
class Square(_OfNumber):
    """`x * x`, element by element.

    x keeps its type.  ONNX: Mul.

        energy = square(x)
    """

    def reference(self, x: Array) -> Array:
        return np.square(x)


@dataclass(frozen=True)
class _OfFloat(Op):
    operands = (Operand("x"),)
    layout = Layout.AGNOSTIC

    def infer(self, x: TensorType) -> TensorType:
        return require_float(x)


@operation("exp")
class Exp(_OfFloat):
    """e to the power of x, element by element.

    x, of floating-point numbers, keeps its type.  ONNX: Exp.

        std = exp(0.5 * log_var)
    """

    def reference(self, x: Array) -> Array:
        return np.exp(x)


@operation("expm1")
class Expm1(_OfFloat):
    """`exp(x) - 1`, precise near zero, element by element.

    x, of floating-point numbers, keeps its type.  ONNX: Sub of Exp, which is less precise.

        h = expm1(x)
    """

    def reference(self, x: Array) -> Array:
        return np.expm1(x)


@operation("log")
class Log(_OfFloat):
    """The natural logarithm, element by element; NaN below zero.

    x, of floating-point numbers, keeps its type.  ONNX: Log.

        h = log(x)
    """

    def reference(self, x: Array) -> Array:
        return np.log(x)


@operation("log1p")
class Log1p(_OfFloat):
    """`log(1 + x)`, precise near zero, element by element.

    x, of floating-point numbers, keeps its type.  ONNX: Log of Add, which is less precise.

        h = log1p(x)
    """

    def reference(self, x: Array) -> Array:
        return np.log1p(x)


@operation("sqrt")
class Sqrt(_OfFloat):
    """The square root, element by element; NaN below zero.

    x, of floating-point numbers, keeps its type.  ONNX: Sqrt.

        h = sqrt(x)
    """

    def reference(self, x: Array) -> Array:
        return np.sqrt(x)


@operation("rsqrt")
class Rsqrt(_OfFloat):
    """`1 / sqrt(x)`, element by element.

    x, of floating-point numbers, keeps its type.  ONNX: Reciprocal of Sqrt.

        h = x * rsqrt(variance + 1e-5)
    """

    def reference(self, x: Array) -> Array:
        y: Array = np.reciprocal(np.sqrt(x))
        return y


@operation("reciprocal")
class Reciprocal(_OfFloat):
    """`1 / x`, element by element.

    x, of floating-point numbers, keeps its type.  ONNX: Reciprocal.

        h = reciprocal(x)
    """

    def reference(self, x: Array) -> Array:
        return np.reciprocal(x)


@operation("sin")
class Sin(_OfFloat):
    """The sine of each number, in radians.

    x, of floating-point numbers, keeps its type.  ONNX: Sin.

        h = sin(position * frequency)
    """

    def reference(self, x: Array) -> Array:
        return np.sin(x)


@operation("cos")
class Cos(_OfFloat):
    """The cosine of each number, in radians.

    x, of floating-point numbers, keeps its type.  ONNX: Cos.

        h = cos(position * frequency)
    """

    def reference(self, x: Array) -> Array:
        return np.cos(x)


@operation("tan")
class Tan(_OfFloat):
    """The tangent of each number, in radians.

    x, of floating-point numbers, keeps its type.  ONNX: Tan.

        h = tan(x)
    """

    def reference(self, x: Array) -> Array:
        return np.tan(x)


@operation("erf")
class Erf(_OfFloat):
    """The error function `2 / sqrt(pi) * integral of exp(-t * t) from 0 to x`.

    x, of floating-point numbers, keeps its type.  ONNX: Erf.

        h = 0.5 * x * (1 + erf(x / 1.4142135623730951))
    """

    def reference(self, x: Array) -> Array:
        return erf(x)


@operation("floor")
class Floor(_OfFloat):
    """The greatest integer not above each number, as a floating-point number.

    x keeps its type.  ONNX: Floor.

        h = floor(x)
    """

    def reference(self, x: Array) -> Array:
        return np.floor(x)


@operation("ceil")
class Ceil(_OfFloat):
    """The least integer not below each number, as a floating-point number.

    x keeps its type.  ONNX: Ceil.

        h = ceil(x)
    """

    def reference(self, x: Array) -> Array:
        return np.ceil(x)


@operation("round")
class Round(_OfFloat):
    """The nearest integer, of two the even one (0.5 to 0, 1.5 to 2), as a floating-point number.

    x keeps its type.  ONNX: Round.

        h = round(x)
    """

    def reference(self, x: Array) -> Array:
        return np.rint(x)


@dataclass(frozen=True)
class _Test(Op):
    operands = (Operand("x"),)
    layout = Layout.AGNOSTIC

    def infer(self, x: TensorType) -> TensorType:
        return require_float(x).with_dtype(DType.BOOL)


@operation("is_nan")
class IsNan(_Test):
    """Whether each number is NaN; the result is bool.

    x, of floating-point numbers, keeps its shape.  ONNX: IsNaN.

        h = where(is_nan(x), 0, x)
    """

    def reference(self, x: Array) -> Array:
        return np.isnan(x)


@operation("is_inf")
class IsInf(_Test):
    """Whether each number is infinite, of either sign; the result is bool.

    x, of floating-point numbers, keeps its shape.  ONNX: IsInf.

        h = where(is_inf(x), 0, x)
    """

    def reference(self, x: Array) -> Array:
        return np.isinf(x)
