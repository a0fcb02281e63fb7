"""Changes of shape in MXNet, by its reshape codes where sizes are symbolic."""

from __future__ import annotations

from tercet.backends.mxnet.symbolic_shape import broadcast, in_front, reshape_codes, witness
from tercet.backends.mxnet.target import F, is_eager, lower
from tercet.codegen.axes import one_or_all
from tercet.codegen.expr import Expr, Helper
from tercet.codegen.target import Application
from tercet.compiler.dims import Dim
from tercet.compiler.ops import shape as ops
from tercet.compiler.types import Shape


@lower(ops.Reshape)
def _reshape(op: ops.Reshape, at: Application, x: Expr) -> Expr:
    if is_eager(at):
        return F.reshape(x, shape=op.shape or (1,))
    return reshaped(at, x, op.output_shape(at.type(0)))


def reshaped(at: Application, x: Expr, wanted: Shape) -> Expr:
    """The elements of the first operand in another shape.  Raises Unsupported."""
    codes = reshape_codes(at.type(0).shape, wanted or (1,))
    if codes is not None:
        return F.reshape(x, shape=codes)
    return _reshaped_like(at, x, wanted)


def _reshaped_like(at: Application, x: Expr, wanted: Shape) -> Expr:
    """A tensor of ones in the wanted shape shows the sizes that no code can say."""
    open_axes = [k for k, n in enumerate(wanted) if isinstance(n, Dim)]
    ones = F.ones(tuple(1 if k in open_axes else n for k, n in enumerate(wanted)))
    for axis in open_axes:
        like = witness(at, wanted[axis])
        ones = F.broadcast_like(ones, like, lhs_axes=(axis,), rhs_axes=(0,))
    return F.reshape_like(x, ones)


@lower(ops.Flatten)
def _flatten(op: ops.Flatten, at: Application, x: Expr) -> Expr:
    rank = at.type(0).rank
    start, end = op.span(rank)
    if (start, end) == (1, rank - 1):
        return F.flatten(x)
    if end == rank - 1:
        return F.reshape(x, shape=(*[0] * start, -1))
    if end == start + 1:
        return F.reshape(x, shape=(*[0] * start, -3, -2))
    return reshaped(at, x, at.result.shape)


@lower(ops.Transpose, ops.Permute)
def _transpose(op: ops.Transpose | ops.Permute, at: Application, x: Expr) -> Expr:
    rank = at.type(0).rank
    order = op.permutation if op.permutation is not None else tuple(reversed(range(rank)))
    axes = tuple(axis % rank for axis in order)
    if axes == tuple(reversed(range(rank))):
        return F.transpose(x)
    moved = [axis for axis in range(rank) if axes[axis] != axis]
    if len(moved) == 2:
        return F.swapaxes(x, *moved)
    return F.transpose(x, axes=axes)


@lower(ops.Squeeze)
def _squeeze(op: ops.Squeeze, at: Application, x: Expr) -> Expr:
    axes = op.axes(at.type(0).shape)
    if not at.result.shape:
        return F.reshape(x, shape=(1,))
    return F.squeeze(x, axis=one_or_all(axes)) if axes else x


@lower(ops.Unsqueeze)
def _unsqueeze(op: ops.Unsqueeze, at: Application, x: Expr) -> Expr:
    if not at.type(0).shape:
        return F.reshape(x, shape=(1,) * at.result.rank)
    for axis in op.axes(at.type(0).rank):
        x = F.expand_dims(x, axis=axis)
    return x


@lower(ops.Expand, ops.BroadcastTo)
def _expand(op: ops.Expand | ops.BroadcastTo, at: Application, x: Expr) -> Expr:
    source = at.type(0).shape
    if not source and not at.result.shape:
        return x
    if not source:
        return broadcast(at, x, (1,), at.result.shape)
    if is_eager(at):
        x = in_front(x, at.result.rank - len(source))
        return F.broadcast_to(x, shape=at.result.shape)
    return broadcast(at, x, source, at.result.shape)


@lower(ops.PixelShuffle, ops.PixelUnshuffle)
def _pixels(op: ops.PixelShuffle | ops.PixelUnshuffle, at: Application, x: Expr) -> Expr:
    return Helper(op.name)(F, x, op.factor)
