"""Training in mixed precision: near f32 but not in it; weights, evaluation, inference in f32."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tercet.compiler.reference import interpreter as reference
from tercet.dsl.diagnostics import DiagnosticError
from tests.backends.training_scripts import FRAMEWORKS, check, prepare, run_all, trained

_BODY = """
block Unit(channels) {
    input x: f32[N, C, H, W]
    output x |> conv2d(channels, 3, padding = 1, bias = false) |> batch_norm |> relu
}
model Net() {
    input image: f32[N, 2, 6, 6]
    param shift: f32[8] = zeros()
    h = image |> Unit(8) |> Unit(8) |> max_pool2d(2) |> flatten |> dense(8) |> layer_norm
    ones = cos(0.0 * cast(arange(8), f32))
    y = (h * [1, 1, 1, 1, 1, 1, 1, 1] + shift * ones) |> dense(3)
    output y
}
"""
_SETTINGS = """
    target t: f32[N, 3]
    data = synthetic(rows = 40, split = 0.8) { image = normal(std = 1.0), t = normal(std = 1.0) }
    loss = LOSS
    optimizer = adamw(lr = 1e-2)
    clip = global_norm(1.0)
    metrics = { mae = mae(PREDICTION, t) }
    batch = 8
    epochs = 2
    precision = PRECISION
"""
PLAIN = f"{_BODY} train Net {{ {_SETTINGS} }}".replace("PREDICTION", "y")
EXPLICIT = (
    f"{_BODY} train Training(net = Net()) {{ input image: f32[N, 2, 6, 6]\n {_SETTINGS} }}".replace(
        "PREDICTION", "net(image)"
    )
)
"""Which in Keras has a `train_step` of its own."""


@dataclass(frozen=True)
class Case:
    """A framework and a precision, and how far, at least, one step in it is from one in f32."""

    framework: str
    precision: str
    least: float
    form: str = "plain"

    @property
    def name(self) -> str:
        return f"{self.framework}_{self.precision}_{self.form}"


CASES = [
    Case("pytorch", "bf16", 1e-4),
    Case("pytorch", "f16", 1e-5),
    Case("tensorflow", "bf16", 1e-4),
    Case("tensorflow", "f16", 1e-5, "explicit"),
    Case("mxnet", "bf16", 1e-4),
]
_STEEP = {"pytorch": 4, "tensorflow": 100}
"""What makes the gradient of some first steps overflow, and not of all."""
_SCALES = {"pytorch": ("scale", 2**16), "tensorflow": ("dynamic_scale", 2**15)}
"""Where a state has the scale of the loss, and what it begins with."""
SCALED = [Case("pytorch", "f16", 0.0), Case("tensorflow", "f16", 0.0)]
WEIGHTS = "--weights {0}/weights.safetensors"
RUNS = (
    f"{WEIGHTS} --log-dir {{0}} --predict {{0}}/in {{0}}/out --save {{0}}/whole",
    f"{WEIGHTS} --epochs 1 --checkpoint {{0}}/state",
    "--resume {0}/state --save {0}/resumed",
)


def _text(precision: str, form: str = "plain", loss: str = "mse(PREDICTION, t)") -> str:
    text = (PLAIN if form == "plain" else EXPLICIT).replace("LOSS", loss)
    text = text.replace("PREDICTION", "y" if form == "plain" else "net(image)")
    return text.replace("PRECISION", precision)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder of each framework: training in f32, in each case, and with steep gradients."""
    places = {}
    image = np.random.default_rng(1).normal(size=(5, 2, 6, 6)).astype(np.float32)
    for framework in FRAMEWORKS:
        place = places[framework] = tmp_path_factory.mktemp(f"{framework}_precision")
        prepare(framework, _text("f32"), place / "f32", *RUNS)
        for case in (case for case in CASES if case.framework == framework):
            judged = place / case.name / "whole"
            prepare(framework, _text(case.precision, case.form), place / case.name, *RUNS)
            again = f"--epochs 0 --evaluate --weights {judged} --log-dir {{0}}"
            prepare(framework, _text("f32", case.form), place / f"{case.name}_again", again)
            save_file({"image": image}, place / case.name / "in")
        save_file({"image": image}, place / "f32" / "in")
        for case in (case for case in SCALED if case.framework == framework):
            text = _text(case.precision, case.form, f"{_STEEP[framework]} * mse(PREDICTION, t)")
            prepare(framework, text, place / f"{case.name}_steep", *RUNS)
            save_file({"image": image}, place / f"{case.name}_steep" / "in")
        run_all(place)
    return places


def _records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_trains_near_f32_and_not_in_it(case: Case, folders: dict[str, Path]) -> None:
    place = folders[case.framework]
    check(place / case.name)
    check(place / "f32")
    found, exact = load_file(place / case.name / "whole"), load_file(place / "f32" / "whole")
    start = load_file(place / "f32" / "weights.safetensors")
    assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}
    moved = np.sqrt(sum(np.square(exact[n] - start[n]).sum() for n in start))
    apart = np.sqrt(sum(np.square(exact[n] - found[n]).sum() for n in start))
    most = 0.1 if case.precision == "bf16" else 0.6  # the first steps overflow and are left out
    assert case.least <= apart / moved <= most


@pytest.mark.slow
@pytest.mark.parametrize(
    "framework, name",
    [(case.framework, case.name) for case in CASES]
    + [(case.framework, f"{case.name}_steep") for case in SCALED],
)
def test_a_resumed_run_ends_where_the_whole_one_does(
    framework: str, name: str, folders: dict[str, Path]
) -> None:
    place = folders[framework] / name
    check(place)
    whole, resumed = load_file(place / "whole"), load_file(place / "resumed")
    for path, array in whole.items():
        np.testing.assert_array_equal(array, resumed[path], path)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_inference_and_evaluation_are_f32(case: Case, folders: dict[str, Path]) -> None:
    place = folders[case.framework] / case.name
    check(place)
    graph, _ = trained(_text(case.precision, case.form))
    weights = load_file(place / "whole")
    expected = reference.run(graph, load_file(place / "in"), weights, "float64")["y"]
    np.testing.assert_allclose(load_file(place / "out")["y"], expected, atol=1e-5)
    again = place.with_name(f"{case.name}_again")
    check(again)
    (here,), there = _records(again), _records(place)[-1]
    assert there["test"].keys() == {"loss", "mae"}
    for name, value in there["test"].items():
        assert value == pytest.approx(here["test"][name], rel=1e-5), name


@pytest.mark.slow
@pytest.mark.parametrize("case", SCALED, ids=lambda case: case.name)
def test_a_step_that_overflows_is_left_out_and_counted(
    case: Case, folders: dict[str, Path]
) -> None:
    place = folders[case.framework] / f"{case.name}_steep"
    check(place)
    assert [record["step"] for record in _records(place)] == [4, 8, 8]
    before, after = load_file(place / "weights.safetensors"), load_file(place / "whole")
    assert all(np.isfinite(array).all() for array in after.values())
    name, first = _SCALES[case.framework]
    assert 1 < load_file(place / "state")[f"optimizer/{name}"] < first
    assert (before["dense.weight"] != after["dense.weight"]).any()


REFUSED = [
    ("mxnet", _text("f16"), "mxnet cannot train with `precision = f16`", "f16"),
    (
        "mxnet",
        _text("bf16").replace("Unit(8) |> max", "conv_transpose2d(8, 1) |> max"),
        "cannot express `conv_transpose2d`",
        "conv_transpose2d(8, 1)",
    ),
    (
        "pytorch",
        _text("bf16", loss="binary_cross_entropy(sigmoid(y), sigmoid(t))"),
        "cannot express `binary_cross_entropy`",
        "binary_cross_entropy(sigmoid(y), sigmoid(t))",
    ),
]


@pytest.mark.parametrize("framework, text, message, place", REFUSED, ids=lambda part: part[:12])
def test_what_a_target_cannot_do_is_refused(
    framework: str, text: str, message: str, place: str, tmp_path: Path
) -> None:
    with pytest.raises(DiagnosticError) as caught:
        prepare(framework, text, tmp_path / "job")
    (problem,) = caught.value.diagnostics
    assert problem.code == "E0701"
    assert message in problem.message
    assert place in problem.span.text


@pytest.mark.slow
def test_what_a_device_cannot_do_ends_the_script_in_one_line(tmp_path: Path) -> None:
    recurrent = """
    model Net() {
        input x: f32[N, 5, 3]
        y = (x |> lstm(4))[:, -1]
        output y
    }
    train Net {
        data = synthetic(rows = 8, split = 1.0) { x = normal(std = 1.0) }
        loss = mean(y ** 2)
        optimizer = sgd(lr = 0.1)
        batch = 8
        precision = f16
    }
    """
    volume = recurrent.replace("f32[N, 5, 3]", "f32[N, 1, 4, 4, 4]")
    volume = volume.replace("(x |> lstm(4))[:, -1]", "x |> max_pool3d(2) |> flatten |> dense(2)")
    jobs = (
        ("pytorch", recurrent, "SystemExit: PyTorch has no LSTM in float16 on CPUs"),
        ("tensorflow", volume, "SystemExit: TensorFlow has no 3-D pooling in float16 on CPUs"),
    )
    for framework, text, message in jobs:
        prepare(framework, text, tmp_path / framework / "job", "--epochs 1")
        run_all(tmp_path / framework)
        assert message in (tmp_path / framework / "job" / "error.txt").read_text()


@pytest.mark.slow
def test_a_state_of_another_precision_is_refused(tmp_path: Path) -> None:
    runs = f"{WEIGHTS} --epochs 1 --checkpoint {tmp_path}/state"
    prepare("pytorch", _text("f32"), tmp_path / "jobs" / "a", runs)
    prepare("pytorch", _text("bf16"), tmp_path / "jobs" / "b", f"--resume {tmp_path}/state")
    run_all(tmp_path / "jobs")
    check(tmp_path / "jobs" / "a")
    problem = (tmp_path / "jobs" / "b" / "error.txt").read_text()
    assert f"SystemExit: {tmp_path}/state: precision is None, not 'bf16'" in problem


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_nothing_is_said_of_f32(framework: str, tmp_path: Path) -> None:
    prepare(framework, _text("f32"), tmp_path / "said")
    prepare(framework, _text("f32").replace("precision = f32", ""), tmp_path / "left_out")
    said, left_out = ((tmp_path / name / "script.py").read_text() for name in ("said", "left_out"))
    assert said == left_out
    assert "PRECISION" not in said


@pytest.mark.slow
def test_an_input_that_no_output_needs_is_let_be(tmp_path: Path) -> None:
    text = _text("bf16").replace("[N, 2, 6, 6]", "[N, 2, 6, 6]\n    input spare: f32[N, 3]", 1)
    text = text.replace("t = normal", "spare = normal(std = 1.0), t = normal")
    prepare("mxnet", text, tmp_path / "job", f"{WEIGHTS} --epochs 1 --save {{0}}/saved")
    run_all(tmp_path)
    check(tmp_path / "job")
    before, after = (load_file(tmp_path / "job" / n) for n in ("weights.safetensors", "saved"))
    assert np.abs(after["dense.weight"] - before["dense.weight"]).max() > 1e-3
