"""From the answers of all voices to verdicts: who is compared with whom, and what can be judged.

A voice is one program that answers every probe: a framework, an ONNX file, or the reference.  The
reference in float64 is the truth; its distances from itself in float32 are samples of the rounding
that this model makes of these probes, and tell a difference of meaning from one of rounding.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

from tercet.compiler.lazy import np
from tercet.compiler.types import DType
from tercet.verification.compare import Comparison, Verdict, compare, scale_of, tolerance_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

TINY = 1e-6
"""Floating-point outputs nowhere larger than this are too small to judge."""
SENSITIVITY = 1e-3
"""The share of its scale by which an output must change when all inputs are drawn anew."""
_NOISE_FACTOR = 16
_RANK: dict[Verdict, int] = {"identical": 0, "not judged": 1, "different": 2}

Answers = Mapping[str, "Array"]


@dataclass(frozen=True)
class Voice:
    """One program's outputs by name, for every probe.

    `name` is `pytorch` for the framework itself, `pytorch.onnx` for its file, `onnx` for the direct
    one.  `wrong` says what is wrong about its names of inputs or outputs, if anything is.
    """

    name: str
    target: str
    kind: Literal["eager", "onnx"]
    answers: Sequence[Answers]
    wrong: str | None = None


@dataclass(frozen=True)
class Reference:
    """The reference's outputs for every probe, in float64 and in float32.

    `idle` are inputs whose handling the probes do not try: no output changes with them.
    `undefined` are for each probe the outputs that depend on a NaN, though they hold none: what
    the largest of no numbers is, every framework answers in its own way.
    `in_order` is float32 again, with sums that lose more: see `summation`.
    """

    exact: Sequence[Answers]
    rounded: Sequence[Answers]
    idle: Sequence[str] = ()
    undefined: Sequence[Collection[str]] = ()
    in_order: Sequence[Answers] = ()


@dataclass(frozen=True)
class ProbeKind:
    """What judging needs to know of a probe: its name, and whether it is an edge input.

    `redraws` is the index of the probe of the same sizes whose inputs are drawn anew here.
    """

    name: str
    edge: bool = False
    redraws: int | None = None


@dataclass(frozen=True)
class Pair:
    """The worst comparison of two voices for one output; `probe` is where it was found."""

    left: str
    right: str
    output: str
    max_abs: float | None
    max_rel: float | None
    verdict: Verdict
    probe: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Judgement:
    """All pairs, and in words what was left out and why."""

    pairs: tuple[Pair, ...]
    notes: tuple[str, ...]


def judge(
    outputs: Mapping[str, DType],
    probes: Sequence[ProbeKind],
    reference: Reference,
    voices: Sequence[Voice],
) -> Judgement:
    """Compares each framework with its own file, all files with each other, all with the reference.

    An output that no probe can tell anything about is not judged.
    """
    pairs: list[Pair] = []
    notes: dict[str, None] = {}
    for output, dtype in outputs.items():
        judge = _OutputJudge(output, dtype, probes, reference)
        pairs += judge.pairs(voices)
        notes.update(dict.fromkeys(judge.notes))
    return Judgement(tuple(pairs), tuple(notes))


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """`different` before `not judged` before `identical`; nothing at all is not judged."""
    return max(verdicts, key=_RANK.__getitem__, default="not judged")


def _voice_pairs(voices: Sequence[Voice]) -> Iterator[tuple[Voice, Voice]]:
    files = [voice for voice in voices if voice.kind == "onnx"]
    for voice in voices:
        if voice.kind == "eager":
            yield from ((voice, own) for own in files if own.target == voice.target)
    yield from combinations(files, 2)


class _OutputJudge:
    """Judges one output of the model."""

    def __init__(
        self, output: str, dtype: DType, probes: Sequence[ProbeKind], reference: Reference
    ) -> None:
        self.output = output
        self.dtype = dtype
        self.probes = probes
        self.exact = [answers[output] for answers in reference.exact]
        self.rounded = [answers[output] for answers in reference.rounded]
        self.in_order = [answers[output] for answers in reference.in_order]
        self.undefined = {i for i, names in enumerate(reference.undefined) if output in names}
        self.scales = self._scales()
        self.tolerance = tolerance_for(np.dtype(dtype.numpy_name))
        self.notes = [note] if (note := self._out_of_sight()) else []
        self.unusable = {i: why for i in range(len(probes)) if (why := self._not_finite(i))}
        self.vacuous = None if self._regular_unusable() else self._vacuous()

    def pairs(self, voices: Sequence[Voice]) -> Iterator[Pair]:
        for left, right in _voice_pairs(voices):
            yield self._pair(left, right)
        for voice in voices:
            yield self._pair(voice, None)

    # ----------------------------------------------------------------------- what can be judged

    def _scales(self) -> list[float]:
        """Of each probe; an edge input's is not below that of the ordinary ones."""
        own = [scale_of(array) for array in self.exact]
        usual = max(s for s, p in zip(own, self.probes, strict=True) if not p.edge)
        return [max(s, usual) if p.edge else s for s, p in zip(own, self.probes, strict=True)]

    def _not_finite(self, probe: int) -> str | None:
        arrays = (self.exact[probe], self.rounded[probe])
        if any(np.isnan(array).any() for array in arrays if array.dtype.kind == "f"):
            return "the reference itself is NaN there"
        if any(np.isinf(array).any() for array in arrays if array.dtype.kind == "f"):
            return "the reference itself is infinite there"
        if probe in self.undefined:
            return "it depends on what the reference says is NaN"
        return None

    def _regular_unusable(self) -> str | None:
        usual = (i for i, probe in enumerate(self.probes) if not probe.edge)
        return next((self.unusable[i] for i in usual if i in self.unusable), None)

    def _vacuous(self) -> str | None:
        """Why equal answers would prove nothing about this output, if they would not."""
        usual = [i for i in range(len(self.probes)) if i not in self.unusable]
        arrays = [self.exact[i] for i in usual if not self.probes[i].edge or self._counts_exactly]
        values = np.concatenate([array.reshape(-1) for array in arrays])
        if values.size == 0:
            return "it has no elements"
        scale = scale_of(values)
        if not self._counts_exactly and scale < TINY:
            return f"it is tiny: nowhere more than {scale:.1e}"
        if values.size > 1 and (values == values[0]).all():
            return f"it is {values[0]:g} everywhere, whatever the input"
        if not self._changes():
            return "it hardly depends on the input"
        return None

    def _out_of_sight(self) -> str | None:
        """A note on columns (of the last axis) that are nowhere more than the tolerance."""
        usual = [i for i, probe in enumerate(self.probes) if not probe.edge]
        arrays = [self.exact[i] for i in usual]
        widths = {array.shape[-1:] for array in arrays}
        if self._counts_exactly or len(widths) > 1 or arrays[0].ndim < 2:
            return None
        seen = np.zeros(arrays[0].shape[-1], dtype=bool)
        for array, scale in zip(arrays, (self.scales[i] for i in usual), strict=True):
            small = np.abs(array) <= self.tolerance * scale
            seen |= ~small.all(axis=tuple(range(array.ndim - 1)))
        hidden = int(np.count_nonzero(~seen))
        if not 0 < hidden < seen.size:
            return None
        return (
            f"{self.output}: of {hidden} of its {seen.size} columns nothing is told, as they are "
            f"nowhere more than {self.tolerance:.0e} of the others"
        )

    @property
    def _counts_exactly(self) -> bool:
        return not self.dtype.is_float

    def _changes(self) -> bool:
        """Whether some element does when the inputs are drawn anew, as seen beside the largest.

        Of integers and booleans also when they are edge inputs: few values often meet by chance.
        """
        for i, probe in enumerate(self.probes):
            j = probe.redraws
            if j is None or (probe.edge and not self._counts_exactly):
                continue
            if {i, j} & self.unusable.keys():
                continue
            before, after = self.exact[j].astype(float), self.exact[i].astype(float)
            change = scale_of(after - before)
            if change and change >= SENSITIVITY * max(scale_of(before), scale_of(after)):
                return True
        return False

    # ---------------------------------------------------------------------------------- judging

    def _pair(self, left: Voice, right: Voice | None) -> Pair:
        name = "reference" if right is None else right.name
        refused = self._regular_unusable() or self.vacuous
        if refused is not None:
            comparison = Comparison("not judged", reason=f"output {self.output}: {refused}")
            return _as_pair(left.name, name, self.output, None, comparison)
        found: list[tuple[str, Comparison]] = []
        for index, probe in enumerate(self.probes):
            if index in self.unusable:
                self.notes.append(f"{probe.name}: {self.output} left out: {self.unusable[index]}")
                continue
            comparison = self._compare(index, left, right)
            if comparison.verdict == "not judged" and probe.edge:
                self.notes.append(f"{probe.name}: {self.output} left out: {comparison.reason}")
            else:
                found.append((probe.name, comparison))
        probe_name, shown = max(found, key=lambda item: _badness(item[1]))
        return _as_pair(left.name, name, self.output, probe_name, shown)

    def _compare(self, index: int, left: Voice, right: Voice | None) -> Comparison:
        for voice in (left, right) if right is not None else (left,):
            if problem := self._malformed(index, voice):
                return Comparison("different", reason=problem)
        ours = left.answers[index][self.output]
        theirs = self.exact[index] if right is None else right.answers[index][self.output]
        comparison = compare(ours, theirs, scale=self.scales[index], same_dtype=right is not None)
        return self._excused(index, comparison)

    def _malformed(self, index: int, voice: Voice) -> str | None:
        if voice.wrong is not None:
            return f"{voice.name}: {voice.wrong}"
        array = voice.answers[index].get(self.output)
        if array is None:
            return f"{voice.name} has no output {self.output}"
        expected = np.dtype(self.dtype.numpy_name)
        if array.dtype != expected:
            return f"{voice.name} gives {array.dtype}, not {expected}"
        shape = self.exact[index].shape
        if array.shape != shape:
            return f"{voice.name} gives the shape {array.shape}, not {shape}"
        return None

    def _excused(self, index: int, comparison: Comparison) -> Comparison:
        """A difference is not judged where float32 rounding alone makes one of its size."""
        if comparison.verdict != "different" or comparison.max_abs is None:
            return comparison
        samples = (self.rounded, self.in_order) if self.in_order else (self.rounded,)
        exact = self.exact[index].astype(float)
        noise = max(scale_of(exact - sample[index].astype(float)) for sample in samples)
        tolerated = self.tolerance * self.scales[index]
        if 4 * noise <= tolerated or comparison.max_abs > _NOISE_FACTOR * noise:
            return comparison
        reason = f"float32 rounding alone moves it by {noise:.1e}"
        return replace(comparison, verdict="not judged", reason=reason)


def _as_pair(left: str, right: str, output: str, probe: str | None, shown: Comparison) -> Pair:
    numbers = (shown.max_abs, shown.max_rel)
    return Pair(left, right, output, *numbers, shown.verdict, probe, shown.reason)


def _badness(comparison: Comparison) -> tuple[int, float]:
    size = float("inf") if comparison.max_rel is None else comparison.max_rel
    return _RANK[comparison.verdict], size
