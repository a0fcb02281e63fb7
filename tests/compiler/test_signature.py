"""Signatures: the arguments of a call become the fields of an operation."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest

from tercet.compiler.conversions import WRONG, conversion
from tercet.compiler.dims import Size, symbol
from tercet.compiler.initializers import INITIALIZERS, Initializer, Normal, Orthogonal, Zeros
from tercet.compiler.ops.base import OPERATIONS, Padding, PerAxis
from tercet.compiler.ops.conv import Conv2d
from tercet.compiler.signature import signature
from tercet.compiler.training import CLIPS, METRICS, OPTIMIZERS, SCHEDULES
from tercet.compiler.types import DType, Shape

N = symbol("N")


@pytest.mark.parametrize(
    "hint, given, expected",
    [
        (int, 3, 3),
        (int, True, WRONG),
        (int, 3.0, WRONG),
        (int, N, WRONG),
        (float, 3, 3.0),
        (float, False, WRONG),
        (bool, True, True),
        (bool, 1, WRONG),
        (str, "a", "a"),
        (str, DType.F32, WRONG),
        (DType, DType.F32, DType.F32),
        (DType, "f32", WRONG),
        (Size, N, N),
        (Size, 3, 3),
        (Size, 3.0, WRONG),
        (Shape, (N, 3), (N, 3)),
        (Shape, (N, "a"), WRONG),
        (tuple[int, ...], (1, 2), (1, 2)),
        (tuple[int, ...], 1, WRONG),
        (tuple[float, float], (1, 2), (1.0, 2.0)),
        (int | tuple[int, ...] | None, None, None),
        (int | tuple[int, ...] | None, 2, 2),
        (int | tuple[int, ...] | None, (2,), (2,)),
        (int | float, 2, 2),
        (Literal["tanh", "none"], "tanh", "tanh"),
        (Literal["tanh", "none"], "erf", WRONG),
        (Literal[0, 1], True, WRONG),
        (Initializer, Normal(), Normal()),
        (Initializer, Zeros, Zeros()),
        (Initializer, "zeros", WRONG),
        (Initializer, INITIALIZERS["constant"], WRONG),
        (Initializer | None, Orthogonal, Orthogonal()),
        (Annotated[tuple[int, int], PerAxis(2)], 3, (3, 3)),
        (Annotated[tuple[int, int], PerAxis(2)], (3, 4), (3, 4)),
        (Annotated[tuple[int, int], PerAxis(2)], (3, 4, 5), WRONG),
        (Annotated[tuple[int, int] | None, PerAxis(2)], None, None),
        (Annotated[tuple[int, int] | None, PerAxis(2)], 3, (3, 3)),
        (Annotated[Any, Padding(2)], 1, ((1, 1), (1, 1))),
        (Annotated[Any, Padding(2)], (1, 2), ((1, 1), (2, 2))),
        (Annotated[Any, Padding(2)], ((0, 1), (2, 3)), ((0, 1), (2, 3))),
        (Annotated[Any, Padding(2)], "valid", ((0, 0), (0, 0))),
        (Annotated[Any, Padding(2)], "same", "same"),
        (Annotated[Any, Padding(2)], "full", WRONG),
        (Annotated[Any, Padding(2)], (1, 2, 3), WRONG),
    ],
)
def test_conversions(hint: Any, given: Any, expected: Any) -> None:
    _, convert = conversion(hint)
    result = convert(given)
    assert result is expected if expected is WRONG else result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    "cls",
    [
        *OPERATIONS.values(),
        *INITIALIZERS.values(),
        *OPTIMIZERS.values(),
        *SCHEDULES.values(),
        *METRICS.values(),
        *CLIPS.values(),
    ],
    ids=lambda cls: cls.__name__,
)
def test_everything_has_a_signature(cls: type[Any]) -> None:
    found = signature(cls)
    assert signature(cls) is found
    assert all(parameter.type for parameter in found.parameters)
    for parameter in found.parameters:
        if not parameter.required:
            assert parameter.convert(parameter.default) is not WRONG, parameter


def test_a_signature_reads_like_a_call() -> None:
    text = str(signature(Conv2d))
    assert text.startswith("conv2d(x, channels: int, kernel: int | [int, int], stride: ")
    assert text.endswith("init: initializer | none = none, bias_init: initializer | none = none)")
    assert "bias: bool = true" in text


def test_an_annotation_without_a_rule_is_a_defect() -> None:
    with pytest.raises(TypeError, match="no rule"):
        conversion(list[int])
