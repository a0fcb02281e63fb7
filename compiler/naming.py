"""Names made from names: of a layer, an argument or a file that is called after a block."""

from __future__ import annotations

import re

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake_case(name: str) -> str:
    """`BasicBlock` -> `basic_block`, `GPTBlock` -> `gpt_block`."""
    return _WORD.sub("_", name).lower()
