"""What element-wise operations share: their frame, and what they require of operands' types."""

from __future__ import annotations

from tercet.compiler.errors import OpError, require
from tercet.compiler.ops.base import Elements, Layout, Op, Operand, require_float
from tercet.compiler.ops.checks import broadcast_shapes
from tercet.compiler.types import DType, TensorType
from tercet.dsl.records import dataclass


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


def require_element(value: float, dtype: DType, attribute: str) -> None:
    """A number in an attribute can be an element of this dtype.  Raises OpError E0504."""
    fits = dtype.is_float or (isinstance(value, int) and dtype.holds(value))
    message = f"`{attribute}` must be an integer in the range of {dtype}, not {value}"
    require(fits, attribute, message)


def broadcast(x: TensorType, y: TensorType, operand: int = 1) -> TensorType:
    """The common type of two operands.  Raises OpError E0304 (dtypes) or E0302 (shapes)."""
    if x.dtype is not y.dtype:
        help = f"convert one with `cast(x, {x.dtype})`"
        message = f"does not mix {x.dtype} and {y.dtype}"
        raise OpError("E0304", message, operand=operand, help=help)
    return TensorType(x.dtype, broadcast_shapes(x.shape, y.shape, operand=operand))


@dataclass(frozen=True)
class OfNumber(Op):
    """Base of functions of each number; the result has the operand's type."""

    operands = (Operand("x"),)
    layout = Layout.AGNOSTIC
    elements = Elements.COMPUTED

    def infer(self, x: TensorType) -> TensorType:
        return require_number(x)


@dataclass(frozen=True)
class OfFloat(Op):
    """Base of functions of each floating-point number; the result has the operand's type."""

    operands = (Operand("x"),)
    layout = Layout.AGNOSTIC
    elements = Elements.COMPUTED

    def infer(self, x: TensorType) -> TensorType:
        return require_float(x)
