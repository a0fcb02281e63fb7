"""What classes of operations declare, tried against their references by every record.

A fact that is forgotten or wrong would switch a check off, or have a target compute in a layout
that means something else, without a word; here it fails.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tercet.compiler import dims
from tercet.compiler.errors import OpError
from tercet.compiler.ops.attention import ScaledDotProductAttention
from tercet.compiler.ops.base import (
    Elements,
    InTraining,
    LayerOp,
    Layout,
    Nan,
    Op,
    Operand,
    operation,
)
from tercet.compiler.ops.loss_base import Loss
from tercet.compiler.ops.slicing import Slice
from tercet.compiler.types import DType
from tests.ops.cases import CASES as FUNCTION_CASES
from tests.ops.frame import Array, OpCase
from tests.ops.layer_cases import CASES as LAYER_CASES

CASES = [*FUNCTION_CASES, *LAYER_CASES]
K = dims.symbol("K")
DETERMINED = [case for case in CASES if not case.op.is_random and case.op.operands]


def each(cases: list[OpCase]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


def run(case: OpCase, arrays: list[Array | None]) -> tuple[Array, ...]:
    with np.errstate(all="ignore"):
        result = case.op.reference(*arrays, **case.parameters())
    return result if isinstance(result, tuple) else (result,)


@pytest.mark.parametrize("missing", ["layout", "elements", "in_training"])
def test_a_class_without_a_fact_is_refused(missing: str) -> None:
    facts = {
        "layout": Layout.CANONICAL,
        "elements": Elements.COMPUTED,
        "in_training": InTraining.SAME,
    }
    del facts[missing]
    forgetful = type("Forgetful", (LayerOp,), {**facts, "operands": (Operand("x"),)})
    with pytest.raises(TypeError, match=f"Forgetful does not declare {missing}"):
        operation("forgetful")(forgetful)


# ----------------------------------------------------------------------------------------- elements


def _own(case: OpCase, dtype: np.dtype[Any], arrays: list[Array | None]) -> set[Any]:
    """The elements of the operands (for a table, of the parameters) that results may hold."""
    given = [a for a in case.op.giving(arrays) if a is not None]
    return {
        element
        for array in (*given, *case.parameters().values())
        if array.dtype == dtype
        for element in np.ravel(array).tolist()
    }


def _distinct(case: OpCase) -> list[Array | None]:
    """The record's operands, with no element twice where that is possible."""
    found = case.arrays()
    for place, (array, given) in enumerate(zip(found, case.inputs, strict=True)):
        if array is not None and given is not None and given.kind in ("integer", "count"):
            found[place] = 1000 * place + np.arange(1, array.size + 1).reshape(array.shape)
    return found


def _moves(case: OpCase) -> Elements:
    return case.op.moved(*case.types())


@each([c for c in DETERMINED if c.inputs])
def test_elements(case: OpCase) -> None:
    arrays = _distinct(case)
    results = run(case, arrays)
    first = results[0]
    own = _own(case, first.dtype, arrays)
    found = set(np.ravel(first).tolist())
    match _moves(case):
        case Elements.RESHAPED:
            np.testing.assert_array_equal(np.ravel(first), np.ravel(arrays[0]))  # type: ignore[arg-type]
        case Elements.REARRANGED:
            assert found == own
        case Elements.SELECTED:
            assert len(found - own) <= 1, "a constant at most"
        case Elements.COMPUTED:
            is_identity = isinstance(case.op, LayerOp) and (
                case.op.in_training is InTraining.RANDOM  # in inference it does nothing
            )
            assert is_identity or not own or found != own or len(own) < 4, "it only moves elements"


@each([c for c in DETERMINED if c.op.elements is Elements.SELECTED])
def test_slices_are_the_results(case: OpCase) -> None:
    slices = case.op.slices(*case.types())
    results = run(case, case.arrays())
    assert len(slices) in (0, len(results))
    for index, result in zip(slices, results, strict=False):
        if index is not None:
            np.testing.assert_array_equal(index.reference(case.arrays()[0]), result)


# ------------------------------------------------------------------------------------------ layouts


def _last(array: Array) -> Array:
    return np.moveaxis(array, 1, -1)


@each([c for c in DETERMINED if c.op.layout is Layout.AGNOSTIC])
def test_an_agnostic_operation_works_element_by_element(case: OpCase) -> None:
    (expected,) = run(case, case.arrays())
    turned = [
        None if a is None else _last(a.reshape((1,) * (expected.ndim - a.ndim) + a.shape))
        for a in case.arrays()
    ]
    (found,) = run(case, turned)
    np.testing.assert_array_equal(found, _last(expected))


@each([c for c in DETERMINED if c.op.layout is Layout.REMAPPING])
def test_kept_axes_are_those_of_the_result(case: OpCase) -> None:
    """A size put in for that of an axis is found where the class says that the axis went."""
    rank = len(case.inputs[0].shape) if case.inputs[0] is not None else 0
    kept = case.op.kept_axes(rank)
    if kept is None:
        assert any(not isinstance(item, Slice) for item in case.op.items)  # type: ignore[attr-defined]
        return
    assert case.op.infer_types(case.types())[0].rank == len(kept)
    for axis in range(rank):
        types = [t and t.with_shape(*t.shape[:axis], K, *t.shape[axis + 1 :]) for t in case.types()]
        try:
            shape = case.op.infer_types(types)[0].shape
        except OpError:
            continue
        places = [place for place, size in enumerate(shape) if dims.symbols(size)]
        assert places in ([], [kept.index(axis)] if axis in kept else [])


@each([c for c in DETERMINED if len(c.inputs) == 1])
def test_elements_stay_apart_along_axes_that_are_not_mixed(case: OpCase) -> None:
    (type,) = case.types()
    assert type is not None
    for axis in range(type.rank):
        mixed = case.op.mixed_axes(type)
        if mixed is None or axis in mixed or type.shape[axis] == 1:
            continue
        turned = type.with_shape(*type.shape[:axis], K, *type.shape[axis + 1 :])
        seen_types = case.op.infer_types([turned])
        (x,) = case.arrays()
        assert x is not None
        results = zip(run(case, [np.flip(x, axis)]), run(case, [x]), strict=True)
        for (found, whole), seen in zip(results, seen_types, strict=True):
            (place,) = (k for k, size in enumerate(seen.shape) if dims.symbols(size))
            np.testing.assert_array_equal(found, np.flip(whole, place))


# ------------------------------------------------------------------------------------------ indices


def _must_be_integers(case: OpCase, operand: int) -> bool:
    types = case.types()
    given = types[operand]
    if given is None or not given.dtype.is_integer:
        return False
    types[operand] = given.with_dtype(DType.F32)
    others = [t and t.with_dtype(DType.F32) for t in types]  # arithmetic takes both, not mixed
    for tried in (types, others):
        try:
            case.op.infer_types(tried)
        except OpError as problem:
            if problem.code == "E0305":
                continue
        return False
    return True


@each(CASES)
def test_operands_that_must_be_integers_have_a_range(case: OpCase) -> None:
    given = [place for place, type in enumerate(case.types()) if type is not None]
    ranges = [r for r in case.op.index_ranges(*case.types()) if r.operand in given]
    assert {r.operand for r in ranges} == {k for k in given if _must_be_integers(case, k)}
    for r in ranges:
        assert dims.less_equal(r.low, r.high)


# ---------------------------------------------------------------------------------------------- NaN


def _floats(arrays: list[Array | None]) -> list[int]:
    return [k for k, a in enumerate(arrays) if a is not None and a.dtype.kind == "f"]


def _with_nan(arrays: list[Array | None], operand: int, place: int) -> list[Array | None]:
    found = [None if a is None else a.copy() for a in arrays]
    chosen = found[operand]
    assert chosen is not None
    chosen.reshape(-1)[place] = np.nan
    return found


@each([c for c in DETERMINED if _floats(c.arrays())])
def test_nan(case: OpCase) -> None:
    arrays = case.arrays()
    operand = _floats(arrays)[0]
    chosen = arrays[operand]
    assert chosen is not None
    places = range(0, chosen.size, max(1, chosen.size // 24))
    results = [run(case, _with_nan(arrays, operand, place))[0] for place in places]
    first = run(case, _with_nan(arrays, operand, 0))
    match case.op.nan:
        case Nan.PROPAGATES if _is_constant_in(case, operand):
            pass
        case Nan.PROPAGATES:
            assert first[0].dtype.kind == "f"
            assert any(np.isnan(result).any() for result in results)
        case Nan.COMPARED:
            assert first[0].ravel()[0] == (case.op.operator == "!=")
        case Nan.TESTED:
            assert first[0].dtype == np.bool_
        case Nan.FIRST:
            axis = case.op.axis % chosen.ndim  # type: ignore[attr-defined]
            assert _places(first[0], axis).ravel()[0] == 0
            (last,) = run(case, _with_nan(arrays, operand, chosen.size - 1))
            assert _places(last, axis).ravel()[-1] == chosen.shape[axis] - 1
        case Nan.GREATEST:
            assert getattr(case.op, "largest", True) == np.isnan(first[0]).any()
        case Nan.CONVERTED:
            pass


def _places(result: Array, axis: int) -> Array:
    """Places along an axis, which a result tells by numbers or by where its ones are."""
    return result if result.dtype.kind == "i" else np.argmax(result, axis)


def _is_constant_in(case: OpCase, operand: int) -> bool:
    """Whether the result does not depend on what the operand holds: only on its shape."""
    other = [None if a is None else a.copy() for a in case.arrays()]
    chosen = other[operand]
    assert chosen is not None
    chosen += 1
    pairs = zip(run(case, other), run(case, case.arrays()), strict=True)
    return all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)


# ------------------------------------------------------------------------------- nothing, divisors


def _hidden(case: OpCase) -> list[Array | None] | None:
    """Operands of which nothing is left to see; None where that cannot be."""
    arrays = case.arrays()
    hides = [k for k, operand in enumerate(case.op.operands) if operand.hides]
    hides = [k for k in hides if k < len(arrays) and arrays[k] is not None]
    if isinstance(case.op, ScaledDotProductAttention) and hides and arrays[3].dtype.kind == "f":  # type: ignore[union-attr]
        arrays[3] = np.full_like(arrays[3], -np.inf)
        return arrays
    if hides:
        for k in hides:
            arrays[k] = np.zeros_like(arrays[k])
        return arrays
    if getattr(case.op, "ignore_index", None) is not None:
        arrays[1] = np.full_like(arrays[1], case.op.ignore_index)  # type: ignore[attr-defined]
        return arrays
    return None


@each([c for c in CASES if _hidden(c) is not None])
def test_what_is_left_of_nothing(case: OpCase) -> None:
    arrays = _hidden(case)
    assert arrays is not None
    assert case.op.of_nothing is not None
    if isinstance(case.op, Loss) and case.op.reduction != "mean":  # type: ignore[attr-defined]
        return
    (result, *_) = run(case, arrays)
    np.testing.assert_array_equal(result, np.full_like(result, case.op.of_nothing))


@each([c for c in LAYER_CASES if isinstance(c.op, Loss) and len(c.inputs) > 1])
def test_symmetric_losses(case: OpCase) -> None:
    assert isinstance(case.op, Loss)
    prediction, target, *others = case.arrays()
    assert prediction is not None
    assert target is not None
    if prediction.dtype == target.dtype and prediction.shape == target.shape:
        swapped = run(case, [target, prediction, *others])
        expected = run(case, [prediction, target, *others])
        if expected[0].any():
            assert np.allclose(swapped[0], expected[0]) == case.op.symmetric


@each([c for c in DETERMINED if any(t is not None and t.dtype.is_integer for t in c.types())])
def test_divisors(case: OpCase) -> None:
    if all(t is not None and t.dtype.is_integer for t in case.types()):
        zeros = [np.zeros_like(a) for a in case.arrays() if a is not None]
        try:
            with np.errstate(divide="raise", invalid="raise"):
                case.op.reference(*zeros, **case.parameters())
            assert not case.op.needs_divisor
        except FloatingPointError:
            assert case.op.needs_divisor


# ----------------------------------------------------------------------------------------- training


@each([c for c in LAYER_CASES if isinstance(c.op, LayerOp)])
def test_layers_with_statistics_say_what_they_need_in_training(case: OpCase) -> None:
    assert isinstance(case.op, LayerOp)
    held = any(not spec.trainable for spec in case.op.parameters(*case.types()))
    assert held == (case.op.in_training is InTraining.STATISTICS)
    smallest = [
        None if t is None else replace(t, shape=(1, *t.shape[1:2], *(1,) * (t.rank - 2)))
        for t in case.types()
    ]
    if held:
        (condition,) = case.op.conditions_in_training(*smallest)
        left, relation, right = condition.requirement
        assert dims.compare(left, relation, right) is False
        (condition,) = case.op.conditions_in_training(*case.types())
        left, relation, right = condition.requirement
        assert dims.compare(left, relation, right) is True


def test_every_choice_is_made_by_an_operation() -> None:
    ops: list[Op] = [case.op for case in CASES]
    assert {op.layout for op in ops} == set(Layout)
    assert {op.elements for op in ops} == set(Elements)
    assert {op.nan for op in ops} == set(Nan)
    assert {op.in_training for op in ops if isinstance(op, LayerOp)} == set(InTraining)
