"""`--float64`: a model in f32 trained and verified in double precision, by every target."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import tercet
from tercet.compiler.graph.weights import initial_weights
from tests.e2e.running import Forks

pytestmark = pytest.mark.slow

FRAMEWORKS = ("pytorch", "tensorflow", "mxnet")
NET = """
model Net {
    input x: f32[N, 2, 5, 5]
    param scale: f32[] = ones
    h = x |> conv2d(3, 3, padding = 1) |> tanh |> flatten
    output y = dense(2)(h * scale) + 0.1
}
train Net {
    target goal: f32[N, 2]
    target kind: i64[N]
    data = csv("data.csv") {
        x = reshape(stack([a, b, a, b, a] + [a, a, b, b, a] * 9, axis = 1), [N, 2, 5, 5]),
        goal = stack([a * b, a - b], axis = 1), kind = cast(b > 0.5, i64)
    }
    loss = mse(y, goal) + 0.1 * cross_entropy(y, kind) + NOISE
    optimizer = sgd(lr = 0.1)
    clip = global_norm(1.0)
    batch = 4
    epochs = 2
}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("twin")
    rows = np.random.default_rng(0).random((50, 2))
    text = "\n".join(f"{a},{b}" for a, b in rows)
    (folder / "data.csv").write_text(f"a,b\n{text}\n")
    (folder / "net.model").write_text(NET.replace("NOISE", "0.0"))
    draws = "random_normal([]) * 0.0", "random_uniform([])", "random_bernoulli([], p = 0.5)"
    noise = " + ".join(f"mean({draw})" for draw in draws)
    (folder / "noisy.model").write_text(NET.replace("NOISE", f"({noise}) * mean(y)"))
    return folder


def test_all_targets_train_a_twin_to_the_same_weights_in_f64(folder: Path) -> None:
    start = initial_weights(tercet.load(folder / "net.model", float64=True).model, 0)
    save_file(start, folder / "start.safetensors")
    trained = {}
    for target in FRAMEWORKS:
        tercet.compile(folder / "net.model", targets=[target], output=folder / "narrow")
        for name in ("net", "noisy"):
            file = folder / f"{name}.model"
            tercet.compile(file, targets=[target], output=folder, float64=True)
        forks = Forks(folder, target)
        try:
            for name in ("net", "noisy"):
                saved = folder / f"{name}_{target}.safetensors"
                flags = ("--weights", str(folder / "start.safetensors"), "--save", str(saved))
                done = forks.run(f"{name}_{target}.py", *flags)
                assert done.code == 0, done.stderr
                weights = load_file(saved)
                assert {array.dtype for array in weights.values()} == {np.dtype("float64")}
                trained[name, target] = weights
            wide = str(folder / f"net_{target}.safetensors")
            refused = forks.run(f"narrow/net_{target}.py", "--epochs", "0", "--weights", wide)
            assert refused.code == 1
            assert "float64" in refused.stderr
            assert "the model needs" in refused.stderr
        finally:
            forks.close()
    for path, array in trained["net", "pytorch"].items():
        movement = np.abs(array - start[path]).max()
        assert movement > 1e-3
        for target in FRAMEWORKS[1:]:
            difference = np.abs(trained["net", target][path] - array).max()
            assert difference <= 1e-6 * movement, (target, path)


def test_a_file_that_onnx_runtime_cannot_run_in_f64_is_not_judged(folder: Path) -> None:
    command = [sys.executable, "-m", "tercet", "verify", str(folder / "net.model"), "--float64"]
    command += ["-t", "pytorch,onnx", "--json", "-o", str(folder / "kept")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 2, done.stderr
    report = json.loads(done.stdout)
    assert [(p["left"], p["right"], p["verdict"]) for p in report["pairs"]] == [
        ("pytorch", "reference", "identical")
    ]
    assert report["pairs"][0]["max_rel"] < 1e-13
    assert [reason.split(":")[0] for reason in report["not_judged"]] == ["pytorch.onnx", "onnx"]
    assert all("only some operations in f64" in reason for reason in report["not_judged"])
