"""Lean scripts: they train, read and write weights, and export what the full ones export."""

from __future__ import annotations

import ast
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from safetensors.numpy import load_file, save_file

import tercet
from tercet.compiler.graph import weights as canonical
from tercet.errors import TercetError
from tests.e2e.running import Runner
from tests.samples.catalog import SAMPLES

# A convolutional net with dropout; one array and no target; a table and recurrent layers; a loss
# and an evaluation of its own with random numbers.
NAMES = ("digits_cnn", "autoencoder", "lstm_forecast", "vae")


@pytest.fixture(scope="module", params=["pytorch", "tensorflow", "mxnet"])
def runner(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Runner]:
    folder = tmp_path_factory.mktemp(request.param)
    shutil.copytree(SAMPLES / "data", folder / "data")
    for name in NAMES:
        shutil.copy(SAMPLES / f"{name}.model", folder)
        for style in ("full", "lean"):
            output, lean = folder / style, style == "lean"
            tercet.compile(
                folder / f"{name}.model", targets=[request.param], output=output, lean=lean
            )
    runner = Runner(folder, request.param)
    yield runner
    runner.close()


def _exported(path: Path, target: str) -> list[object]:
    """What a script exported, but for the names that tf2onnx gives as it happens to."""
    if target == "mxnet":
        return [Path(f"{path}{end}").read_bytes() for end in ("-symbol.json", "-0000.params")]
    model = onnx.load(path)
    if target == "pytorch":
        return [model.SerializeToString(deterministic=True)]
    ends = [str(value) for value in (*model.graph.input, *model.graph.output)]
    session = onnxruntime.InferenceSession(path)
    random = np.random.default_rng(0)
    shapes = {
        i.name: [n if isinstance(n, int) else 3 for n in i.shape] for i in session.get_inputs()
    }
    inputs = {name: random.normal(size=shape).astype("f") for name, shape in shapes.items()}
    answers = [array.tobytes() for array in session.run(None, inputs)]
    return [ends, sorted(node.op_type for node in model.graph.node), answers]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_it_trains_and_exports_what_the_full_script_does(name: str, runner: Runner) -> None:
    folder, target = runner.folder, runner.script.stem.removeprefix("net_")
    project = tercet.load(folder / f"{name}.model")
    model, training = project.model, project.training
    assert training is not None
    scripts = {style: folder / style / f"{name}_{target}.py" for style in ("lean", "full")}
    trained = folder / f"{name}.safetensors"
    done = runner.run(str(scripts["lean"]), "--epochs", "1", "--save", str(trained))
    assert done.code == 0, done.stderr
    measured = ast.literal_eval(done.stdout.splitlines()[-1])
    assert measured.keys() - {"loss"} == {metric.name for metric in training.metrics}
    initial, found = canonical.initial_weights(model, 0), load_file(trained)
    assert found.keys() == initial.keys()
    assert all(np.isfinite(array).all() for array in found.values())
    exported = {}
    for style, script in scripts.items():
        path = folder / f"{style}_{name}"
        flags = ["--epochs", "0", "--weights", str(trained), "--save", f"{path}.safetensors"]
        done = runner.run(str(script), *flags, "--export", str(path))
        assert done.code == 0, done.stderr
        exported[style] = _exported(path, target)
        umask = os.umask(0)
        os.umask(umask)
        assert stat.S_IMODE(Path(f"{path}.safetensors").stat().st_mode) == 0o666 & ~umask
        again = load_file(f"{path}.safetensors")
        assert all((again[key] == array).all() for key, array in found.items())
    assert exported["lean"] == exported["full"]


@pytest.mark.slow
def test_weights_of_another_model_are_refused(runner: Runner) -> None:
    folder, target = runner.folder, runner.script.stem.removeprefix("net_")
    script = folder / "lean" / f"digits_cnn_{target}.py"
    right = canonical.initial_weights(tercet.load(folder / "digits_cnn.model").model, 0)
    name = next(key for key, array in right.items() if array.ndim == 1)
    wrong = {
        "one missing": {k: a for k, a in right.items() if k != name},
        "one too many": {**right, "extra": np.zeros(3, np.float32)},
        "one of another shape": {**right, name: right[name][:1].copy()},
    }
    for what, tensors in wrong.items():
        save_file(tensors, folder / "wrong.safetensors")
        flags = ["--weights", str(folder / "wrong.safetensors"), "--export", str(folder / "wrong")]
        done = runner.run(str(script), "--epochs", "0", *flags)
        assert done.code != 0, what
        assert not [*folder.glob("wrong-*"), *folder.glob("wrong")], what


def test_a_lean_script_cannot_be_verified_and_says_why(tmp_path: Path) -> None:
    path = SAMPLES / "mlp.model"
    (script,) = tercet.compile(path, targets=["pytorch"], output=tmp_path, lean=True)
    with pytest.raises(TercetError, match="has no --predict"):
        tercet.verify(path, scripts={"pytorch": script})
