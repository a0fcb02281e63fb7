"""Whole models in ONNX: names, sharing, sizes, bytes, and what cannot be expressed."""

from __future__ import annotations

import time
from pathlib import Path
from textwrap import dedent

import numpy as np
import onnx
import onnxruntime
import pytest

from tercet.backends.onnx import serialize, to_onnx, write
from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.weights import lively_weights
from tercet.compiler.pipeline import load, model_of
from tercet.compiler.reference import interpreter as reference
from tercet.compiler.types import DType, TensorType
from tercet.dsl.diagnostics import DiagnosticError
from tercet.dsl.source import Source
from tests.backends.onnx_graphs import Array, check_graph, run_model

BLOCKS = """
block Unit(channels, stride = 1) {
    input x: f32[N, C, H, W]
    conv1 = conv2d(channels, 3, stride = stride, padding = 1, bias = false)
    h = x |> conv1 |> batch_norm |> relu
    if stride == 1 and C == channels { shortcut = x }
    else { shortcut = x |> conv2d(channels, 1, stride = stride, name = "project") }
    output relu(h + shortcut)
}

model Net {
    input image: f32[N, 3, H, W]
    h = image
    for channels, stride in [(3, 1), (4, 2)] {
        for i in range(2) { h = h |> Unit(channels, stride = if i == 0 { stride } else { 1 }) }
    }
    features = h
    logits = h |> global_avg_pool2d |> flatten |> dense(5)
    output logits, features
}
"""

ATTENTION = """
model Language(vocab = 11, heads = 2, dim = 8, context = 16) {
    input tokens: i64[N, T]
    embed = embedding(vocab, dim)
    param position: f32[context, dim] = normal(std = 0.02)
    x = embed(tokens) + position[0:T]
    for _ in range(2) {
        q, k, v = x |> layer_norm |> dense(3 * dim) |> split(3, axis = -1)
        q = q |> reshape([N, T, heads, dim // heads]) |> transpose([0, 2, 1, 3])
        k = k |> reshape([N, T, heads, dim // heads]) |> transpose([0, 2, 1, 3])
        v = v |> reshape([N, T, heads, dim // heads]) |> transpose([0, 2, 1, 3])
        h = scaled_dot_product_attention(q, k, v, causal = true)
        x = x + (h |> transpose([0, 2, 1, 3]) |> reshape([N, T, dim]) |> dense(dim))
    }
    logits = layer_norm(x) @ transpose(embed.weight)
    output logits
}
"""


def compiled(text: str) -> Graph:
    source = Source("test.model", dedent(text))
    return model_of(load(source).program_or_raise(), source)


def exported(graph: Graph) -> onnx.ModelProto:
    model = to_onnx(graph, lively_weights(graph, 0))
    onnx.checker.check_model(model, full_check=True)
    return model


def _draw(name: str, type: TensorType, sizes: tuple[int, ...]) -> Array:
    random = np.random.default_rng(sum(sizes))
    return random.integers(0, 7, sizes) if type.dtype.is_integer else random.normal(size=sizes)


@pytest.mark.parametrize(
    "text, sizes",
    [
        (BLOCKS, [{"N": 2, "H": 8, "W": 9}, {"N": 3, "H": 11, "W": 6}]),
        (ATTENTION, [{"N": 2, "T": 5}, {"N": 3, "T": 16}]),
    ],
)
def test_models_meet_the_reference_at_two_sizes(text: str, sizes: list[dict[str, int]]) -> None:
    check_graph(compiled(text), sizes, _draw)


def test_names_are_those_of_the_source() -> None:
    graph = compiled(BLOCKS)
    model = exported(graph)
    assert {tensor.name for tensor in model.graph.initializer} >= dict(graph.parameters()).keys()
    assert "unit.1.0.project.weight" in {tensor.name for tensor in model.graph.initializer}
    produced = {name for node in model.graph.node for name in node.output}
    assert {"unit.0.1/conv1", "unit.0.1/h", "unit.1.0/project", "features"} <= produced
    (image,) = model.graph.input
    assert image.name == "image"
    shape = image.type.tensor_type.shape.dim
    assert [d.dim_param or d.dim_value for d in shape] == ["N", 3, "H", "W"]
    assert [output.name for output in model.graph.output] == ["logits", "features"]
    height = model.graph.output[1].type.tensor_type.shape.dim[2].dim_param
    assert height == str(graph.outputs[1].value.type.shape[2])


def test_a_shared_layer_and_a_tied_weight_have_one_initializer() -> None:
    model = exported(
        compiled("""
            model Siamese {
                input a: f32[N, 4]
                input b: f32[N, 4]
                tower = dense(4)
                left = tower(a)
                right = tower(b)
                back = left @ tower.weight
                output left, right, back
            }
        """)
    )
    assert sorted(t.name for t in model.graph.initializer) == ["tower.bias", "tower.weight"]


def test_no_size_is_computed_twice_nor_where_a_code_is_enough() -> None:
    model = exported(compiled(ATTENTION))
    operators = [node.op_type for node in model.graph.node]
    assert operators.count("Shape") == 1  # of T alone: N is kept by 0 in every Reshape
    assert operators.count("Range") == 2  # one causal mask for both layers


def test_outputs_that_are_inputs_parameters_or_named_twice() -> None:
    graph = compiled("""
        model Same {
            input x: f32[N, 2]
            param w: f32[2] = normal(std = 1)
            y = x + w
            output first = y, second = y, same = x, weight = w, more = [x, y]
        }
    """)
    weights = lively_weights(graph, 0)
    feed = {"x": np.ones((3, 2), dtype=np.float32)}
    expected = reference.run(graph, feed, weights, "float32")
    model = to_onnx(graph, weights)
    names = [output.name for output in model.graph.output]
    assert names == ["first", "second", "same", "weight", "more.0", "more.1"]
    for name, ours in zip(names, run_model(model, feed), strict=True):
        np.testing.assert_array_equal(ours, expected[name])


def test_names_of_the_source_are_never_taken_by_values() -> None:
    graph = compiled("""
        model Names {
            input relu: f32[N, 2]
            h = relu * 2.0
            output dense = (h |> dense(2)) + 1.0, h = h
        }
    """)
    check_graph(graph, [{"N": 2}], _draw)
    assert [output.name for output in exported(graph).graph.output] == ["dense", "h"]


def test_a_size_read_from_a_multiple() -> None:
    graph = compiled("""
        model Halves {
            input x: f32[N, 2 * H]
            output y = reshape(x, [N, 2, H]) |> transpose([2, 0, 1]) |> reshape([H, 2 * N])
        }
    """)
    check_graph(graph, [{"N": 2, "H": 5}, {"N": 3, "H": 4}], _draw)


def test_the_same_model_has_the_same_bytes_and_opsets_are_converted() -> None:
    graph = compiled(BLOCKS)
    weights = lively_weights(graph, 0)
    assert serialize(to_onnx(graph, weights)) == serialize(to_onnx(compiled(BLOCKS), weights))
    newer = to_onnx(graph, weights, opset=21)
    assert (newer.opset_import[0].version, newer.ir_version) == (21, 10)
    with pytest.raises(ValueError, match="older than 17"):
        to_onnx(graph, weights, opset=16)


def test_weights_that_do_not_fit_are_refused() -> None:
    graph = compiled(BLOCKS)
    weights = lively_weights(graph, 0)
    with pytest.raises(ValueError, match=r"dense\.bias: the weight's shape is \[4\], not \[5\]"):
        to_onnx(graph, {**weights, "dense.bias": np.zeros(4, np.float32)})
    del weights["dense.bias"]
    with pytest.raises(KeyError):
        to_onnx(graph, weights)


def test_an_operation_that_cannot_be_expressed_is_told_with_its_line() -> None:
    graph = compiled("""
        block Inner {
            input x: f32[N, 2]
            output mse(x, 2.0 * x)
        }
        model Outer {
            input x: f32[N, 2]
            output y = x |> Inner
        }
    """)
    with pytest.raises(DiagnosticError) as caught:
        to_onnx(graph, {})
    (found,) = caught.value.diagnostics
    assert found.code == "E0701"
    assert "onnx cannot express `mse`" in found.message
    assert found.span.text == "mse(x, 2.0 * x)"
    assert [note.span.text for note in found.notes] == ["Inner"]


def test_weights_beside_the_file(tmp_path: Path) -> None:
    graph = compiled("model M { input x: f32[N, 64]\n output y = x |> dense(64) }")
    weights = lively_weights(graph, 0)
    write(graph, weights, tmp_path / "one.onnx")
    write(graph, weights, tmp_path / "two.onnx", largest=64 * 64 * 4)
    assert (tmp_path / "two.onnx.data").stat().st_size == 64 * 64 * 4
    assert (tmp_path / "two.onnx").stat().st_size < 2000
    assert serialize(to_onnx(graph, weights)) == (tmp_path / "one.onnx").read_bytes()
    x = np.ones((2, 64), dtype=np.float32)
    results = [
        onnxruntime.InferenceSession(str(tmp_path / name), providers=["CPUExecutionProvider"]).run(
            None, {"x": x}
        )[0]
        for name in ("one.onnx", "two.onnx")
    ]
    np.testing.assert_array_equal(*results)


def test_a_long_chain_is_written_quickly_and_without_recursion() -> None:
    layers = 10_000
    graph = compiled(f"""
        model Deep {{
            input x: f32[N, 2]
            for _ in range({layers}) {{ x = x |> dense(2) }}
            output y = x
        }}
    """)
    weights = lively_weights(graph, 0)
    best = float("inf")
    for _ in range(2):
        started = time.process_time()
        model = to_onnx(graph, weights)
        best = min(best, time.process_time() - started)
    assert len(model.graph.node) == layers
    assert best / layers < 0.3e-3


def test_bfloat16_is_rounded_to_nearest_even() -> None:
    from tercet.backends.onnx import protobuf

    values = np.array([1.0, 1 + 2**-8, 1 + 3 * 2**-8, -np.pi, np.inf, np.nan], dtype=np.float32)
    tensor = protobuf.tensor("t", DType.BF16, values)
    found = onnx.numpy_helper.to_array(tensor).astype(np.float32)
    expected = [1.0, 1.0, 1 + 2**-6, -3.140625, np.inf, np.nan]
    np.testing.assert_array_equal(found, np.array(expected, dtype=np.float32))
