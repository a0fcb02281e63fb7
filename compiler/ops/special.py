"""Functions of mathematics that NumPy lacks, or computes with overflow."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from tercet.compiler.lazy import np

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array

_STEPS = 64
"""Nodes per unit of the table of erf; beyond `_LIMIT` erf is 1 in float64."""
_LIMIT = 6
_TERMS = 8


@cache
def _erf_table() -> tuple[Array, Array]:
    """Values and slopes of erf at the nodes."""
    nodes = [i / _STEPS for i in range(_LIMIT * _STEPS + 1)]
    values = [math.erf(x) for x in nodes]
    slopes = [2 / math.sqrt(math.pi) * math.exp(-x * x) for x in nodes]
    return np.array(values), np.array(slopes)


def erf(x: Array) -> Array:
    """The error function, to about 1e-15 relative, at the precision of `x`.

    Taylor's series around the nearest node of a table; its terms follow from
    f'' = -2 x f', hence f^(n+1) = -2 x f^(n) - 2 (n - 1) f^(n-1).
    """
    x = np.asarray(x)
    wide = np.asarray(x, dtype=np.float64)
    magnitude = np.where(np.isnan(wide), 0.0, np.minimum(np.abs(wide), _LIMIT))
    index = np.rint(magnitude * _STEPS).astype(np.intp)
    values, slopes = _erf_table()
    node = index / _STEPS
    step = magnitude - node
    before, term = np.zeros_like(step), step
    total = step
    for n in range(1, _TERMS):
        factor = step / (n + 1)
        before, term = term, factor * (-2 * node * term - 2 * (n - 1) / n * step * before)
        total = total + term
    result = np.copysign(values[index] + slopes[index] * total, wide)
    result = np.where(np.isnan(wide), wide, result)
    return np.asarray(result, dtype=x.dtype if x.dtype.kind == "f" else np.float64)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow and precise at both ends."""
    small = np.exp(-np.abs(x))
    y: Array = np.where(x >= 0, 1, small) / (1 + small)
    return y


def softplus(x: Array) -> Array:
    """log(1 + exp(x)), without overflow."""
    y: Array = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
    return y


def log_softmax(x: Array, axis: int) -> Array:
    """x - log(sum(exp(x))), without overflow."""
    shifted = x - x.max(axis=axis, keepdims=True)
    y: Array = shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    return y


def softmax(x: Array, axis: int) -> Array:
    """exp(x) / sum(exp(x)), without overflow."""
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    y: Array = powers / powers.sum(axis=axis, keepdims=True)
    return y
