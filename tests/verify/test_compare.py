"""The rule of judgement, and what must never pass it."""

from __future__ import annotations

import numpy as np
import pytest

from tercet.verification.compare import compare, scale_of, tolerance_for

F16, F32 = np.float16, np.float32


def _ramp() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.linspace(-2, 2, 9, dtype=F32).reshape(3, 3)


def test_a_difference_within_the_tolerance_is_identical() -> None:
    found = compare(_ramp(), _ramp() + F32(1e-5), scale=2.0)
    assert found.verdict == "identical"
    assert found.max_abs == pytest.approx(1e-5, rel=0.1)
    assert found.max_rel == pytest.approx(5e-6, rel=0.1)


def test_one_element_beyond_the_tolerance_is_different() -> None:
    right = _ramp()
    right[2, 1] += F32(3e-5)
    found = compare(_ramp(), right, scale=2.0)
    assert found.verdict == "different"
    assert "output's scale" in str(found.reason)


def test_the_order_of_elements_matters() -> None:
    assert compare(_ramp(), _ramp()[::-1], scale=2.0).verdict == "different"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_on_one_side_is_different(bad: float) -> None:
    right = _ramp()
    right[0, 0] = bad
    assert compare(_ramp(), right, scale=2.0).verdict == "different"
    assert compare(right, _ramp(), scale=2.0).verdict == "different"


def test_nan_is_not_equal_to_nan() -> None:
    array = np.full(3, np.nan, dtype=F32)
    found = compare(array, array, scale=1.0)
    assert found.verdict == "different"
    assert found.max_abs is None


def test_the_same_infinities_are_equal_and_told() -> None:
    array = _ramp()
    array[0, 0] = -np.inf
    found = compare(array, array.copy(), scale=2.0)
    assert found.verdict == "identical"
    assert found.reason == "1 infinite elements alike"
    assert compare(array, -array, scale=2.0).verdict == "different"


def test_shapes_are_not_broadcast() -> None:
    found = compare(_ramp(), _ramp()[:, :1], scale=2.0)
    assert "shapes" in str(found.reason)


def test_dtypes_must_be_equal_unless_told_otherwise() -> None:
    wide = _ramp().astype(np.float64)
    assert compare(_ramp(), wide, scale=2.0).verdict == "different"
    assert compare(_ramp(), wide, scale=2.0, same_dtype=False).verdict == "identical"
    whole = np.zeros((3, 3), dtype=np.int64)
    assert compare(_ramp(), whole, scale=2.0, same_dtype=False).verdict == "different"


def test_integers_and_booleans_must_be_equal() -> None:
    left = np.array([1, 2, 3])
    assert compare(left, left.copy(), scale=3.0).verdict == "identical"
    found = compare(left, np.array([1, 2, 4]), scale=3.0)
    assert (found.verdict, found.max_abs) == ("different", 1.0)
    flags = np.array([True, False])
    assert compare(flags, ~flags, scale=1.0).verdict == "different"


def test_a_difference_where_everything_is_zero_is_infinite() -> None:
    found = compare(np.zeros(2, F32), np.array([0, 1e-9], F32), scale=0.0)
    assert (found.verdict, found.max_rel) == ("different", float("inf"))


def test_the_scale_is_that_of_finite_elements() -> None:
    assert scale_of(np.array([1.0, -3.0, np.inf, np.nan])) == 3.0
    assert scale_of(np.array([np.inf])) == 0.0


def test_a_coarser_type_is_given_a_few_last_places() -> None:
    assert tolerance_for(F32) == pytest.approx(1e-5)
    assert tolerance_for(np.float64) == pytest.approx(1e-5)
    assert tolerance_for(F16) == pytest.approx(8 * 2**-10)
    near, far = (F16(1 + n * 2**-10) for n in (8, 9))
    one = np.ones(3, F16)
    assert compare(one, np.full(3, near), scale=1.0).verdict == "identical"
    assert compare(one, np.full(3, far), scale=1.0).verdict == "different"
