"""Which target expresses which operation: read from the tables of lowerings."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from tercet.backends.base import Lowerings

TARGETS = ("pytorch", "tensorflow", "mxnet", "onnx")


def lowerings(target: str) -> Lowerings[Any]:
    """The table of a target's lowerings."""
    table: Lowerings[Any] = import_module(f"tercet.backends.{target}").lower
    return table


@cache
def coverage() -> dict[str, dict[str, str | None]]:
    """Per target and operation: None where it is lowered, else the reason why not."""
    return {target: lowerings(target).coverage() for target in TARGETS}
