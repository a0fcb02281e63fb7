"""How the operations that a mapping may use are written in NumPy, by class of operation.

What works on each row alone belongs here; an operation without a rule is refused with a message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from compiler.codegen.expr import Binary, Expr, Literal, Name, Unary
from compiler.data.synthetic import Draw
from compiler.dims import Dim, Size
from compiler.initializers import Constant as ConstantInitializer
from compiler.initializers import Normal, Ones, Uniform, Zeros
from compiler.ir import Apply
from compiler.ops import elementwise
from compiler.ops.base import Op
from compiler.types import DType

np = Name("np")

_Rule = Callable[..., Expr]
_RULES: dict[type[Op], _Rule] = {}
R = TypeVar("R", bound=_Rule)


def _rule(*operations: type[Op]) -> Callable[[R], R]:
    """Registers a rule: a function of the item and its printed operands."""

    def register(rule: R) -> R:
        for cls in operations:
            if cls in _RULES:
                raise ValueError(f"{cls.__name__} has two rules")
            _RULES[cls] = rule
        return rule

    return register


def lowered(item: Apply, operands: Sequence[Expr | None]) -> Expr | None:
    """The expression of an operation over its printed operands; None where there is no rule."""
    rule = _RULES.get(type(item.op))
    return None if rule is None else rule(item, *operands)


def numpy_dtype(dtype: DType) -> Expr:
    """`np.float32`."""
    expr: Expr = getattr(np, "bool_" if dtype is DType.BOOL else dtype.numpy_name)
    return expr


# ------------------------------------------------------------------------------------ element-wise


@_rule(elementwise.Constant)
def _constant(item: Apply) -> Expr:
    assert isinstance(item.op, elementwise.Constant)
    value = item.op.value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e6:
        value = int(value)  # NumPy lets a Python number adopt the array's dtype
    return Literal(value)


@_rule(
    elementwise.Add,
    elementwise.Subtract,
    elementwise.Multiply,
    elementwise.Divide,
    elementwise.FloorDivide,
    elementwise.Modulo,
    elementwise.Power,
    elementwise.Equal,
    elementwise.NotEqual,
    elementwise.Less,
    elementwise.LessEqual,
    elementwise.Greater,
    elementwise.GreaterEqual,
)
def _infix(item: Apply, x: Expr, y: Expr) -> Expr:
    assert item.op.operator is not None
    return Binary(item.op.operator, x, y)


@_rule(elementwise.LogicalAnd)
def _and(item: Apply, x: Expr, y: Expr) -> Expr:
    return x & y


@_rule(elementwise.LogicalOr)
def _or(item: Apply, x: Expr, y: Expr) -> Expr:
    return x | y


@_rule(elementwise.LogicalNot)
def _not(item: Apply, x: Expr) -> Expr:
    return ~x


@_rule(elementwise.Negate)
def _negate(item: Apply, x: Expr) -> Expr:
    return Unary("-", x)


_FUNCTIONS: dict[type[Op], str] = {
    elementwise.Minimum: "minimum",
    elementwise.Maximum: "maximum",
    elementwise.Where: "where",
    elementwise.Abs: "abs",
    elementwise.Sign: "sign",
    elementwise.Square: "square",
    elementwise.Exp: "exp",
    elementwise.Expm1: "expm1",
    elementwise.Log: "log",
    elementwise.Log1p: "log1p",
    elementwise.Sqrt: "sqrt",
    elementwise.Reciprocal: "reciprocal",
    elementwise.Sin: "sin",
    elementwise.Cos: "cos",
    elementwise.Tan: "tan",
    elementwise.Floor: "floor",
    elementwise.Ceil: "ceil",
    elementwise.Round: "rint",
    elementwise.IsNan: "isnan",
    elementwise.IsInf: "isinf",
}


@_rule(*_FUNCTIONS)
def _function(item: Apply, *operands: Expr) -> Expr:
    function: Expr = getattr(np, _FUNCTIONS[type(item.op)])
    return function(*operands)


@_rule(elementwise.Rsqrt)
def _rsqrt(item: Apply, x: Expr) -> Expr:
    return Literal(1) / np.sqrt(x)


@_rule(elementwise.Clip)
def _clip(item: Apply, x: Expr) -> Expr:
    assert isinstance(item.op, elementwise.Clip)
    return np.clip(x, item.op.min, item.op.max)


@_rule(elementwise.Cast)
def _cast(item: Apply, x: Expr) -> Expr:
    return x.astype(numpy_dtype(item.outputs[0].type.dtype))


# ------------------------------------------------------------------------------------ random draws


@_rule(Draw)
def _draw(item: Apply) -> Expr:
    assert isinstance(item.op, Draw)
    shape = item.op.sizes
    random = Name("random")
    match item.op.initializer:
        case Uniform(low=low, high=high):
            return random.uniform(low, high, shape)
        case Normal(std=std, mean=mean):
            return random.normal(mean, std, shape)
        case ConstantInitializer(value=value):
            return np.full(shape, value)
        case Zeros():
            return np.zeros(shape)
        case Ones():
            return np.ones(shape)
    raise TypeError(type(item.op.initializer).__name__)


# ------------------------------------------------------------------------------------------- sizes


def written_sizes(shape: Sequence[Size]) -> tuple[Any, ...]:
    """A shape to reshape to, the one symbolic size left to NumPy."""
    symbolic = [size for size in shape if isinstance(size, Dim)]
    if len(symbolic) > 1:
        raise ValueError(f"{shape} has more than one symbolic size")
    return tuple(-1 if isinstance(size, Dim) else size for size in shape)
