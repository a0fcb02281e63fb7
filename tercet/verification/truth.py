"""The reference's answers to the probes, and probes that the reference can answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from compiler.ir import Graph
from compiler.lazy import np
from compiler.reach import reached_inputs
from compiler.reference import InputError, run
from tercet.verification.compare import scale_of
from tercet.verification.judge import SENSITIVITY, Reference
from tercet.verification.probes import Distribution, Probe, make_probes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

_DISTRIBUTIONS: tuple[Distribution, ...] = ("normal", "uniform")


class Unanswerable(Exception):
    """The reference cannot answer any probe that was thought of."""


def answerable_probes(graph: Graph, weights: Mapping[str, Array], seed: int) -> list[Probe]:
    """Probes whose first one the reference answers by finite numbers.

    Inputs are of the standard normal distribution where that does (a logarithm needs positive
    ones).  Raises DiagnosticError E0315, or Unanswerable.
    """
    problem = ""
    for distribution in _DISTRIBUTIONS:
        probes = make_probes(graph, seed, distribution)
        try:
            answers = run(graph, probes[0].inputs, weights)
        except InputError as error:
            raise Unanswerable(f"the reference cannot run the model: {error}") from error
        problem = _not_finite(answers)
        if not problem:
            return probes
    raise Unanswerable(problem)


def _not_finite(answers: Mapping[str, Array]) -> str:
    for name, array in answers.items():
        if array.dtype.kind == "f" and np.isnan(array).any():
            return f"output {name} of the reference is NaN for ordinary inputs"
    return ""


def reference_answers(
    graph: Graph, weights: Mapping[str, Array], probes: Sequence[Probe]
) -> Reference:
    """The outputs in float64, in float32 for a sample of its rounding, and the idle inputs."""
    exact = [run(graph, probe.inputs, weights) for probe in probes]
    rounded = [run(graph, probe.inputs, weights, "float32") for probe in probes]
    return Reference(exact, rounded, _idle_inputs(graph, weights, probes, exact))


def _idle_inputs(
    graph: Graph,
    weights: Mapping[str, Array],
    probes: Sequence[Probe],
    exact: Sequence[Mapping[str, Array]],
) -> list[str]:
    """The inputs that a script could leave out of account without being noticed.

    Each is drawn anew, and given its edges, while the others stay.  Of a single input the outputs'
    own change tells.
    """
    if len(graph.inputs) == 1:
        return []

    def shows(name: str, other: Probe) -> bool:
        changed = run(graph, {**probes[0].inputs, name: other.inputs[name]}, weights)
        return any(_differs(exact[0][output], array) for output, array in changed.items())

    alike = [probe for probe in probes if probe.kind.redraws == 0]
    return [
        name for name in reached_inputs(graph) if not any(shows(name, other) for other in alike)
    ]


def _differs(before: Array, after: Array) -> bool:
    """Whether any element changed visibly; becoming NaN is a change."""
    if before.dtype.kind != "f":
        return bool((before != after).any())
    return not bool((np.abs(before - after) < SENSITIVITY * scale_of(before)).all())
