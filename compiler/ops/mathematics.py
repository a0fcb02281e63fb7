"""Functions of one number, element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.errors import OpError
from compiler.lazy import np
from compiler.ops.base import Layout, Op, Operand, operation, require_float
from compiler.ops.elements import require_number
from compiler.ops.special import erf
from compiler.types import DType, TensorType
from dsl.records import dataclass

if TYPE_CHECKING:
    from compiler.ops.base import Array


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
