"""What the conversion of an exported Symbol to ONNX must be told of a model, and sizes to try."""

from __future__ import annotations

from typing import Any

from tercet.compiler.dims import Dim
from tercet.compiler.graph.ir import Graph
from tercet.compiler.sizing.sizes import alternatives, example_sizes


def specification(model: Graph) -> dict[str, Any]:
    """SPEC.json of `python -m tercet.backends.mxnet.symbol_to_onnx`.

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
        "sizes": _admissible_sizes(model),
    }


def scalar_outputs(model: Graph) -> list[str]:
    """Outputs without axes, which MXNet holds with one of size 1."""
    return [output.name for output in model.outputs if not output.value.type.shape]


def _admissible_sizes(model: Graph) -> dict[str, list[int]]:
    """For every symbolic size numbers that the model takes: the base first.

    The others are admissible while the rest stay at their base.
    """
    base = example_sizes(model)
    others = alternatives(model, base)
    return {name: [size, *others[name]] for name, size in base.items()}
