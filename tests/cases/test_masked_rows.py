"""Attention of queries that see no key: 0 with gradient 0, in every target."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import tercet
from tercet.compiler.graph.weights import initial_weights
from tercet.compiler.reference.interpreter import run
from tests.e2e.running import Forks

pytestmark = pytest.mark.slow
CASES = Path(__file__).parent / "01-masked-rows"
TARGETS = ("pytorch", "tensorflow", "mxnet")

VISIBLE = np.array([[False, False, False], [False, True, True], [True, True, False]])
X = np.random.default_rng(0).normal(size=(3, 3, 4)).astype(np.float32)
IDS = np.array([[0, 0, 0], [0, 7, 3], [5, 2, 0]])

INPUTS = {
    "sdpa": {"q": X, "visible": VISIBLE},
    "left": {"x": X, "visible": VISIBLE},
    "hand": {"x": X, "visible": VISIBLE},
    "padded": {"ids": IDS},
}
TRAINED = ("grad", "padded")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models with their scripts, initial weights and inputs."""
    folder = tmp_path_factory.mktemp("masked") / "cases"
    shutil.copytree(CASES, folder)
    for path in folder.glob("*.model"):
        tercet.compile(path, targets=TARGETS, output=folder)
        model = tercet.load(path).model
        save_file(initial_weights(model, seed=1), folder / f"{path.stem}.start")
        if path.stem in INPUTS:
            save_file(INPUTS[path.stem], folder / f"{path.stem}.inputs")
    return folder


@pytest.fixture(scope="module", params=TARGETS)
def forks(request: pytest.FixtureRequest, folder: Path) -> Iterator[Forks]:
    forks = Forks(folder, request.param)
    yield forks
    forks.close()


@pytest.mark.parametrize("name", INPUTS)
def test_outputs_are_the_references(forks: Forks, folder: Path, name: str) -> None:
    flags = ["--weights", f"{name}.start", "--predict", f"{name}.inputs", f"{name}.outputs"]
    if name in TRAINED:
        flags += ["--epochs", "0"]
    done = forks.run(f"{name}_{forks.target}.py", *flags)
    assert done.code == 0, done.stderr
    found = load_file(folder / f"{name}.outputs")
    weights = load_file(folder / f"{name}.start")
    wanted = run(tercet.load(folder / f"{name}.model").model, INPUTS[name], weights)
    for output, array in wanted.items():
        np.testing.assert_allclose(found[output], array, atol=1e-5)
    if name == "sdpa":
        assert not found["y"][0].any()


@pytest.mark.parametrize("name", TRAINED)
def test_training_is_alike_and_finite(forks: Forks, folder: Path, name: str) -> None:
    flags = ("--epochs", "1", "--weights", f"{name}.start", "--save", f"{name}_{forks.target}.end")
    done = forks.run(f"{name}_{forks.target}.py", *flags)
    assert done.code == 0, done.stderr
    start, end = (
        load_file(folder / f"{name}.start"),
        load_file(folder / f"{name}_{forks.target}.end"),
    )
    assert any((start[path] != end[path]).any() for path in end)
    first = load_file(folder / f"{name}_{TARGETS[0]}.end")
    for path, array in end.items():
        assert np.isfinite(array).all(), path
        np.testing.assert_allclose(array, first[path], atol=1e-4, err_msg=path)
