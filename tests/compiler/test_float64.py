"""The twin of a model in f32 is the same model in f64, whole, with nothing of f32 left."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tercet.compiler.float64 import float64
from tercet.compiler.graph.ir import Program
from tercet.compiler.graph.verifier import verify
from tercet.compiler.graph.weights import WeightsError, initial_weights, load, save
from tercet.compiler.reference.interpreter import run
from tercet.compiler.types import DType
from tercet.dsl.diagnostics import DiagnosticError
from tercet.project import FRAMEWORKS, drafts, open_project
from tercet.verification.probes import make_probes
from tests.compiler.texts import compiled, model, place, program
from tests.compiler.twins import remains
from tests.samples.catalog import CATALOG, Sample, project

BY_ID = [pytest.param(sample, id=sample.id) for sample in CATALOG]
SMALL = [p for p, s in zip(BY_ID, CATALOG, strict=True) if s.trainable < 5_000_000]

EVERYTHING = """
block Cast(t) { input x: f32[N, D]
    output cast(cast(x, i64), t) }
block Shared(layer, keep) { input x: f32[N, D]
    param scale: f32[D] = ones
    buffer shift: f32[] = zeros
    y = layer(x) * scale + shift
    if keep { y = y + 1 }
    output y }
model Net(width = 4) {
    input x: f32[N, 6]
    input ids: i64[N]
    input flags: bool[N]
    t = f32
    layer = dense(6)
    kinds = [t, f64]
    for keep in [true, false] { x = Shared(layer, keep)(x) }
    h = x |> Cast(kinds[0])
    g = h |> Cast(f64)
    mask = where(flags, 1.0, 0.0) + full([N], 2) + embedding(5, 1)(ids)[:, 0]
    output y = dense(width)(h + cast(g, f32) + one_hot(ids, 6)), mask,
        half = cast(cast(x, f16), f32) }
train Net {
    target goal: f32[N, 4]
    data = csv("data.csv") {
        x = stack([a, 2.0 * a, a, a, a, a], axis = 1), ids = cast(b, i64), flags = b > 1.5,
        goal = stack([a, a, a, a], axis = 1) }
    loss = mse(y, goal + 0.1 * random_normal([N, 4]))
    optimizer = sgd(lr = 0.1)
    metrics = { error = mae(y, goal) }
}
"""


@pytest.fixture
def everything(tmp_path: Path) -> Program:
    (tmp_path / "data.csv").write_text("a,b\n" + "0.1,2\n" * 10)
    return program(EVERYTHING, tmp_path)


@pytest.mark.parametrize("sample", BY_ID)
def test_the_twin_of_a_sample_is_whole_and_has_no_f32(sample: Sample) -> None:
    mine = project(sample).program
    twin = verify(float64(mine))
    assert remains(mine)
    assert remains(twin) == []
    paths = [path for path, _ in project(sample).model.parameters()]
    (graph,) = twin.models.values()
    assert [path for path, _ in graph.parameters()] == paths


@pytest.mark.parametrize("sample", SMALL)
def test_the_twin_of_a_sample_means_the_same(sample: Sample) -> None:
    mine = project(sample).model
    (twin,) = float64(project(sample).program).models.values()
    weights = initial_weights(mine, 0)
    inputs = make_probes(mine, 0)[0].inputs
    wide = {name: array.astype(np.float64) for name, array in weights.items()}
    before, after = run(mine, inputs, weights), run(twin, inputs, wide)
    for name, array in before.items():
        np.testing.assert_array_equal(array, after[name])


def test_the_twin_of_everything_that_names_a_dtype(everything: Program) -> None:
    twin = verify(float64(everything))
    assert remains(twin) == []
    graph = twin.models["Net"]
    assert [str(output.value.type) for output in graph.outputs] == [
        "f64[N, 4]",
        "f64[N]",
        "f64[N, 6]",
    ]
    training = twin.trainings["Net"]
    assert training.model is graph
    assert {i.value.name: i.value.type.dtype for i in training.data.mapping.inputs} == {
        "a": DType.F64,
        "b": DType.F64,
    }


def test_what_is_shared_stays_shared(everything: Program) -> None:
    """An instance, a layer given to two blocks, and a block called twice are one object each."""
    twin = float64(everything).models["Net"]
    assert len({id(call.graph) for call in twin.calls}) == len(
        {id(call.graph) for call in everything.models["Net"].calls}
    )
    assert [p for p, _ in twin.parameters()] == [
        p for p, _ in everything.models["Net"].parameters()
    ]


def test_half_precision_stays() -> None:
    text = "model M { input x: f16[N, 2]\n output y = dense(3)(x), z = cast(x, f32) }"
    (graph,) = verify(float64(program(text))).models.values()
    assert [str(o.value.type) for o in graph.outputs] == ["f16[N, 3]", "f64[N, 2]"]


def test_a_twin_at_other_values_of_parameters_is_one_too(everything: Program) -> None:
    twin = float64(everything).models["Net"]
    assert twin.variant is not None
    other = twin.variant({"width": 9})
    assert other is not None
    assert str(other.outputs[0].value.type) == "f64[N, 9]"
    assert other is twin.variant({"width": 9})
    assert remains(Program("test", {"Net": other}, ())) == []


def test_a_function_with_a_tensor_bound_has_the_twin_of_it() -> None:
    mine = program(
        """model M { input x: f32[N, 2, 8]
        param w: f32[2, 2, 3] = normal(std = 0.5)
        layer = conv1d(weight = w, padding = 1)
        output y = layer(x) }"""
    )
    assert remains(verify(float64(mine))) == []


MIXED = """
model M { input x: f32[N, 4]
    output y = dense(2)(x) }
train M { target goal: f32[N, 2]
    data = synthetic { x = normal(), goal = normal() }
    loss = mse(y, goal)
    optimizer = sgd(lr = 0.1)
    precision = bf16 }
"""


def test_mixed_precision_has_no_twin() -> None:
    with pytest.raises(DiagnosticError):
        float64(program(MIXED))
    (found,) = compiled(MIXED, float64=True).errors
    assert place(found) == "E0608 8:17"
    assert compiled(MIXED, float64=True, training={"precision": "f32"}).program is not None
    assert compiled(MIXED, float64=True, inference=True).program is not None


@pytest.mark.parametrize("name", ["digits_cnn", "unet", "vae", "bert_tiny"])
def test_scripts_of_a_twin_compute_in_f64(name: str) -> None:
    path = Path(__file__).parents[2] / "samples" / f"{name}.model"
    for target, draft in drafts(open_project(path, float64=True), FRAMEWORKS, Path()).items():
        assert "float64" in draft.body
        assert target == "mxnet" or "float32" not in draft.body  # its bools are f32


def test_weights_are_of_one_precision(tmp_path: Path) -> None:
    text = "model M { input x: f32[N, 4]\n output y = dense(2)(x) }"
    mine, twin = model(text), model(text, float64=True)
    for left, right, said in (
        (mine, twin, "model without --float64"),
        (twin, mine, "model with --float64"),
    ):
        save(tmp_path / "w.safetensors", initial_weights(left, 0))
        load(tmp_path / "w.safetensors", left)
        with pytest.raises(WeightsError, match=said):
            load(tmp_path / "w.safetensors", right)
