"""Exact scripts: all three frameworks train to the same weights, whatever the model has."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

import tercet
from tercet.codegen.script.draws import DRAWS
from tercet.compiler.graph.weights import initial_weights
from tercet.dsl.diagnostics import DiagnosticError
from tercet.project import FRAMEWORKS, Project, open_project, script_text
from tests.backends.exact import LIMIT, differences, prepare, run
from tests.backends.exact_models import MODELS
from tests.backends.torch_scripts import ROOT

SAMPLES = ("digits_cnn", "lstm_forecast", "vae")
JOBS = (*MODELS, *SAMPLES)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("exact")
    sources = tmp_path_factory.mktemp("sources")
    for name, text in MODELS.items():
        (sources / f"{name}.model").write_text(text)
        prepare(sources / f"{name}.model", place / name)
    for name in SAMPLES:
        prepare(ROOT / "samples" / f"{name}.model", place / name, "--batch-size 4 --epochs 1")
    prepare(sources / "drawn.model", place / "lean", lean=True)
    for framework in FRAMEWORKS:
        run(place, framework)
    return place


@pytest.mark.slow
@pytest.mark.parametrize("name", JOBS)
def test_frameworks_end_alike(name: str, folder: Path) -> None:
    found = list(differences(folder / name))
    far = [d for d in found if d.largest > LIMIT]
    assert not far
    unsure = {d.name for d in found if d.unsure}
    assert all(name.endswith("dense.bias") for name in unsure)  # of keys
    end = load_file(folder / name / "pytorch.safetensors")
    assert {d.name for d in found} == end.keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_all_weights_move(name: str, folder: Path, tmp_path: Path) -> None:
    """From where `tercet weights` says that they start."""
    path = tmp_path / "test.model"
    path.write_text(MODELS[name])
    start = initial_weights(open_project(path, float64=True).model, 0)
    end = load_file(folder / name / "mxnet.safetensors")
    moved = {key for key, value in start.items() if not np.array_equal(value, end[key])}
    assert moved == start.keys()


@pytest.mark.slow
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_lean_script_ends_as_a_full_one(framework: str, folder: Path) -> None:
    error = folder / "lean" / f"{framework}.error"
    assert not error.exists(), error.read_text()
    full, lean = (load_file(folder / n / f"{framework}.safetensors") for n in ("drawn", "lean"))
    for name, value in full.items():
        np.testing.assert_array_equal(lean[name], value, name)


# ------------------------------------------------------------------------------------- the stream


def _draws() -> Any:
    scope: dict[str, Any] = {}
    exec("\n".join(DRAWS.imports) + "\n" + DRAWS.text, scope)
    return scope["draws"]


def test_the_stream_is_that_of_the_documentation() -> None:
    draws = _draws()
    draws.begin(7, 3)
    found = [draws.of(name).random(2) for name in ("part.0.dropout", "dropout", "dropout")]
    keys = [(7, 3, 0, 4068951073, 0), (7, 3, 0, 2458513353, 0), (7, 3, 0, 2458513353, 1)]
    for numbers, key in zip(found, keys, strict=True):
        np.testing.assert_array_equal(numbers, np.random.default_rng(key).random(2))


def test_a_step_begins_anew() -> None:
    draws = _draws()
    draws.begin(7, 3)
    first = draws.of("dropout").random()
    draws.begin(7, 3)
    assert draws.of("dropout").random() == first
    draws.begin(7, 4)
    assert draws.of("dropout").random() != first


def _project(text: str, folder: Path, *, exact: bool = False) -> Project:
    path = folder / "test.model"
    path.write_text(text)
    return open_project(path, exact=exact)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_a_train_draws_is_named_by_its_place(framework: str, tmp_path: Path) -> None:
    text = script_text(_project(MODELS["drawn"], tmp_path, exact=True), framework, tmp_path)
    names = ("random_normal", "random_uniform", "random_normal_1", "random_bernoulli")
    assert all(f'draws.of("Drawn.{name}")' in text for name in (*names, "random_normal_2"))
    assert "random_normal_3" not in text


# -------------------------------------------------------------------------------------- the style


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("lean", [False, True])
def test_an_ordinary_script_has_nothing_of_it(framework: str, lean: bool, tmp_path: Path) -> None:
    for name in MODELS:
        text = script_text(_project(MODELS[name], tmp_path), framework, tmp_path, lean=lean)
        for word in ("draws.", "initial_value", "start(", "name_layers", "eagerly", "crc32"):
            assert word not in text


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("lean", [False, True])
def test_no_function_hides_another_that_it_calls(
    framework: str, lean: bool, tmp_path: Path
) -> None:
    for text in MODELS.values():
        project = _project(text, tmp_path, exact=True)
        script = script_text(project, framework, tmp_path, lean=lean)
        functions = [n for n in ast.walk(ast.parse(script)) if isinstance(n, ast.FunctionDef)]
        for function in functions:
            names = [n for n in ast.walk(function) if isinstance(n, ast.Name)]
            bound = {n.id for n in names if isinstance(n.ctx, ast.Store)}
            called = {
                n.func.id
                for n in ast.walk(function)
                if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
            }
            assert not bound & called & {f.name for f in functions}, function.name


PRECISION = MODELS["drawn"].replace("epochs = 1", "epochs = 1\n    precision = bf16")


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_mixed_precision_is_refused(framework: str, tmp_path: Path) -> None:
    project = _project(PRECISION, tmp_path, exact=True)
    with pytest.raises(DiagnosticError) as caught:
        script_text(project, framework, tmp_path)
    told = str(caught.value)
    assert "test.model:21:17: error[E0701]" in told
    assert f"{framework} cannot express `precision = bf16` in an exact script" in told


def test_the_api_writes_them(tmp_path: Path) -> None:
    path = tmp_path / "test.model"
    path.write_text(MODELS["drawn"])
    (written,) = tercet.compile(path, targets=["pytorch"], output=tmp_path, exact=True)
    project = tercet.load(path, exact=True)
    assert written.read_text() == script_text(project, "pytorch", tmp_path)
    assert "draws.begin(args.seed, step)" in written.read_text()
