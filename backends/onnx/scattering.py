"""Elements by places of their own in ONNX."""

from __future__ import annotations

from tercet.backends.onnx.builder import Context, lower
from tercet.compiler.ops.scattering import GatherNd, Scatter, ScatterNd, TakeAlongAxis
from tercet.compiler.types import DType


@lower(TakeAlongAxis)
def _take_along_axis(op: TakeAlongAxis, c: Context) -> str:
    return c.node("GatherElements", c[0], c[1], axis=op.axis)


@lower(GatherNd)
def _gather_nd(op: GatherNd, c: Context) -> str:
    return c.node("GatherND", c[0], _long(c))


def _long(c: Context) -> str:
    """Tuples of indices are i64 in ONNX."""
    return c.cast(c[1], c.type_of(1).dtype, DType.I64)


@lower(Scatter)
def _scatter(op: Scatter, c: Context) -> str:
    return c.node("ScatterElements", *c.names(), axis=op.axis, reduction=op.reduction)


@lower(ScatterNd)
def _scatter_nd(op: ScatterNd, c: Context) -> str:
    return c.node("ScatterND", c[0], _long(c), c[2], reduction=op.reduction)
