"""Whether two arrays are the same answer: the one rule of judgement, applied element for element.

Nothing is sorted, permuted or left out.  A NaN is never equal to anything, another NaN included: an
answer nobody can use must not pass because two programs gave the same useless one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tercet.compiler.lazy import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

Verdict = Literal["identical", "different", "not judged"]

TOLERANCE = 1e-5
"""The largest difference of identical outputs, as a share of the output's scale, in float32."""

_UNITS = 8
"""Units of the last place that a coarser type is given: networks in f16 need one or two."""


@dataclass(frozen=True)
class Comparison:
    """Two arrays for one output of one probe.

    `max_abs` is the largest difference of two elements, `max_rel` that difference as a share of
    the output's scale; both are None where elements could not be subtracted.
    """

    verdict: Verdict
    max_abs: float | None = None
    max_rel: float | None = None
    reason: str | None = None


def scale_of(reference: Array) -> float:
    """The largest magnitude among the finite elements; 0 where there is none."""
    values = np.abs(np.asarray(reference, dtype=np.float64))
    return float(np.max(values, initial=0.0, where=np.isfinite(values)))


def tolerance_for(dtype: Any) -> float:
    """The tolerated share of the scale: 1e-5, and 8 last places of a coarser float type."""
    if np.issubdtype(dtype, np.floating):
        return max(TOLERANCE, _UNITS * float(np.finfo(dtype).eps))
    return TOLERANCE


def compare(left: Array, right: Array, *, scale: float, same_dtype: bool = True) -> Comparison:
    """Judges `left` against `right`.

    Shapes must be equal, and dtypes too unless `same_dtype` is false (the float64 reference).
    Integers and booleans must be equal.  Floating-point numbers must lie within `tolerance_for`
    of the coarser type times `scale`; infinities must be the same ones; a NaN is a difference.
    """
    if left.shape != right.shape:
        return Comparison("different", reason=f"the shapes are {left.shape} and {right.shape}")
    if same_dtype and left.dtype != right.dtype:
        return Comparison("different", reason=f"the dtypes are {left.dtype} and {right.dtype}")
    floating = [np.issubdtype(array.dtype, np.floating) for array in (left, right)]
    if not any(floating):
        return _compare_exact(left, right, scale)
    if not all(floating):
        return Comparison("different", reason=f"the dtypes are {left.dtype} and {right.dtype}")
    return _compare_floats(left, right, scale)


def _compare_exact(left: Array, right: Array, scale: float) -> Comparison:
    wrong = int(np.count_nonzero(left != right))
    if not wrong:
        return Comparison("identical", 0.0, 0.0)
    difference = np.abs(left.astype(np.float64) - right.astype(np.float64))
    max_abs = float(difference.max())
    reason = f"{wrong} of {left.size} elements are not equal"
    return Comparison("different", max_abs, _share(max_abs, scale), reason)


def _compare_floats(left: Array, right: Array, scale: float) -> Comparison:
    tolerance = max(tolerance_for(left.dtype), tolerance_for(right.dtype))
    left, right = left.astype(np.float64), right.astype(np.float64)
    nans = int(np.count_nonzero(np.isnan(left) | np.isnan(right)))
    if nans:
        return Comparison("different", reason=f"{nans} of {left.size} elements are NaN")
    infinite = np.isinf(left) | np.isinf(right)
    unlike = int(np.count_nonzero(left[infinite] != right[infinite]))
    if unlike:
        return Comparison("different", reason=f"{unlike} elements are infinite on one side only")
    left, right = left[~infinite], right[~infinite]
    max_abs = float(np.max(np.abs(left - right), initial=0.0))
    max_rel = _share(max_abs, scale)
    if max_abs <= tolerance * scale:
        reason = f"{np.count_nonzero(infinite)} infinite elements alike" if infinite.any() else None
        return Comparison("identical", max_abs, max_rel, reason)
    reason = f"{max_rel:.1e} of the output's scale is more than {tolerance:.0e}"
    return Comparison("different", max_abs, max_rel, reason)


def _share(difference: float, scale: float) -> float:
    if difference == 0:
        return 0.0
    return difference / scale if scale else float("inf")
