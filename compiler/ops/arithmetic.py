"""Arithmetic of two operands, element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tercet.compiler.errors import OpError
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import Elements, Layout, Op, Operand, operation
from tercet.compiler.ops.elements import broadcast, require_number
from tercet.compiler.types import TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


@dataclass(frozen=True)
class _Binary(Op):
    operands = (Operand("x"), Operand("y"))
    layout = Layout.AGNOSTIC
    elements = Elements.COMPUTED

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

    partial = True
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

    partial = True
    operator = "//"
    needs_divisor = True

    def reference(self, x: Array, y: Array) -> Array:
        return np.floor(np.divide(x, y)) if x.dtype.kind == "f" else np.floor_divide(x, y)


@operation("modulo")
class Modulo(_Binary):
    """`x - y * floor(x / y)`, element by element: it has the sign of y, as in Python.

    Shapes broadcast, dtypes are equal.  ONNX: Mod with fmod = 0 (of integers).

        column = position % width
    """

    partial = True
    operator = "%"
    needs_divisor = True

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

    partial = True
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


ARITHMETIC = (Add, Subtract, Multiply, Divide, Power)
"""What all targets compute alike, whatever the dtype and the signs."""
