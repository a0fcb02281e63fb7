"""Values of axes as people write them: one where one says it all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def collapse(values: Sequence[T]) -> T | tuple[T, ...]:
    """One value for each axis: `3` for `(3, 3)`."""
    return values[0] if all(v == values[0] for v in values) else tuple(values)


def one_or_all(axes: Sequence[int]) -> int | tuple[int, ...]:
    """Numbers of axes: `1` for `(1,)`."""
    return axes[0] if len(axes) == 1 else tuple(axes)
