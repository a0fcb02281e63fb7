"""Names of parameters: the rule in docs/language.md, on which checkpoints depend."""

from __future__ import annotations

import pytest

from tercet.compiler.naming import snake_case
from tests.compiler.texts import body, model, parameters


def weights(statements: str) -> list[str]:
    paths = parameters(body(statements))
    return [path.removesuffix(".weight") for path in paths if path.endswith(".weight")]


@pytest.mark.parametrize(
    "name, expected",
    [
        ("BasicBlock", "basic_block"),
        ("ConvBnRelu", "conv_bn_relu"),
        ("GPTBlock", "gpt_block"),
        ("MLP", "mlp"),
        ("InceptionA", "inception_a"),
        ("conv2d", "conv2d"),
        ("Conv2D", "conv2_d"),
    ],
)
def test_snake_case(name: str, expected: str) -> None:
    assert snake_case(name) == expected


@pytest.mark.parametrize(
    "statements, expected",
    [
        ("h = dense(8)\n y = h(x)", ["h"]),
        ("y = x |> dense(8)", ["dense"]),
        ("y = x |> dense(8) |> dense(8) |> layer_norm", ["dense", "dense_1", "layer_norm"]),
        ('y = x |> dense(8, name = "head")', ["head"]),
        ("y = dense(8)(x)", ["dense"]),
        ("y = layer_norm(x)", ["y"]),
        ("y = relu(layer_norm(x))", ["layer_norm"]),
        ("a = dense(8)\n a = dense(8)(a(x))\n y = a |> dense(8)", ["a", "dense", "dense_1"]),
        ("a = dense(8)\n h = a(x)\n a = dense(8)\n y = a(h)", ["a", "a_1"]),
        ("a, b = dense(8), dense(8)\n y = a(x) + b(x)", ["dense", "dense_1"]),
        (
            "dense_1 = dense(8)\n y = x |> dense_1 |> dense(8) |> dense(8)",
            ["dense_1", "dense", "dense_2"],
        ),
        ('y = x |> dense(8, name = "a") |> dense(8, name = "a")', ["a", "a_1"]),
        ("for i in range(2) { x = x |> dense(8) }\n y = x", ["dense.0", "dense.1"]),
        (
            "for i in range(2) { for j in range(2) { x = x |> dense(8) } }\n y = x |> dense(8)",
            ["dense.0.0", "dense.0.1", "dense.1.0", "dense.1.1", "dense_1"],
        ),
        ("d = [dense(8), dense(8)]\n y = x |> d[0] |> d[1]", ["dense", "dense_1"]),
        ("y = if true { dense(8)(x) } else { dense(8)(x) }", ["dense"]),
        ("y = if false { dense(8)(x) } else { dense(8)(x) }", ["dense_1"]),
        ("y = x |> (if false { dense(8) } else { layer_norm })", ["layer_norm"]),
    ],
)
def test_names_of_sites(statements: str, expected: list[str]) -> None:
    assert weights(statements) == expected


def test_all_branches_are_counted_taken_or_not() -> None:
    text = """
    block B(wide) {
        input x: f32[N, D]
        if wide { x = x |> dense(D) } else { x = x |> dense(D) |> dense(D) }
        output x |> dense(D)
    }
    model M { input x: f32[N, 8]
        y = x |> B(true) |> B(false)
        output y }
    """
    assert list(parameters(model(text))) == [
        "b.dense.weight",
        "b.dense.bias",
        "b.dense_3.weight",
        "b.dense_3.bias",
        "b_1.dense_1.weight",
        "b_1.dense_1.bias",
        "b_1.dense_2.weight",
        "b_1.dense_2.bias",
        "b_1.dense_3.weight",
        "b_1.dense_3.bias",
    ]


def test_a_kind_given_as_a_parameter_is_named_as_the_text_names_it() -> None:
    text = """
    block B(norm) {
        input x: f32[N, D]
        output x |> norm |> dense(D) |> norm
    }
    model M { input x: f32[N, 8]
        y = x |> B(layer_norm) |> B(rms_norm)
        output y }
    """
    found = [p for p in parameters(model(text)) if p.startswith("b_1")]
    assert found == [
        "b_1.norm.weight",
        "b_1.dense.weight",
        "b_1.dense.bias",
        "b_1.norm_1.weight",
    ]


def test_raw_parameters_are_sites_of_their_own_name() -> None:
    text = """
        for i in range(2) {
            param scale: f32[8] = ones
            x = x * scale
        }
        scale = dense(8)
        y = scale(x)
    """
    assert list(parameters(body(text))) == ["scale.0", "scale.1", "scale_1.weight", "scale_1.bias"]


def test_a_shared_layer_has_one_path() -> None:
    graph = body("d = dense(8)\n y = x |> d |> relu |> d")
    assert parameters(graph) == {"d.weight": (8, 8), "d.bias": (8,)}


def test_one_site_object_for_all_traces() -> None:
    text = """
    block B(units) { input x: f32[N, D]
        output x |> dense(units) }
    model M { input x: f32[N, 8]
        y = x |> B(4) |> B(6)
        output y }
    """
    graph = model(text)
    made = [next(iter(call.graph.body.walk())) for call in graph.calls]
    first, second = (getattr(item, "made").site for item in made)  # noqa: B009
    assert first is second
