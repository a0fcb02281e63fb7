"""Blocks become graphs of their own: specialised, shared, handed layers, recursive."""

from __future__ import annotations

from tercet.compiler.graph.ir import Bind, Call, Create
from tests.compiler.texts import model, parameters, program

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


def test_calls_in_a_trace_carry_their_graph() -> None:
    graph = model(MLP + "model M { input x: f32[N, 8]\n y = x |> MLP(4)\n output y }")
    create, call, bind = graph.body.items
    assert isinstance(create, Create)
    assert isinstance(call, Call)
    assert isinstance(bind, Bind)
    assert call.instance is create.made
    assert bind.value is call.outputs[0]
