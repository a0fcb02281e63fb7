"""The standard library: modules written in the language itself, shipped in `dsl/std`."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from tercet.dsl.source import Source

_FOLDER = Path(__file__).parent / "std"


def std_modules() -> tuple[str, ...]:
    """The names of all modules, as they are imported: `std.vision`, …"""
    return tuple(f"std.{path.stem}" for path in sorted(_FOLDER.glob("*.model")))


@cache
def std_source(module: str) -> Source | None:
    """The text of `std.<name>`; None where there is no such module."""
    if module not in std_modules():
        return None
    path = _FOLDER / f"{module.removeprefix('std.')}.model"
    return Source(f"<{module}>", path.read_text(encoding="utf-8"))


@cache
def std_blocks() -> dict[str, str]:
    """The names of all blocks, with the modules they are imported from."""
    found: dict[str, str] = {}
    for module in std_modules():
        source = std_source(module)
        assert source is not None
        found |= dict.fromkeys(re.findall(r"^block (\w+)", source.text, re.MULTILINE), module)
    return found
