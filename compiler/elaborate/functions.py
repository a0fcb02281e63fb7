"""The static functions of the language: `len range enumerate zip min max abs …`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from tercet.compiler import dims
from tercet.compiler.dims import Dim, DimError
from tercet.compiler.elaborate import limits
from tercet.compiler.elaborate.static import StaticError, binary, bounded, is_number
from tercet.compiler.graph.values import describe, is_size, text


def _wrong(name: str, value: Any, wanted: str) -> StaticError:
    return StaticError("E0401", f"`{name}` needs {wanted}, not {describe(value)}")


def _items(name: str, value: Any) -> tuple[Any, ...]:
    if isinstance(value, tuple):
        return value
    if isinstance(value, str):
        return tuple(value)
    raise _wrong(name, value, "a list")


def _integer(name: str, value: Any) -> int:
    if isinstance(value, Dim):
        raise StaticError(
            "E0403",
            f"`{name}` needs a known integer, and {value} is symbolic",
            "write the size as a number in the type of the input",
        )
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(name, value, "an integer")
    return value


def _real(name: str, value: Any) -> float:
    if not is_number(value):
        raise _wrong(name, value, "a number")
    result: float = value
    return result


def _len(value: Any) -> int:
    return len(_items("len", value))


def _range(first: Any, stop: Any = None, step: Any = 1) -> tuple[int, ...]:
    start = 0 if stop is None else _integer("range", first)
    stop = _integer("range", first if stop is None else stop)
    step = _integer("range", step)
    if step == 0:
        raise StaticError("E0405", "`range` cannot step by zero")
    numbers = range(start, stop, step)
    if max(0, -((start - stop) // step)) > limits.ITEMS:
        raise StaticError("E0411", f"a loop or list has more than {limits.ITEMS:,} elements")
    return tuple(numbers)


def _enumerate(value: Any, start: Any = 0) -> tuple[Any, ...]:
    return tuple(enumerate(_items("enumerate", value), _integer("enumerate", start)))


def _zip(*lists: Any) -> tuple[Any, ...]:
    return tuple(zip(*[_items("zip", value) for value in lists], strict=False))


def _extreme(name: str, among_sizes: Callable[..., Any], among_numbers: Callable[..., Any]) -> Any:
    def extreme(*values: Any) -> Any:
        found = _items(name, values[0]) if len(values) == 1 else values
        if not found:
            raise StaticError("E0405", f"`{name}` of nothing")
        if all(is_size(v) for v in found):
            return _sized(lambda: among_sizes(*found))
        if not all(is_number(v) for v in found):
            raise _wrong(name, next(v for v in found if not is_number(v)), "numbers")
        return among_numbers(found)

    return extreme


def _sized(compute: Callable[[], Any]) -> Any:
    try:
        return compute()
    except DimError as problem:
        raise StaticError("E0412", str(problem)) from None


def _abs(value: Any) -> Any:
    if isinstance(value, Dim):
        return _sized(lambda: dims.maximum(value, -value))
    return abs(_real("abs", value))


_PLACES: Final = 400
"""Decimal places that no number has more of; Python computes 10 to the power of what it gets."""


def _round(value: Any, digits: Any = None) -> Any:
    if isinstance(value, Dim) and digits is None:
        return value
    number = _real("round", value)
    if digits is None:
        return _whole(number, round)
    places = max(-_PLACES, min(_integer("round", digits), _PLACES))
    try:
        return bounded(round(number, places))
    except OverflowError:
        raise StaticError("E0412", f"{number} rounded is too large a number") from None


def _whole(number: float, rule: Callable[[float], int]) -> int:
    if isinstance(number, float) and not math.isfinite(number):
        raise StaticError("E0405", f"{number} has no integer")
    result: int = bounded(rule(number))
    return result


def _rounded(name: str, rule: Callable[[float], int]) -> Callable[[Any], Any]:
    def function(value: Any) -> Any:
        return value if isinstance(value, Dim) else _whole(_real(name, value), rule)

    return function


def _sqrt(value: Any) -> float:
    number = _real("sqrt", value)
    if number < 0:
        raise StaticError("E0405", f"sqrt({number}) is not a real number")
    return math.sqrt(number)


def _log(value: Any, base: Any = math.e) -> float:
    number, base = _real("log", value), _real("log", base)
    if number <= 0 or base <= 0 or base == 1:
        raise StaticError("E0405", f"log({number}) is not a real number")
    return math.log(number) if base == math.e else math.log(number, base)


def _int(value: Any) -> Any:
    if isinstance(value, Dim):
        return value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        try:
            return bounded(int(value))
        except ValueError:
            raise StaticError("E0405", f'"{value[:40]}" is not an integer') from None
    return _whole(_real("int", value), math.trunc)


def _float(value: Any) -> float:
    if isinstance(value, str | bool) or is_number(value):
        try:
            return float(value)
        except ValueError:
            raise StaticError("E0405", f'"{value[:40]}" is not a number') from None
    raise _wrong("float", value, "a number")


def _sum(values: Any, start: Any = 0) -> Any:
    total = start
    for value in _items("sum", values):
        total = binary("+", total, value)
    return total


def _str(value: Any) -> str:
    result: str = bounded(text(value))
    return result


FUNCTIONS: Final[dict[str, tuple[Callable[..., Any], int, int | None]]] = {
    "len": (_len, 1, 1),
    "range": (_range, 1, 3),
    "enumerate": (_enumerate, 1, 2),
    "zip": (_zip, 0, None),
    "min": (_extreme("min", dims.minimum, min), 1, None),
    "max": (_extreme("max", dims.maximum, max), 1, None),
    "abs": (_abs, 1, 1),
    "round": (_round, 1, 2),
    "floor": (_rounded("floor", math.floor), 1, 1),
    "ceil": (_rounded("ceil", math.ceil), 1, 1),
    "sqrt": (_sqrt, 1, 1),
    "log": (_log, 1, 2),
    "int": (_int, 1, 1),
    "float": (_float, 1, 1),
    "str": (_str, 1, 1),
    "sum": (_sum, 1, 2),
}
"""Each function with its least and greatest number of arguments (None: any)."""


def call(name: str, arguments: list[Any]) -> Any:
    """The value of a static function.  Raises StaticError."""
    function, least, most = FUNCTIONS[name]
    if len(arguments) < least or (most is not None and len(arguments) > most):
        wanted = (
            str(least) if least == most else f"{least} to {most}" if most else f"{least} or more"
        )
        raise StaticError(
            "E0503",
            f"`{name}` takes {wanted} argument{'s' * (wanted != '1')}, not {len(arguments)}",
        )
    return function(*arguments)
