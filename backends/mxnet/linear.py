"""Dense layers, embeddings and matrix products in MXNet."""

from __future__ import annotations

from tercet.backends.mxnet.initial import initial
from tercet.backends.mxnet.symbolic_shape import broadcast
from tercet.backends.mxnet.target import F, construct, held_as, lower, nn
from tercet.codegen.expr import Expr, Made, Template, Temporary, default
from tercet.codegen.target import Application
from tercet.compiler.dims import broadcast as common_size
from tercet.compiler.graph.ir import Layer
from tercet.compiler.ops.linear import Dense, Embedding, MatMul, Outer
from tercet.compiler.types import DType, Shape


@construct(Dense)
def _dense(op: Dense, layer: Layer) -> Expr:
    return nn.Dense(
        op.units,
        flatten=default(layer.input.rank == 2, True),
        use_bias=default(op.bias, True),
        **initial(layer, weight="weight_initializer", bias="bias_initializer"),
    )


@lower(Dense)
def _apply_dense(op: Dense, at: Application, x: Expr) -> Expr | Template:
    assert at.item.layer is not None
    rank = at.type(0).rank
    if rank == 1:
        return F.reshape(Made()(F.expand_dims(x, axis=0)), shape=(-1,))
    if rank > 2 and at.item.layer.input.rank == 2:  # then the layer flattens its input
        kept = Temporary(0)
        rows = Made()(F.reshape(kept, shape=(-1, at.type(0).shape[-1])))
        ends = {"lhs_begin": 0, "lhs_end": 1, "rhs_begin": 0, "rhs_end": rank - 1}
        return Template(F.reshape_like(rows, kept, **ends), (("x", x),))
    return Made()(x)


@construct(Embedding)
def _embedding(op: Embedding, layer: Layer) -> Expr:
    wide = {"dtype": "float64"} if op.dtype is DType.F64 else {}
    return nn.Embedding(op.count, op.dim, **wide, **initial(layer, weight="weight_initializer"))


@lower(Embedding)
def _apply_embedding(op: Embedding, at: Application, ids: Expr) -> Expr:
    return Made()(ids) if at.type(0).shape else F.reshape(Made()(ids), shape=(-1,))


@lower(MatMul)
def _matmul(op: MatMul, at: Application, a: Expr, b: Expr) -> Expr:
    """MXNet multiplies matrices of floating-point numbers; float64 holds integers exactly."""
    if at.result.dtype.is_float:
        return _product(at, a, b)
    wide = _product(at, F.cast(a, dtype="float64"), F.cast(b, dtype="float64"))
    return F.cast(wide, dtype=held_as(at.result.dtype))


def _product(at: Application, a: Expr, b: Expr) -> Expr:
    left, right = at.type(0), at.type(1)
    if right.rank <= 2:
        return _dot(at, a, b)
    if left.rank == 1:
        row = F.expand_dims(a, axis=0)
        row, b = _alike(at, row, (1, *left.shape), b, right.shape)
        return F.squeeze(F.linalg_gemm2(row, b), axis=right.rank - 2)
    a, b = _alike(at, a, left.shape, b, right.shape)
    return F.linalg_gemm2(a, b)


def _dot(at: Application, a: Expr, b: Expr) -> Expr:
    """The last axis of `a` against the first of `b`, which has one or two."""
    left, right = at.type(0), at.type(1)
    if right.rank == 1 and left.rank > 1:
        column = F.dot(a, F.expand_dims(b, axis=1))
        return F.squeeze(column, axis=left.rank - 1)
    if left.rank == 1 and right.rank == 2:
        return F.reshape(F.dot(F.expand_dims(a, axis=0), b), shape=(-1,))
    return F.dot(a, b)


def _alike(at: Application, a: Expr, left: Shape, b: Expr, right: Shape) -> tuple[Expr, Expr]:
    """Both with the leading axes that they broadcast to."""
    rank = max(len(left), len(right)) - 2
    batches = [(*[1] * (rank + 2 - len(s)), *s[:-2]) for s in (left, right)]
    leading: list[object] = [common_size(m, n) for m, n in zip(*batches, strict=True)]
    assert None not in leading
    common: Shape = tuple(leading)  # type: ignore[arg-type]
    return (
        broadcast(at, a, left, (*common, *left[-2:])),
        broadcast(at, b, right, (*common, *right[-2:])),
    )


@lower(Outer)
def _outer(op: Outer, at: Application, a: Expr, b: Expr) -> Expr:
    return F.broadcast_mul(F.expand_dims(a, axis=1), F.expand_dims(b, axis=0))
