"""A program in every target: compiled, run, trained by one step, exported; and what is wrong.

Outputs are compared with the reference, before and after training; losses, metrics and weights
after a step with each other's; files with the reference; a lean script with the full one; a class
at other arguments with what `-P` makes of the text.

What is left out is counted (`Verdict.left_out`): all of a program for which an output of the
reference is not finite or above 1e6; training where it draws (`dropout`, `stochastic_depth`,
`random_normal`), where the gradient at ties is not said (`max`, `min`, the maxima of pools that
overlap or are global), and where rounding alone moves the outputs; moving averages where
docs/language.md says that they differ.  Not drawn at all are f16, bf16 and mixed precision; exact
scripts, in which what draws could be compared too; `std`, `l2` and `norm` of what may be constant
or zero; and optimizers that divide by the gradient: their first step is as large for what rounding
leaves of a gradient as for any other.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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
from tercet.codegen.script.style import FULL, Style
from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.training import Training
from tercet.compiler.graph.weights import lively_weights
from tercet.compiler.pipeline import load
from tercet.compiler.reference.interpreter import Step, run
from tercet.compiler.types import DType
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
_LOSS = "the loss"
_TESTED = "loss of the test part"
_VARIANCES = "weights: moving variances of PyTorch, which are unbiased"
_AVERAGES = "weights: moving averages of MXNet, made going backwards"
_LEAN = Style(lean=True)
_SCRIPT = {FULL: "{}.py", _LEAN: "{}_lean.py"}
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
    compared: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()


def judge(
    program: Program, workers: Workers, targets: Sequence[str] = tuple(FRAMEWORKS)
) -> Verdict:
    """Compiles and runs a random program everywhere, or for these targets alone."""
    with tempfile.TemporaryDirectory(prefix="program") as folder:
        random = np.random.default_rng(0)
        columns = {c.name: _drawn(random, c, program.rows) for c in program.columns}
        np.savez(Path(folder) / "data.npz", **columns)
        told = "training draws" if program.is_random else "ties" if program.has_ties else ""
        trial = Trial(program.text, Path(folder), program.exported, apart=told)
        return trial.verdict(workers, targets, lean=program.lean, variant=program.variant)


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
        finite = array[np.isfinite(array)]
        unit = float(np.finfo(np.float32).eps) * _largest(finite)
        return array + np.asarray(unit * self._random.uniform(-1, 1, array.shape))


class Trial:
    """The text of a file with one model, perhaps trained on data that lie in the folder.

    `exported`: files of it are looked at too; `apart`: why frameworks do not end at the same
    weights, if they do not.
    """

    def __init__(self, text: str, folder: Path, exported: bool = False, apart: str = "") -> None:
        self._text, self._folder = text, folder
        self._exported, self._apart = exported, apart
        self._findings: list[Finding] = []
        self._refusals: dict[str, str] = {}
        self._compared: set[str] = set()
        self._left_out: set[str] = set()

    def _found(self, target: str, kind: str, message: str) -> None:
        self._findings.append(Finding(target, kind, message))

    def verdict(
        self,
        workers: Workers,
        targets: Sequence[str] = tuple(FRAMEWORKS),
        *,
        lean: bool = False,
        variant: Mapping[str, int | bool] | None = None,
    ) -> Verdict:
        path = self._folder / "program.model"
        path.write_text(self._text)
        self._source = Source(str(path), self._text, path)
        result = load(self._source)
        if result.program is None:
            self._found("tercet", "refused", "\n".join(map(render, result.errors)))
            return Verdict(tuple(self._findings))
        self._model = list(result.program.models.values())[-1]
        self._training = next(iter(result.program.trainings.values()), None)
        unjudged = self._expect()
        if unjudged:
            return Verdict(unjudged=unjudged)
        targets = self._run(workers, targets, FULL)
        for name in targets:
            self._judge_outputs(name)
        if self._training is not None:
            self._judge_training(targets)
        if self._exported:
            self._judge_files(targets)
        if lean:
            self._judge_lean(self._run(workers, targets, _LEAN))
        if variant:
            self._judge_arguments(workers, targets, variant)
        return Verdict(
            tuple(self._findings),
            self._refusals,
            compared=frozenset(self._compared),
            left_out=frozenset(self._left_out),
        )

    def _run(self, workers: Workers, targets: Sequence[str], style: Style) -> list[str]:
        """Compiles for these targets and runs what was compiled; those that end well."""
        flags = {
            name: self._flags(name, style)
            for name in targets
            if self._compiled(name, self._model, self._training, style)
        }
        problems = workers.run(self._folder, flags, _SCRIPT[style])
        for name, problem in problems.items():
            if problem:
                self._found(name, "crash", f"{'lean: ' * (style.lean)}{problem}")
        return [name for name, problem in problems.items() if not problem]

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
        given = [i.value.type.dtype for i in self._model.inputs]
        made = [p.type.dtype for _, p in self._model.parameters()]
        return "float32" if DType.F32 in (*given, *made) else "float64"

    @cached_property
    def _dtypes(self) -> dict[str, str]:
        return {o.name: o.value.type.dtype.numpy_name for o in self._model.outputs}

    @property
    def _tolerance(self) -> Tolerance:
        return _TOLERANCES[self._precision]

    # --------------------------------------------------------------------------------- targets

    def _compiled(
        self, target: str, model: Graph, training: Training | None, style: Style, name: str = ""
    ) -> bool:
        """Writes the script for a target, if it can be compiled."""
        name = name or _SCRIPT[style].format(target)
        place = Place("program.model", self._folder, self._folder, name)
        try:
            with mock.patch("tercet.backends.finishing._formatted", lambda texts: texts):
                text = backend(target).render(model, training, place, style)
        except DiagnosticError as error:
            self._refusals[target] = error.diagnostics[0].message
            return False
        except Exception as error:
            self._found(target, "compile", f"{type(error).__name__}: {error}")
            return False
        (self._folder / name).write_text(text)
        return True

    def _flags(self, target: str, style: Style) -> list[str]:
        def own(name: str) -> str:
            return str(self._folder / f"{target}.{name}")

        flags = ["--device", "cpu", "--weights", str(self._folder / "weights.safetensors")]
        if style.lean:
            return [*flags, "--save", own("lean")]
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
        self._compared.add("outputs")
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
        measured = {target: self._measured(target) for target in targets}
        for target, numbers in measured.items():
            for name, number in numbers.items():
                if not np.isfinite(number) and name in (_LOSS, _TESTED):
                    self._found(target, "loss", f"{name} is {number}")
        if len(targets) < 2:
            return
        apart = self._apart or ("" if self._is_steady() else "rounding moves the outputs")
        if apart:
            self._left_out.add(f"training: {apart}")
            return
        self._compared.add("training")
        first, *rest = targets
        for target in rest:
            differing = list(self._other_weights(first, target))
            for name, number in measured[target].items():
                wanted = measured[first][name]
                if name != _LOSS and self._left_out & {_VARIANCES, _AVERAGES}:
                    self._left_out.add("evaluation: moving averages differ")
                elif np.isnan(number) != np.isnan(wanted) or abs(
                    number - wanted
                ) > self._tolerance.loss * max(abs(wanted), 1e-2):
                    self._found(target, "loss", f"{name} is {number}; {first} has {wanted}")
            for message in differing:
                self._found(target, "weights", message)

    def _measured(self, target: str) -> dict[str, float]:
        """The loss of the step, and what evaluation gives where there are rows for it."""
        lines = (self._folder / f"{target}.log" / "metrics.jsonl").read_text().splitlines()
        told = [json.loads(line) for line in lines]
        tests = [record["test"] for record in told if "test" in record]
        if tests:
            self._compared.add("evaluation")
        return {
            _LOSS: float(told[0]["loss"]),
            **{
                f"{name} of the test part{k or ''}": float(number)
                for test in tests
                for name, found in test.items()
                for k, number in enumerate(np.ravel(found))
            },
        }

    def _other_weights(self, first: str, second: str) -> Iterator[str]:
        """What differs of the weights after a step in two frameworks."""
        ours, theirs = (load_file(self._folder / f"{t}.safetensors") for t in (first, second))
        for name, message in self._unequal(ours, theirs, first):
            if name.endswith("running_var") and "pytorch" in (first, second):
                self._left_out.add(_VARIANCES)
            elif second == "mxnet" and "running" in name and self._differs_in_mxnet(name, ours):
                self._left_out.add(_AVERAGES)
            else:
                yield message

    def _unequal(
        self, ours: Mapping[str, Array], theirs: Mapping[str, Array], whose: str
    ) -> Iterator[tuple[str, str]]:
        """The names of weights that differ, each with what is to be said of it."""
        if ours.keys() != theirs.keys():
            yield "", f"{sorted(theirs)}, not {sorted(ours)}"
            return
        scale = max(_distance(ours[name], old) for name, old in self._weights.items())
        for name, old in self._weights.items():
            rounding = 0 if self._precision == "float64" else 1e-6 * _largest(old)
            difference = _distance(ours[name], theirs[name])
            if difference > self._tolerance.update * max(scale, 1e-4) + rounding:
                told = f"{name} differs by {difference:.1e} from that of {whose}, of {scale:.1e}"
                yield name, told

    def _differs_in_mxnet(self, name: str, others: Mapping[str, Array]) -> bool:
        """Whether moving averages are others in MXNet, which makes them in the backward pass.

        The last of several applications comes first, and what has no gradient stays as it was:
        its scale tells, where it has one.
        """
        layer = name.rpartition(".")[0]
        scale = others.get(f"{layer}.weight")
        if layer in self._shared or scale is None:
            return True
        return bool((scale == self._weights[f"{layer}.weight"]).all())

    def _judge_lean(self, targets: list[str]) -> None:
        """Whether lean scripts end at the weights of full ones: there is one batch in both."""
        if self._training is not None and (
            self._apart == "training draws" or not self._is_steady()
        ):
            self._left_out.add("lean scripts: training draws, or rounding moves the outputs")
            return
        for target in targets:
            self._compared.add("lean scripts")
            full = load_file(self._folder / f"{target}.safetensors")
            lean = load_file(self._folder / f"{target}.lean")
            for _, message in self._unequal(full, lean, "the full script"):
                self._found(target, "lean", message)

    def _judge_arguments(
        self, workers: Workers, targets: list[str], variant: Mapping[str, int | bool]
    ) -> None:
        """Whether a class with other arguments is what `-P` makes of the text."""
        plans = {t: [json.dumps(p)] for t in targets if (p := self._plan(t, variant)) is not None}
        for target, problem in workers.run(self._folder, plans, "plan").items():
            if problem:
                self._found(target, "arguments", problem)
                continue
            self._compared.add("arguments")
            error, scale = json.loads((self._folder / f"{target}.found").read_text())
            if error > self._tolerance.output * max(scale, 1e-3):
                share = error / max(scale, 1e-3)
                self._found(target, "arguments", f"outputs differ by {share:.1e} of their scale")

    def _plan(self, target: str, variant: Mapping[str, int | bool]) -> dict[str, Any] | None:
        """What is compared of a target, if an argument of its class has another value."""
        text = (self._folder / f"{target}.py").read_text()
        init = re.search(r"def __init__\(self([^)]*)\)", text.partition("\nclass M(")[2])
        taken = re.findall(r"(\w+)=", init[1] if init else "")
        free = {name: value for name, value in variant.items() if name in taken}
        if not free:
            self._left_out.add("arguments: they are fixed, or nothing depends on them")
            return None
        told = {name: str(value).lower() for name, value in free.items()}
        program = load(self._source, parameters=told, inference=True).program
        if program is None:
            self._left_out.add("arguments: `-P` refuses the values")
            return None
        model = list(program.models.values())[-1]
        if not self._compiled(target, model, None, FULL, f"{target}_other.py"):
            return None
        return {
            "script": str(self._folder / f"{target}.py"),
            "arguments": free,
            "other": str(self._folder / f"{target}_other.py"),
            "inputs": str(self._folder / "in0.safetensors"),
        }

    # ----------------------------------------------------------------------------------- files

    def _judge_files(self, targets: list[str]) -> None:
        self._compared.add("files")
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


def _drawn(random: np.random.Generator, column: Column, rows: int) -> Array:
    shape = (rows, *column.data_shape[1:])
    match column.dtype:
        case "i64" | "i32":
            return random.integers(0, IDS, shape).astype(f"int{column.dtype[1:]}")
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
