"""How much a script does besides training its model, and how exactly: every section asks this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Style:
    """What a script promises: docs/scripts.md.

    A full script can be interrupted, run on files and trusted with wrong ones; the commands run
    it.  A lean one is what a person writes for one model: data, training, evaluation, weights in
    and out, export.  An exact one, full or lean, trains to the same weights in every target up to
    the rounding of its arithmetic: docs/training.md.
    """

    lean: bool = False
    exact: bool = False

    def pick(self, *, full: T, lean: T) -> T:
        """What a section has for this style."""
        return lean if self.lean else full

    def full_only(self, *parts: T) -> tuple[T, ...]:
        """Pieces or lines that a lean script goes without."""
        return () if self.lean else parts

    @property
    def ordered(self) -> bool:
        """Whether batches come in an order of the script's own, the same in every target."""
        return self.exact or not self.lean

    def ordered_only(self, *parts: T) -> tuple[T, ...]:
        """Pieces or lines that such scripts alone have."""
        return parts if self.ordered else ()

    def exact_only(self, *parts: T) -> tuple[T, ...]:
        """Pieces or lines that only an exact script has."""
        return parts if self.exact else ()


FULL = Style()
"""What the commands run."""
