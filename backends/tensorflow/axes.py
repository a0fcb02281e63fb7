"""Axes of channels-last tensors: which operations go on with them, and the new numbers of axes."""

from __future__ import annotations

from typing import Literal

from tercet.compiler.ops import indexing, joining, reduce
from tercet.compiler.ops.activation import AxisActivation
from tercet.compiler.ops.base import Op
from tercet.compiler.ops.slicing import Index, Slice

_STAY = (
    AxisActivation,
    joining.Concat,
    joining.Split,
    joining.Chunk,
    joining.Pad,
    joining.Tile,
    joining.Repeat,
    joining.Flip,
    indexing.CumSum,
    indexing.TopK,
)
"""Operations that renumber their axes and keep the number of axes."""


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


def stays_last(op: Op) -> bool:
    """Whether an operation of a channels-last tensor gives one, once its axes are renumbered."""
    if isinstance(op, Index):
        return all(isinstance(item, Slice) for item in op.items)
    if isinstance(op, reduce.Reduction | indexing.ArgMax | indexing.ArgMin):
        return op.keepdims
    return isinstance(op, _STAY)


def result_order(op: Op, rank: int) -> Literal["first", "last"] | None:
    """How the axes that a reduction of a channels-last tensor leaves lie; None if neither way."""
    match op:
        case reduce.Reduction():
            gone = set(op.axes(rank))
        case indexing.ArgMax() | indexing.ArgMin():
            gone = {op.axis % rank}
        case _:
            return None
    left = [axis for axis in to_last(rank) if axis not in gone]
    if left == sorted(left):
        return "first"
    ordered = sorted(left)
    return "last" if left == [ordered[0], *ordered[2:], ordered[1]] else None
