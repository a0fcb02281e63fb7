"""`python -m benchmarks.exact_operations`: every record of an operation, exact and in float64.

Each target's script of one operation runs on the same numbers, then on some where every third one
is zero: what comes out, and the gradient, are compared with PyTorch's and the outputs with the
reference.  What is farther apart than rounding is listed with the reason that is known for it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from safetensors.numpy import load_file, save_file

from benchmarks.exact_page import OPERATIONS as RECORD
from benchmarks.processes import ROOT
from benchmarks.updates import write_page
from tercet.backends.base import Place
from tercet.codegen.script.style import Style
from tercet.compiler.reference import interpreter as reference
from tercet.compiler.types import DType
from tercet.dsl.diagnostics import DiagnosticError
from tercet.project import FRAMEWORKS, backend
from tests.backends import op_jobs
from tests.backends.torch_scripts import Job, class_name
from tests.ops.cases import CASES, RANDOM
from tests.ops.frame import OpCase
from tests.ops.layer_cases import CASES as LAYER_CASES

LIMIT = 1e-13
"""Of an output's or gradient's largest number."""
KNOWN = {
    "maximum": "PyTorch shares it between equal elements",
    "minimum": "the same",
    "binary_cross_entropy": "at a probability of 0, whose logarithm counts as -100",
    "mse_without_weight": "TensorFlow's of an operand that has no part in the loss",
    "batch_norm": "in MXNet, with the statistics of inference",
    "batch_norm_vector": "the same",
    "batch_norm_of_many_axes": "the same",
    "batch_norm_plain": "the same",
    "batch_norm_plain_line": "the same",
}
"""Gradients that differ, and why."""


def cases() -> list[OpCase]:
    """The records that draw no random numbers, with operands."""
    drawn = {case.name for case in RANDOM if case.op.is_random}
    return [c for c in (*CASES, *LAYER_CASES) if c.name not in drawn and any(c.inputs)]


def _job(case: OpCase) -> Job:
    if getattr(case.op, "dtype", None) is DType.F32:
        case = replace(case, op=replace(case.op, dtype=DType.F64))  # type: ignore[type-var]
    with mock.patch.object(op_jobs, "_single", lambda type: type):
        return op_jobs.job(case, "exact")


def _prepare(case: OpCase, job: Job, folder: Path, *, zeros: bool) -> dict[str, str]:
    """Writes a job; gives what targets refuse."""
    folder.mkdir()
    refused = {}
    for framework in FRAMEWORKS:
        place = Place("test.model", folder, folder, f"op_{framework}.py")
        try:
            with mock.patch("tercet.backends.finishing._formatted", lambda text: text):
                text = backend(framework).render(job.graph, None, place, Style(exact=True))
        except DiagnosticError as problem:
            refused[framework] = problem.diagnostics[0].message
            continue
        (folder / f"{framework}.py").write_text(text)
        (folder / "name.txt").write_text(class_name(text))
    inputs = {name: array.copy(order="C") for name, array in job.probes[0].items()}
    for array in inputs.values():
        if zeros and array.dtype.kind == "f":
            array.reshape(-1)[::3] = 0
    save_file(inputs, folder / "inputs.safetensors")
    weights = {name: array.copy(order="C") for name, array in job.weights.items()}
    save_file(weights, folder / "weights.safetensors")
    return refused


def _run(place: Path) -> None:
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}
    for framework in FRAMEWORKS:
        command = [sys.executable, "-m", "tests.backends.exact_op_worker", framework, str(place)]
        subprocess.run(command, check=True, cwd=ROOT, env=quiet, capture_output=True)


def _apart(truth: Any, found: Any) -> float:
    """The largest difference of the finite numbers, of the largest of them."""
    found = found.reshape(truth.shape)  # MXNet holds a number as one element
    finite = np.isfinite(truth) & np.isfinite(found)
    if truth.dtype.kind != "f" or not finite.any():
        return 0.0
    scale = max(1.0, float(np.abs(truth[finite]).max()))
    return float(np.abs(found[finite] - truth[finite]).max()) / scale


def _differences(job: Job, folder: Path) -> Iterator[tuple[str, float]]:
    """What of a job is how far apart; an error is infinitely far."""
    inputs = load_file(folder / "inputs.safetensors")
    expected = reference.run(job.graph, inputs, job.weights, "float64")
    truths = {f"out.{k}": expected[o.name] for k, o in enumerate(job.graph.outputs)}
    results = {}
    for framework in FRAMEWORKS:
        if (folder / f"{framework}.error").exists():
            last = (folder / f"{framework}.error").read_text().strip().splitlines()[-1]
            yield f"{framework}: {last[:80]}", float("inf")
        elif (folder / f"{framework}.py").exists():
            results[framework] = load_file(folder / f"{framework}.safetensors")
    first = next((r for f, r in results.items() if f == "pytorch"), {})
    truths |= {k: a for k, a in first.items() if k.startswith("gradient.")}
    for framework, found in results.items():
        for name in truths.keys() & found.keys():
            yield f"{framework}: {name}", _apart(truths[name], found[name])


def measured() -> dict[str, Any]:
    """The record of all operations."""
    every = cases()
    refused: dict[str, dict[str, str]] = {}
    far: dict[str, dict[str, float | str]] = {}
    worst = 0.0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        jobs = {case.name: _job(case) for case in every}
        for case in every:
            for kind in ("", "-zeros"):
                where = folder / f"{case.name}{kind}"
                found = _prepare(case, jobs[case.name], where, zeros=bool(kind))
                refused |= {case.name: found} if found else {}
        _run(folder)
        for case in every:
            for kind in ("", "-zeros"):
                name = f"{case.name}{kind}"
                for what, apart in _differences(jobs[case.name], folder / name):
                    if apart > LIMIT:
                        far.setdefault(name, {})[what] = apart if np.isfinite(apart) else "fails"
                    else:
                        worst = max(worst, apart)
    return {
        "records": len(every),
        "limit": LIMIT,
        "largest within": worst,
        "refused": refused,
        "farther": far,
        "known": KNOWN,
    }


def unknown(record: dict[str, Any]) -> dict[str, Any]:
    """What is farther apart than rounding without a reason that is known."""
    return {n: f for n, f in record["farther"].items() if n.removesuffix("-zeros") not in KNOWN}


def main() -> None:
    record = measured()
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
    write_page()
    for name, found in unknown(record).items():
        print(name, found)


if __name__ == "__main__":
    main()
