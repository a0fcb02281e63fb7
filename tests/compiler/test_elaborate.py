"""Texts become graphs: layers, functions, blocks, sharing, dimensions, constraints."""

from __future__ import annotations

import pytest

from compiler.dims import symbol
from compiler.ir import Apply, Bind, Branch, Call, Create, Graph, Layer, Loop, ReadParameter
from compiler.ops.elementwise import Add, Constant
from compiler.types import DType
from tests.compiler.texts import body, model, parameters, program


def result(graph: Graph) -> str:
    return str(graph.outputs[-1].value.type)


def operations(graph: Graph) -> list[str]:
    return [item.op.name for item in graph.body.walk() if isinstance(item, Apply)]


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


# ------------------------------------------------------------------------------------------ blocks

MLP = """
block MLP(units, activation = relu) {
    input x: f32[..., D]
    output x |> dense(units) |> activation |> dense(D)
}
"""


def test_a_block_is_specialised_once_per_arguments_and_types() -> None:
    built = program(
        MLP
        + "model M { input x: f32[N, 8]\n"
        + "y = x |> MLP(4) |> MLP(4) |> MLP(5) |> MLP(4, gelu)\n output y }"
    )
    assert [g.arguments["units"] for g in built.blocks] == [4, 5, 4]
    (graph,) = built.models.values()
    assert [call.instance.path for call in graph.calls] == ["mlp", "mlp_1", "mlp_2", "mlp_3"]
    assert graph.calls[0].graph is graph.calls[1].graph
    assert graph.calls[0].graph is not graph.calls[3].graph


def test_callees_come_before_their_callers() -> None:
    built = program(
        MLP
        + "block Two(units) { input x: f32[N, D]\n output x |> MLP(units) |> MLP(units) }\n"
        + "model M { input x: f32[N, 8]\n y = x |> Two(4)\n output y }"
    )
    assert [g.name for g in built.blocks] == ["MLP", "Two"]


def test_a_block_keeps_the_callers_sizes() -> None:
    built = program(MLP + "model M { input x: f32[N, 2 * H, 8]\n y = x |> MLP(4)\n output y }")
    (block,) = built.blocks
    assert str(block.inputs[0].value.type) == "f32[N, 2 * H, 8]"
    assert block.dims == {"D": 8}
    assert block.inputs[0].declared[:2] == (None, None)


def test_an_instance_applied_twice_is_shared() -> None:
    graph = model(MLP + "model M { input x: f32[N, 8]\n m = MLP(4)\n y = m(m(x))\n output y }")
    assert [call.instance for call in graph.calls] == [graph.calls[0].instance] * 2
    assert len(parameters(graph)) == 4


def test_several_inputs_and_outputs() -> None:
    graph = model("""
    block Cross(units) {
        input x: f32[N, D]
        input memory: f32[N, D]
        a = dense(units)(x)
        output a, [memory, x]
    }
    model M {
        input x: f32[N, 8]
        first, (second, third) = Cross(4)(x, memory = relu(x))
        output first, rest = second + third
    }
    """)
    assert [o.name for o in graph.calls[0].graph.outputs] == ["a", "output_1.0", "output_1.1"]
    assert [o.name for o in graph.outputs] == ["first", "rest"]


def test_a_model_applied_in_another() -> None:
    built = program("""
    model Encoder(units = 4) { input image: f32[N, 8]
        code = image |> dense(units)
        output code }
    model Both { input x: f32[M, 8]
        y = Encoder(units = 2)(x) + (x |> Encoder(2))
        output y }
    """)
    assert list(built.models) == ["Encoder", "Both"]
    assert [g.name for g in built.blocks] == ["Encoder"]
    assert str(built.models["Both"].calls[0].graph.inputs[0].value.type) == "f32[M, 8]"


def test_kinds_blocks_and_functions_are_static_values() -> None:
    graph = model(
        MLP
        + """
    block Apply(kind, function) { input x: f32[N, D]
        output x |> kind(4) |> function }
    model M { input x: f32[N, 8]
        kinds = [MLP, dense]
        for kind in kinds {
            x = x |> Apply(kind, function = if kind == dense { tanh } else { relu })
        }
        output y = x }
    """
    )
    assert [call.instance.path for call in graph.calls] == ["apply.0", "apply.1"]
    assert [p for p in parameters(graph) if p.startswith("apply.1")] == [
        "apply.1.kind.weight",
        "apply.1.kind.bias",
    ]


def test_a_layer_may_be_handed_to_a_block() -> None:
    graph = model("""
    block Twice(layer) { input x: f32[N, D]
        output x |> layer |> layer }
    model M { input x: f32[N, 8]
        d = dense(8)
        y = x |> Twice(d) |> d
        output y }
    """)
    assert parameters(graph) == {"d.weight": (8, 8), "d.bias": (8,)}


def test_recursion_with_an_end() -> None:
    graph = model("""
    block Tree(depth) { input x: f32[N, D]
        output if depth == 0 { x } else { x |> dense(D) |> Tree(depth - 1) } }
    model M { input x: f32[N, 8]
        y = x |> Tree(3)
        output y }
    """)
    assert [p for p in parameters(graph) if p.endswith("weight")] == [
        "tree.dense.weight",
        "tree.tree.dense.weight",
        "tree.tree.tree.dense.weight",
    ]


def test_defaults_are_evaluated_at_each_call() -> None:
    built = program("""
    const base = 3
    block B(units, wide = units * base) { input x: f32[N, D]
        output x |> dense(wide) }
    model M { input x: f32[N, 8]
        y = x |> B(2) |> B(4) |> B(4, wide = 1)
        output y }
    """)
    assert [g.arguments["wide"] for g in built.blocks] == [6, 12, 1]


# ------------------------------------------------------------------------------------------ traces


def test_traces_of_one_text_have_items_at_the_same_places() -> None:
    built = program("""
    block B(depth, wide) { input x: f32[N, D]
        for i in range(depth) {
            h = if i % 2 == 0 { x |> dense(D) } else { x }
            if wide { x = x + h } else { x = h }
        }
        output x }
    model M { input x: f32[N, 8]
        y = x |> B(2, true) |> B(3, false)
        output y }
    """)
    kinds = [[type(item) for item in g.body.items] for g in built.blocks]
    assert kinds == [[Loop], [Loop]]
    loops = [g.body.items[0] for g in built.blocks]
    assert all(isinstance(loop, Loop) for loop in loops)
    for loop in loops:
        assert isinstance(loop, Loop)
        for region in loop.iterations:
            assert [type(item) for item in region.items] == [Branch, Bind, Branch]
    first = loops[0]
    assert isinstance(first, Loop)
    assert first.items == (0, 1)
    branch = first.iterations[1].items[0]
    assert isinstance(branch, Branch)
    assert branch.taken == 1
    assert branch.result is not None
    assert branch.body.items == ()


def test_arguments_keep_expression_and_value() -> None:
    built = program("""
    block B(channels, stride = 1) { input x: f32[N, C, H, W]
        output x |> conv2d(2 * channels, 3, stride = stride, bias = false) }
    model M { input x: f32[N, 3, 9, 9]
        y = x |> B(4, stride = 2)
        output y }
    """)
    create = built.blocks[0].body.items[0]
    assert isinstance(create, Create)
    found = [(a.name, a.expression.span.text, a.value) for a in create.made.arguments]
    assert found == [
        ("channels", "2 * channels", 8),
        ("kernel", "3", 3),
        ("stride", "stride", 2),
        ("bias", "false", False),
    ]
    (graph,) = built.models.values()
    call = graph.calls[0]
    assert [(a.name, a.value) for a in call.instance.arguments] == [("channels", 4), ("stride", 2)]


def test_bounds_of_an_index_are_arguments() -> None:
    graph = body("k = 2\n y = x[:, 0:k, none]")
    index = next(i for i in graph.body.walk() if isinstance(i, Apply))
    found = [(a.name, a.expression.span.text, a.value) for a in index.arguments]
    assert found == [("items.1.start", "0", 0), ("items.1.stop", "k", 2)]


# -------------------------------------------------------------------------------------- dimensions


def test_dimensions_of_a_model_are_symbols() -> None:
    graph = body("y = x", "input x: f32[N, 16 * H, H]")
    assert graph.dims == {"N": symbol("N"), "H": symbol("H")}
    assert graph.inputs[0].value.type.shape == (symbol("N"), 16 * symbol("H"), symbol("H"))


def test_dimensions_of_a_block_are_solved_for() -> None:
    built = program("""
    block B { input x: f32[N, 4 * C, H + 1]
        input w: f32[A * B2, A]
        output x |> reshape([N, C, 4, H + 1]) }
    model M { input x: f32[N, 32, 5] input w: f32[6, 3]
        y = B()(x, w)
        output y }
    """)
    assert built.blocks[0].dims == {"N": symbol("N"), "C": 8, "H": 4, "A": 3, "B2": 2}


def test_constraints_reach_the_model() -> None:
    graph = model("""
    block Positions(context) { input x: f32[N, T, D]
        param table: f32[context, D]
        assert T % 2 == 0 and T >= 4, "{T} is odd or small"
        output x + table[0:T] }
    model M { input x: f32[N, L, 8]
        y = x |> Positions(64)
        output y }
    """)
    assert [str(c) for c in graph.constraints] == ["L % 2 == 0", "L >= 4", "L <= 64"]
    assert graph.constraints[0].message == (symbol("L"), " is odd or small")


def test_raw_parameters_and_buffers() -> None:
    graph = body("""
        param a: f32[8] = 0.5
        param b: f32[4, 8] = glorot_uniform
        buffer c: f32[8]
        y = x * a + c + sum(x @ transpose(b))
    """)
    found = {p: (repr(q.init), q.role, q.trainable, q.fans) for p, q in graph.parameters()}
    assert found == {
        "a": ("Constant(value=0.5)", "parameter", True, (8, 8)),
        "b": ("GlorotUniform()", "parameter", True, (8, 4)),
        "c": ("Zeros()", "buffer", False, (8, 8)),
    }


# --------------------------------------------------------------------------------------- overrides


def test_parameters_are_overridden() -> None:
    text = """
    model M(units = 3, act = relu) { input x: f32[N, 8]
        y = x |> dense(units) |> act
        output y }
    """
    graph = model(text, parameters={"units": "2 * 4", "act": "tanh"})
    assert result(graph) == "f32[N, 8]"
    assert operations(graph) == ["dense", "tanh"]


def test_one_model_of_several() -> None:
    text = """
    model A { input x: f32[N]
        output y = x + 1 }
    model B(n) { input x: f32[N]
        output y = x + n }
    """
    assert list(program(text).models) == ["A"]
    assert list(program(text, model="B", parameters={"n": "2"}).models) == ["B"]
    assert list(program(text, parameters={"n": "2"}).models) == ["A", "B"]


def test_operators_have_one_operation_each() -> None:
    graph = body("y = x + x")
    assert [type(i.op) for i in graph.body.walk() if isinstance(i, Apply)] == [Add]


def test_names_that_are_words_elsewhere() -> None:
    graph = model("""
    block lambda(class, torch = 2) { input self: f32[N, D]
        list = [self, self]
        output concat(list, axis = 1) |> dense(class * torch) }
    model def(None = 3) { input import_: f32[N, 4]
        global = import_ |> lambda(None)
        output global }
    """)
    assert result(graph) == "f32[N, 6]"


def test_calls_in_a_trace_carry_their_graph() -> None:
    graph = model(MLP + "model M { input x: f32[N, 8]\n y = x |> MLP(4)\n output y }")
    create, call, bind = graph.body.items
    assert isinstance(create, Create)
    assert isinstance(call, Call)
    assert isinstance(bind, Bind)
    assert call.instance is create.made
    assert bind.value is call.outputs[0]
