"""Models of which equal answers would prove nothing are not judged, and it is said why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tercet
from tercet.compiler.graph.weights import lively_weights, save
from tercet.project import open_project
from tercet.verification.probes import make_probes
from tests.verify.fake import verify, write_model

pytestmark = pytest.mark.usefixtures("all_installed")


def test_a_model_whose_outputs_are_constant_is_refused(tmp_path: Path) -> None:
    model = write_model(tmp_path)
    weights = lively_weights(open_project(model).model, 0)
    dead = tmp_path / "dead.safetensors"
    save(dead, {name: np.zeros_like(array) for name, array in weights.items()})
    report = verify(tmp_path, weights=dead)
    assert (report.verdict, report.exit_code) == ("not judged", 2)
    assert "tiny" in report.not_judged[0]
    assert "0 everywhere" in report.not_judged[-1]


def test_an_output_that_the_reference_calls_nan_is_refused(tmp_path: Path) -> None:
    model = write_model(tmp_path, "model M { input x: f32[N, 3]\n output y = log(-exp(x)) }")
    report = tercet.verify(model, targets=["onnx"])
    assert report.exit_code == 2
    assert "NaN for ordinary inputs" in report.not_judged[0]


def test_a_model_that_needs_positive_inputs_gets_them(tmp_path: Path) -> None:
    model = write_model(tmp_path, "model M { input x: f32[N, 3]\n output y = log(x) }")
    report = tercet.verify(model, targets=["onnx"])
    assert report.identical
    assert report.probes[0].inputs == "uniform in (0, 1)"
    assert "negative: y left out" in " ".join(report.notes)


@pytest.mark.parametrize(
    "body, idle",
    [
        ("x + z", None),
        ("x + 1e-7 * z", "z"),
        ("where(z > 1000, -x, x)", "z"),
        ("relu(z - 50) + x", None),  # an edge shows it
        ("x + z * relu(-abs(x))", "z"),
        ("cast(x, f32)", None),  # the model does not read z, which is a warning
    ],
)
def test_an_input_that_no_output_changes_with_is_refused(
    tmp_path: Path, body: str, idle: str | None
) -> None:
    text = f"model M {{ input x: f32[N, 3]\n input z: f32[N, 3]\n output y = {body} }}"
    report = tercet.verify(write_model(tmp_path, text), targets=["onnx"])
    assert report.exit_code == (2 if idle else 0), report.not_judged
    assert list(report.not_judged) == [f"input {idle}: no output changes with it"] * bool(idle)


def test_an_input_that_a_mask_hides_in_the_first_probe_is_seen_in_another(tmp_path: Path) -> None:
    text = """model M {
        input c: bool[N, 3]
        input x: f32[N, 3]
        input z: f32[N, 3]
        output y = where(c, x, z)
    }"""
    model = write_model(tmp_path, text)
    assert make_probes(open_project(model).model, 0)[0].inputs["c"].all()
    report = tercet.verify(model, targets=["onnx"])
    assert report.identical, report.not_judged


def test_integers_and_masks_that_change_nothing_are_refused(tmp_path: Path) -> None:
    text = """model M {
        input ids: i64[N, T]
        input mask: bool[N, T]
        input count: i64[N]
        found = where(mask, ids, ids)
        output total = sum(found, axis = 1), most = max(count, axis = 0)
    }"""
    report = tercet.verify(write_model(tmp_path, text), targets=["onnx"])
    assert list(report.not_judged) == ["input mask: no output changes with it"]


def test_an_unsupported_operation_is_not_judged(tmp_path: Path) -> None:
    model = write_model(tmp_path, "model M { input x: f32[N, 3]\n output y = mse(x, 2.0 * x) }")
    report = tercet.verify(model, targets=["onnx"])
    assert report.exit_code == 2
    assert "onnx cannot express `mse`" in report.not_judged[0]
