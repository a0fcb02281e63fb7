"""Axes of channels-last tensors: which operations go on with them, and the new numbers of axes."""

from __future__ import annotations

from typing import Literal

from tercet.compiler.ops.base import Layout, Op


def last_axis(axis: int, rank: int) -> int:
    """The place that an axis of the language has channels-last; channels count from the end."""
    axis %= rank
    if rank < 3 or axis == 0:
        return axis
    return -1 if axis == 1 else axis - 1


def to_last(rank: int) -> tuple[int, ...]:
    """The order that turns channels-first into channels-last."""
    return (0, *range(2, rank), 1)


def to_first(rank: int) -> tuple[int, ...]:
    """The order that turns channels-last into channels-first."""
    return (0, rank - 1, *range(1, rank - 1))


def stays_last(op: Op, rank: int) -> bool:
    """Whether an operation of a channels-last tensor gives one, once its axes are renumbered."""
    return op.layout is Layout.REMAPPING and op.kept_axes(rank) == tuple(range(rank))


def result_order(op: Op, rank: int) -> Literal["first", "last"] | None:
    """How the axes lie that an operation leaves of a channels-last tensor; None if neither way."""
    kept = op.kept_axes(rank) if op.layout is Layout.REMAPPING else None
    if kept is None:
        return None
    left = [axis for axis in to_last(rank) if axis in kept]
    if left == sorted(left):
        return "first"
    ordered = sorted(left)
    return "last" if left == [ordered[0], *ordered[2:], ordered[1]] else None
