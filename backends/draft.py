"""A script as it is printed, before its imports are chosen and its lines wrapped.

`tercet check` prints drafts alone: whether a target can express a model does not need Ruff.
"""

from __future__ import annotations

from collections.abc import Callable

from tercet.codegen.decisions import Decision
from tercet.dsl.records import dataclass

COLUMNS = 88
"""The width of a script."""


@dataclass(frozen=True)
class Draft:
    """The parts of a script; of `imports` those are kept that the rest uses.

    `decisions` say why classes and loops are printed as they are; `notes` are what the script does
    otherwise than the language says; `amend` is what the target does with the finished text.
    """

    header: str
    imports: tuple[str, ...]
    body: str
    decisions: tuple[Decision, ...]
    notes: tuple[str, ...] = ()
    amend: Callable[[str], str] | None = None
