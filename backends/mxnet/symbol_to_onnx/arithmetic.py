"""Arithmetic, comparison and logic of two tensors, or of a tensor and a number.

MXNet casts the number to the tensor's dtype as C does (`int32 * 2.5` multiplies by 2), and gives
comparisons the dtype of their operands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .registry import Node, converts

Operation = Callable[[Node, str, str, np.dtype[Any]], str]


def working_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """What to compute in: ONNX Runtime has no arithmetic on 8-bit integers and bool."""
    return np.dtype(np.int32) if dtype.itemsize == 1 else dtype


def _named(operator: str) -> Operation:
    return lambda node, a, b, dtype: node.emit(operator, [a, b])


def _mod(node: Node, a: str, b: str, dtype: np.dtype[Any]) -> str:
    """The remainder with the sign of the divisor, 0 where the divisor is 0."""
    zero, one = node.scalar(0, dtype), node.scalar(1, dtype)
    by_zero = node.emit("Equal", [b, zero])
    divisor = node.emit("Where", [by_zero, one, b])
    if dtype.kind == "i":
        rest = node.emit("Mod", [a, divisor])
    else:
        rest = node.emit("Mod", [a, divisor], fmod=1)
        opposite = node.emit("Less", [node.emit("Mul", [rest, divisor]), zero])
        rest = node.emit("Where", [opposite, node.emit("Add", [rest, divisor]), rest])
    return node.emit("Where", [by_zero, zero, rest])


def _hypot(node: Node, a: str, b: str, dtype: np.dtype[Any]) -> str:
    squares = [node.emit("Mul", [value, value]) for value in (a, b)]
    return node.emit("Sqrt", [node.emit("Add", squares)])


def _not_equal(node: Node, a: str, b: str, dtype: np.dtype[Any]) -> str:
    return node.emit("Not", [node.emit("Equal", [a, b])])


_ARITHMETIC: dict[str, Operation] = {
    "add": _named("Add"),
    "sub": _named("Sub"),
    "mul": _named("Mul"),
    "div": _named("Div"),
    "mod": _mod,
    "power": _named("Pow"),
    "maximum": _named("Max"),
    "minimum": _named("Min"),
    "hypot": _hypot,
}
_COMPARISON: dict[str, Operation] = {
    "equal": _named("Equal"),
    "not_equal": _not_equal,
    "greater": _named("Greater"),
    "greater_equal": _named("GreaterOrEqual"),
    "lesser": _named("Less"),
    "lesser_equal": _named("LessOrEqual"),
}
_LOGIC = {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor"}
_SCALAR_NAMES = {"add": "plus", "sub": "minus"}


def _operands(node: Node, dtype: np.dtype[Any], reverse: bool) -> tuple[str, str]:
    left = node.cast(node.x.name, node.x.dtype, dtype)
    if len(node.inputs) == 2:
        return left, node.cast(node.inputs[1].name, node.inputs[1].dtype, dtype)
    number = node.scalar(node.real("scalar"), dtype)
    return (number, left) if reverse else (left, number)


def _arithmetic(operation: Operation, reverse: bool = False) -> Callable[[Node], str]:
    def convert(node: Node) -> str:
        result = node.outputs[0].dtype
        dtype = working_dtype(result)
        a, b = _operands(node, dtype, reverse)
        return node.cast(operation(node, a, b, dtype), dtype, result)

    return convert


def _comparison(operation: Operation) -> Callable[[Node], str]:
    def convert(node: Node) -> str:
        result = node.outputs[0].dtype
        dtype = working_dtype(result)
        a, b = _operands(node, dtype, reverse=False)
        return node.cast(operation(node, a, b, dtype), np.bool_, result)

    return convert


def _logic(operator: str) -> Callable[[Node], str]:
    def convert(node: Node) -> str:
        operands = [node.cast(tensor.name, tensor.dtype, np.bool_) for tensor in node.inputs]
        if len(operands) == 1:
            operands.append(node.scalar(node.real("scalar") != 0, np.bool_))
        return node.cast(node.emit(operator, operands), np.bool_, node.outputs[0].dtype)

    return convert


_IGNORED = ("is_int",)

for _name, _operation in _ARITHMETIC.items():
    _same_shape = f"elemwise_{_name}" if _name in ("add", "sub", "mul", "div") else f"_{_name}"
    _scalar = f"{_SCALAR_NAMES.get(_name, _name)}_scalar"
    converts(f"broadcast_{_name}", _same_shape)(_arithmetic(_operation))
    converts(f"_{_scalar}", irrelevant=_IGNORED)(_arithmetic(_operation))
    if _name in ("sub", "div", "mod", "power"):
        converts(f"_r{_scalar}", irrelevant=_IGNORED)(_arithmetic(_operation, reverse=True))

for _name, _operation in _COMPARISON.items():
    converts(f"broadcast_{_name}", f"_{_name}", f"_{_name}_scalar", irrelevant=_IGNORED)(
        _comparison(_operation)
    )

for _name, _operator in _LOGIC.items():
    converts(f"broadcast_{_name}", f"_{_name}", f"_{_name}_scalar", irrelevant=_IGNORED)(
        _logic(_operator)
    )


@converts("add_n", irrelevant=("num_args",))
def _add_n(node: Node) -> str:
    dtype = working_dtype(node.x.dtype)
    total, *others = (node.cast(name, node.x.dtype, dtype) for name in node.names)
    for other in others:
        total = node.emit("Add", [total, other])
    return node.cast(total, dtype, node.x.dtype)


@converts("logical_not")
def _logical_not(node: Node) -> str:
    truth = node.cast(node.x.name, node.x.dtype, np.bool_)
    return node.cast(node.emit("Not", [truth]), np.bool_, node.outputs[0].dtype)
