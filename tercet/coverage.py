"""Which target expresses which operation: read from the tables of lowerings."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from tercet.backends.base import Lowerings

TARGETS = ("pytorch", "tensorflow", "mxnet", "onnx")


@cache
def coverage() -> dict[str, dict[str, str | None]]:
    """Per target and operation: None where it is lowered, else the reason why not."""
    tables: dict[str, dict[str, str | None]] = {}
    for target in TARGETS:
        module = import_module(f"tercet.backends.{target}")
        table: Lowerings[object] = module.lower  # type: ignore[type-var]
        tables[target] = table.coverage()
    return tables
