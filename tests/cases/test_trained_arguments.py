"""`train T(net = Net(classes = 3))`: the model has that argument wherever it is printed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from tercet.compiler.pipeline import load
from tercet.project import FRAMEWORKS, open_project, write_scripts
from tests.e2e.running import Forks

EXAMPLES = Path(__file__).parent / "examples"
CASES = {
    "arg": {"dense.weight": (3, 4), "dense.bias": (3,)},
    "onearg": {"conv2d.weight": (8, 1, 3, 3), "conv2d.bias": (8,)},
    "twoargs": {
        "conv2d.weight": (8, 1, 3, 3),
        "conv2d.bias": (8,),
        "conv2d_1.weight": (8, 1, 3, 3),
        "conv2d_1.bias": (8,),
    },
}
"""The weights that each case saves."""


def _shapes(case: str, **parameters: str) -> dict[str, tuple[object, ...]]:
    result = load(EXAMPLES / f"{case}.model", parameters=parameters)
    assert result.program is not None, [str(d) for d in result.errors]
    (graph,) = result.program.models.values()
    (training,) = result.program.trainings.values()
    assert training.model is graph
    return {path: parameter.type.shape for path, parameter in graph.parameters()}


@pytest.mark.parametrize("case", CASES)
def test_the_model_is_the_one_that_is_trained(case: str) -> None:
    assert _shapes(case) == CASES[case]


def test_the_command_line_has_the_last_word() -> None:
    assert _shapes("arg", classes="5") == {"dense.weight": (5, 4), "dense.bias": (5,)}


@pytest.fixture(scope="module", params=FRAMEWORKS)
def forks(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Forks]:
    folder = tmp_path_factory.mktemp("arguments")
    for case in CASES:
        shutil.copy(EXAMPLES / f"{case}.model", folder)
        write_scripts(open_project(folder / f"{case}.model"), [request.param], folder)
    made = Forks(folder, request.param)
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_scripts_train_and_save_that_model(case: str, forks: Forks) -> None:
    saved = forks.folder / f"{case}.safetensors"
    script = f"{case}_{forks.target}.py"
    done = forks.run(script, "--epochs", "1", "--save", str(saved))
    assert done.code == 0, done.stderr
    assert {name: array.shape for name, array in load_file(saved).items()} == CASES[case]
