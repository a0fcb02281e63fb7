"""How the operations that a mapping may use are written in NumPy, by class of operation.

What works on each row alone belongs here; an operation without a rule is refused with a message.
The result of each has the language's dtype in every version of NumPy from 1.26 on: a Python number
adopts that of the array beside it where it is small enough not to widen it, in all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from tercet.codegen.expr import Binary, Expr, Literal, Name, Unary, lift
from tercet.codegen.target import infix
from tercet.compiler.data.synthetic import Draw
from tercet.compiler.dims import Dim
from tercet.compiler.graph.ir import Apply
from tercet.compiler.initializers import Constant as ConstantInitializer
from tercet.compiler.initializers import Normal, Ones, Uniform, Zeros
from tercet.compiler.ops import elementwise, indexing, reduce, shape
from tercet.compiler.ops.base import Op
from tercet.compiler.types import DType

np = Name("np")

_Rule = Callable[..., Expr | None]
_RULES: dict[type[Op], _Rule] = {}
R = TypeVar("R", bound=_Rule)


def _rule(*operations: type[Op]) -> Callable[[R], R]:
    """Registers a rule: a function of the item and its printed operands, None where it cannot."""

    def register(rule: R) -> R:
        for cls in operations:
            if cls in _RULES:
                raise ValueError(f"{cls.__name__} has two rules")
            _RULES[cls] = rule
        return rule

    return register


def mentions(op: Op) -> int:
    """How often the expression of an operation has its operands: more than once, they get names."""
    return 3 if isinstance(op, indexing.OneHot) else 1


def lowered(item: Apply, operands: Sequence[Expr | None]) -> Expr | None:
    """The expression of an operation over its printed operands; None where no rule fits."""
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
    return _number(item.op.value, item.op.dtype)


@_rule(elementwise.Listed)
def _listed(item: Apply) -> Expr:
    assert isinstance(item.op, elementwise.Listed)
    return np.array(Literal(item.op.values), dtype=numpy_dtype(item.op.dtype))


_NOT_WIDENED = {DType.F16: 65000, DType.BF16: 3.4e38, DType.F32: 3.4e38}
"""The numbers below which NumPy 1.26 lets a Python float adopt the dtype of a shorter float."""


def _number(value: object, dtype: DType) -> Expr:
    """A Python number that leaves an array of the dtype as it is: `16`, `65536.0`."""
    if not isinstance(value, float) or not math.isfinite(value):
        return Literal(value)
    if abs(value) >= _NOT_WIDENED.get(dtype, math.inf):
        return numpy_dtype(dtype)(Literal(value))
    widens = 2**8 if dtype is DType.F16 else 2**16
    return Literal(int(value) if value.is_integer() and abs(value) < widens else value)


def _typed(item: Apply, number: Expr) -> Expr:
    """A number that stands beside no array, with its dtype."""
    return numpy_dtype(item.outputs[0].type.dtype)(number)


@_rule(
    *elementwise.ARITHMETIC,
    elementwise.FloorDivide,
    elementwise.Modulo,
    *elementwise.COMPARISONS,
)
def _infix(item: Apply, x: Expr, y: Expr) -> Expr:
    return infix(item.op, x, y)


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
    elementwise.Asin: "arcsin",
    elementwise.Acos: "arccos",
    elementwise.Atan: "arctan",
    elementwise.Sinh: "sinh",
    elementwise.Cosh: "cosh",
    elementwise.Asinh: "arcsinh",
    elementwise.Acosh: "arccosh",
    elementwise.Atanh: "arctanh",
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


@_rule(elementwise.Where)
def _where(item: Apply, condition: Expr, x: Expr, y: Expr) -> Expr:
    if isinstance(x, Literal) and isinstance(y, Literal):
        x, y = _typed(item, x), _typed(item, y)
    return np.where(condition, x, y)


@_rule(elementwise.Rsqrt)
def _rsqrt(item: Apply, x: Expr) -> Expr:
    return Literal(1) / np.sqrt(x)


@_rule(elementwise.Clip)
def _clip(item: Apply, x: Expr) -> Expr:
    assert isinstance(item.op, elementwise.Clip)
    dtype = item.outputs[0].type.dtype
    bounds = (item.op.min, item.op.max)
    return np.clip(x, *(None if b is None else _element(b, dtype) for b in bounds))


def _element(number: float, dtype: DType) -> Expr:
    return _number(float(number) if dtype.is_float else number, dtype)


@_rule(elementwise.Cast)
def _cast(item: Apply, x: Expr) -> Expr:
    return x.astype(numpy_dtype(item.outputs[0].type.dtype))


# ------------------------------------------------------------------------------------ random draws


@_rule(Draw)
def _draw(item: Apply) -> Expr:
    assert isinstance(item.op, Draw)
    sizes = item.op.sizes
    random, dtype = Name("random"), numpy_dtype(item.op.type.dtype)
    match item.op.initializer:
        case Uniform(low=low, high=high):
            return random.uniform(low, high, sizes).astype(dtype)
        case Normal(std=std, mean=mean):
            return random.normal(mean, std, sizes).astype(dtype)
        case ConstantInitializer(value=value):
            return np.full(sizes, value, dtype)
        case Zeros():
            return np.zeros(sizes, dtype)
        case Ones():
            return np.ones(sizes, dtype)
    raise TypeError(type(item.op.initializer).__name__)


# ------------------------------------------------------------------------------------------- shape


@_rule(shape.Reshape, shape.Flatten)
def _reshape(item: Apply, x: Expr) -> Expr | None:
    sizes = item.outputs[0].type.shape
    if sum(isinstance(size, Dim) for size in sizes) > 1:
        return None
    return x.reshape(*(-1 if isinstance(size, Dim) else size for size in sizes))


@_rule(shape.Transpose, shape.Permute)
def _transpose(item: Apply, x: Expr) -> Expr:
    assert isinstance(item.op, shape.Transpose | shape.Permute)
    return x.transpose(*item.op.order(item.outputs[0].type.rank))


@_rule(shape.Squeeze)
def _squeeze(item: Apply, x: Expr) -> Expr:
    assert isinstance(item.op, shape.Squeeze)
    assert item.inputs[0] is not None
    return x.squeeze(_axes(item.op.axes(item.inputs[0].type.shape)))


@_rule(shape.Unsqueeze)
def _unsqueeze(item: Apply, x: Expr) -> Expr:
    assert isinstance(item.op, shape.Unsqueeze)
    assert item.inputs[0] is not None
    return np.expand_dims(x, _axes(item.op.axes(item.inputs[0].type.rank)))


def _axes(axes: tuple[int, ...]) -> int | tuple[int, ...]:
    return axes[0] if len(axes) == 1 else axes


@_rule(shape.Index)
def _index(item: Apply, x: Expr) -> Expr | None:
    assert isinstance(item.op, shape.Index)
    items = tuple(map(_index_item, item.op.items))
    if any(isinstance(part, Dim) for part in _bounds(item.op.items)):
        return None
    return x[items if len(items) > 1 else items[0]] if items else x


def _index_item(item: object) -> object:
    match item:
        case shape.Slice(start, stop, step):
            return slice(start, stop, None if step == 1 else step)
        case shape.Integer(value):
            return value
    return None


def _bounds(items: Sequence[object]) -> Iterator[object]:
    for item in items:
        match item:
            case shape.Slice(start, stop):
                yield from (start, stop)
            case shape.Integer(value):
                yield value


@_rule(shape.Concat)
def _concat(item: Apply, *tensors: Expr) -> Expr:
    assert isinstance(item.op, shape.Concat)
    return np.concatenate(tensors, axis=item.op.axis)


@_rule(shape.Stack)
def _stack(item: Apply, *tensors: Expr) -> Expr:
    assert isinstance(item.op, shape.Stack)
    return np.stack(tensors, axis=item.op.axis)


@_rule(shape.Flip)
def _flip(item: Apply, x: Expr) -> Expr:
    assert isinstance(item.op, shape.Flip)
    return np.flip(x, _axes(item.op.axes(item.outputs[0].type.rank)))


@_rule(shape.Repeat)
def _repeat(item: Apply, x: Expr) -> Expr | None:
    assert isinstance(item.op, shape.Repeat)
    if isinstance(item.op.count, Dim):
        return None
    return np.repeat(x, item.op.count, axis=item.op.axis)


# -------------------------------------------------------------------------------------- reductions

_REDUCTIONS: dict[type[Op], str] = {
    reduce.ReduceSum: "sum",
    reduce.ReduceMean: "mean",
    reduce.ReduceMax: "max",
    reduce.ReduceMin: "min",
    reduce.ReduceProd: "prod",
    reduce.ReduceAny: "any",
    reduce.ReduceAll: "all",
}

_WIDENED = (reduce.ReduceSum, reduce.ReduceProd)
"""Those that NumPy makes 64-bit integers of smaller ones for."""


@_rule(*_REDUCTIONS)
def _reduction(item: Apply, x: Expr) -> Expr:
    assert isinstance(item.op, reduce.Reduction)
    assert item.inputs[0] is not None
    method: Expr = getattr(x, _REDUCTIONS[type(item.op)])
    keywords: dict[str, object] = {"keepdims": True} if item.op.keepdims else {}
    dtype = item.outputs[0].type.dtype
    if isinstance(item.op, _WIDENED) and dtype in (DType.I32, DType.I8, DType.U8):
        keywords["dtype"] = numpy_dtype(dtype)
    return method(axis=_axes(item.op.axes(item.inputs[0].type.rank)), **keywords)


@_rule(indexing.Arange)
def _arange(item: Apply) -> Expr | None:
    assert isinstance(item.op, indexing.Arange)
    start, stop = item.op.ends
    if not (isinstance(start, int) and isinstance(stop, int)):
        return None
    bounds = (start, stop, item.op.step) if item.op.step != 1 else (start, stop)
    given = bounds[1:] if bounds == (0, stop) else bounds
    return np.arange(*map(Literal, given), dtype=numpy_dtype(item.op.dtype))


@_rule(indexing.OneHot)
def _one_hot(item: Apply, x: Expr) -> Expr:
    assert isinstance(item.op, indexing.OneHot)
    classes, rank = item.op.classes, item.outputs[0].type.rank
    beyond = rank - 1 - item.op.axis % rank
    places = np.arange(classes)
    places = places.reshape(-1, *beyond * [1]) if beyond else places
    counted = np.where(Binary("<", x, lift(0)), x + classes, x)
    return Binary("==", np.expand_dims(counted, item.op.axis), places).astype(
        numpy_dtype(item.op.dtype)
    )


@_rule(indexing.ArgMax, indexing.ArgMin)
def _place(item: Apply, x: Expr) -> Expr:
    assert isinstance(item.op, indexing.ArgMax | indexing.ArgMin)
    method: Expr = x.argmax if isinstance(item.op, indexing.ArgMax) else x.argmin
    keywords = {"keepdims": True} if item.op.keepdims else {}
    return method(axis=item.op.axis, **keywords)
