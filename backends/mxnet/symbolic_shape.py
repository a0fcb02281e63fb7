"""Sizes without numbers: how code inside `hybrid_forward` says what depends on a symbolic size.

A Symbol has no shape, so a size is either a *reshape code* relative to the tensor at hand (0 keeps
an axis, -1 is the rest, -2 all remaining axes, -3 merges two, -4 splits one), or is shown by a
*witness*: a vector that has this many elements, made by `contrib.arange_like` from an input and
read by `slice_like`, `broadcast_like` or `shape_array`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from tercet.backends.base import Unsupported
from tercet.codegen.expr import Expr, Name, SizeName
from tercet.codegen.target import Application
from tercet.compiler.dims import Dim, FloorDiv, Product, Size, Sum, equal
from tercet.compiler.graph.ir import Graph
from tercet.compiler.types import Shape
from tercet.dsl import nodes

F = Name("F")


def positions(source: Expr, axis: int) -> Expr:
    """The places along an axis of a tensor: 0, 1, …, as a vector."""
    return F.contrib.arange_like(source, axis=axis)


# ------------------------------------------------------------------------------ reshape codes


def reshape_codes(source: Shape, wanted: Shape) -> tuple[int, ...] | None:
    """MXNet's codes that bring a tensor of one shape into the other, None where there are none."""
    return _codes(tuple(source), tuple(wanted), 0, free=True)


def _codes(source: Shape, wanted: Shape, place: int, *, free: bool) -> tuple[int, ...] | None:
    """Codes for the rest of the wanted shape, when `place` axes of the source are used up."""
    if not wanted:
        return ()
    for codes, taken, used, is_free in _choices(source, wanted, place, free):
        rest = _codes(source, wanted[taken:], place + used, free=is_free)
        if rest is not None:
            return (*codes, *rest)
    return None


_Choice = tuple[tuple[int, ...], int, int, bool]
"""Codes, axes of the result they make, axes of the source they use, whether -1 is still free."""


def _choices(source: Shape, wanted: Shape, place: int, free: bool) -> list[_Choice]:
    size = wanted[0]
    left = source[place:]
    found: list[_Choice] = []
    if left and isinstance(size, Dim) and equal(left[0], size):
        found.append(((0,), 1, 1, free))
    if isinstance(size, int):
        found.append(((size,), 1, 1, free))
    if len(left) > 1 and equal(left[0] * left[1], size):
        found.append(((-3,), 1, 2, free))
    if left and len(wanted) > 1 and equal(left[0], wanted[0] * wanted[1]):
        pair = [n if isinstance(n, int) else -1 for n in wanted[:2]]
        if pair.count(-1) < 2:
            found.append(((-4, *pair), 2, 1, free))
    if free and isinstance(size, Dim):
        found.append(((-1,), 1, 1, False))
    return found


# ----------------------------------------------------------------------------------- witnesses


def witness(at: Application, size: Size) -> Expr:
    """A vector with as many elements as `size`, from the graph's inputs.  Raises Unsupported."""
    found = _witness(at.graph, size)
    if found is None:
        raise Unsupported(f"the size {size} cannot be had from the inputs' shapes")
    return found


def _witness(graph: Graph, size: Size) -> Expr | None:
    if isinstance(size, int):
        return F.arange(size)
    name = _name_of(graph, size)
    if name is not None:
        return SizeName(name)
    match size.expression:
        case Product(factors):
            return _product(graph, factors)
        case Sum(terms):
            return _sum(graph, terms)
        case FloorDiv(left, int(divisor)) if divisor > 0:
            return _every(_witness(graph, left), divisor)
    return None


def _every(whole: Expr | None, step: int) -> Expr | None:
    """The last one of each `step` elements: what is left over at the end does not count."""
    if whole is None:
        return None
    return F.slice(whole, begin=(step - 1,), end=(None,), step=(step,))


def _name_of(graph: Graph, size: Dim) -> str | None:
    """The name in the block's text under which an input's axis has this size."""
    readable = {
        declared.id
        for entry in graph.inputs
        for declared in entry.declared
        if isinstance(declared, nodes.Name)
    }
    for name, bound in graph.dims.items():
        if name in readable and isinstance(bound, Dim) and bound == size:
            return name
    return None


def _product(graph: Graph, factors: Sequence[Size]) -> Expr | None:
    number = 1
    vectors: list[Expr] = []
    for factor in factors:
        if isinstance(factor, int):
            number *= factor
            continue
        found = _witness(graph, factor)
        if found is None:
            return None
        vectors.append(found)
    if number < 1 or not vectors:
        return None
    grid = reduce(
        lambda rows, columns: F.reshape(
            F.broadcast_add(F.expand_dims(rows, axis=1), F.expand_dims(columns, axis=0)),
            shape=(-1,),
        ),
        vectors,
    )
    return grid if number == 1 else F.repeat(grid, repeats=number)


def _sum(graph: Graph, terms: Sequence[Size]) -> Expr | None:
    number = sum(t for t in terms if isinstance(t, int))
    others = [t for t in terms if not isinstance(t, int)]
    found = [_witness(graph, t) for t in others]
    vectors = [v for v in found if v is not None]
    if len(vectors) != len(found) or not vectors:
        return None
    whole = vectors[0] if len(vectors) == 1 else F.concat(*vectors, dim=0)
    if number < 0:
        return F.slice_axis(whole, axis=0, begin=-number, end=None)
    if number:
        cells = [F.slice_axis(whole, axis=0, begin=0, end=1)] * number
        return F.concat(whole, *cells, dim=0)
    return whole


def length_of(at: Application, size: Size, dtype: str) -> Expr:
    """A size, which may be 0, as a tensor of one element.  Raises Unsupported."""
    if isinstance(size, Dim) and _name_of(at.graph, size) is None:
        if size.constant:
            rest = length_of(at, size - size.constant, dtype)
            return rest + size.constant if size.constant > 0 else rest - -size.constant
        match size.expression:
            case FloorDiv(left, int(divisor)) if divisor > 0:
                whole = F.floor(length_of(at, left, "float32") / divisor)
                return whole if dtype == "float32" else F.cast(whole, dtype=dtype)
    return F.cast(F.shape_array(witness(at, size)), dtype=dtype)


# ---------------------------------------------------------------------------------- broadcasting


def in_front(x: Expr, count: int) -> Expr:
    """A tensor with new axes of size 1 before its own."""
    for _ in range(count):
        x = F.expand_dims(x, axis=0)
    return x


def broadcast(at: Application, x: Expr, source: Shape, wanted: Shape) -> Expr:
    """A tensor broadcast to a shape, new axes in front included.  Raises Unsupported."""
    new = len(wanted) - len(source)
    x = F.reshape(x, shape=(1,) * new) if new and not source else in_front(x, new)
    padded = (*[1] * new, *source)
    axes = [k for k, (a, b) in enumerate(zip(padded, wanted, strict=True)) if a != b]
    if not axes:
        return x
    numbers = {k: n for k in axes if isinstance(n := wanted[k], int)}
    if numbers:
        x = F.broadcast_axis(x, axis=tuple(numbers), size=tuple(numbers.values()))
    for k in axes:
        if k not in numbers:
            x = F.broadcast_like(x, witness(at, wanted[k]), lhs_axes=(k,), rhs_axes=(0,))
    return x
