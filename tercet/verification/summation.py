"""Sums as some runtimes compute them: one term after the other, each result rounded.

NumPy adds in pairs, which loses little.  ONNX Runtime adds along some axes in order, which of
thousands of almost equal numbers loses the first digits of their variance.  Both are float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tercet.compiler.reference.interpreter import Step


def in_order(step: Step, results: tuple[NDArray[Any], ...]) -> tuple[NDArray[Any], ...]:
    """An observer of the reference: what is computed from the results adds in order."""
    return tuple(array.view(_InOrder) for array in results)


class _InOrder(np.ndarray[Any, Any]):
    """An array over whose axes floating-point sums run in order, as over what is made of it."""

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **settings: Any
    ) -> Any:
        operands = [_plain(each) for each in inputs]
        if out is not None:
            settings["out"] = tuple(map(_plain, out))
        elif (ufunc, method) == (np.add, "reduce") and operands[0].dtype.kind == "f":
            return _marked(_sum(operands[0], **settings))
        return _marked(getattr(ufunc, method)(*operands, **settings))


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, _InOrder) else value


def _marked(result: Any) -> Any:
    if isinstance(result, tuple):
        return tuple(map(_marked, result))
    return result.view(_InOrder) if isinstance(result, np.ndarray) else result


def _sum(
    array: NDArray[Any],
    axis: int | tuple[int, ...] | None = 0,
    dtype: Any = None,
    keepdims: bool = False,
    where: Any = True,
) -> Any:
    """`np.add.reduce`, in order; with a mask it is NumPy's own."""
    if where is not True:
        return np.add.reduce(array, axis, dtype, keepdims=keepdims, where=where)
    every = tuple(range(array.ndim))
    axes = every if axis is None else (axis,) if isinstance(axis, int) else axis
    kept = [k for k in every if k not in {a % array.ndim for a in axes}]
    terms = np.moveaxis(array, kept, range(len(kept)))
    terms = terms.reshape(*(array.shape[k] for k in kept), -1)
    total = np.add.accumulate(terms, axis=-1, dtype=dtype)[..., -1]
    return np.expand_dims(total, axes) if keepdims else total
