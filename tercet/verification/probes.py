"""The inputs that a model is tried with: ordinary ones at two sizes, and edges.

Everything is drawn from a seed and the names of probe and input, so a verification can be repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tercet.compiler import dims
from tercet.compiler.graph.ir import Graph
from tercet.compiler.initializers import generator
from tercet.compiler.lazy import np
from tercet.compiler.sizing.sizes import Sizes, two_settings
from tercet.compiler.types import TensorType
from tercet.verification.judge import ProbeKind
from tercet.verification.ranges import input_ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

Distribution = Literal["normal", "uniform"]
"""Of ordinary floating-point inputs: the standard normal, or uniform in (0, 1) where a model needs
positive numbers."""

LARGE = 100.0
_VISIBLE = 0.75


@dataclass(frozen=True)
class Probe:
    """One set of inputs; `description` says what they are.

    `sizes` has a number for every symbol of the model's inputs, `inputs` an array of the declared
    dtype and shape for every input.
    """

    kind: ProbeKind
    description: str
    sizes: Sizes
    inputs: Mapping[str, Array]

    @property
    def name(self) -> str:
        """What reports call it."""
        return self.kind.name


def make_probes(
    graph: Graph, seed: int, distribution: Distribution = "normal", attempt: int = 0
) -> list[Probe]:
    """The probes of a model.  Raises DiagnosticError E0315 where none are found.

    The first three are ordinary: the second has the sizes of the first with inputs drawn anew, the
    third other sizes.  The edges have the sizes of the first.  Each `attempt` draws other numbers.
    """
    first, second = two_settings(graph)
    draw = _Draw(graph, seed, distribution, attempt)
    probes = [
        draw.ordinary(ProbeKind("first"), first),
        draw.ordinary(ProbeKind("redrawn", redraws=0), first),
        draw.ordinary(ProbeKind("other sizes"), second),
        draw.edge("zeros", "zeros", first),
        draw.edge("large", f"{LARGE:g} times as large; the largest indices", first),
    ]
    if any(given.value.type.dtype.is_float for given in graph.inputs):
        probes.append(draw.edge("negative", "all negative", first))
    return probes


class _Draw:
    """Draws inputs for one model."""

    def __init__(self, graph: Graph, seed: int, distribution: Distribution, attempt: int) -> None:
        self._types = {given.value.name: given.value.type for given in graph.inputs}
        self._ranges = input_ranges(graph)
        self._seed = seed
        self._distribution = distribution
        self._attempt = f":{attempt}" if attempt else ""

    def ordinary(self, kind: ProbeKind, sizes: Sizes) -> Probe:
        inputs = {name: self._usual(kind.name, name, sizes) for name in self._types}
        what = "standard normal" if self._distribution == "normal" else "uniform in (0, 1)"
        return Probe(kind, what, sizes, inputs)

    def edge(self, name: str, description: str, sizes: Sizes) -> Probe:
        inputs = {given: self._edge(name, given, sizes) for given in self._types}
        return Probe(ProbeKind(name, edge=True, redraws=0), description, sizes, inputs)

    def _usual(self, probe: str, name: str, sizes: Sizes) -> Array:
        type = self._types[name]
        shape = _shape(type, sizes)
        random = generator(self._seed, f"probe:{probe}:{name}{self._attempt}")
        if type.dtype.is_float:
            normal = self._distribution == "normal"
            numbers = random.standard_normal(shape) if normal else random.uniform(0, 1, shape)
            return np.asarray(numbers, dtype=type.dtype.numpy_name)
        if type.dtype.is_integer:
            low, high = self._range(name, sizes)
            return np.asarray(random.integers(low, high, shape), dtype=type.dtype.numpy_name)
        visible = np.asarray(random.random(shape) < _VISIBLE)
        if shape:  # what hides everything is an edge
            visible[..., 0] = True
        return visible

    def _edge(self, edge: str, name: str, sizes: Sizes) -> Array:
        type = self._types[name]
        usual = self._usual(edge, name, sizes)
        if type.dtype.is_integer:
            low, high = self._range(name, sizes)
            ends = {"zeros": min(max(low, 0), high - 1), "large": high - 1}
            return np.full_like(usual, ends[edge]) if edge in ends else usual
        if not type.dtype.is_float:
            return np.full_like(usual, edge == "large") if edge in ("zeros", "large") else usual
        match edge:
            case "zeros":
                return np.zeros_like(usual)
            case "large":
                return np.asarray(usual * LARGE, dtype=usual.dtype)
        return np.asarray(-np.abs(usual))

    def _range(self, name: str, sizes: Sizes) -> tuple[int, int]:
        return self._ranges[name].at(sizes, self._types[name].dtype)


def _shape(type: TensorType, sizes: Sizes) -> tuple[int, ...]:
    return tuple(dims.evaluate(size, sizes) for size in type.shape)
