"""The class of a sample with another argument is what `-P` makes of the sample, in every target."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from tercet.backends.draft import Draft
from tercet.codegen.decisions import decision_lines
from tercet.codegen.models import print_model
from tercet.codegen.printed import ClassCode
from tercet.codegen.variants import family_of
from tercet.backends.mxnet.target import MXNetTarget
from tercet.backends.pytorch.target import PyTorchTarget
from tercet.backends.tensorflow.target import TensorFlowTarget
from tercet.compiler.dims import Dim, evaluate
from tercet.compiler.graph.ir import Graph
from tercet.compiler.sizing.sizes import example_sizes
from tercet.compiler.types import DType
from tercet.dsl.diagnostics import DiagnosticError
from tercet.project import Project, drafts, open_project, script_text
from tests.e2e.running import Forks
from tests.samples.catalog import SAMPLES, TARGETS

WORKER = Path(__file__).with_name("parameters_worker.py")
FIXED = {("unet", "levels")}
"""Parameters that decide about structure: their values are in the text of the class."""
REFUSED = {("unet", "classes")}
"""Parameters of which the sample's own `train` allows no other value, so that `-P` does not."""
BASE = {"resnet18": {"size": "32"}, "bert_tiny": {"vocab": "300"}}
"""Values that make large samples small enough for a test."""
NAMES = sorted(path.stem for path in SAMPLES.glob("*.model"))


def _class(model: Graph, target: str) -> ClassCode:
    match target:
        case "pytorch":
            return print_model(model, lambda _: PyTorchTarget()).classes[-1]
        case "tensorflow":
            return print_model(model, TensorFlowTarget).classes[-1]
    return print_model(model, lambda models: MXNetTarget(models[0])).classes[-1]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_an_argument_or_said_to_be_fixed(name: str, target: str) -> None:
    model = open_project(SAMPLES / f"{name}.model").model
    code = _class(model, target)
    arguments = {a.name: a.default for a in code.arguments}
    for parameter in model.block.parameters:
        value = model.arguments[parameter.name]
        if (name, parameter.name) in FIXED:
            assert any(n.startswith(f"{parameter.name} = {value} is fixed: ") for n in code.notes)
            assert parameter.name not in arguments
        else:
            assert arguments[parameter.name] == value
    assert list(arguments) == [p.name for p in model.block.parameters if p.name in arguments]


@pytest.mark.parametrize("name", ["resnet18", "unet"])
def test_a_script_is_the_same_whichever_others_are_printed_before_it(name: str) -> None:
    """What targets share (the model at other values, what its inputs must obey) has no memory."""
    path = SAMPLES / f"{name}.model"
    together = drafts(open_project(path), TARGETS, SAMPLES)
    for target in TARGETS:
        alone = drafts(open_project(path), [target], SAMPLES)[target]
        assert _text(alone) == _text(together[target])


def _text(draft: Draft) -> tuple[object, ...]:
    return draft.header, draft.imports, draft.body, list(decision_lines(draft.decisions))


# ------------------------------------------------------------------------------------- as run


@pytest.fixture(scope="module", params=TARGETS)
def forks(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Forks]:
    folder = tmp_path_factory.mktemp(f"parameters_{request.param}")
    shutil.copy(WORKER, folder / "worker.py")
    found = Forks(folder, request.param)
    yield found
    found.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_class_with_another_argument(name: str, forks: Forks) -> None:
    project = _opened(name, {})
    script = _written(project, forks, "as_it_stands")
    plans = []
    for number, changed in enumerate(_changes(name, project.model)):
        other = _opened(name, changed)
        inputs = f"inputs_{number}"
        save_file(_inputs(other.model), forks.folder / inputs)
        plans.append(
            {
                "script": script,
                "arguments": changed,
                "other": _written(other, forks, f"other_{number}"),
                "inputs": inputs,
            }
        )
    if not plans:
        pytest.skip("the sample has no parameters")
    (forks.folder / "plan").write_text(json.dumps(plans))
    done = forks.run("worker.py", "plan")
    assert done.code == 0, done.stderr
    for plan, (error, scale) in zip(
        plans, json.loads((forks.folder / "plan.found").read_text()), strict=True
    ):
        assert error <= 1e-5 * scale, plan["arguments"]
        assert scale > 1e-3


def _written(project: Project, forks: Forks, stem: str) -> str:
    name = f"{stem}.py"
    text = script_text(project, forks.target, forks.folder)
    (forks.folder / name).write_text(text, encoding="utf-8")
    return name


def _changes(name: str, model: Graph) -> Iterator[dict[str, Any]]:
    """Other values for each argument, which the compiler did not look at, and for all at once."""
    together: dict[str, Any] = {}
    for parameter, tried in family_of(model).free.items():
        if (name, parameter) not in FIXED:
            value = model.arguments[parameter]
            others = [value + 3, value - 2, 3 * value, value // 2, value // 4, 4 * value]
            legal = (v for v in others if 0 < v <= 2**16 and v not in (*tried, value))
            changed = next((c for v in legal if _is_legal(name, c := {parameter: v})), None)
            assert (changed is None) is ((name, parameter) in REFUSED)
            if changed is not None:
                yield changed
                together |= changed
    if len(together) > 1 and _is_legal(name, together):
        yield together


def _opened(name: str, changed: dict[str, Any]) -> Project:
    parameters = {**BASE.get(name, {}), **{n: str(v) for n, v in changed.items()}}
    return open_project(SAMPLES / f"{name}.model", parameters=parameters)


def _is_legal(name: str, changed: dict[str, Any]) -> bool:
    try:
        _opened(name, changed)
    except DiagnosticError:
        return False
    return True


def _inputs(model: Graph) -> dict[str, np.ndarray[Any, Any]]:
    rng = np.random.default_rng(1)
    sizes = example_sizes(model)
    found = {}
    for entry in model.inputs:
        type_ = entry.value.type
        shape = [evaluate(n, sizes) if isinstance(n, Dim) else n for n in type_.shape]
        drawn = rng.normal(size=shape)
        array = drawn if type_.dtype is DType.F32 else drawn > 0
        found[entry.value.name] = array.astype(type_.dtype.numpy_name)
    return found
