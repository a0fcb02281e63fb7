"""What the settings of `train` have in common: registered by name, checked when made.

An optimizer, schedule, clip, metric or data source is one frozen dataclass; its fields are its
signature in the language, as an operation's are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeVar

from tercet.compiler.errors import OpError


class Setting:
    """Base of everything that a setting of `train` can name."""

    name: ClassVar[str] = ""
    """The name in the language."""


S = TypeVar("S", bound=Setting)


def registrar(table: dict[str, type[S]]) -> Callable[[str], Callable[[type[S]], type[S]]]:
    """A class decorator that files classes in `table` under their names in the language."""

    def named(name: str) -> Callable[[type[S]], type[S]]:
        def register(cls: type[S]) -> type[S]:
            if name in table:
                raise ValueError(f"{name!r} is defined twice")
            cls.name = name
            table[name] = cls
            return cls

        return register

    return named


def require(condition: bool, attribute: str, message: str) -> None:
    """Raises OpError, pointing at the argument, unless the condition holds."""
    if not condition:
        raise OpError("E0504", f"`{attribute}` {message}", attribute=attribute)


def require_positive(attribute: str, value: float) -> None:
    require(0 < value < float("inf"), attribute, f"must be greater than 0, not {value}")


def require_not_negative(attribute: str, value: float) -> None:
    require(0 <= value < float("inf"), attribute, f"must not be negative, but is {value}")


def require_decay(attribute: str, value: float) -> None:
    """A weight of the past in a moving average: from 0 up to, not including, 1."""
    require(0 <= value < 1, attribute, f"must be at least 0 and less than 1, not {value}")
