"""A program in every target: compiled, run, trained by one step, exported; and what is wrong."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from tercet.backends.base import Place
from tercet.backends.mxnet.export import specification
from tercet.backends.onnx import write
from tercet.compiler.graph.weights import lively_weights
from tercet.compiler.pipeline import load
from tercet.compiler.reference.interpreter import Step, run
from tercet.dsl.diagnostics import DiagnosticError
from tercet.dsl.render import render
from tercet.dsl.source import Source
from tercet.project import FRAMEWORKS, backend
from tercet.verification.probes import make_probes
from tests.random_programs.programs import IDS, Column, Program
from tests.random_programs.workers import Workers

Array = NDArray[Any]
_NOISE = 16
"""Differences up to so many times what rounding makes of the reference are rounding."""
_STEADY = 1e-5
"""Outputs that rounding moves by more are of programs that are not trained alike in float32."""
_LARGEST = 1e6
"""Numbers above this are not judged: whatever is subtracted from them is rounding."""


@dataclass(frozen=True)
class Finding:
    """Something wrong: in a target, a kind of fault, and what was seen."""

    target: str
    kind: str
    message: str

    def __str__(self) -> str:
        return f"{self.target}: {self.kind}: {self.message}"


@dataclass(frozen=True)
class Verdict:
    """What was found, what targets refused (with the reason), and what could not be judged."""

    findings: tuple[Finding, ...] = ()
    refusals: Mapping[str, str] = field(default_factory=dict)
    unjudged: str = ""


def judge(program: Program, workers: Workers) -> Verdict:
    """Compiles and runs a random program everywhere."""
    with tempfile.TemporaryDirectory(prefix="program") as folder:
        random = np.random.default_rng(0)
        columns = {column.name: _drawn(random, column) for column in program.columns}
        np.savez(Path(folder) / "data.npz", **columns)
        alike = not (program.is_random or program.has_ties)
        return Trial(program.text, Path(folder), program.exported, alike).verdict(workers)


@dataclass(frozen=True)
class Tolerance:
    """How near numbers must be, as a share of the scale: outputs, losses and changes of weights."""

    output: float
    loss: float
    update: float


_TOLERANCES = {"float64": Tolerance(1e-6, 1e-5, 1e-5), "float32": Tolerance(1e-4, 1e-3, 1e-2)}


class _Shaken:
    """An observer that adds to every result what the last place of float32 may be off."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(0)

    def __call__(self, step: Step, results: tuple[Array, ...]) -> tuple[Array, ...]:
        return tuple(map(self._off, results))

    def _off(self, array: Array) -> Array:
        if array.dtype.kind != "f":
            return array
        unit = float(np.finfo(np.float32).eps) * _largest(array)
        return array + np.asarray(unit * self._random.uniform(-1, 1, array.shape))


class Trial:
    """The text of a file with one model, perhaps trained on data that lie in the folder.

    `exported`: files of it are looked at too; `alike`: frameworks end at the same weights.
    """

    def __init__(self, text: str, folder: Path, exported: bool = False, alike: bool = True) -> None:
        self._text, self._folder = text, folder
        self._exported, self._alike = exported, alike
        self._findings: list[Finding] = []
        self._refusals: dict[str, str] = {}

    def _found(self, target: str, kind: str, message: str) -> None:
        self._findings.append(Finding(target, kind, message))

    def verdict(self, workers: Workers) -> Verdict:
        path = self._folder / "program.model"
        path.write_text(self._text)
        result = load(Source(str(path), self._text, path))
        if result.program is None:
            self._found("tercet", "refused", "\n".join(map(render, result.errors)))
            return Verdict(tuple(self._findings))
        self._model = list(result.program.models.values())[-1]
        self._training = next(iter(result.program.trainings.values()), None)
        unjudged = self._expect()
        if unjudged:
            return Verdict(unjudged=unjudged)
        flags = {name: self._flags(name) for name in FRAMEWORKS if self._compiled(name)}
        for name, problem in workers.run(self._folder, flags).items():
            if problem:
                self._found(name, "crash", problem)
                del flags[name]
        for name in flags:
            self._judge_outputs(name)
        if self._training is not None:
            self._judge_training(list(flags))
        if self._exported:
            self._judge_files(list(flags))
        return Verdict(tuple(self._findings), self._refusals)

    # --------------------------------------------------------------------------- what is given

    def _expect(self) -> str:
        """Writes weights and probes; why nothing can be said of this program, if nothing can."""
        self._weights = lively_weights(self._model, 0)
        _save(self._folder / "weights.safetensors", self._weights)
        probes = make_probes(self._model, 0)
        self._probes = [probes[0].inputs, probes[2].inputs]
        for number, inputs in enumerate(self._probes):
            _save(self._folder / f"in{number}.safetensors", inputs)
            steps: Counter[str | None] = Counter()

            def count(step: Step, _: object, steps: Counter[str | None] = steps) -> None:
                steps[step.layer_path] += 1

            results = run(self._model, inputs, self._weights, observe=count)
            self._shared = {path for path, times in steps.items() if times > 1}
            for name, array in results.items():
                if not np.isfinite(array).all() or np.abs(array).max(initial=0) > _LARGEST:
                    return f"{name} is not finite or very large"
        return ""

    @cached_property
    def _precision(self) -> str:
        return "float64" if "f64" in self._text else "float32"

    @cached_property
    def _dtypes(self) -> dict[str, str]:
        return {o.name: o.value.type.dtype.numpy_name for o in self._model.outputs}

    @property
    def _tolerance(self) -> Tolerance:
        return _TOLERANCES[self._precision]

    # --------------------------------------------------------------------------------- targets

    def _compiled(self, target: str) -> bool:
        """Writes the script for a target, if it can be compiled."""
        place = Place("program.model", self._folder, self._folder, f"{target}.py")
        try:
            with mock.patch("tercet.backends.finishing._formatted", lambda text: text):
                text = backend(target).render(self._model, self._training, place)
        except DiagnosticError as error:
            self._refusals[target] = error.diagnostics[0].message
            return False
        except Exception as error:
            self._found(target, "compile", f"{type(error).__name__}: {error}")
            return False
        (self._folder / f"{target}.py").write_text(text)
        return True

    def _flags(self, target: str) -> list[str]:
        def own(name: str) -> str:
            return str(self._folder / f"{target}.{name}")

        flags = ["--device", "cpu", "--weights", str(self._folder / "weights.safetensors")]
        flags += ["--save", own("safetensors")]
        flags += ["--log-dir", own("log")] if self._training is not None else []
        for number in range(len(self._probes)):
            flags += [
                "--predict",
                str(self._folder / f"in{number}.safetensors"),
                own(f"out{number}"),
            ]
        if self._exported:
            made = self._folder / ("mxnet" if target == "mxnet" else f"{target}.onnx")
            flags += ["--export", str(made)]
            (self._folder / "mxnet.json").write_text(json.dumps(specification(self._model)))
        return flags

    # ------------------------------------------------------------------------------- judgement

    def _judge_outputs(self, target: str) -> None:
        """Whether a framework's outputs are those of the reference with the weights it ends at."""
        weights = load_file(self._folder / f"{target}.safetensors")
        if any(not np.isfinite(array).all() for array in weights.values()):
            self._found(target, "weights", "they are not finite after a step")
            return
        for number, inputs in enumerate(self._probes):
            found = load_file(self._folder / f"{target}.out{number}")
            self._compare(target, "output", found, inputs, weights)

    def _compare(
        self,
        target: str,
        kind: str,
        found: Mapping[str, Array],
        inputs: Mapping[str, Array],
        weights: Mapping[str, Array],
    ) -> None:
        expected = run(self._model, inputs, weights)
        for name, truth in expected.items():
            ours, dtype = found[name], self._dtypes[name]
            if ours.shape != truth.shape or ours.dtype != dtype:
                what = f"{ours.dtype} {ours.shape}, not {dtype} {truth.shape}"
                self._found(target, kind, f"{name} is {what}")
                continue
            if truth.dtype.kind != "f":
                if (ours != truth).any():
                    self._found(target, kind, f"{name} has other elements")
                continue
            difference = _largest(ours - truth)
            scale = max(_largest(truth), 1e-3)
            if difference <= self._tolerance.output * scale:
                continue
            if difference > _NOISE * self._noise(name, inputs, weights):
                share = difference / scale
                self._found(target, kind, f"{name} differs by {share:.1e} of its scale")

    def _noise(self, name: str, inputs: Mapping[str, Array], weights: Mapping[str, Array]) -> float:
        """What rounding to float32 makes of an output; nothing where a program is in float64."""
        if self._precision == "float64":
            return 0.0
        truth = run(self._model, inputs, weights)[name]
        shaken = run(self._model, inputs, weights, observe=_Shaken())[name]
        return _largest(shaken - truth)

    def _is_steady(self) -> bool:
        """Whether rounding hardly moves the outputs, so that gradients are those of the program."""
        inputs = self._probes[0]
        return all(
            self._noise(name, inputs, self._weights) < _STEADY
            for name, dtype in self._dtypes.items()
            if dtype.startswith("float")
        )

    def _judge_training(self, targets: list[str]) -> None:
        losses = {target: self._loss(target) for target in targets}
        for target, loss in losses.items():
            if not np.isfinite(loss):
                self._found(target, "loss", f"it is {loss}")
        if not self._alike or len(targets) < 2 or not self._is_steady():
            return
        first, *rest = targets
        for target in rest:
            bound = self._tolerance.loss * max(abs(losses[first]), 1e-2)
            if abs(losses[target] - losses[first]) > bound:
                self._found(target, "loss", f"{losses[target]}; {first} has {losses[first]}")
            for message in self._other_weights(first, target):
                self._found(target, "weights", message)

    def _loss(self, target: str) -> float:
        lines = (self._folder / f"{target}.log" / "metrics.jsonl").read_text().splitlines()
        return float(json.loads(lines[0])["loss"])

    def _other_weights(self, first: str, second: str) -> Iterator[str]:
        """What differs of the weights after a step in two frameworks."""
        ours, theirs = (load_file(self._folder / f"{t}.safetensors") for t in (first, second))
        if ours.keys() != theirs.keys():
            yield f"{sorted(theirs)}, not {sorted(ours)}"
            return
        scale = max(_distance(ours[name], old) for name, old in self._weights.items())
        for name, old in self._weights.items():
            if name.endswith("running_var") and "pytorch" in (first, second):
                continue  # PyTorch keeps the unbiased one
            if second == "mxnet" and "running" in name and self._differs_in_mxnet(name, ours):
                continue
            rounding = 0 if self._precision == "float64" else 1e-6 * _largest(old)
            difference = _distance(ours[name], theirs[name])
            if difference > self._tolerance.update * max(scale, 1e-4) + rounding:
                yield f"{name} differs by {difference:.1e} from that of {first}, of {scale:.1e}"

    def _differs_in_mxnet(self, name: str, others: Mapping[str, Array]) -> bool:
        """Whether moving averages are others in MXNet, which makes them in the backward pass.

        The last of several applications comes first, and what has no gradient stays as it was.
        """
        layer = name.rpartition(".")[0]
        scale = f"{layer}.weight"
        return layer in self._shared or bool((others[scale] == self._weights[scale]).all())

    # ----------------------------------------------------------------------------------- files

    def _judge_files(self, targets: list[str]) -> None:
        try:
            write(self._model, self._weights, self._folder / "onnx.onnx")
        except DiagnosticError as error:
            self._refusals["onnx"] = error.diagnostics[0].message
        except Exception as error:
            self._found("onnx", "compile", f"{type(error).__name__}: {error}")
        for target in (*targets, "onnx"):
            if target not in self._refusals and (self._folder / f"{target}.onnx").exists():
                self._judge_file(target)

    def _judge_file(self, target: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.graph_optimization_level = level
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        own = self._folder / f"{target}.safetensors"
        weights = load_file(own) if own.exists() else self._weights
        try:
            session = onnxruntime.InferenceSession(
                str(self._folder / f"{target}.onnx"), options, providers=["CPUExecutionProvider"]
            )
            names = [output.name for output in session.get_outputs()]
            taken = {given.name for given in session.get_inputs()}
            for inputs in self._probes:
                feed = {name: array for name, array in inputs.items() if name in taken}
                found = dict(zip(names, session.run(names, feed), strict=True))
                self._compare(target, "file", found, inputs, weights)
        except Exception as error:
            self._found(target, "file", f"{type(error).__name__}: {error}")


def _drawn(random: np.random.Generator, column: Column) -> Array:
    shape = column.data_shape
    match column.dtype:
        case "i64":
            return random.integers(0, IDS, shape)
        case "bool":
            return random.random(shape) < 0.5
        case other:
            return random.normal(size=shape).astype({"f32": "float32", "f64": "float64"}[other])


def _save(path: Path, arrays: Mapping[str, Array]) -> None:
    save_file({name: array.copy(order="C") for name, array in arrays.items()}, path)


def _distance(a: Array, b: Array) -> float:
    """The largest difference, buffers of bools and integers included."""
    return _largest(a.astype(np.float64) - b)


def _largest(array: Array) -> float:
    """The largest magnitude; NaN counts as infinite."""
    return float(np.nan_to_num(np.abs(array), nan=np.inf).max(initial=0.0))
