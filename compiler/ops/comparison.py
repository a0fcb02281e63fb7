"""Comparisons, logic and tests, element by element: the results are bool."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tercet.compiler.lazy import np
from tercet.compiler.ops.base import Elements, Layout, Nan, Op, Operand, operation, require_float
from tercet.compiler.ops.elements import broadcast, require_bool, require_number
from tercet.compiler.types import DType, TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


@dataclass(frozen=True)
class _Comparison(Op):
    operands = (Operand("x"), Operand("y"))
    layout = Layout.AGNOSTIC
    elements = Elements.COMPUTED
    nan = Nan.COMPARED
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
    elements = Elements.COMPUTED

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
    elements = Elements.COMPUTED
    operator = "not"

    def infer(self, x: TensorType) -> TensorType:
        return require_bool(x)

    def reference(self, x: Array) -> Array:
        return np.logical_not(x)


@dataclass(frozen=True)
class _Test(Op):
    operands = (Operand("x"),)
    layout = Layout.AGNOSTIC
    elements = Elements.COMPUTED
    nan = Nan.TESTED

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


COMPARISONS = (Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual)
