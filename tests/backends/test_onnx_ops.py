"""Every operation in ONNX Runtime gives what its reference gives, at two sizes of each symbol."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import onnx
import pytest

import tercet.backends.onnx
from tercet.backends.onnx.builder import lower
from tercet.compiler import dims
from tercet.compiler.ops import attention as att
from tercet.compiler.ops import elementwise as el
from tercet.compiler.ops import indexing, joining, linear, norm, pooling, reduce, shape
from tercet.compiler.ops.base import OPERATIONS, Op
from tercet.compiler.ops.loss import Loss
from tercet.compiler.ops.slicing import Index, Integer, Item, NewAxis, Slice
from tercet.compiler.types import DType, TensorType
from tercet.dsl.diagnostics import DiagnosticError
from tests.backends.onnx_graphs import Array, check_graph, draw_weights, op_graph
from tests.ops.cases import CASES
from tests.ops.frame import Input, OpCase
from tests.ops.layer_cases import CASES as LAYER_CASES

N, T, H, W = map(dims.symbol, "NTHW")
SIZES = ({"N": 2, "T": 5, "H": 12, "W": 13}, {"N": 3, "T": 7, "H": 16, "W": 11})
UNSUPPORTED = {name for name, reason in lower.coverage().items() if reason is not None}
EXPRESSIBLE = [case for case in (*CASES, *LAYER_CASES) if case.op.name not in UNSUPPORTED]


def test_every_operation_is_lowered_or_says_why_not() -> None:
    assert tercet.backends.onnx.lower is lower
    missing = [name for name, reason in lower.coverage().items() if reason == "missing"]
    assert not missing
    training = {name for name, op in OPERATIONS.items() if op.train_only}
    losses = {name for name, op in OPERATIONS.items() if issubclass(op, Loss)}
    assert training | losses == UNSUPPORTED


# -------------------------------------------------------------------------- the table of all cases


def _single(type: TensorType | None) -> TensorType | None:
    """Records are in f64, for which ONNX Runtime lacks operators."""
    return type.with_dtype(DType.F32) if type is not None and type.dtype is DType.F64 else type


@pytest.mark.parametrize("case", EXPRESSIBLE, ids=lambda case: case.name)
def test_the_reference_is_met(case: OpCase) -> None:
    given = {f"x{i}": operand for i, operand in enumerate(case.inputs) if operand is not None}
    graph = op_graph(case.op, [_single(type) for type in case.types(case.symbolic)])
    settings = [{f"S{n}": n + more for n in case.symbolic} for more in (0, 2)]
    random = case.generator("onnx")

    def draw(name: str, type: TensorType, sizes: tuple[int, ...]) -> Array:
        return replace(given[name], shape=sizes).draw(random)

    check_graph(graph, settings if case.symbolic else settings[:1], draw, case.tolerance)


# --------------------------------------------------------- what the table does not have: symbols in
# attributes, integers of all sizes, slices in all directions, windows that reach beyond the end


def _f32(*sizes: dims.Size) -> TensorType:
    return TensorType(DType.F32, sizes)


def _draw(name: str, type: TensorType, sizes: tuple[int, ...]) -> Array:
    random = np.random.default_rng(len(name) + sum(sizes))
    if type.dtype.is_integer:
        return random.integers(1, 4, sizes)
    return random.random(sizes) < 0.7 if type.dtype is DType.BOOL else random.normal(size=sizes)


def _check(op: Op, *types: TensorType | None) -> None:
    check_graph(op_graph(op, types, [_f32(N, T)]), SIZES, _draw)


X = _f32(N, T, 6)
SYMBOLIC: list[tuple[Op, tuple[TensorType | None, ...]]] = [
    (shape.Reshape((N, T, 2, 3)), (X,)),
    (shape.Reshape((N, -1)), (X,)),
    (shape.Reshape((N * T, 2, -1)), (X,)),
    (shape.Reshape((T, 6, N)), (X,)),
    (shape.Flatten(0, 1), (X,)),
    (shape.Flatten(2, 3), (_f32(N, 3, H, W),)),
    (shape.Expand((N, -1, -1)), (_f32(1, T, 6),)),
    (shape.Expand((3, -1, T, -1)), (_f32(N, 1, 6),)),
    (shape.BroadcastTo((N, 2, T, T)), (_f32(N, 1, 1, T),)),
    (shape.BroadcastTo((N, T, 6)), (X,)),
    (joining.Split((1, T - 1), 1), (X,)),
    (joining.Split((T // 2, T - T // 2), 1), (X,)),
    (joining.Tile((1, 2, N)), (X,)),
    (joining.Repeat(N, 0), (X,)),
    (joining.Repeat(2, -1), (X,)),
    (el.Constant(T, DType.F32), ()),
    (el.Constant((T - 9) // 2, DType.I64), ()),
    (el.Constant((T - 9) % N, DType.I64), ()),
    (el.Constant(dims.minimum(T, 6) * dims.maximum(N, 3), DType.I32), ()),
    (indexing.Arange(T), ()),
    (indexing.Arange(1, T, 2, DType.F32), ()),
    (indexing.Arange(T, 0, -1), ()),
    (indexing.Full((N, 3), 0.5), ()),
    (indexing.Full((T, 2), True, DType.BOOL), ()),
    (reduce.Variance(1, correction=1), (X,)),
    (reduce.StandardDeviation(correction=1), (X,)),
    (norm.GroupNorm(2), (_f32(N, 4, H, W),)),
    (pooling.AdaptiveAvgPool2d((1, 3)), (_f32(N, 4, H, 9),)),
    (att.ScaledDotProductAttention(causal=True), (_f32(N, 2, T, H),) * 3),
    (
        att.ScaledDotProductAttention(causal=True),
        (_f32(N, 6, 4), _f32(N, T, 4), _f32(N, T, 5), TensorType(DType.BOOL, (N, 1, T))),
    ),
]


@pytest.mark.parametrize("op, types", SYMBOLIC, ids=str)
def test_sizes_are_computed_at_run_time(op: Op, types: tuple[TensorType | None, ...]) -> None:
    if isinstance(op, att.ScaledDotProductAttention) and len(types) == 4:

        def visible(name: str, type: TensorType, sizes: tuple[int, ...]) -> Array:
            array = _draw(name, type, sizes)
            if type.dtype is DType.BOOL:
                array[..., 0] = True
            return array

        check_graph(op_graph(op, types), SIZES, visible)
    else:
        _check(op, *types)


ALL = Slice()
INDICES: list[tuple[Item, ...]] = [
    (Integer(0),),
    (ALL, Integer(-1)),
    (ALL, Integer(0), Integer(2)),
    (ALL, Slice(step=2)),
    (ALL, Slice(1), Slice(stop=-2)),
    (ALL, Slice(step=-1)),
    (ALL, Slice(step=-2)),
    (ALL, Slice(3, step=-1)),
    (ALL, Slice(stop=0, step=-2)),
    (ALL, Slice(-2, 1, -1)),
    (ALL, Slice(0, T - 1)),
    (ALL, Slice(T - 2, T)),
    (ALL, Slice(T - 1, T // 2, -1)),
    (ALL, Slice(-T)),
    (ALL, Integer(T - 1)),
    (ALL, Slice(-1)),
    (ALL, Slice(T // 2)),
    (ALL, ALL, Slice(4, 0, -2)),
    (ALL, ALL, Slice(step=-4)),
    (NewAxis(), ALL, Integer(1), NewAxis()),
    (ALL, NewAxis(), Slice(1, 3), Slice(step=3)),
]


@pytest.mark.parametrize("items", INDICES, ids=lambda items: ", ".join(map(str, items)))
def test_indices_of_all_kinds(items: tuple[Item, ...]) -> None:
    _check(Index(items), X)


def _integer_operations() -> Sequence[tuple[Op, int]]:
    """Operations of integers, and how many operands they take."""
    binary = (el.Add, el.Subtract, el.Multiply, el.FloorDivide, el.Modulo, el.Power)
    ordered = (el.Minimum, el.Maximum, el.Equal, el.NotEqual, el.Less, el.GreaterEqual)
    unary = (el.Abs(), el.Sign(), el.Square(), el.Clip(1, 2), indexing.ArgMax(1), indexing.Tril())
    reductions = (reduce.ReduceSum(1), reduce.ReduceMax(), reduce.ReduceL1(1), reduce.ReduceProd(0))
    others = (
        indexing.CumSum(1),
        indexing.TopK(2),
        indexing.Sort(1),
        joining.Pad(((0, 0), (1, 2)), value=2),
    )
    return [
        *((op(), 2) for op in (*binary, *ordered)),
        *((op, 1) for op in (*unary, *reductions, *others)),
        (joining.Concat(0), 2),
    ]


@pytest.mark.parametrize("dtype", [DType.I32, DType.I8, DType.U8])
@pytest.mark.parametrize("op, operands", _integer_operations(), ids=str)
def test_integers_of_every_size(op: Op, operands: int, dtype: DType) -> None:
    _check(op, *(TensorType(dtype, (N, T)),) * operands)


@pytest.mark.parametrize("dtype", [DType.I32, DType.I8, DType.U8])
def test_matrices_of_integers_and_choices_between_them(dtype: DType) -> None:
    x = TensorType(dtype, (N, T))
    _check(linear.MatMul(), x, TensorType(dtype, (T, 3)))
    _check(el.Where(), TensorType(DType.BOOL, (N, T)), x, x)


def test_choices_between_booleans_and_infinities_of_halves() -> None:
    condition, x = TensorType(DType.BOOL, (N, 1)), TensorType(DType.BOOL, (N, T))
    _check(el.Where(), condition, x, TensorType(DType.BOOL, (1, T)))

    def infinite(name: str, type: TensorType, sizes: tuple[int, ...]) -> Array:
        return np.where(_draw(name, type, sizes) > 1, np.inf, -1)

    check_graph(op_graph(el.IsInf(), [TensorType(DType.F16, (N, T))]), SIZES, infinite)


WITHOUT_BF16 = {
    *("adaptive_avg_pool2d", "adaptive_max_pool2d", "avg_pool1d", "avg_pool2d", "avg_pool3d"),
    *("celu", "conv1d", "conv2d", "conv3d", "convolve1d", "convolve2d", "convolve3d"),
    *("convolve_transpose1d", "convolve_transpose2d", "convolve_transpose3d"),
    *("conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "cos"),
    *("elu", "global_avg_pool1d", "global_avg_pool2d", "global_max_pool2d"),
    *("group_norm", "gru", "hard_sigmoid", "hard_swish"),
    *("instance_norm", "log_sigmoid", "lstm", "max_pool1d"),
    *("max_pool2d", "max_pool3d", "mish", "rnn"),
    *("round", "selu", "sin", "softplus"),
    *("softsign", "tan", "topk"),
    *("acos", "acosh", "asin", "asinh", "atan", "atanh", "cosh", "sinh"),
    *("einsum", "grid_sample", "hard_shrink", "hardmax", "soft_shrink", "thresholded_relu"),
    *("global_max_pool1d", "global_max_pool3d", "local_response_norm", "lp_pool2d", "sort"),
}
"""Operations whose operators in ONNX take bf16 in later opsets only, if at all."""


@pytest.mark.parametrize("dtype", [DType.F16, DType.BF16, DType.F64])
def test_a_file_is_valid_or_refused(dtype: DType) -> None:
    refused = {}
    for case in EXPRESSIBLE:
        types = [
            type.with_dtype(dtype) if type is not None and type.dtype.is_float else type
            for type in case.types(case.symbolic)
        ]
        graph = op_graph(case.op, types)
        try:
            model = tercet.backends.onnx.to_onnx(graph, draw_weights(graph))
        except DiagnosticError as error:
            refused[case.op.name] = str(error)
        else:
            onnx.checker.check_model(model, full_check=True)
    assert refused.keys() == (WITHOUT_BF16 if dtype is DType.BF16 else set())
    for name, message in refused.items():
        assert re.search(rf"onnx cannot express `{name}` here: ONNX's \w+ takes no bf16", message)


WINDOWS = [
    ((2, 2), (3, 3), ((0, 1), (0, 1))),
    ((2, 3), (3, 2), ((1, 1), (1, 0))),
    ((3, 2), (2, 3), ((1, 1), (0, 1))),
]
SPATIAL: list[tuple[dims.Size, dims.Size]] = [(6, 7), (8, 6), (5, 9), (H, W)]


@pytest.mark.parametrize("sizes", SPATIAL, ids=str)
@pytest.mark.parametrize("kernel, stride, padding", WINDOWS, ids=str)
def test_windows_that_reach_beyond_the_end(
    sizes: tuple[dims.Size, dims.Size],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[tuple[int, int], tuple[int, int]],
) -> None:
    x = _f32(N, 2, *sizes)
    _check(pooling.MaxPool2d(kernel, stride, padding, ceil=True), x)
    for counted in (False, True):
        _check(pooling.AvgPool2d(kernel, stride, padding, True, counted), x)


@pytest.mark.parametrize("op", [reduce.Norm(), reduce.ReduceL2(), reduce.ReduceSum()], ids=str)
def test_reductions_of_a_scalar(op: reduce.Reduction) -> None:
    _check(op, _f32())


def test_the_case_table_has_inputs_of_every_kind() -> None:
    kinds = {i.kind for case in EXPRESSIBLE for i in case.inputs if isinstance(i, Input)}
    assert {"normal", "index", "mask", "length"} <= kinds
