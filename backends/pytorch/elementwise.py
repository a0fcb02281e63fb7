"""Element-wise arithmetic, comparison and functions in PyTorch."""

from __future__ import annotations

from tercet.backends.pytorch.target import DTYPES, lower, torch
from tercet.codegen.expr import Expr, Helper
from tercet.codegen.target import Application, chosen_truth, infix
from tercet.compiler.ops import elementwise as ops
from tercet.compiler.ops.base import Op
from tercet.compiler.types import DType

_FUNCTIONS: dict[type[Op], Expr] = {
    ops.Abs: torch.abs,
    ops.Sign: torch.sign,
    ops.Square: torch.square,
    ops.Exp: torch.exp,
    ops.Expm1: Helper("expm1"),
    ops.Log: torch.log,
    ops.Log1p: torch.log1p,
    ops.Sqrt: torch.sqrt,
    ops.Rsqrt: torch.rsqrt,
    ops.Reciprocal: torch.reciprocal,
    ops.Sin: torch.sin,
    ops.Cos: torch.cos,
    ops.Tan: torch.tan,
    ops.Asin: torch.asin,
    ops.Acos: torch.acos,
    ops.Atan: torch.atan,
    ops.Erf: torch.erf,
    ops.Floor: torch.floor,
    ops.Ceil: torch.ceil,
    ops.Round: torch.round,
    ops.IsNan: torch.isnan,
    ops.IsInf: torch.isinf,
}


@lower(*ops.ARITHMETIC, ops.Modulo, *ops.COMPARISONS)
def _infix(op: Op, at: Application, a: Expr, b: Expr) -> Expr:
    return infix(op, a, b)


@lower(ops.LogicalAnd)
def _and(op: ops.LogicalAnd, at: Application, a: Expr, b: Expr) -> Expr:
    return _truth(at, 0, a, b) & _truth(at, 1, b, a)


@lower(ops.LogicalOr)
def _or(op: ops.LogicalOr, at: Application, a: Expr, b: Expr) -> Expr:
    return _truth(at, 0, a, b) | _truth(at, 1, b, a)


def _truth(at: Application, index: int, x: Expr, other: Expr) -> Expr:
    """An operand; a constant, which the exporter does not take, in the shape of the other one."""
    constant = at.constant(index)
    if constant is None:
        return x
    return (torch.ones_like if constant.value else torch.zeros_like)(other)


_NOT_EXPORTED: dict[type[Op], Expr] = {
    ops.Sinh: torch.sinh,
    ops.Cosh: torch.cosh,
    ops.Asinh: torch.asinh,
    ops.Acosh: torch.acosh,
    ops.Atanh: torch.atanh,
}
"""Functions of PyTorch that its exporter lacks, and ONNX has under the same names."""


@lower(*_NOT_EXPORTED)
def _not_exported(op: Op, at: Application, x: Expr) -> Expr:
    return Helper("exportable")(_NOT_EXPORTED[type(op)], x)


@lower(*_FUNCTIONS)
def _function(op: Op, at: Application, x: Expr) -> Expr:
    return _FUNCTIONS[type(op)](x)


@lower(ops.FloorDivide)
def _floor_divide(op: ops.FloorDivide, at: Application, a: Expr, b: Expr) -> Expr:
    """The exporter truncates where `//` floors."""
    if at.constant(0) is not None:
        a = torch.full_like(b, a)
    return torch.div(a, b, rounding_mode="floor")


@lower(ops.Negate)
def _negate(op: ops.Negate, at: Application, x: Expr) -> Expr:
    return -x


@lower(ops.LogicalNot)
def _not(op: ops.LogicalNot, at: Application, x: Expr) -> Expr:
    return ~x


@lower(ops.Minimum, ops.Maximum)
def _extreme(op: ops.Minimum | ops.Maximum, at: Application, a: Expr, b: Expr) -> Expr:
    largest = isinstance(op, ops.Maximum)
    for tensor, number, index in ((a, b, 1), (b, a, 0)):
        if at.constant(index) is not None:
            return tensor.clamp(**{"min" if largest else "max": number})
    return (torch.maximum if largest else torch.minimum)(a, b)


@lower(ops.Where)
def _where(op: ops.Where, at: Application, condition: Expr, a: Expr, b: Expr) -> Expr:
    if at.result.dtype is DType.BOOL:
        return chosen_truth(at, condition, a, b)
    if at.constant(1) is not None and at.constant(2) is not None:
        a = torch.full_like(condition, a, dtype=DTYPES[at.result.dtype])
    return torch.where(condition, a, b)


@lower(ops.Clip)
def _clip(op: ops.Clip, at: Application, x: Expr) -> Expr:
    limits = {"min": op.min, "max": op.max}
    return x.clamp(**{name: limit for name, limit in limits.items() if limit is not None})


@lower(ops.Cast)
def _cast(op: ops.Cast, at: Application, x: Expr) -> Expr:
    return x.to(DTYPES[op.dtype])
