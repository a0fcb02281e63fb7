"""What a run is given: arrays that fit the declared inputs, and the sizes that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tercet.compiler import dims
from tercet.compiler.dims import Dim, DimError, Size
from tercet.compiler.graph.index_checks import index_checks
from tercet.compiler.graph.ir import Graph, Value
from tercet.compiler.lazy import np
from tercet.compiler.types import TensorType
from tercet.dsl.syntax_hints import nearest

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


class InputError(ValueError):
    """Inputs or weights that a graph cannot run with."""


def resolve_sizes(
    graph: Graph, inputs: Mapping[str, Array], given: Mapping[str, int] | None = None
) -> dict[str, int]:
    """The numbers behind the symbols of the graph's input types.

    Raises InputError for names, ranks and sizes that do not fit.
    """
    _check_names(graph, inputs)
    sizes = dict(given or {})
    origin = dict.fromkeys(sizes, "the sizes given")
    axes = [
        (i.value.name, axis, size, inputs[i.value.name].shape[axis])
        for i in graph.inputs
        for axis, size in enumerate(_checked_rank(i.value, inputs[i.value.name]).shape)
    ]
    found = -1
    while found < len(sizes):  # a symbol may only follow from those already found
        found = len(sizes)
        for name, _, size, actual in axes:
            for symbol, number in _solved(size, actual, sizes).items():
                sizes[symbol], origin[symbol] = number, f"`{name}`"
    for name, axis, size, actual in axes:
        _check_size(name, axis, size, actual, sizes, origin)
    return sizes


def _solved(size: Size, actual: int, known: Mapping[str, int]) -> dict[str, int]:
    """The one symbol of a size that is not known yet, if the actual size tells it."""
    try:
        rest = dims.substitute(size, known)
    except (ZeroDivisionError, DimError):
        return {}
    found = dims.solve(rest, actual) or {}
    return {symbol: number for symbol, number in found.items() if isinstance(number, int)}


def _check_names(graph: Graph, inputs: Mapping[str, Array]) -> None:
    names = [i.value.name for i in graph.inputs]
    missing = [name for name in names if name not in inputs]
    if missing:
        raise InputError(f"the input `{missing[0]}` is missing")
    for name in inputs:
        if name not in names:
            meant = nearest(name, names)
            hint = f"; did you mean `{meant}`?" if meant else f": they are {', '.join(names)}"
            raise InputError(f"there is no input `{name}`{hint}")


def _checked_rank(value: Value, array: Array) -> TensorType:
    if array.ndim != value.type.rank:
        raise InputError(
            f"the input `{value.name}` is {value.type}, but the array has shape {list(array.shape)}"
        )
    return value.type


def _check_size(
    name: str,
    axis: int,
    size: Size,
    actual: int,
    sizes: Mapping[str, int],
    origin: Mapping[str, str],
) -> None:
    if actual < 1:
        raise InputError(f"the input `{name}` is empty along axis {axis}")
    try:
        expected = dims.evaluate(size, sizes)
    except KeyError as error:
        raise InputError(
            f"axis {axis} of `{name}` is {size}: {actual} does not tell {error.args[0]}"
        ) from None
    except ZeroDivisionError:
        raise InputError(f"axis {axis} of `{name}` is {size}, which divides by zero") from None
    if expected != actual:
        places = sorted({origin[symbol] for symbol in dims.symbols(size)} - {f"`{name}`"})
        source = f" by {' and '.join(places)}" if places else ""
        equals = f"{size} = {expected}" if isinstance(size, Dim) else f"{expected}"
        raise InputError(f"axis {axis} of `{name}` is {actual}, not {equals}{source}")


def checked_inputs(graph: Graph, inputs: Mapping[str, Array], precision: str) -> dict[Value, Array]:
    """The arrays by value: floats at the run's precision, others in the declared dtype.

    Raises InputError for elements of another kind.
    """
    return {i.value: _converted(i.value, inputs[i.value.name], precision) for i in graph.inputs}


def _converted(value: Value, array: Array, precision: str) -> Array:
    dtype = value.type.dtype
    if dtype.is_float:
        fits, wanted = array.dtype.kind == "f", precision
    else:
        wanted = dtype.numpy_name
        fits = array.dtype == wanted or (dtype.is_integer and _integers_fit(array, wanted))
    if not fits:
        raise InputError(f"the input `{value.name}` is {value.type}, not {array.dtype}")
    return array.astype(wanted, copy=False)


def _integers_fit(array: Array, wanted: str) -> bool:
    if array.dtype.kind not in "iu":
        return False
    limits = np.iinfo(wanted)
    return not array.size or bool(limits.min <= array.min() and array.max() <= limits.max)


def check_inputs(graph: Graph, inputs: Mapping[str, Array]) -> None:
    """That names, dtypes, ranks, sizes and indices are what the graph takes.  Raises InputError."""
    check_constraints(graph, resolve_sizes(graph, inputs))
    for name, dtype in ((i.value.name, i.value.type.dtype.numpy_name) for i in graph.inputs):
        if inputs[name].dtype.name != dtype:
            raise InputError(f"the input `{name}` is {inputs[name].dtype}, not {dtype}")
    for check in index_checks(graph):
        if (problem := check.problem(inputs)) is not None:
            raise InputError(problem)


def check_constraints(graph: Graph, sizes: Mapping[str, int]) -> None:
    """That sizes obey what compilation could not decide.  Raises InputError."""
    for constraint in graph.constraints:
        if not constraint.holds(sizes):
            raise InputError(f"{constraint.told(sizes)} ({constraint.span})")
