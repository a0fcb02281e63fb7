"""Reductions: one number out of all elements along some axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from tercet.compiler import dims
from tercet.compiler.errors import OpError, require
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import (
    Elements,
    Layout,
    Op,
    Operand,
    Requirement,
    operation,
    require_float,
)
from tercet.compiler.ops.checks import normalized_axes
from tercet.compiler.ops.elementwise import require_bool, require_number
from tercet.compiler.ops.sizes import at_most
from tercet.compiler.types import Shape, TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


@dataclass(frozen=True)
class Reduction(Op):
    """Base of reductions along `axis`: one axis, a list of axes, or all of them for none.

    The axes disappear, or have size 1 with `keepdims`.
    """

    operands = (Operand("x"),)
    layout = Layout.REMAPPING
    elements = Elements.COMPUTED
    reduces = True
    needs_float: ClassVar[bool] = False
    axis: int | tuple[int, ...] | None = None
    keepdims: bool = False

    def axes(self, rank: int) -> tuple[int, ...]:
        """The axes reduced, from the front, in order.  Raises OpError E0309."""
        return tuple(range(rank)) if self.axis is None else normalized_axes(self.axis, rank)

    def element(self, x: TensorType) -> TensorType:
        """The type itself, if the operation takes its elements."""
        return require_float(x) if self.needs_float else require_number(x)

    def infer(self, x: TensorType) -> TensorType:
        axes = self.axes(self.element(x).rank)
        kept: Shape = tuple(1 if i in axes else size for i, size in enumerate(x.shape))
        if not self.keepdims:
            kept = tuple(size for i, size in enumerate(x.shape) if i not in axes)
        return x.with_shape(*kept)

    def kept_axes(self, rank: int) -> tuple[int, ...]:
        gone = () if self.keepdims else self.axes(rank)
        return tuple(axis for axis in range(rank) if axis not in gone)

    def mixed_axes(self, x: TensorType) -> tuple[int, ...]:
        return self.axes(x.rank)

    def _along(self, x: Array) -> dict[str, Any]:
        """The keywords of NumPy's reductions."""
        return {"axis": self.axes(x.ndim), "keepdims": self.keepdims}


@operation("sum")
class ReduceSum(Reduction):
    """The sum of the elements, in their own dtype.

    Along `axis` (a number or a list; none for all), which disappears unless `keepdims`.
    ONNX: ReduceSum.

        total = x |> sum(axis = 1)
    """

    def reference(self, x: Array) -> Array:
        return np.asarray(np.sum(x, dtype=x.dtype, **self._along(x)))


@operation("mean")
class ReduceMean(Reduction):
    """The mean of floating-point elements.

    Along `axis` (a number or a list; none for all), which disappears unless `keepdims`.
    ONNX: ReduceMean.

        h = x |> mean(axis = [2, 3])
    """

    needs_float = True

    def reference(self, x: Array) -> Array:
        return np.asarray(np.mean(x, dtype=x.dtype, **self._along(x)))


@operation("max")
class ReduceMax(Reduction):
    """The greatest element; NaN where one is.

    Of several greatest elements each has an equal part of the gradient; in MXNet each has it all.

    Along `axis` (a number or a list; none for all), which disappears unless `keepdims`.
    ONNX: ReduceMax.

        peak = x |> max(axis = -1)
    """

    elements = Elements.SELECTED

    def reference(self, x: Array) -> Array:
        return np.asarray(np.max(x, **self._along(x)))


@operation("min")
class ReduceMin(Reduction):
    """The least element; NaN where one is.

    Of several least elements each has an equal part of the gradient; in MXNet each has it all.

    Along `axis` (a number or a list; none for all), which disappears unless `keepdims`.
    ONNX: ReduceMin.

        low = x |> min(axis = -1)
    """

    elements = Elements.SELECTED

    def reference(self, x: Array) -> Array:
        return np.asarray(np.min(x, **self._along(x)))


@operation("prod")
class ReduceProd(Reduction):
    """The product of the elements, in their own dtype.

    Along `axis` (a number or a list; none for all), which disappears unless `keepdims`.
    ONNX: ReduceProd.

        volume = edges |> prod(axis = -1)
    """

    def reference(self, x: Array) -> Array:
        return np.asarray(np.prod(x, dtype=x.dtype, **self._along(x)))


@dataclass(frozen=True)
class _Spread(Reduction):
    needs_float = True
    work = 4
    correction: int = 0

    def __post_init__(self) -> None:
        message = f"`correction` must be 0 or 1, not {self.correction}"
        require(self.correction in (0, 1), "correction", message)

    def infer(self, x: TensorType) -> TensorType:
        result = super().infer(x)
        self.constraints(x)
        return result

    def constraints(self, x: TensorType) -> tuple[Requirement, ...]:
        """With a correction, one number alone would have 0 / 0."""
        if not self.correction:
            return ()
        count = dims.product(x.shape[axis] for axis in self.axes(x.rank))
        message = "`correction = 1` divides by one less than the number of elements, which is 1"
        return at_most(2, count, OpError("E0301", message, operand=0))

    def variance(self, x: Array) -> Array:
        """`sum((x - mean(x)) ** 2) / (n - correction)`."""
        return np.asarray(np.var(x, dtype=x.dtype, ddof=self.correction, **self._along(x)))


@operation("var")
class Variance(_Spread):
    """The variance of floating-point elements, `sum((x - mean(x)) ** 2) / (n - correction)`.

    `correction = 0` is the biased one (NumPy's default), 1 the unbiased (PyTorch's).  Along
    `axis` (a number or a list; none for all), which disappears unless `keepdims`.
    ONNX: ReduceMean of the squares of x - ReduceMean.

        spread = x |> var(axis = 1)
    """

    def reference(self, x: Array) -> Array:
        return self.variance(x)


@operation("std")
class StandardDeviation(_Spread):
    """The square root of `var`, of floating-point elements.

    `correction = 0` is the biased one (NumPy's default), 1 the unbiased (PyTorch's).  Along
    `axis` (a number or a list; none for all), which disappears unless `keepdims`.
    The gradient of elements that are all equal is 0.
    ONNX: Sqrt of the variance.

        spread = x |> std(axis = 1)
    """

    def reference(self, x: Array) -> Array:
        return np.asarray(np.sqrt(self.variance(x)))


@operation("logsumexp")
class ReduceLogSumExp(Reduction):
    """`log(sum(exp(x)))` of floating-point elements, without overflow.

    Along `axis` (a number or a list; none for all), which disappears unless `keepdims`.
    ONNX: ReduceLogSumExp.

        normalizer = scores |> logsumexp(axis = -1)
    """

    needs_float = True
    work = 4

    def reference(self, x: Array) -> Array:
        axes = self.axes(x.ndim)
        peak = np.max(x, axis=axes, keepdims=True)
        peak = np.where(np.isfinite(peak), peak, np.zeros_like(peak))
        total = np.sum(np.exp(x - peak), axis=axes, keepdims=True)
        result: Array = peak + np.log(total)
        return result if self.keepdims else np.squeeze(result, axis=axes)


@operation("l1")
class ReduceL1(Reduction):
    """The sum of the absolute values.

    Along `axis` (a number or a list; none for all), which disappears unless `keepdims`.
    ONNX: ReduceL1.

        penalty = l1(weight)
    """

    work = 2

    def reference(self, x: Array) -> Array:
        return np.asarray(np.sum(np.abs(x), dtype=x.dtype, **self._along(x)))


@operation("l2")
class ReduceL2(Reduction):
    """The square root of the sum of the squares, of floating-point elements.

    Along `axis` (a number or a list; none for all), which disappears unless `keepdims`.
    The gradient of elements that are all 0 is 0.
    ONNX: ReduceL2.

        length = x |> l2(axis = 1)
    """

    needs_float = True
    work = 2

    def reference(self, x: Array) -> Array:
        return np.asarray(np.sqrt(np.sum(np.square(x), dtype=x.dtype, **self._along(x))))


@operation("sum_square")
class ReduceSumSquare(Reduction):
    """The sum of the squares.

    Along `axis` (a number or a list; none for all), which disappears unless `keepdims`.
    ONNX: ReduceSumSquare.

        energy = x |> sum_square(axis = 1)
    """

    work = 2

    def reference(self, x: Array) -> Array:
        return np.asarray(np.sum(np.square(x), dtype=x.dtype, **self._along(x)))


@operation("log_sum")
class ReduceLogSum(Reduction):
    """The logarithm of the sum of floating-point elements; NaN where that is negative.

    Along `axis` (a number or a list; none for all), which disappears unless `keepdims`.
    ONNX: ReduceLogSum.

        evidence = likelihoods |> log_sum(axis = -1)
    """

    needs_float = True
    partial = True
    work = 2

    def reference(self, x: Array) -> Array:
        return np.asarray(np.log(np.sum(x, dtype=x.dtype, **self._along(x))))


@operation("norm")
@dataclass(frozen=True)
class Norm(Reduction):
    """The p-norm `sum(abs(x) ** p) ** (1 / p)` of floating-point elements.

    Along `axis` (a number or a list; none for all), which disappears unless `keepdims`.
    The gradient of elements that are all 0 is 0.
    ONNX: ReduceL1 and ReduceL2 for p of 1 and 2, else Pow of ReduceSum of Pow.

        length = x |> norm(axis = 1)
    """

    needs_float = True
    work = 3
    p: float = 2.0

    def __post_init__(self) -> None:
        require(self.p > 0, "p", f"`p` must be positive, not {self.p}")

    def reference(self, x: Array) -> Array:
        powers = np.power(np.abs(x), np.asarray(self.p, x.dtype))
        total = np.sum(powers, dtype=x.dtype, **self._along(x))
        return np.asarray(np.power(total, np.asarray(1 / self.p, x.dtype)))


@dataclass(frozen=True)
class _OfBools(Reduction):
    def element(self, x: TensorType) -> TensorType:
        return require_bool(x)


@operation("any")
class ReduceAny(_OfBools):
    """Whether at least one of the bools is true.

    Along `axis` (a number or a list; none for all), which disappears unless `keepdims`.
    ONNX: ReduceMax of Cast.

        seen = mask |> any(axis = 1)
    """

    def reference(self, x: Array) -> Array:
        return np.asarray(np.any(x, **self._along(x)))


@operation("all")
class ReduceAll(_OfBools):
    """Whether all of the bools are true.

    Along `axis` (a number or a list; none for all), which disappears unless `keepdims`.
    ONNX: ReduceMin of Cast.

        full = mask |> all(axis = 1)
    """

    def reference(self, x: Array) -> Array:
        return np.asarray(np.all(x, **self._along(x)))
