"""What the conversion of an exported Symbol to ONNX must be told of a model, and sizes to try."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from compiler.dims import Dim, evaluate, symbols
from compiler.ir import Graph

_CANDIDATES = (2, 3, 1, 4, 5, 6, 7, 8, 12, 16, 24, 32, 48, 64, 96, 128, 224, 256)
_MOST_TRIES = 20_000


def specification(model: Graph) -> dict[str, Any]:
    """SPEC.json of `python -m backends.mxnet.symbol_to_onnx`.

    `model` (its name), `inputs` (name, dtype, shape with symbolic sizes as strings), `outputs`
    (names in order), `scalars` (those without axes), `sizes` (for each symbol two or more sizes
    that the constraints admit).
    """
    return {
        "model": model.name,
        "inputs": [
            {
                "name": entry.value.name,
                "dtype": entry.value.type.dtype.numpy_name,
                "shape": [str(n) if isinstance(n, Dim) else n for n in entry.value.type.shape],
            }
            for entry in model.inputs
        ],
        "outputs": [output.name for output in model.outputs],
        "scalars": scalar_outputs(model),
        "sizes": admissible_sizes(model),
    }


def scalar_outputs(model: Graph) -> list[str]:
    """Outputs without axes, which MXNet holds with one of size 1."""
    return [output.name for output in model.outputs if not output.value.type.shape]


def input_symbols(model: Graph) -> list[str]:
    """The symbolic sizes of the inputs, by name."""
    found = {
        s
        for entry in model.inputs
        for n in entry.value.type.shape
        if isinstance(n, Dim)
        for s in symbols(n)
    }
    return sorted(found)


def admissible_sizes(model: Graph) -> dict[str, list[int]]:
    """For every symbolic size numbers that hold to the constraints: the base first.

    The others are admissible while the rest stay at their base.
    """
    names = input_symbols(model)
    base = example_sizes(model)
    found: dict[str, list[int]] = {}
    for name in names:
        others = [c for c in _CANDIDATES if c != base[name]]
        good = [c for c in others if _admits(model, {**base, name: c})]
        found[name] = [base[name], *good[:2]]
    return found


def example_sizes(model: Graph) -> dict[str, int]:
    """The first sizes, small and different from each other where they may be, that fit."""
    names = input_symbols(model)
    for sizes in _combinations(names):
        if _admits(model, sizes):
            return sizes
    return {name: 2 + k for k, name in enumerate(names)}


def _combinations(names: list[str]) -> Iterator[dict[str, int]]:
    yield {name: 2 + k for k, name in enumerate(names)}
    for tried, values in enumerate(product(_CANDIDATES, repeat=len(names))):
        if tried == _MOST_TRIES:
            return
        yield dict(zip(names, values, strict=True))


def _admits(model: Graph, sizes: dict[str, int]) -> bool:
    return all(_holds(c.left, c.relation, c.right, sizes) for c in _constraints(model))


def _constraints(model: Graph) -> list[Any]:
    return list(model.constraints)


def _holds(left: Any, relation: str, right: Any, sizes: dict[str, int]) -> bool:
    try:
        a, b = (evaluate(n, sizes) if isinstance(n, Dim) else n for n in (left, right))
    except (ArithmeticError, KeyError):
        return False
    match relation:
        case "<=":
            return bool(a <= b)
        case "<":
            return bool(a < b)
        case ">=":
            return bool(a >= b)
        case ">":
            return bool(a > b)
        case "!=":
            return bool(a != b)
    return bool(a == b)
