"""Texts become graphs: results of operations, layers and their sharing."""

from __future__ import annotations

import pytest

from tercet.compiler.dims import symbol
from tercet.compiler.graph.ir import Apply, Bind, Create, Layer, ReadParameter
from tercet.compiler.ops.elementwise import Constant
from tercet.compiler.types import DType
from tests.compiler.texts import body, model, operations, parameters, result


@pytest.mark.parametrize(
    "statements, expected",
    [
        ("y = x |> relu", "f32[N, 8]"),
        ("y = relu(x)", "f32[N, 8]"),
        ("y = x |> softmax(axis = -1)", "f32[N, 8]"),
        ("y = x * 2 + 1", "f32[N, 8]"),
        ("y = 1 - x", "f32[N, 8]"),
        ("y = -x ** 2", "f32[N, 8]"),
        ("y = x > 0", "bool[N, 8]"),
        ("y = not (x > 0 and x < 1)", "bool[N, 8]"),
        ("y = where(x > 0, x, 0)", "f32[N, 8]"),
        ("y = where(x > 0, 1.0, 0.0)", "f32[N, 8]"),
        ("y = cast(x > 0, i64)", "i64[N, 8]"),
        ("y = concat([x, x], axis = 1)", "f32[N, 16]"),
        ("y = [x, x] |> concat(axis = 1)", "f32[N, 16]"),
        ("y = stack([x, x, x])", "f32[3, N, 8]"),
        ("a, b = split(x, 2, axis = 1)\n y = a", "f32[N, 4]"),
        ("y = x[:, 0]", "f32[N]"),
        ("y = x[:, 1:3]", "f32[N, 2]"),
        ("y = x[..., ::2]", "f32[N, 4]"),
        ("y = x[none]", "f32[1, N, 8]"),
        ("y = reshape(x, [N, 2, 4])", "f32[N, 2, 4]"),
        ("y = reshape(x, [x.shape[0], 2, x.shape[1] // 2])", "f32[N, 2, 4]"),
        ("y = sum(x, axis = 1)", "f32[N]"),
        ("y = max(x, axis = 1)", "f32[N]"),
        ("y = mean(x)", "f32[]"),
        ("y = x / N", "f32[N, 8]"),
        ("y = x @ transpose(x)", "f32[N, N]"),
        ("f = relu\n y = f(x)", "f32[N, 8]"),
        ("y = if len([1, 2]) == 2 { x } else { relu(x) }", "f32[N, 8]"),
        ("a, (b, c) = x, (relu(x), 3)\n y = b * c", "f32[N, 8]"),
        ("a, b = x, relu(x)\n a, b = b, a\n y = a", "f32[N, 8]"),
        (
            "hs = []\n for i in range(3) { hs = hs + [x[:, i]] }\n y = stack(hs, axis = 1)",
            "f32[N, 3]",
        ),
        ("y = clip(x, 0, 1)", "f32[N, 8]"),
        ("d = x.dtype\n y = cast(x > 0, d)", "f32[N, 8]"),
    ],
)
def test_results(statements: str, expected: str) -> None:
    assert result(body(statements)) == expected


def test_literals_become_constants_right_before_their_operator() -> None:
    graph = body("y = 2 * x")
    constant, multiply = graph.body.walk()
    assert isinstance(constant, Apply)
    assert isinstance(multiply, Apply)
    assert constant.op == Constant(value=2.0, dtype=DType.F32)
    assert constant.arguments[0].expression.span.text == "2"
    assert multiply.inputs[0] is constant.outputs[0]


def test_a_size_becomes_a_constant_too() -> None:
    (constant, _) = body("y = x / N").body.walk()
    assert isinstance(constant, Apply)
    assert constant.op == Constant(value=symbol("N"), dtype=DType.F32)


def test_values_have_the_names_of_the_source() -> None:
    graph = body("h = x |> dense(4) |> relu\n a, b = split(h, 2, axis = 1)\n y = a + b")
    names = [v.name for item in graph.body.walk() for v in getattr(item, "outputs", ())]
    assert names == ["dense", "h", "a", "b", "y"]


# ------------------------------------------------------------------------------------------ layers


def test_a_layer_bound_and_applied_twice_is_shared_and_made_once() -> None:
    graph = body("d = dense(8)\n y = d(d(x))")
    create, bind, first, second, _ = graph.body.items
    assert isinstance(create, Create)
    assert isinstance(bind, Bind)
    assert isinstance(first, Apply)
    assert isinstance(second, Apply)
    assert isinstance(create.made, Layer)
    assert bind.value is create.made is first.layer is second.layer
    assert [a.name for a in create.made.arguments] == ["units"]


def test_a_kind_applied_directly_makes_a_layer_each_time() -> None:
    graph = body("y = layer_norm(layer_norm(x))")
    assert operations(graph) == ["layer_norm", "layer_norm"]
    assert len(parameters(graph)) == 4


def test_tied_weights() -> None:
    graph = model("""
    model M(vocab = 10, dim = 4) {
        input tokens: i64[N, T]
        embed = embedding(vocab, dim)
        x = embed(tokens)
        logits = x @ transpose(embed.weight)
        output logits
    }
    """)
    read = next(item for item in graph.body.walk() if isinstance(item, ReadParameter))
    assert read.layer is not None
    assert read.parameter is read.layer.parameter("weight")
    assert parameters(graph) == {"embed.weight": (10, 4)}
    assert result(graph) == "f32[N, T, 10]"


def test_layers_with_several_results() -> None:
    graph = body("y, h, c = lstm(16, return_state = true)(x)", "input x: f32[N, T, 8]")
    (apply,) = (item for item in graph.body.walk() if isinstance(item, Apply))
    assert [str(o.type) for o in apply.outputs] == [
        "f32[N, T, 16]",
        "f32[1, N, 16]",
        "f32[1, N, 16]",
    ]


def test_optional_inputs_by_name() -> None:
    inputs = "input x: f32[N, T, 8] input lengths: i64[N]"
    first = body("y = lstm(4)(x, lengths = lengths)", inputs)
    second = body("y = x |> lstm(4, lengths = lengths)", inputs)
    for graph in (first, second):
        apply = next(i for i in graph.body.walk() if isinstance(i, Apply))
        names = [o.name for o in apply.op.operands]
        assert apply.inputs[names.index("lengths")] is graph.inputs[1].value


def test_initializers_are_arguments() -> None:
    graph = body("y = x |> dense(4, init = normal(std = 0.5), bias_init = ones)")
    inits = {path: repr(p.init) for path, p in graph.parameters()}
    assert inits == {"dense.weight": "Normal(std=0.5, mean=0.0)", "dense.bias": "Ones()"}
