"""Layers and their types: symbolic sizes, parameters, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tercet.compiler import dims
from tercet.compiler.dims import symbol
from tercet.compiler.errors import OpError
from tercet.compiler.initializers import Identity, Normal, Orthogonal, Uniform
from tercet.compiler.ops.activation import Softmax
from tercet.compiler.ops.attention import ScaledDotProductAttention
from tercet.compiler.ops.base import LayerOp, Op
from tercet.compiler.ops.conv import Conv1d, Conv2d, ConvTranspose2d
from tercet.compiler.ops.linear import Dense, Embedding, MatMul
from tercet.compiler.ops.loss import CrossEntropy, Mse
from tercet.compiler.ops.norm import BatchNorm, Dropout, GroupNorm, LayerNorm
from tercet.compiler.ops.pooling import AdaptiveAvgPool2d, MaxPool2d
from tercet.compiler.ops.recurrent import Lstm
from tercet.compiler.reference.interpreter import concretize
from tercet.compiler.types import DType, TensorType
from tests.ops.layer_cases import CASES

ROOT = Path(__file__).parents[2]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def f32(*shape: Any) -> TensorType:
    return TensorType(DType.F32, shape)


# ----------------------------------------------------------------------------------------- shapes

N, H, W, T = map(symbol, "NHWT")


def test_symbolic_convolution_gives_the_formula() -> None:
    op = Conv2d(8, (3, 3), (2, 2), ((1, 1), (1, 1)))
    assert str(op.infer(f32(N, 3, H, W))) == "f32[N, 8, (H + 1) // 2, (W + 1) // 2]"
    same = Conv2d(8, (3, 3), padding="same").infer(f32(N, 3, H, W))
    assert same == f32(N, 8, H, W)
    assert Conv2d(8, (3, 3), (2, 2), "same").infer(f32(N, 3, 4 * H, 2 * W)).shape[2] == 2 * H
    assert ConvTranspose2d(8, (2, 2), (2, 2)).infer(f32(N, 3, H, W)) == f32(N, 8, 2 * H, 2 * W)


def test_windows_that_may_not_fit_become_constraints() -> None:
    (rule,) = Conv1d(4, (5,)).constraints(f32(N, 3, T))
    assert rule == (1, "<=", T - 4)
    assert Conv1d(4, (5,), padding=((2, 2),)).constraints(f32(N, 3, T)) == ()


def test_ceil_with_a_symbolic_size_is_exact() -> None:
    for kernel, stride, pads in [(3, 2, (1, 1)), (2, 3, (1, 1)), (2, 2, (0, 0)), (4, 1, (3, 0))]:
        op = MaxPool2d((kernel, 1), (stride, 1), (pads, (0, 0)), ceil=True)
        formula = op.infer(f32(1, 1, H, 1)).shape[2]
        for size in range(max(1, kernel - sum(pads)), 20):
            expected = op.infer(f32(1, 1, size, 1)).shape[2]
            assert dims.evaluate(formula, {"H": size}) == expected


def test_parameters_have_documented_shapes_and_roles() -> None:
    def shapes(op: LayerOp, *types: Any) -> dict[str, tuple[Any, str]]:
        return {p.name: (p.type.shape, p.role) for p in op.parameters(*types)}

    image = f32(N, 6, H, W)
    assert shapes(Conv2d(4, (3, 5), groups=2), image) == {
        "weight": ((4, 3, 3, 5), "weight"),
        "bias": ((4,), "bias"),
    }
    transposed = shapes(ConvTranspose2d(4, (3, 5), groups=2, bias=False), image)
    assert transposed == {"weight": ((6, 2, 3, 5), "weight")}
    assert shapes(BatchNorm(), image) == {
        "weight": ((6,), "scale"),
        "bias": ((6,), "bias"),
        "running_mean": ((6,), "running_mean"),
        "running_var": ((6,), "running_var"),
    }
    assert [p.trainable for p in BatchNorm().parameters(image)] == [True, True, False, False]
    lstm = Lstm(5, layers=2, bidirectional=True)
    found = shapes(lstm, f32(N, T, 3), None, None, None)
    assert found["weight_reverse"] == ((20, 3), "weight")
    assert found["weight_1_reverse"] == ((20, 10), "weight")
    assert found["recurrent_weight_1"] == ((20, 5), "recurrent_weight")
    assert len(found) == 12
    assert Dropout().parameters(image) == ()


def test_recurrent_weights_are_orthogonal_gate_by_gate() -> None:
    spec = {p.name: p for p in Lstm(5).parameters(f32(N, T, 3))}["recurrent_weight"]
    sample = spec.init.sample(np.random.default_rng(0), (20, 5), spec.fans)
    for gate in np.split(sample, 4):
        np.testing.assert_allclose(gate @ gate.T, np.eye(5), atol=1e-12)


def test_valid_padding_is_zero_padding() -> None:
    assert Conv2d(4, (3, 3), padding="valid") == Conv2d(4, (3, 3))


def test_concretize_puts_numbers_in() -> None:
    op = AdaptiveAvgPool2d((2, 2))
    assert concretize(op, {}) is op
    assert concretize(Embedding(3, 4), {}, "float64") == Embedding(3, 4, DType.F64)


# ----------------------------------------------------------------------------------------- errors

IDS = TensorType(DType.I64, (N, T))
MASK = TensorType(DType.BOOL, (N, T))


@pytest.mark.parametrize(
    "op, types, code, words",
    [
        (Dense(3), [IDS], "E0305", "floating-point"),
        (Dense(3), [f32(N, T)], "E0314", "it is T"),
        (Dense(3), [f32()], "E0303", "at least 1 axis"),
        (Embedding(3, 4), [f32(N)], "E0305", "i64"),
        (MatMul(), [f32(N, 3), f32(4, 5)], "E0301", "3 is not 4"),
        (MatMul(), [f32(2, 5, 3), f32(3, 3, 5)], "E0302", "broadcast"),
        (MatMul(), [f32(N, T), f32(H, 5)], "E0301", "T is not H"),
        (MatMul(), [f32(2, 3), TensorType(DType.F64, (3, 2))], "E0304", "f64"),
        (Conv2d(4, (3, 3)), [f32(N, 3, H)], "E0303", "4 axes"),
        (Conv2d(4, (3, 3), groups=2), [f32(N, 3, H, W)], "E0312", "3 input channels"),
        (Conv2d(4, (5, 5)), [f32(N, 3, 2, 2)], "E0311", "window of 5 does not fit into axis 2"),
        (Conv2d(4, (3, 3)), [f32(N, H, 8, 8)], "E0314", "channels"),
        (Conv2d(4, (3, 3), (2, 2), "same"), [f32(N, 3, H, 8)], "E0504", "depends on H"),
        (MaxPool2d((3, 3)), [f32(N, 3, 8, 2)], "E0311", "of size 2"),
        (AdaptiveAvgPool2d((3, 3)), [f32(N, 3, 8, H)], "E0314", "the size of axis 3"),
        (
            MaxPool2d((2, 2), padding=((1, 1), (1, 1)), dilation=(4, 1)),
            [f32(N, 3, 3, 9)],
            "E0311",
            "steps over",
        ),
        (GroupNorm(4), [f32(N, 6, H)], "E0312", "6 channels"),
        (LayerNorm((1,)), [f32(N, 6, 4)], "E0309", "last ones"),
        (Softmax(2), [f32(N, 6)], "E0309", "from -2 to 1"),
        (Lstm(4), [f32(N, 6), None, None, None], "E0303", "3 axes"),
        (Lstm(4), [f32(N, T, 6), f32(2, N, 4), None, None], "E0301", "[1, N, 4]"),
        (
            ScaledDotProductAttention(),
            [f32(N, T, 4), f32(N, T, 5), f32(N, T, 4), None],
            "E0301",
            "5 is not 4",
        ),
        (
            ScaledDotProductAttention(),
            [f32(N, T, 4), f32(N, T, 4), f32(N, T, 4), TensorType(DType.I64, (T, T))],
            "E0305",
            "or f32, added to the scores, not i64",
        ),
        (CrossEntropy(), [f32(N, 10), f32(N), None], "E0305", "class indices"),
        (CrossEntropy(), [f32(N, T, 10), IDS, None], "E0301", "[N, 10]"),
        (Mse(), [f32(N, 1), f32(N), None], "E0303", "[N, 1]"),
        (Mse(), [f32(N, 4), f32(N, 4), f32(N)], "E0302", "broadcast"),
    ],
)
def test_wrong_types_are_refused(op: Op, types: list[Any], code: str, words: str) -> None:
    with pytest.raises(OpError) as caught:
        op.infer_types(types)
    assert caught.value.code == code
    assert words in caught.value.message


@pytest.mark.parametrize(
    "make, attribute",
    [
        (lambda: Conv2d(0, (3, 3)), "channels"),
        (lambda: Conv2d(4, (0, 3)), "kernel"),
        (lambda: Conv2d(4, (3, 3), groups=3), "groups"),
        (lambda: Conv2d(4, (3, 3), padding=((1, -1), (0, 0))), "padding"),
        (lambda: ConvTranspose2d(4, (2, 2), output_padding=(1, 1)), "output_padding"),
        (lambda: ConvTranspose2d(4, (2, 2), (3, 3), padding="same"), "padding"),
        (lambda: MaxPool2d((2, 2), padding=((2, 0), (0, 0))), "padding"),
        (lambda: Dropout(1.0), "rate"),
        (lambda: BatchNorm(eps=0.0), "eps"),
        (lambda: BatchNorm(64), "eps"),
        (lambda: BatchNorm(momentum=1.5), "momentum"),
        (lambda: CrossEntropy(label_smoothing=2.0), "label_smoothing"),
        (lambda: Lstm(4, layers=0), "layers"),
        (lambda: Lstm(4, dropout=0.1), "dropout"),
        (lambda: Lstm(4, layers=2, dropout=1.0), "dropout"),
        (lambda: Normal(std=-1.0), "std"),
        (lambda: Uniform(2.0, 1.0), "low"),
        (lambda: Conv2d(4, (3, 3), init=Identity()).parameters(f32(N, 3, H, W)), "init"),
        (lambda: Dense(4, bias_init=Orthogonal()).parameters(f32(N, 3)), "bias_init"),
    ],
)
def test_wrong_attributes_are_refused(make: Any, attribute: str) -> None:
    with pytest.raises(OpError) as caught:
        make()
    assert (caught.value.code, caught.value.attribute) == ("E0504", attribute)


def test_indices_out_of_range_are_refused() -> None:
    table = np.zeros((4, 2))
    for wrong in (4, -1):
        with pytest.raises(ValueError, match=f"id {wrong} is outside 0 to 3"):
            Embedding(4, 2).reference(np.array([0, wrong]), table)
        with pytest.raises(ValueError, match=f"class {wrong} is outside 0 to 3"):
            CrossEntropy().reference(np.zeros((2, 4)), np.array([0, wrong]))
