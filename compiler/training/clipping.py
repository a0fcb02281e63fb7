"""Clipping of gradients: between the backward pass and the optimizer.  `clip = none` is None."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tercet.compiler.lazy import np
from tercet.compiler.settings import Setting, registrar, require_positive
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


@dataclass(frozen=True)
class Clip(Setting):
    """Base of all ways to clip."""

    def apply(self, gradients: Sequence[Array]) -> list[Array]:
        """All gradients of one update, clipped; shapes stay, and the order."""
        raise NotImplementedError(type(self).__name__)


CLIPS: dict[str, type[Clip]] = {}
"""Every way to clip by its name in the language."""

clip = registrar(CLIPS)


@clip("global_norm")
@dataclass(frozen=True)
class GlobalNorm(Clip):
    """All gradients times `min(1, limit / norm)`, norm being that of all of them together.

    Pascanu et al., 2013.  PyTorch adds 1e-6 to the norm, which changes nothing that matters.
    """

    limit: float

    def __post_init__(self) -> None:
        require_positive("limit", self.limit)

    def apply(self, gradients: Sequence[Array]) -> list[Array]:
        norm = float(np.sqrt(sum(float(np.sum(g.astype(np.float64) ** 2)) for g in gradients)))
        scale = self.limit / max(norm, self.limit)
        return [g * scale for g in gradients]


@clip("value")
@dataclass(frozen=True)
class ClipValue(Clip):
    """Every element of a gradient between `-limit` and `limit`."""

    limit: float

    def __post_init__(self) -> None:
        require_positive("limit", self.limit)

    def apply(self, gradients: Sequence[Array]) -> list[Array]:
        return [np.clip(g, -self.limit, self.limit) for g in gradients]
