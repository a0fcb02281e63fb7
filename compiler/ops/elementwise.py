"""Element-wise operations: arithmetic, choice and `cast`.

Operands broadcast as in NumPy; a symbolic size goes with 1 or an equal size only.  Dtypes do not
mix: literals have become `Constant`s of the tensor's dtype before types are inferred.
Comparisons are in `comparison`, functions of one number in `mathematics`; all are named here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from compiler.dims import Dim, Size
from compiler.errors import OpError, require
from compiler.lazy import np
from compiler.ops.base import Layout, Op, Operand, operation
from compiler.ops.checks import broadcast_shapes
from compiler.ops.comparison import (
    Equal,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    LogicalAnd,
    LogicalNot,
    LogicalOr,
    NotEqual,
)
from compiler.ops.elements import broadcast, require_bool, require_number
from compiler.ops.mathematics import (
    Abs,
    Ceil,
    Cos,
    Erf,
    Exp,
    Expm1,
    Floor,
    IsInf,
    IsNan,
    Log,
    Log1p,
    Negate,
    Reciprocal,
    Round,
    Rsqrt,
    Sign,
    Sin,
    Sqrt,
    Square,
    Tan,
)
from compiler.types import DType, TensorType
from dsl.records import dataclass

if TYPE_CHECKING:
    from compiler.ops.base import Array

__all__ = [
    "Abs",
    "Add",
    "Cast",
    "Ceil",
    "Clip",
    "Constant",
    "Cos",
    "Divide",
    "Equal",
    "Erf",
    "Exp",
    "Expm1",
    "Floor",
    "FloorDivide",
    "Greater",
    "GreaterEqual",
    "IsInf",
    "IsNan",
    "Less",
    "LessEqual",
    "Log",
    "Log1p",
    "LogicalAnd",
    "LogicalNot",
    "LogicalOr",
    "Maximum",
    "Minimum",
    "Modulo",
    "Multiply",
    "Negate",
    "NotEqual",
    "Power",
    "Reciprocal",
    "Round",
    "Rsqrt",
    "Sign",
    "Sin",
    "Sqrt",
    "Square",
    "Subtract",
    "Tan",
    "Where",
    "require_bool",
    "require_number",
]


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


# ------------------------------------------------------------------------------- choice and casts


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
