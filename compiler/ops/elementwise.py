"""Element-wise operations: constants, choice, limits and `cast`.

Operands broadcast as in NumPy; a symbolic size goes with 1 or an equal size only.  Dtypes do not
mix: literals have become `Constant`s of the tensor's dtype before types are inferred.
Arithmetic is in `arithmetic`, comparisons are in `comparison`, functions of one number in
`mathematics`; all are named here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tercet.compiler.dims import Dim, Size
from tercet.compiler.errors import require
from tercet.compiler.initializers import Nested, nested_shape
from tercet.compiler.lazy import np
from tercet.compiler.ops.arithmetic import (
    ARITHMETIC,
    Add,
    Divide,
    FloorDivide,
    Maximum,
    Minimum,
    Modulo,
    Multiply,
    Power,
    Subtract,
)
from tercet.compiler.ops.base import Elements, Layout, Nan, Op, Operand, operation
from tercet.compiler.ops.checks import broadcast_shapes
from tercet.compiler.ops.comparison import (
    COMPARISONS,
    Equal,
    Greater,
    GreaterEqual,
    IsInf,
    IsNan,
    Less,
    LessEqual,
    LogicalAnd,
    LogicalNot,
    LogicalOr,
    NotEqual,
)
from tercet.compiler.ops.elements import broadcast, require_bool, require_element, require_number
from tercet.compiler.ops.mathematics import (
    Abs,
    Acos,
    Acosh,
    Asin,
    Asinh,
    Atan,
    Atanh,
    Ceil,
    Cos,
    Cosh,
    Erf,
    Exp,
    Expm1,
    Floor,
    Log,
    Log1p,
    Negate,
    Reciprocal,
    Round,
    Rsqrt,
    Sign,
    Sin,
    Sinh,
    Sqrt,
    Square,
    Tan,
)
from tercet.compiler.types import DType, TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array

__all__ = [
    "ARITHMETIC",
    "COMPARISONS",
    "Abs",
    "Acos",
    "Acosh",
    "Add",
    "Asin",
    "Asinh",
    "Atan",
    "Atanh",
    "Cast",
    "Ceil",
    "Clip",
    "Constant",
    "Listed",
    "Cos",
    "Cosh",
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
    "Sinh",
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
    elements = Elements.COMPUTED
    work = 0
    value: int | float | bool | Size
    dtype: DType

    def infer(self) -> TensorType:
        return TensorType(self.dtype, ())

    def reference(self) -> Array:
        if isinstance(self.value, Dim):
            raise TypeError(f"{self.value} has no number yet; substitute sizes first")
        return np.asarray(self.value, dtype=self.dtype.numpy_name)


@dataclass(frozen=True)
class Listed(Op):
    """A list of numbers as a tensor with an axis for each level of it.  ONNX: an initializer.

    It has no name in the language: the compiler makes one of each list beside a tensor,
    `x - [0.5, 0.25]`, in the dtype of that tensor.
    """

    name = "list"
    layout = Layout.CANONICAL
    elements = Elements.COMPUTED
    work = 0
    values: Nested
    dtype: DType

    def infer(self) -> TensorType:
        return TensorType(self.dtype, nested_shape(self.values))

    def reference(self) -> Array:
        return np.asarray(self.values, dtype=self.dtype.numpy_name)


# ------------------------------------------------------------------------------- choice and casts


@operation("where")
@dataclass(frozen=True)
class Where(Op):
    """x where the condition is true, else y, element by element.

    `condition` is bool, x and y have one dtype; all three shapes broadcast.  ONNX: Where.

        h = where(mask, x, 0)
    """

    operands = (Operand("condition", selects=True), Operand("x"), Operand("y"))
    layout = Layout.AGNOSTIC
    elements = Elements.SELECTED

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
    elements = Elements.COMPUTED
    min: int | float | None = None
    max: int | float | None = None

    def __post_init__(self) -> None:
        require(self.min is not None or self.max is not None, "min", "needs `min` or `max`")
        if self.min is not None and self.max is not None:
            message = f"`min` is {self.min}, which is above `max`, {self.max}"
            require(self.min <= self.max, "min", message)

    def infer(self, x: TensorType) -> TensorType:
        require_number(x)
        for attribute, limit in (("min", self.min), ("max", self.max)):
            if limit is not None:
                require_element(limit, x.dtype, attribute)
        return x

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
    elements = Elements.COMPUTED
    nan = Nan.CONVERTED
    work = 0
    dtype: DType

    def infer(self, x: TensorType) -> TensorType:
        return x.with_dtype(self.dtype)

    def moved(self, x: TensorType) -> Elements:
        """Integers and bools stay what they are in integers that are wide enough."""
        kept = not x.dtype.is_float and self.dtype in (DType.I32, DType.I64)
        return Elements.RESHAPED if kept else self.elements

    def reference(self, x: Array) -> Array:
        return np.asarray(x, dtype=self.dtype.numpy_name)
