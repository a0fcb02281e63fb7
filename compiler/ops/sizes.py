"""Relations of sizes that an operation needs: decided here, or left as constraints to the run."""

from __future__ import annotations

from collections.abc import Iterable

from tercet.compiler import dims
from tercet.compiler.dims import Size
from tercet.compiler.errors import OpError
from tercet.compiler.ops.base import Requirement


def equality(a: Size, b: Size, problem: OpError) -> tuple[Requirement, ...]:
    """What is left to require of `a == b`.  Raises `problem` where that is false.

    Different polynomials of the same symbols are taken as a mistake; where a division is
    involved (`heads * (D // heads) == D`), the run decides.
    """
    decided = dims.equal(a, b)
    if decided:
        return ()
    if decided is False or (dims.is_polynomial(a) and dims.is_polynomial(b)):
        raise problem
    left, right = dims.without_common_factor(a, b)
    return ((left, "==", right),)


def at_least_one(sizes: Iterable[Size]) -> tuple[Requirement, ...]:
    """What is left to require of sizes, none of which is below 1 for certain."""
    return tuple((1, "<=", size) for size in sizes if dims.less_equal(1, size) is None)


def at_most(a: Size, b: Size, problem: OpError) -> tuple[Requirement, ...]:
    """What is left to require of `a <= b`.  Raises `problem` where that is false."""
    decided = dims.less_equal(a, b)
    if decided is False:
        raise problem
    if decided:
        return ()
    left, right = dims.balanced(a, b)
    return ((left, "<=", right),)
