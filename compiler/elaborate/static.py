"""Operators and functions over static values: the part of the language that runs in the compiler.

Integers and floats behave as in Python; sizes may be symbolic, and a comparison of sizes that only
the run can decide is `Undecided`.  Everything is bounded: an integer of 64 bits, a list, a string.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, Final

from tercet.compiler import dims
from tercet.compiler.dims import Dim, DimError
from tercet.compiler.elaborate import limits
from tercet.compiler.graph.values import Comparison, Undecided, describe, is_size

_ARITHMETIC: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}
_ORDER: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NEGATED: Final = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


class StaticError(Exception):
    """A static expression without a meaning; the evaluator adds the place."""

    def __init__(self, code: str, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# ---------------------------------------------------------------------------------- arithmetic


def binary(symbol: str, left: Any, right: Any) -> Any:
    """The value of `left symbol right`.  Raises StaticError."""
    if symbol in _ARITHMETIC:
        return _arithmetic(symbol, left, right)
    if symbol in ("==", "!="):
        result = _equal(left, right)
        return result if symbol == "==" else negated(result)
    if symbol in _ORDER:
        return _ordered(symbol, left, right)
    raise StaticError("E0401", f"`{symbol}` needs tensors, not {describe(left)}")


def _arithmetic(symbol: str, left: Any, right: Any) -> Any:
    if is_number(left) and is_number(right):
        return _numbers(symbol, left, right)
    if is_size(left) and is_size(right):
        return _sizes(symbol, left, right)
    if symbol == "+" and type(left) is type(right) and type(left) in (str, tuple):
        return bounded(left + right)
    if symbol == "*" and type(left) in (str, tuple) and _is_count(right):
        return _repeated(left, right)
    if symbol == "*" and type(right) in (str, tuple) and _is_count(left):
        return _repeated(right, left)
    raise StaticError(
        "E0401",
        f"`{symbol}` does not go with {describe(left)} and {describe(right)}",
        _arithmetic_help(left, right),
    )


def _arithmetic_help(left: Any, right: Any) -> str | None:
    values = (left, right)
    if any(isinstance(v, Dim) for v in values) and any(isinstance(v, float) for v in values):
        return "a symbolic size is an integer that only the run knows; it does not mix with floats"
    if any(isinstance(v, str) for v in values) and any(is_number(v) for v in values):
        return "`str(x)` makes a string of a number"
    return None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _repeated(value: str | tuple[Any, ...], count: int) -> Any:
    if len(value) * count > limits.ITEMS:
        raise StaticError("E0411", f"the result would have {len(value) * count:,} elements")
    return value * max(0, count)


def _numbers(symbol: str, left: Any, right: Any) -> Any:
    if symbol == "**":
        _check_power(left, right)
    try:
        result = _ARITHMETIC[symbol](left, right)
    except ZeroDivisionError:
        raise StaticError("E0405", f"{left} {symbol} {right} divides by zero") from None
    except OverflowError:
        raise StaticError("E0412", f"{left} {symbol} {right} is too large a number") from None
    if isinstance(result, complex):
        raise StaticError("E0405", f"{left} ** {right} is not a real number")
    return bounded(result)


def _check_power(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int) and abs(left) > 1 and right > 64:
        raise StaticError("E0412", f"{left} ** {right} is too large a number")


def _factor(size: Any) -> str:
    """A size as it stands beside `*` or `/`: in brackets where it is made of several."""
    shown = str(size)
    return f"({shown})" if " " in shown else shown


def _sizes(symbol: str, left: Any, right: Any) -> Any:
    if symbol == "/":
        raise StaticError(
            "E0401",
            f"`/` makes a float, and {_factor(left)} / {_factor(right)} is symbolic",
            "divide sizes by `//`, which rounds down",
        )
    try:
        return bounded(_ARITHMETIC[symbol](left, right))
    except ZeroDivisionError:
        divided = f"{_factor(left)} {symbol} {_factor(right)}"
        raise StaticError("E0405", f"{divided} divides by zero") from None
    except DimError as problem:
        raise StaticError("E0412", str(problem)) from None


def bounded(value: Any) -> Any:
    """The value itself, if it is not larger than a value may be.  Raises StaticError."""
    if isinstance(value, int):
        if abs(value) > limits.INTEGER:
            raise StaticError("E0412", "an integer has more than 64 bits")
    elif isinstance(value, tuple):
        extent(value)
    elif isinstance(value, str):
        if len(value) > limits.STRING:
            raise StaticError("E0411", f"a string has more than {limits.STRING:,} characters")
    elif isinstance(value, float) and not math.isfinite(value):
        raise StaticError("E0405", "the result is no finite number")
    return value


def extent(value: str | tuple[Any, ...]) -> int:
    """The elements of a list, those of the lists in it included.  Raises StaticError.

    Whatever walks through lists afterwards may recurse, and ends soon.
    """
    if isinstance(value, str):
        return len(value)
    count, level = 0, [value]
    for _ in range(limits.LIST_DEPTH):
        count += sum(map(len, level))
        if count > limits.ITEMS:
            raise StaticError("E0411", f"a list has more than {limits.ITEMS:,} elements")
        level = [item for items in level for item in items if isinstance(item, tuple)]
        if not level:
            return count
    raise StaticError("E0411", f"lists nest deeper than {limits.LIST_DEPTH} levels")


def unary(symbol: str, operand: Any) -> Any:
    """The value of `symbol operand`.  Raises StaticError."""
    if symbol == "not":
        if isinstance(operand, bool | Undecided):
            return negated(operand)
        raise StaticError("E0401", f"`not` needs a condition, not {describe(operand)}")
    if isinstance(operand, float) and not math.isfinite(operand):  # there is one NaN
        return -operand if symbol == "-" and math.isinf(operand) else operand
    if is_number(operand) or isinstance(operand, Dim):
        return bounded(-operand) if symbol == "-" else operand
    raise StaticError("E0401", f"`{symbol}` does not go with {describe(operand)}")


# ---------------------------------------------------------------------------------- conditions


def _equal(left: Any, right: Any) -> bool | Undecided:
    if is_size(left) and is_size(right):
        answer = dims.equal(left, right)
        return Undecided((Comparison(left, "==", right),)) if answer is None else answer
    if isinstance(left, tuple) and isinstance(right, tuple):
        if len(left) != len(right):
            return False
        return conjunction([_equal(a, b) for a, b in zip(left, right, strict=True)])
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    return bool(left == right)


def _ordered(symbol: str, left: Any, right: Any) -> bool | Undecided:
    if is_size(left) and is_size(right):
        answer = dims.compare(left, symbol, right)
        return Undecided((Comparison(left, symbol, right),)) if answer is None else answer
    if is_number(left) and is_number(right):
        return bool(_ORDER[symbol](left, right))
    if isinstance(left, str) and isinstance(right, str):
        return bool(_ORDER[symbol](left, right))
    raise StaticError(
        "E0401", f"{describe(left)} and {describe(right)} have no order, so no `{symbol}`"
    )


def conjunction(conditions: list[bool | Undecided]) -> bool | Undecided:
    """Whether all hold: false if one is, else all that is undecided."""
    if any(c is False for c in conditions):
        return False
    open_ = tuple(one for c in conditions if isinstance(c, Undecided) for one in c.comparisons)
    return Undecided(open_) if open_ else True


def negated(condition: bool | Undecided) -> bool | Undecided:
    """The opposite condition.  Raises StaticError where it is no list of comparisons."""
    if isinstance(condition, bool):
        return not condition
    if len(condition.comparisons) > 1:
        raise StaticError("E0403", f"`not ({condition})` cannot be decided: sizes are symbolic")
    (one,) = condition.comparisons
    return Undecided((Comparison(one.left, _NEGATED[one.relation], one.right),))


# ------------------------------------------------------------------------------------ indexing


def index(value: Any, item: Any) -> Any:
    """`value[item]` of a list or string; `item` may be a Python slice.  Raises StaticError."""
    if type(value) not in (str, tuple):
        raise StaticError("E0413", f"{describe(value)} has no elements to index")
    if isinstance(item, slice):
        parts = (item.start, item.stop, item.step)
        if not all(part is None or _is_count(part) for part in parts):
            raise StaticError("E0401", "the bounds of a slice of a list must be known integers")
        if item.step == 0:
            raise StaticError("E0405", "a slice cannot step by zero")
        return value[item]
    if not _is_count(item):
        raise StaticError("E0401", f"a list is indexed by an integer, not {describe(item)}")
    if not -len(value) <= item < len(value):
        raise StaticError(
            "E0406",
            f"index {item} is outside a {'string' if isinstance(value, str) else 'list'} "
            f"of {len(value)}",
            "indices start at 0" if item == len(value) else None,
        )
    return value[item]
