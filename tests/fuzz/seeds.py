"""The programs that mutations begin with: samples, the standard library, what tests compile."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from tests.codegen.models import MODELS, SHARING
from tests.dsl.programs import ALL
from tests.random_programs.search import program_of

ROOT = Path(__file__).parents[2]
_LARGEST = 6_000
"""Characters; mutations of what is longer would say no more, and take longer."""
_RANDOM = 40
RIGHT = ("samples/", "codegen/", "random", "docs/")
"""How the names of those begin that compile: what others become is rarely printed."""


@cache
def seeds() -> dict[str, str]:
    """The texts by name, always in the same order."""
    found = {
        **{_name(path): path.read_text("utf-8") for path in _files()},
        **{f"codegen/{name}": text for name, text in {**MODELS, **SHARING}.items()},
        **{f"dsl/{name}": text for name, text in ALL.items()},
        **{f"random{number}": program_of(number).untrained for number in range(_RANDOM)},
        **_quoted(),
    }
    return {name: text for name, text in found.items() if 0 < len(text) <= _LARGEST}


def _files() -> Iterable[Path]:
    for folder in ("samples", "dsl/std", "tests/cases"):
        yield from sorted((ROOT / folder).rglob("*.model"))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT).with_suffix(""))


def _quoted() -> dict[str, str]:
    """The models that documentation and the tests of diagnostics show."""
    found: dict[str, str] = {}
    for folder in ("docs", "dsl/explain", "tests/diagnostics"):
        for path in sorted((ROOT / folder).glob("*.md")):
            shown = re.findall(r"```model[^\n]*\n(.*?)```", path.read_text("utf-8"), re.S)
            found |= {f"{_name(path)}:{k}": text for k, text in enumerate(shown)}
    return found
