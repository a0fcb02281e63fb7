"""Dense layers, matrix products and embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tercet.compiler import dims
from tercet.compiler.dims import Size
from tercet.compiler.errors import OpError, require
from tercet.compiler.initializers import GlorotUniform, Normal, Zeros
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import (
    Elements,
    IndexRange,
    InTraining,
    LayerOp,
    Layout,
    Op,
    Operand,
    ParameterSpec,
    operation,
    require_float,
)
from tercet.compiler.ops.checks import (
    broadcast_shapes,
    known,
    require_at_least,
    require_dtype,
    require_integer,
    require_rank,
)
from tercet.compiler.ops.elements import require_number
from tercet.compiler.types import DType, TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


@operation("dense")
@dataclass(frozen=True)
class Dense(LayerOp):
    """Fully connected layer over the last axis: `x @ transpose(weight) + bias`.

    x `[..., in]` gives `[..., units]`; weight `[units, in]`, bias `[units]`.  ONNX: Gemm, or MatMul
    and Add.  Initial weight: glorot_uniform (Glorot and Bengio, 2010).

        logits = h |> dense(10)
    """

    operands = (Operand("x"),)
    layout = Layout.CANONICAL
    elements = Elements.COMPUTED
    in_training = InTraining.SAME

    units: int
    bias: bool = True

    def __post_init__(self) -> None:
        require_at_least(1, self.units, "units")

    def infer(self, x: TensorType) -> TensorType:
        require_rank(x, 1, -1)
        require_float(x)
        known(x.shape[-1], "the size of the last axis")
        return x.with_shape(*x.shape[:-1], self.units)

    def parameters(self, x: TensorType) -> tuple[ParameterSpec, ...]:
        width = known(x.shape[-1], "the size of the last axis")
        fans = (width, self.units)
        weight = ParameterSpec(
            "weight",
            x.with_shape(self.units, width),
            self.init or GlorotUniform(),
            "weight",
            fans,
        )
        if not self.bias:
            return (weight,)
        bias = ParameterSpec(
            "bias", x.with_shape(self.units), self.bias_init or Zeros(), "bias", fans
        )
        return weight, bias

    def reference(self, x: Array, weight: Array, bias: Array | None = None) -> Array:
        y: Array = x @ weight.T
        return y if bias is None else y + bias

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> Size:
        (x,) = inputs
        assert x is not None
        return 2 * x.shape[-1] * dims.product(outputs[0].shape)


@operation("matmul")
@dataclass(frozen=True)
class MatMul(Op):
    """Matrix product `a @ b` over the last two axes, the leading ones broadcast.

    a `[..., M, K]` and b `[..., K, N]` give `[..., M, N]`; a vector stands for a row on the left,
    for a column on the right, and its axis is dropped, as in NumPy.  ONNX: MatMul.

        scores = q @ transpose(k, [0, 2, 1])
    """

    operands = (Operand("a"), Operand("b"))
    layout = Layout.CANONICAL
    elements = Elements.COMPUTED
    operator = "@"

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        for operand, x in enumerate((a, b)):
            require_rank(x, 1, -1, operand=operand)
            if x.dtype is DType.BOOL:
                raise OpError("E0305", f"needs numbers, not {x.dtype}", operand=operand)
        if a.dtype is not b.dtype:
            raise OpError(
                "E0304",
                f"needs one dtype, not {a.dtype} and {b.dtype}",
                operand=1,
                help=f"convert with `cast(b, {a.dtype})`",
            )
        inner = b.shape[-2] if b.rank > 1 else b.shape[-1]
        if dims.equal(a.shape[-1], inner) is not True:
            raise OpError(
                "E0301",
                f"the last axis of {a} must equal "
                f"the {'second last axis' if b.rank > 1 else 'size'} of {b}: "
                f"{a.shape[-1]} is not {inner}",
                operand=1,
            )
        batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
        rows = a.shape[-2:-1]
        columns = b.shape[-1:] if b.rank > 1 else ()
        return a.with_shape(*batch, *rows, *columns)

    def reference(self, a: Array, b: Array) -> Array:
        return np.asarray(a @ b)

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> Size:
        a = inputs[0]
        assert a is not None
        return 2 * a.shape[-1] * dims.product(outputs[0].shape)


@operation("outer")
@dataclass(frozen=True)
class Outer(Op):
    """Every product of an element of the vector a and one of b: `[N]` and `[M]` give `[N, M]`.

    ONNX: Mul of Unsqueeze.

        grid = outer(positions, frequencies)
    """

    operands = (Operand("a"), Operand("b"))
    layout = Layout.CANONICAL
    elements = Elements.COMPUTED

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        for operand, x in enumerate((a, b)):
            require_rank(require_number(x, operand), 1, operand=operand)
        require_dtype(b, a.dtype, "b", operand=1)
        return a.with_shape(*a.shape, *b.shape)

    def reference(self, a: Array, b: Array) -> Array:
        return np.outer(a, b)


@operation("embedding")
@dataclass(frozen=True)
class Embedding(LayerOp):
    """Rows of a trained table: `weight[ids]`.

    ids, integers of any shape from 0 to `count - 1`, give `[..., dim]` of type `dtype`; weight
    `[count, dim]`.  ONNX: Gather.  Initial weight: normal(std = 0.02).

        x = tokens |> embedding(vocab, 128)
    """

    operands = (Operand("ids", selects=True),)
    layout = Layout.CANONICAL
    elements = Elements.SELECTED
    in_training = InTraining.SAME
    work = 0

    count: int
    dim: int
    dtype: DType = DType.F32

    def __post_init__(self) -> None:
        require_at_least(1, self.count, "count")
        require_at_least(1, self.dim, "dim")
        require(self.dtype.is_float, "dtype", f"`dtype` must be floating-point, not {self.dtype}")

    def infer(self, ids: TensorType) -> TensorType:
        require_integer(ids, "ids", operand=0)
        return TensorType(self.dtype, (*ids.shape, self.dim))

    def parameters(self, ids: TensorType) -> tuple[ParameterSpec, ...]:
        type = TensorType(self.dtype, (self.count, self.dim))
        init = self.init or Normal(std=0.02)
        return (ParameterSpec("weight", type, init, "embedding", (self.dim, self.count)),)

    def index_ranges(self, ids: TensorType) -> tuple[IndexRange, ...]:
        return (IndexRange(0, 0, self.count - 1),)

    def reference(self, ids: Array, weight: Array) -> Array:
        outside = (ids < 0) | (ids >= len(weight))
        if outside.any():
            raise ValueError(f"id {ids[outside][0]} is outside 0 to {len(weight) - 1}")
        rows: Array = weight[ids]
        return rows
