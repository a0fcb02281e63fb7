"""The reference's answers to the probes, and probes that the reference can answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.reach import reached_inputs
from tercet.compiler.lazy import np
from tercet.compiler.reference.interpreter import InputError, Step, run
from tercet.verification import summation
from tercet.verification.compare import scale_of
from tercet.verification.judge import SENSITIVITY, Reference
from tercet.verification.probes import Distribution, Probe, make_probes
from tercet.verification.ranges import computes_indices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

_ATTEMPTS = 50
"""So often an ordinary probe is drawn, until what a model works out from it is legal."""

_DISTRIBUTIONS: tuple[Distribution, ...] = ("normal", "uniform")


class Unanswerable(Exception):
    """The reference cannot answer any probe that was thought of."""


def answerable_probes(
    graph: Graph, weights: Mapping[str, Array], seed: int
) -> tuple[list[Probe], list[str]]:
    """Probes whose first one the reference answers by finite numbers, and notes on left out ones.

    Inputs are of the standard normal distribution where that does (a logarithm needs positive
    ones).  Raises DiagnosticError E0315, or Unanswerable.
    """
    problem = ""
    for distribution in _DISTRIBUTIONS:
        try:
            probes, notes = _legal_probes(graph, weights, seed, distribution)
            answers = run(graph, probes[0].inputs, weights)
        except InputError as error:
            raise Unanswerable(f"the reference cannot run the model: {error}") from error
        problem = _not_finite(answers)
        if not problem:
            return probes, notes
    raise Unanswerable(problem)


def _legal_probes(
    graph: Graph, weights: Mapping[str, Array], seed: int, distribution: Distribution
) -> tuple[list[Probe], list[str]]:
    """Probes in which also the indices and lengths that the model works out are legal.

    Ordinary ones are drawn until they are, edges left out.  Raises InputError where none is found.
    """
    probes = make_probes(graph, seed, distribution)
    if not computes_indices(graph):
        return probes, []
    found: list[Probe] = []
    notes: list[str] = []
    for place, probe in enumerate(probes):
        for attempt in range(_ATTEMPTS):
            one = make_probes(graph, seed, distribution, attempt)[place]
            try:
                run(graph, one.inputs, weights)
            except InputError as error:
                if probe.kind.edge:
                    notes.append(f"{probe.name}: left out: {error}")
                    break
                if attempt + 1 == _ATTEMPTS:
                    raise
                continue
            found.append(one)
            break
    return found, notes


def _not_finite(answers: Mapping[str, Array]) -> str:
    for name, array in answers.items():
        if array.dtype.kind == "f" and np.isnan(array).any():
            return f"output {name} of the reference is NaN for ordinary inputs"
    return ""


def reference_answers(
    graph: Graph, weights: Mapping[str, Array], probes: Sequence[Probe]
) -> Reference:
    """The outputs in float64, twice in float32 for samples of its rounding, and idle inputs."""
    watches = [_NanWatch() for _ in probes]
    exact = [
        run(graph, probe.inputs, weights, observe=watch)
        for probe, watch in zip(probes, watches, strict=True)
    ]
    undefined = [
        _moved_by_nan(graph, weights, probe, answers) if watch.met else frozenset[str]()
        for probe, watch, answers in zip(probes, watches, exact, strict=True)
    ]
    rounded = [run(graph, probe.inputs, weights, "float32") for probe in probes]
    in_order = [_added_in_order(graph, weights, probe) for probe in probes]
    idle = _idle_inputs(graph, weights, probes, exact)
    return Reference(exact, rounded, idle, undefined, in_order)


def _added_in_order(graph: Graph, weights: Mapping[str, Array], probe: Probe) -> dict[str, Array]:
    """The outputs in float32 where sums run one term after the other."""
    found = run(graph, probe.inputs, weights, "float32", observe=summation.in_order)
    return {name: np.asarray(array) for name, array in found.items()}


class _NanWatch:
    """Sees whether any operation gives NaN."""

    def __init__(self) -> None:
        self.met = False

    def __call__(self, step: Step, results: tuple[Array, ...]) -> None:
        self.met = self.met or any(np.isnan(a).any() for a in results if a.dtype.kind == "f")


class _NumbersForNan:
    """Puts a random number, times `sign`, in the place of every NaN."""

    def __init__(self, sign: float) -> None:
        self._sign = sign
        self._random = np.random.default_rng(0)

    def __call__(self, step: Step, results: tuple[Array, ...]) -> tuple[Array, ...]:
        return tuple(map(self._replaced, results))

    def _replaced(self, array: Array) -> Array:
        if array.dtype.kind != "f" or not np.isnan(array).any():
            return array
        drawn = self._sign * self._random.normal(size=array.shape)
        return np.where(np.isnan(array), drawn, array).astype(array.dtype)


def _moved_by_nan(
    graph: Graph, weights: Mapping[str, Array], probe: Probe, answers: Mapping[str, Array]
) -> frozenset[str]:
    """The outputs that change when every NaN on the way is a number: an argmax, a comparison.

    Of both signs, so that whatever puts them in order answers anew.
    """
    found: set[str] = set()
    for sign in (1.0, -1.0):
        try:
            changed = run(graph, probe.inputs, weights, observe=_NumbersForNan(sign))
        except InputError:  # it was an index
            return frozenset(answers)
        found |= {name for name, array in changed.items() if (array != answers[name]).any()}
    return frozenset(found)


def _idle_inputs(
    graph: Graph,
    weights: Mapping[str, Array],
    probes: Sequence[Probe],
    exact: Sequence[Mapping[str, Array]],
) -> list[str]:
    """The inputs that a script could leave out of account without being noticed.

    Each is drawn anew, and given its edges, while the others stay: those of the first probe, and
    where that shows nothing, of the second.  Of a single input the outputs' own change tells.
    """
    if len(graph.inputs) == 1:
        return []

    def shows(name: str, before: int, after: int) -> bool:
        inputs = {**probes[before].inputs, name: probes[after].inputs[name]}
        changed = run(graph, inputs, weights)
        return any(_differs(exact[before][output], array) for output, array in changed.items())

    alike = [0, *(k for k, probe in enumerate(probes) if probe.kind.redraws == 0)]
    usual = [k for k in alike if not probes[k].kind.edge]
    pairs = [(before, after) for before in usual for after in alike if before != after]
    return [
        name
        for name in reached_inputs(graph)
        if not any(shows(name, before, after) for before, after in pairs)
    ]


def _differs(before: Array, after: Array) -> bool:
    """Whether any element changed visibly; becoming NaN is a change."""
    if before.dtype.kind != "f":
        return bool((before != after).any())
    return not bool((np.abs(before - after) < SENSITIVITY * scale_of(before)).all())
