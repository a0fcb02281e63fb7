"""Public examples as they are trained: with the arguments of the `train`, from its initial values.

In `train T(net = Net(classes = 3))` the model has that argument wherever it is printed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import tercet
from tercet.cli import main
from tercet.compiler.graph.weights import initial_weights
from tercet.compiler.pipeline import load
from tercet.dsl.source import Source
from tercet.project import FRAMEWORKS
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
    for case in (*CASES, "init"):
        shutil.copy(EXAMPLES / f"{case}.model", folder)
        tercet.compile(folder / f"{case}.model", targets=[request.param], output=folder)
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


@pytest.mark.slow
def test_an_embedding_starts_with_a_fan_of_its_width(forks: Forks) -> None:
    """`he_normal` of `embedding(400, 4)`; the learning rate of the example is 0."""
    saved = forks.folder / "init.safetensors"
    done = forks.run(f"init_{forks.target}.py", "--save", str(saved))
    assert done.code == 0, done.stderr
    table = load_file(saved)["e.weight"]
    assert table.shape == (400, 4)
    assert table.std() == pytest.approx((2 / 4) ** 0.5, rel=0.1)
    assert abs(table.mean()) < 0.1


@pytest.mark.parametrize(
    "line, fan",
    [
        ('embedding(400, 4, init = he_normal, name = "w")(ids)', 4),
        ("x @ w", 400),
        ('x |> dense(400, init = he_normal, name = "w")', 4),
        ('x |> reshape([N, 4, 1]) |> conv1d(400, 1, init = he_normal, name = "w")', 4),
    ],
)
def test_fans_follow_from_the_shape(line: str, fan: int) -> None:
    declared = "param w: f32[4, 400] = he_normal" if "@ w" in line else ""
    text = f"""model M {{
        input x: f32[N, 4]
        input ids: i64[N]
        {declared}
        output y = {line}, z = sum(x) + cast(sum(ids), f32)
    }}"""
    model = load(Source("m.model", text)).program_or_raise().models["M"]
    weights = initial_weights(model, 0)
    (weight,) = [array for name, array in weights.items() if name in ("w", "w.weight")]
    assert weight.std() == pytest.approx((2 / fan) ** 0.5, rel=0.1)


UNFIT = """
model Net(classes = 3) {
    input x: f32[N, 4]
    output y = x |> dense(classes)
}
train Net {
    target t: f32[N, 3]
    data = npz("nowhere.npz") { x = x, t = t }
    loss = mse(y, t)
    optimizer = adam()
}
"""


@pytest.mark.slow
def test_a_model_predicts_where_its_training_no_longer_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With five classes the loss has no meaning, and the data are not there."""
    monkeypatch.chdir(tmp_path)
    Path("net.model").write_text(UNFIT)
    assert main(["check", "net.model", "-P", "classes=5"]) == 1
    model = ["net.model", "-P", "classes=5"]
    assert main(["weights", *model, "-o", "w.safetensors"]) == 0
    np.savez("in.npz", x=np.ones((2, 4), np.float32))
    files = ["in.npz", "out.npz", "--weights", "w.safetensors", "-t", "pytorch"]
    assert main(["predict", *model, *files]) == 0
    with np.load("out.npz") as outputs:
        assert outputs["y"].shape == (2, 5)
    assert main(["export", *model, "--weights", "w.safetensors", "-o", "net.onnx"]) == 0
    assert main(["verify", *model, "-t", "pytorch,onnx"]) == 0
    assert main(["verify", *model, "-P", "classes=none"]) == 2
