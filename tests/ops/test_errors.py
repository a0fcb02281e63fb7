"""What operations refuse, with which code, and the numbers that the message must hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tercet.compiler import dims
from tercet.compiler.errors import OpError
from tercet.compiler.ops import (
    activation,
    indexing,
    joining,
    linear,
    norm,
    pooling,
    random,
    reduce,
    resizing,
    scattering,
    shape,
)
from tercet.compiler.ops import elementwise as el
from tercet.compiler.ops.base import Op
from tercet.compiler.ops.einsum import Einsum
from tercet.compiler.ops.sampling import GridSample
from tercet.compiler.ops.slicing import Index, Integer, Slice
from tercet.compiler.types import DType, TensorType
from tercet.dsl.codes import CODES

N, M, D, T = map(dims.symbol, "NMDT")


def f32(*sizes: Any) -> TensorType:
    return TensorType(DType.F32, sizes)


def i64(*sizes: Any) -> TensorType:
    return TensorType(DType.I64, sizes)


def u8(*sizes: Any) -> TensorType:
    return TensorType(DType.U8, sizes)


def mask(*sizes: Any) -> TensorType:
    return TensorType(DType.BOOL, sizes)


X = f32(2, 3)

REFUSED: list[tuple[Op, list[TensorType], str, str]] = [
    (el.Add(), [f32(N, 3), f32(N, 4)], "E0302", r"\[N, 3\] and \[N, 4\]"),
    (el.Add(), [f32(N, 3), f32(M, 3)], "E0302", "N is not M"),
    (el.Add(), [f32(N), f32(3)], "E0302", "N is not 3"),
    (el.Add(), [f32(3), i64(3)], "E0304", "f32 and i64"),
    (el.Add(), [mask(3), mask(3)], "E0305", "bool"),
    (el.Divide(), [i64(3), i64(3)], "E0305", "i64"),
    (el.Less(), [mask(3), mask(3)], "E0305", "bool"),
    (el.LogicalAnd(), [mask(3), X], "E0305", "f32"),
    (el.LogicalNot(), [X], "E0305", "f32"),
    (el.Negate(), [u8(3)], "E0305", "u8"),
    (resizing.Resize(3), [i64(2, 3, 4)], "E0305", "i64"),
    (resizing.Resize(3), [X], "E0303", "needs 3 to 5 axes"),
    (resizing.Resize((3, 4)), [f32(2, 3, 4)], "E0303", "2 numbers, and x has 1"),
    (resizing.Resize(3, mode="cubic"), [f32(2, 3, 4)], "E0303", "images, of 4 axes"),
    (resizing.Upsample(0.1), [f32(2, 3, 4)], "E0311", "would be empty"),
    (resizing.Upsample(1.3), [f32(2, 3, T)], "E0504", "multiples of 1/64"),
    (el.Exp(), [i64(3)], "E0305", "i64"),
    (el.IsNan(), [i64(3)], "E0305", "i64"),
    (el.Where(), [X, X, X], "E0305", "f32"),
    (el.Where(), [mask(4), X, X], "E0302", r"\[4\] and \[2, 3\]"),
    (GridSample(), [f32(2, 3, 5, 5, 5), f32(2, 4, 4, 4, 3)], "E0303", "volumes are not supported"),
    (GridSample(), [f32(2, 3, 5, 7), f32(2, 4, 6, 3)], "E0301", "must be 2"),
    (GridSample(), [f32(2, 3, 5, 7), f32(N, 4, 6, 2)], "E0301", "2 examples and grid N"),
    (GridSample(), [f32(2, 3, 5, 7), f32(4, 6, 2)], "E0303", "needs 4 axes"),
    (GridSample(), [f32(2, 3, 5, 7), i64(2, 4, 6, 2)], "E0304", "f32, not i64"),
    (GridSample(), [i64(2, 3, 5, 7), f32(2, 4, 6, 2)], "E0305", "i64"),
    (el.Clip(0.5), [i64(3)], "E0504", "min"),
    (el.Clip(max=256), [u8(3)], "E0504", "`max` .* u8, not 256"),
    (el.Clip(0), [mask(3)], "E0305", "bool"),
    (shape.Reshape((4, 2)), [X], "E0308", "6 elements"),
    (shape.Reshape((4, -1)), [X], "E0308", "multiple of 4"),
    (shape.Reshape((-1, 9)), [X], "E0308", "multiple of 9"),
    (shape.Reshape((N, 784)), [f32(N, 28, 27)], "E0308", "756 \\* N"),
    (shape.Reshape((M, 784)), [f32(N, 784)], "E0308", "784 \\* N"),
    (shape.Flatten(), [f32(3)], "E0309", "axis 1"),
    (shape.Flatten(2, 1), [f32(2, 3, 4)], "E0504", "axis 2"),
    (shape.Transpose((0, 1, 2)), [X], "E0303", "3 axes"),
    (shape.Squeeze(0), [X], "E0301", "size 2"),
    (shape.Squeeze(0), [f32(N, 3)], "E0301", "size N"),
    (shape.Squeeze((0, 0)), [f32(1, 3)], "E0504", "twice"),
    (shape.Squeeze(()), [f32(1, 3)], "E0504", "at least one axis"),
    (shape.Unsqueeze(4), [X], "E0309", "axis 4"),
    (shape.Expand((4, 3)), [X], "E0302", "2 is not 4"),
    (shape.Expand((-1, 2, 3)), [X], "E0303", "-1"),
    (shape.BroadcastTo((1, 3)), [X], "E0302", r"\[1, 3\]"),
    (joining.Concat(0), [X, f32(2, 4)], "E0301", "3 is not 4"),
    (joining.Concat(0), [X, f32(2, 3, 4)], "E0303", "different numbers of axes"),
    (joining.Concat(2), [X, X], "E0309", "axis 2"),
    (joining.Concat(0), [X, i64(2, 3)], "E0304", "f32 and i64"),
    (joining.Stack(), [X, f32(3, 2)], "E0301", r"f32\[3, 2\]"),
    (joining.Split(2, axis=1), [X], "E0312", "3 of axis 1 is not a multiple of 2"),
    (joining.Split((1, 1), axis=1), [X], "E0301", "add up to 2"),
    (joining.Chunk(2), [f32(N, 3)], "E0314", "N"),
    (joining.Pad(((1, 1),)), [X], "E0303", "1 pairs"),
    (joining.Pad(((0, 0), (0, 3)), mode="reflect"), [X], "E0504", "3 reflected"),
    (joining.Pad(((1, 1),), value=0.5), [i64(3)], "E0504", "integer"),
    (joining.Pad(((1, 1),), value=-1), [u8(3)], "E0504", "u8, not -1"),
    (joining.Pad(((1, 1),), value=2), [mask(3)], "E0504", "bool, not 2"),
    (joining.Tile((2,)), [X], "E0303", "2 axes"),
    (joining.Repeat(2, 5), [X], "E0309", "axis 5"),
    (joining.Flip((0, -2)), [X], "E0504", "twice"),
    (Index((Integer(2),)), [X], "E0310", "2 is outside"),
    (Index((Integer(-3),)), [X], "E0310", "-3 is outside"),
    (Index((Integer(N),)), [f32(N)], "E0310", "N is outside"),
    (Index((Slice(2, 2),)), [X], "E0311", "2:2"),
    (Index((Slice(T, T),)), [f32(128)], "E0311", "empty"),
    (Index((Integer(0),) * 3), [X], "E0303", "3 indices"),
    (indexing.Gather(), [X, f32(2)], "E0305", "f32"),
    (indexing.Gather(), [f32(), i64(2)], "E0303", "1"),
    (indexing.OneHot(3), [X], "E0305", "f32"),
    (indexing.Arange(5, 5), [], "E0311", "5"),
    (indexing.Arange(0, 301, 100, DType.U8), [], "E0504", "u8, not 300"),
    (indexing.Tril(), [f32(3)], "E0303", "2"),
    (indexing.ArgMax(2), [X], "E0309", "axis 2"),
    (indexing.TopK(4), [X], "E0504", "4"),
    (indexing.Sort(2), [X], "E0309", "axis 2"),
    (indexing.Sort(), [mask(3)], "E0305", "bool"),
    (joining.Unbind(), [f32(N, 3)], "E0314", "N"),
    (activation.Glu(), [X], "E0312", "3 of axis -1 has no halves"),
    (shape.PixelShuffle(2), [f32(N, 6, 4, 4)], "E0312", "6 of axis 1 is not a multiple of 4"),
    (shape.PixelUnshuffle(2), [f32(N, 6, 4, 5)], "E0312", "5 of axis 3"),
    (linear.Outer(), [X, f32(3)], "E0303", "1 axis"),
    (linear.Outer(), [f32(3), i64(3)], "E0304", "f32"),
    (scattering.TakeAlongAxis(1), [X, f32(2, 3)], "E0305", "f32"),
    (scattering.TakeAlongAxis(1), [X, i64(3, 3)], "E0301", r"\[2, 3\]"),
    (scattering.TakeAlongAxis(1), [X, i64(3)], "E0303", "2 axes"),
    (scattering.GatherNd(), [X, i64(4, 3)], "E0303", "3 axes"),
    (scattering.GatherNd(), [X, i64(4, N)], "E0314", "N"),
    (scattering.Scatter(), [X, i64(2, 4), f32(2, 3)], "E0301", r"updates .* \[2, 4\]"),
    (scattering.Scatter("add"), [mask(3), i64(2), mask(2)], "E0305", "bool"),
    (scattering.ScatterNd(), [X, i64(4, 1), f32(4)], "E0303", r"\[4, 3\]"),
    (scattering.ScatterNd(), [X, i64(4, 2), i64(4)], "E0304", "f32"),
    (Einsum("ij,jk"), [X, f32(4, 5)], "E0301", "j is 3 in one tensor and 4"),
    (Einsum("ij,jk"), [X], "E0504", "2 tensors, not 1"),
    (Einsum("ijk->k"), [X], "E0303", "3 letters"),
    (Einsum("i->i"), [i64(3)], "E0305", "i64"),
    (reduce.ReduceSum(axis=2), [X], "E0309", "axis 2"),
    (reduce.ReduceSum(axis=(0, -2)), [X], "E0504", "twice"),
    (reduce.ReduceSum(axis=()), [X], "E0504", "at least one axis"),
    (reduce.ReduceSum(), [mask(3)], "E0305", "bool"),
    (reduce.ReduceMean(), [i64(3)], "E0305", "i64"),
    (reduce.ReduceAny(), [X], "E0305", "f32"),
]


@pytest.mark.parametrize("op, types, code, text", REFUSED)
def test_refused(op: Op, types: list[TensorType], code: str, text: str) -> None:
    with pytest.raises(OpError, match=text) as caught:
        op.infer_types(types)
    assert caught.value.code == code
    assert code in CODES


ILLEGAL: list[tuple[str, Callable[[], Op]]] = [
    ("min", lambda: el.Clip()),
    ("min", lambda: el.Clip(2.0, 1.0)),
    ("shape", lambda: shape.Reshape((-1, -1))),
    ("shape", lambda: shape.Reshape((0, 3))),
    ("shape", lambda: shape.BroadcastTo((-1, 3))),
    ("permutation", lambda: shape.Transpose((0, 0))),
    ("permutation", lambda: shape.Permute((0, 2))),
    ("sections", lambda: joining.Split(0)),
    ("sections", lambda: joining.Split((1, 0))),
    ("sections", lambda: joining.Split(())),
    ("chunks", lambda: joining.Chunk(0)),
    ("pads", lambda: joining.Pad(((-1, 0),))),
    ("repeats", lambda: joining.Tile((0,))),
    ("count", lambda: joining.Repeat(0, 0)),
    ("items", lambda: Index((Slice(step=0),))),
    ("items", lambda: Index.of([..., ...], 3)),
    ("classes", lambda: indexing.OneHot(0)),
    ("step", lambda: indexing.Arange(3, 5, 0)),
    ("dtype", lambda: indexing.Arange(3, dtype=DType.BOOL)),
    ("shape", lambda: indexing.Full((0,), 1.0)),
    ("value", lambda: indexing.Full((2,), True)),
    ("value", lambda: indexing.Full((2,), 1.5, DType.I64)),
    ("value", lambda: indexing.Full((2,), 2**31, DType.I32)),
    ("k", lambda: indexing.TopK(0)),
    ("threshold", lambda: activation.HardShrink(-0.5)),
    ("threshold", lambda: activation.SoftShrink(-0.5)),
    ("factor", lambda: shape.PixelShuffle(0)),
    ("size", lambda: norm.LocalResponseNorm(4)),
    ("k", lambda: norm.LocalResponseNorm(5, k=0.0)),
    ("p", lambda: pooling.LpPool2d((2, 2), p=0)),
    ("dilation", lambda: pooling.MaxPool2d((2, 2), dilation=(1, 0))),
    ("sizes", lambda: resizing.Resize()),
    ("sizes", lambda: resizing.Resize((3, 4), 2.0)),
    ("sizes", lambda: resizing.Resize((3, 0))),
    ("scale", lambda: resizing.Upsample(0.0)),
    ("scale", lambda: resizing.Resize(None, (1.0, -2.0))),
    ("rounding", lambda: resizing.Resize(3, mode="linear", rounding="floor")),
    ("a", lambda: resizing.Resize(3, mode="linear", a=-0.5)),
    ("equation", lambda: Einsum("ii->i")),
    ("equation", lambda: Einsum("...i->i")),
    ("equation", lambda: Einsum("ij->ik")),
    ("equation", lambda: Einsum("ij->jj")),
    ("correction", lambda: reduce.Variance(correction=2)),
    ("p", lambda: reduce.Norm(p=0.0)),
    ("shape", lambda: random.RandomNormal((0,))),
    ("std", lambda: random.RandomNormal((2,), std=-1.0)),
    ("low", lambda: random.RandomUniform((2,), low=1.0)),
    ("dtype", lambda: random.RandomUniform((2,), dtype=DType.F16)),
    ("p", lambda: random.RandomBernoulli((2,), p=1.5)),
]


@pytest.mark.parametrize("attribute, build", ILLEGAL)
def test_illegal_attribute(attribute: str, build: Callable[[], Op]) -> None:
    with pytest.raises(OpError) as caught:
        build()
    assert caught.value.code == "E0504"
    assert caught.value.attribute == attribute
