"""Functions of one number, element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tercet.compiler.errors import OpError
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import operation
from tercet.compiler.ops.elements import OfFloat, OfNumber, require_number
from tercet.compiler.ops.special import erf
from tercet.compiler.types import DType, TensorType

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


@operation("negate")
class Negate(OfNumber):
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
class Abs(OfNumber):
    """The absolute value of each number.

    x keeps its type.  ONNX: Abs.

        distance = abs(x - y)
    """

    def reference(self, x: Array) -> Array:
        return np.abs(x)


@operation("sign")
class Sign(OfNumber):
    """-1, 0 or 1, as each number is negative, zero or positive.

    x keeps its type.  ONNX: Sign.

        direction = sign(x)
    """

    def reference(self, x: Array) -> Array:
        return np.sign(x)


@operation("square")
class Square(OfNumber):
    """`x * x`, element by element.

    x keeps its type.  ONNX: Mul.

        energy = square(x)
    """

    def reference(self, x: Array) -> Array:
        return np.square(x)


@operation("exp")
class Exp(OfFloat):
    """e to the power of x, element by element.

    x, of floating-point numbers, keeps its type.  ONNX: Exp.

        std = exp(0.5 * log_var)
    """

    partial = True

    def reference(self, x: Array) -> Array:
        return np.exp(x)


@operation("expm1")
class Expm1(OfFloat):
    """`exp(x) - 1`, precise near zero, element by element.

    x, of floating-point numbers, keeps its type.  ONNX: Sub of Exp, which is less precise.

        h = expm1(x)
    """

    partial = True

    def reference(self, x: Array) -> Array:
        return np.expm1(x)


@operation("log")
class Log(OfFloat):
    """The natural logarithm, element by element; NaN below zero.

    x, of floating-point numbers, keeps its type.  ONNX: Log.

        h = log(x)
    """

    partial = True

    def reference(self, x: Array) -> Array:
        return np.log(x)


@operation("log1p")
class Log1p(OfFloat):
    """`log(1 + x)`, precise near zero, element by element.

    x, of floating-point numbers, keeps its type.  ONNX: Log of Add, which is less precise.

        h = log1p(x)
    """

    partial = True

    def reference(self, x: Array) -> Array:
        return np.log1p(x)


@operation("sqrt")
class Sqrt(OfFloat):
    """The square root, element by element; NaN below zero.

    x, of floating-point numbers, keeps its type.  ONNX: Sqrt.

        h = sqrt(x)
    """

    partial = True

    def reference(self, x: Array) -> Array:
        return np.sqrt(x)


@operation("rsqrt")
class Rsqrt(OfFloat):
    """`1 / sqrt(x)`, element by element.

    x, of floating-point numbers, keeps its type.  ONNX: Reciprocal of Sqrt.

        h = x * rsqrt(variance + 1e-5)
    """

    partial = True

    def reference(self, x: Array) -> Array:
        y: Array = np.reciprocal(np.sqrt(x))
        return y


@operation("reciprocal")
class Reciprocal(OfFloat):
    """`1 / x`, element by element.

    x, of floating-point numbers, keeps its type.  ONNX: Reciprocal.

        h = reciprocal(x)
    """

    partial = True

    def reference(self, x: Array) -> Array:
        return np.reciprocal(x)


@operation("sin")
class Sin(OfFloat):
    """The sine of each number, in radians.

    x, of floating-point numbers, keeps its type.  ONNX: Sin.

        h = sin(position * frequency)
    """

    def reference(self, x: Array) -> Array:
        return np.sin(x)


@operation("cos")
class Cos(OfFloat):
    """The cosine of each number, in radians.

    x, of floating-point numbers, keeps its type.  ONNX: Cos.

        h = cos(position * frequency)
    """

    def reference(self, x: Array) -> Array:
        return np.cos(x)


@operation("tan")
class Tan(OfFloat):
    """The tangent of each number, in radians.

    x, of floating-point numbers, keeps its type.  ONNX: Tan.

        h = tan(x)
    """

    def reference(self, x: Array) -> Array:
        return np.tan(x)


@operation("asin")
class Asin(OfFloat):
    """The arc sine of each number, in radians; NaN beyond -1 and 1.

    x, of floating-point numbers, keeps its type.  ONNX: Asin.

        angle = asin(x)
    """

    partial = True

    def reference(self, x: Array) -> Array:
        return np.arcsin(x)


@operation("acos")
class Acos(OfFloat):
    """The arc cosine of each number, from 0 to pi; NaN beyond -1 and 1.

    x, of floating-point numbers, keeps its type.  ONNX: Acos.

        angle = acos(cosine)
    """

    partial = True

    def reference(self, x: Array) -> Array:
        return np.arccos(x)


@operation("atan")
class Atan(OfFloat):
    """The arc tangent of each number, between -pi / 2 and pi / 2.

    x, of floating-point numbers, keeps its type.  ONNX: Atan.

        angle = atan(y / x)
    """

    def reference(self, x: Array) -> Array:
        return np.arctan(x)


@operation("sinh")
class Sinh(OfFloat):
    """The hyperbolic sine, `(exp(x) - exp(-x)) / 2`, of each number.

    x, of floating-point numbers, keeps its type.  ONNX: Sinh.

        h = sinh(x)
    """

    partial = True

    def reference(self, x: Array) -> Array:
        return np.sinh(x)


@operation("cosh")
class Cosh(OfFloat):
    """The hyperbolic cosine, `(exp(x) + exp(-x)) / 2`, of each number.

    x, of floating-point numbers, keeps its type.  ONNX: Cosh.

        loss = mean(log(cosh(prediction - label)))
    """

    partial = True

    def reference(self, x: Array) -> Array:
        return np.cosh(x)


@operation("asinh")
class Asinh(OfFloat):
    """The inverse of `sinh`, `log(x + sqrt(x * x + 1))`: a logarithm of both signs.

    x, of floating-point numbers, keeps its type.  ONNX: Asinh.

        h = asinh(x)
    """

    def reference(self, x: Array) -> Array:
        return np.arcsinh(x)


@operation("acosh")
class Acosh(OfFloat):
    """The inverse of `cosh`, from 0 up, of each number; NaN below 1.

    x, of floating-point numbers, keeps its type.  ONNX: Acosh.

        distance = acosh(x)
    """

    partial = True

    def reference(self, x: Array) -> Array:
        return np.arccosh(x)


@operation("atanh")
class Atanh(OfFloat):
    """The inverse of `tanh`; infinite at -1 and 1, NaN beyond.

    x, of floating-point numbers, keeps its type.  ONNX: Atanh.

        h = atanh(correlation)
    """

    partial = True

    def reference(self, x: Array) -> Array:
        return np.arctanh(x)


@operation("erf")
class Erf(OfFloat):
    """The error function `2 / sqrt(pi) * integral of exp(-t * t) from 0 to x`.

    x, of floating-point numbers, keeps its type.  ONNX: Erf.

        h = 0.5 * x * (1 + erf(x / 1.4142135623730951))
    """

    def reference(self, x: Array) -> Array:
        return erf(x)


@operation("floor")
class Floor(OfFloat):
    """The greatest integer not above each number, as a floating-point number.

    x keeps its type.  ONNX: Floor.

        h = floor(x)
    """

    def reference(self, x: Array) -> Array:
        return np.floor(x)


@operation("ceil")
class Ceil(OfFloat):
    """The least integer not below each number, as a floating-point number.

    x keeps its type.  ONNX: Ceil.

        h = ceil(x)
    """

    def reference(self, x: Array) -> Array:
        return np.ceil(x)


@operation("round")
class Round(OfFloat):
    """The nearest integer, of two the even one (0.5 to 0, 1.5 to 2), as a floating-point number.

    x keeps its type.  ONNX: Round.

        h = round(x)
    """

    def reference(self, x: Array) -> Array:
        return np.rint(x)
