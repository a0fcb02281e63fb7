"""Conversions: what the annotation of a field accepts, in words and as a function.

`kernel: Annotated[tuple[int, int], PerAxis(2)]` takes a number or two; a float takes an integer; an
initializer its bare name where that needs no arguments.
"""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from tercet.compiler.dims import Dim, Size
from tercet.compiler.initializers import Initializer
from tercet.compiler.ops.base import MaybeInfinite, Padding, PerAxis
from tercet.compiler.types import DType

WRONG: Final = object()
"""What a conversion gives for a value that does not fit."""

Conversion = Callable[[Any], Any]


def shown(value: Any) -> str:
    """A default as the language writes it."""
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case DType():
            return str(value)
        case str():
            return f'"{value}"'
        case tuple():
            return f"[{', '.join(map(shown, value))}]"
    return str(value)


def conversion(hint: Any) -> tuple[str, Conversion]:
    """The text and the conversion of an annotation.  Raises TypeError for one without a rule."""
    if get_origin(hint) is Annotated:
        base, *marks = get_args(hint)
        for mark in marks:
            if isinstance(mark, PerAxis):
                return _per_axis(base, mark.count)
            if isinstance(mark, Padding):
                return _padding(mark.count)
            if isinstance(mark, MaybeInfinite):
                return _maybe_infinite(*conversion(base))
        return conversion(base)
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " | ".join(map(shown, arguments)), _one_of(arguments)
    if origin is Union or origin is types.UnionType:
        return _union(arguments)
    if origin is tuple:
        return _tuple(arguments)
    if hint is Initializer:
        return "initializer", _initializer
    if isinstance(hint, type):
        return hint.__name__.lower(), lambda value: value if isinstance(value, hint) else WRONG
    raise TypeError(f"no rule for a field of type {hint}")


def _maybe_infinite(text: str, rule: Conversion) -> tuple[str, Conversion]:
    return text, lambda value: value if is_infinite(value) else rule(value)


def _initializer(value: Any) -> Any:
    """An initializer, or the name of one that needs no arguments."""
    if isinstance(value, type) and issubclass(value, Initializer):
        return WRONG if any(_is_required(f) for f in dataclasses.fields(value)) else value()
    return value if isinstance(value, Initializer) else WRONG


def _is_required(f: dataclasses.Field[Any]) -> bool:
    return f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING


def _int(value: Any) -> Any:
    return value if isinstance(value, int) and not isinstance(value, bool) else WRONG


def is_infinite(value: Any) -> bool:
    """Whether it is a number that is not finite."""
    return isinstance(value, float) and not math.isfinite(value)


def _float(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool) and not is_infinite(value):
        return float(value)
    return WRONG


def _bool(value: Any) -> Any:
    return value if isinstance(value, bool) else WRONG


def _str(value: Any) -> Any:
    return value if type(value) is str else WRONG


def _none(value: Any) -> Any:
    return None if value is None else WRONG


def _size(value: Any) -> Any:
    return value if isinstance(value, Dim) else _int(value)


def _dtype(value: Any) -> Any:
    return value if isinstance(value, DType) else WRONG


def _any(value: Any) -> Any:
    return value


_SIMPLE: Final[dict[Any, tuple[str, Conversion]]] = {
    int: ("int", _int),
    float: ("float", _float),
    bool: ("bool", _bool),
    str: ("str", _str),
    type(None): ("none", _none),
    None: ("none", _none),
    Dim: ("size", lambda value: value if isinstance(value, Dim) else WRONG),
    Size: ("size", _size),
    DType: ("dtype", _dtype),
    Any: ("any", _any),
}


def _one_of(choices: tuple[Any, ...]) -> Conversion:
    known = {(type(choice), choice) for choice in choices}

    def convert(value: Any) -> Any:
        try:
            return value if (type(value), value) in known else WRONG
        except TypeError:
            return WRONG

    return convert


def _union(members: tuple[Any, ...]) -> tuple[str, Conversion]:
    if set(members) == {int, Dim}:
        return _SIMPLE[Size]
    rules = [conversion(member) for member in members]
    exact = {int: 0, bool: 0}
    ordered = sorted(zip(members, rules, strict=True), key=lambda pair: exact.get(pair[0], 1))

    def convert(value: Any) -> Any:
        for _, (_, rule) in ordered:
            if (converted := rule(value)) is not WRONG:
                return converted
        return WRONG

    return " | ".join(dict.fromkeys(text for text, _ in rules)), convert


def _tuple(members: tuple[Any, ...]) -> tuple[str, Conversion]:
    if len(members) == 2 and members[1] is ...:
        text, rule = conversion(members[0])
        return f"[{text}, …]", lambda value: _each(value, rule)
    rules = [conversion(member) for member in members]

    def convert(value: Any) -> Any:
        if not isinstance(value, tuple) or len(value) != len(rules):
            return WRONG
        items = tuple([rule(item) for (_, rule), item in zip(rules, value, strict=True)])
        return WRONG if any(item is WRONG for item in items) else items

    return f"[{', '.join(text for text, _ in rules)}]", convert


def _each(value: Any, rule: Conversion) -> Any:
    if not isinstance(value, tuple):
        return WRONG
    items = tuple([rule(item) for item in value])
    return WRONG if any(item is WRONG for item in items) else items


def _per_axis(base: Any, count: int) -> tuple[str, Conversion]:
    optional = type(None) in get_args(base) and get_origin(base) is not tuple
    shape = next(a for a in get_args(base) if a is not type(None)) if optional else base
    text, rule = conversion(get_args(shape)[0])

    def convert(value: Any) -> Any:
        if value is None and optional:
            return None
        if (one := rule(value)) is not WRONG:
            return (one,) * count
        items = _each(value, rule)
        return items if items is not WRONG and len(items) == count else WRONG

    suffix = " | none" if optional else ""
    return f"{text} | [{', '.join([text] * count)}]{suffix}", convert


def _padding(count: int) -> tuple[str, Conversion]:
    def pair(value: Any) -> Any:
        if _int(value) is not WRONG:
            return (value, value)
        items = _each(value, _int)
        return items if items is not WRONG and len(items) == 2 else WRONG

    def convert(value: Any) -> Any:
        if value == "valid":
            return ((0, 0),) * count
        if isinstance(value, str):
            return value if value == "same" else WRONG
        if _int(value) is not WRONG:
            return ((value, value),) * count
        items = _each(value, pair)
        return items if items is not WRONG and len(items) == count else WRONG

    return 'int | [int, …] | [[begin, end], …] | "valid" | "same"', convert
