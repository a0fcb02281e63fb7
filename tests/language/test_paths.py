"""The paths of parameters, exactly: checkpoints depend on them (docs: *Names of parameters*)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compiler.texts import model, program

BLOCKS = """
block Inner(units) { input x: f32[N, D]
    output x |> dense(units)
}
block Pair { input x: f32[N, D]
    output x |> dense(D, name = "fc") |> Inner(8)
}
block GPTBlock { input x: f32[N, D]
    output x |> dense(D, bias = false)
}
"""


def weights(statements: str, header: str = "") -> list[str]:
    """The layers of a model over `x: f32[N, 8]`, named by the paths of their weights."""
    text = f"{header}\nmodel M {{ input x: f32[N, 8]\n{statements}\noutput y = x }}"
    paths = [path for path, _ in model(text).parameters()]
    return [path.removesuffix(".weight") for path in paths if path.endswith(".weight")]


@pytest.mark.parametrize(
    "statements, expected",
    [
        # the kind in snake case, numbered in the order of the text
        ("x = x |> dense(8) |> relu |> dense(8)", "dense dense_1"),
        ("x = dense(8)(dense(4)(x))", "dense dense_1"),
        ("x = relu(dense(8)(x)) + (x |> dense(8))", "dense dense_1"),
        ("x = x |> Inner(4) |> Inner(8)", "inner.dense inner_1.dense"),
        ("x = x |> GPTBlock", "gpt_block.dense"),
        # the name bound, where the right side is exactly that call
        ("fc = dense(8)\n x = fc(x)", "fc"),
        ("fc = dense(8)\n x = x |> fc |> fc", "fc"),
        ("h = layer_norm(x)\n x = h", "h"),
        ("h = x |> layer_norm\n x = h", "layer_norm"),
        ("h = dense(8)(x)\n x = h", "dense"),
        ("a = Inner(8)\n x = a(a(x))", "a.dense"),
        ("class = dense(8)\n x = class(x)", "class"),
        ("fc = dense(8)\n x = fc(x)\n fc = dense(8)\n x = fc(x)", "fc fc_1"),
        # the string of `name = …`
        ('x = x |> dense(8, name = "class")', "class"),
        ('fc = dense(8, name = "head")\n x = fc(x)', "head"),
        ('x = x |> Inner(8, name = "stem")', "stem.dense"),
        ('x = x |> dense(8, name = "p") |> dense(8, name = "p")', "p p_1"),
        ('x = x |> dense(8, name = "dense_1") |> dense(8) |> dense(8)', "dense_1 dense dense_2"),
        # all branches counted, taken or not
        ("x = if 8 > 3 { dense(8)(x) } else { dense(8)(x) }\n x = x |> dense(8)", "dense dense_2"),
        ("if 8 < 3 { x = x |> dense(8) } else { x = x |> dense(8) }", "dense_1"),
        ("x = x |> (if 8 < 3 { dense(8) } else { relu }) |> dense(8)", "dense_1"),
        ("if 8 < 3 { d = dense(8) } else { d = dense(8) }\n x = d(x)", "d_1"),
        # an index for every loop around
        ("for i in range(2) { x = x |> dense(8) }", "dense.0 dense.1"),
        ("for i in [5, 7] { for j in range(2) { x = x |> Pair } }\n x = x |> Inner(8)", "PAIRS"),
        ("for i in range(2) { fc = dense(8)\n x = fc(x) }\n x = fc(x)", "fc.0 fc.1"),
        ("ls = []\nfor i in range(2) { ls = ls + [dense(8)] }\nfor l in ls { x = l(x) }", "LIST"),
        ("for i in range(2) { if i == 1 { x = x |> dense(8) } }", "dense.1"),
        # lists of layers, layers as arguments
        ("ls = [dense(8), dense(8)]\n for l in ls { x = x |> l }", "dense dense_1"),
    ],
)
def test_paths(statements: str, expected: str) -> None:
    pairs = [f"pair.{i}.{j}" for i in range(2) for j in range(2)]
    named = {
        "PAIRS": [*(f"{p}.{end}" for p in pairs for end in ("fc", "inner.dense")), "inner.dense"],
        "LIST": ["dense.0", "dense.1"],
    }
    assert weights(statements, BLOCKS) == named.get(expected, expected.split())


def test_parameters_of_their_own() -> None:
    text = """model M { input x: f32[N, 8]
        param w: f32[8, 8] = normal(std = 0.02)
        buffer shift: f32[8] = 1
        for i in range(2) {
            param scale: f32[8] = ones
            x = x * scale
        }
        output y = x @ w + shift
    }"""
    assert [path for path, _ in model(text).parameters()] == ["w", "shift", "scale.0", "scale.1"]


def test_a_kind_that_is_an_argument_is_named_by_its_parameter() -> None:
    text = """block B(norm = layer_norm) { input x: f32[N, D]
        output x |> norm |> dense(8)
    }
    model M { input x: f32[N, 8]
        output y = x |> B |> B(norm = batch_norm)
    }"""
    paths = [p for p, _ in model(text).parameters() if p.endswith("weight")]
    assert paths == ["b.norm.weight", "b.dense.weight", "b_1.norm.weight", "b_1.dense.weight"]


def test_an_imported_block_keeps_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "parts.model").write_text(BLOCKS + "const WIDTH = 8")
    text = """from "parts.model" import Inner as Head, WIDTH as W
    from std.vision import ConvBnRelu as Conv
    model M { input x: f32[N, 3, 8, 8]
        output y = x |> Conv(4, kernel = 3) |> flatten |> Head(W)
    }"""
    (graph,) = program(text, tmp_path).models.values()
    paths = [path for path, _ in graph.parameters()]
    assert paths[0] == "conv_bn_relu.conv2d.weight"
    assert paths[-1] == "inner.dense.bias"


def test_a_model_in_a_model_shared_by_two_inputs() -> None:
    text = """model Tower { input x: f32[N, 8]
        output y = x |> dense(4)
    }
    model Siamese { input a: f32[N, 8]
        input b: f32[N, 8]
        tower = Tower()
        output p = tower(a), q = tower(b)
    }"""
    graph = program(text).models["Siamese"]
    assert [path for path, _ in graph.parameters()] == ["tower.dense.weight", "tower.dense.bias"]


def test_the_parameters_of_recurrent_layers() -> None:
    text = """model M { input x: f32[N, T, 4]
        y, h, c = x |> lstm(8, layers = 2, bidirectional = true, return_state = true)
        z = x |> gru(8)
        output y, h, c, z
    }"""
    graph = model(text)
    shapes = {path: parameter.type.shape for path, parameter in graph.parameters()}
    assert shapes["lstm.weight"] == (32, 4)
    assert shapes["lstm.weight_1_reverse"] == (32, 16)
    assert shapes["gru.recurrent_bias"] == (24,)
    types = [str(output.value.type) for output in graph.outputs]
    assert types == ["f32[N, T, 16]", "f32[4, N, 8]", "f32[4, N, 8]", "f32[N, T, 8]"]
