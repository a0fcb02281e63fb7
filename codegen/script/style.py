"""How much a script does besides training its model; every section of a script asks its style."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

T = TypeVar("T")


class Style(Enum):
    """What a script promises: docs/scripts.md.

    A full script can be interrupted, run on files and trusted with wrong ones; the commands run
    it.  A lean one is what a person writes for one model: data, training, evaluation, weights in
    and out, export.
    """

    FULL = "full"
    LEAN = "lean"

    def pick(self, *, full: T, lean: T) -> T:
        """What a section has for this style."""
        return full if self is Style.FULL else lean

    def full_only(self, *parts: T) -> tuple[T, ...]:
        """Pieces or lines that a lean script goes without."""
        return self.pick(full=parts, lean=())
