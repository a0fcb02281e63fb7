"""Functions of one tensor, element by element, and choices between elements."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .arithmetic import working_dtype
from .registry import Node, converts
from .sizes import size

_FUNCTIONS = {
    "arccos": "Acos",
    "arccosh": "Acosh",
    "arcsin": "Asin",
    "arcsinh": "Asinh",
    "arctan": "Atan",
    "arctanh": "Atanh",
    "cos": "Cos",
    "cosh": "Cosh",
    "erf": "Erf",
    "exp": "Exp",
    "log": "Log",
    "reciprocal": "Reciprocal",
    "sigmoid": "Sigmoid",
    "sin": "Sin",
    "sinh": "Sinh",
    "softsign": "Softsign",
    "sqrt": "Sqrt",
    "tan": "Tan",
    "tanh": "Tanh",
}
_INTEGER_TOO = {"abs": "Abs", "negative": "Neg", "sign": "Sign"}
_ROUNDING = ("ceil", "floor", "trunc", "fix", "round", "rint")

Function = Callable[[Node, str], str]


def _through_float(function: Function) -> Callable[[Node], str]:
    """MXNet computes such functions of integers in float32 and truncates."""

    def convert(node: Node) -> str:
        dtype = node.x.dtype
        if dtype.kind == "f":
            return function(node, node.x.name)
        result = function(node, node.cast(node.x.name, dtype, np.float32))
        return node.cast(result, np.float32, node.outputs[0].dtype)

    return convert


def _number(node: Node, value: float) -> str:
    """A number in the dtype that `_through_float` computes in."""
    return node.scalar(value, node.x.dtype if node.x.dtype.kind == "f" else np.float32)


def _named(operator: str) -> Function:
    return lambda node, x: node.emit(operator, [x])


def _scaled(operator: str | None, factor: float) -> Function:
    def function(node: Node, x: str) -> str:
        value = node.emit(operator, [x]) if operator else x
        return node.emit("Mul", [value, _number(node, factor)])

    return function


def _rsqrt(node: Node, x: str) -> str:
    return node.emit("Reciprocal", [node.emit("Sqrt", [x])])


def _cbrt(node: Node, x: str) -> str:
    root = node.emit("Pow", [node.emit("Abs", [x]), _number(node, 1 / 3)])
    return node.emit("Mul", [node.emit("Sign", [x]), root])


def _rcbrt(node: Node, x: str) -> str:
    return node.emit("Reciprocal", [_cbrt(node, x)])


def _log1p(node: Node, x: str) -> str:
    return node.emit("Log", [node.emit("Add", [x, _number(node, 1)])])


def _expm1(node: Node, x: str) -> str:
    return node.emit("Sub", [node.emit("Exp", [x]), _number(node, 1)])


_COMPOSED: dict[str, Function] = {
    "rsqrt": _rsqrt,
    "cbrt": _cbrt,
    "rcbrt": _rcbrt,
    "log1p": _log1p,
    "expm1": _expm1,
    "log2": _scaled("Log", 1 / math.log(2)),
    "log10": _scaled("Log", 1 / math.log(10)),
    "degrees": _scaled(None, 180 / math.pi),
    "radians": _scaled(None, math.pi / 180),
}

for _name, _operator in _FUNCTIONS.items():
    converts(_name)(_through_float(_named(_operator)))
for _name, _function in _COMPOSED.items():
    converts(_name)(_through_float(_function))


def _in_working_dtype(operator: str) -> Callable[[Node], str]:
    def convert(node: Node) -> str:
        result = node.outputs[0].dtype
        dtype = working_dtype(result)
        value = node.emit(operator, [node.cast(node.x.name, node.x.dtype, dtype)])
        return node.cast(value, dtype, result)

    return convert


for _name, _operator in _INTEGER_TOO.items():
    converts(_name)(_in_working_dtype(_operator))


@converts("square")
def _square(node: Node) -> str:
    result = node.outputs[0].dtype
    x = node.cast(node.x.name, node.x.dtype, working_dtype(result))
    return node.cast(node.emit("Mul", [x, x]), working_dtype(result), result)


@converts(*_ROUNDING)
def _rounding(node: Node) -> str:
    x = node.x.name
    if node.x.dtype.kind != "f":
        return x
    match node.operator:
        case "floor":
            return node.emit("Floor", [x])
        case "ceil":
            return node.emit("Ceil", [x])
        case "trunc" | "fix":
            negative = node.emit("Less", [x, node.scalar(0)])
            return node.emit("Where", [negative, node.emit("Ceil", [x]), node.emit("Floor", [x])])
        case "round":
            return _half_away_from_zero(node, x)
    return _half_down(node, x)


def _half_away_from_zero(node: Node, x: str) -> str:
    magnitude = node.emit("Abs", [x])
    whole = node.emit("Floor", [magnitude])
    rest = node.emit("Sub", [magnitude, whole])
    up = node.emit("GreaterOrEqual", [rest, node.scalar(0.5)])
    rounded = node.emit("Add", [whole, node.cast(up, np.bool_, node.x.dtype)])
    return node.emit("Mul", [node.emit("Sign", [x]), rounded])


def _half_down(node: Node, x: str) -> str:
    floor, ceil = node.emit("Floor", [x]), node.emit("Ceil", [x])
    below, above = node.emit("Sub", [x, floor]), node.emit("Sub", [ceil, x])
    return node.emit("Where", [node.emit("LessOrEqual", [below, above]), floor, ceil])


@converts("Cast", "amp_cast")
def _cast(node: Node) -> str:
    node.text("dtype")
    return node.cast(node.x.name, node.x.dtype, node.outputs[0].dtype)


@converts("_copy", "BlockGrad")
def _identity(node: Node) -> str:
    return node.x.name


@converts("Dropout", irrelevant=("p", "axes", "cudnn_off"))
def _dropout(node: Node) -> str:
    """The identity at inference; `mode=always` would make the result random."""
    node.expect("mode", "training")
    return node.x.name


@converts("clip")
def _clip(node: Node) -> str:
    low, high = node.real("a_min"), node.real("a_max")
    return node.emit("Clip", [node.x.name, node.scalar(low), node.scalar(high)])


@converts("where")
def _where(node: Node) -> str:
    condition, yes, no = node.inputs
    truth = node.cast(condition.name, condition.dtype, np.bool_)
    if condition.rank < yes.rank:  # one truth value for each index of the first axis
        axes = node.vector(*range(1, yes.rank))
        truth = node.emit("Unsqueeze", [truth, axes])
    return node.emit("Where", [truth, yes.name, no.name])


@converts("smooth_l1")
def _smooth_l1(node: Node) -> str:
    """0.5 (s x)^2 where |x| < 1 / s^2, else |x| - 0.5 / s^2."""
    square = node.real("scalar", 1.0) ** 2
    magnitude = node.emit("Abs", node.names)
    inner = node.emit("Mul", [node.emit("Mul", [node.x.name] * 2), node.scalar(0.5 * square)])
    outer = node.emit("Sub", [magnitude, node.scalar(0.5 / square)])
    near = node.emit("Less", [magnitude, node.scalar(1 / square)])
    return node.emit("Where", [near, inner, outer])


@converts("_contrib_div_sqrt_dim")
def _div_sqrt_dim(node: Node) -> str:
    width = node.x.shape[-1]
    if width.constant is not None:
        return node.emit("Div", [node.x.name, node.scalar(math.sqrt(width.constant))])
    root = node.emit("Sqrt", [node.cast(size(node, width, [node.x]), np.int64, node.x.dtype)])
    return node.emit("Div", [node.x.name, root])
