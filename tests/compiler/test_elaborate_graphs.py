"""What a graph keeps of its text: traces, arguments, dimensions, constraints, overrides."""

from __future__ import annotations

from tercet.compiler.dims import symbol
from tercet.compiler.graph.ir import Apply, Bind, Branch, Create, Loop
from tercet.compiler.ops.elementwise import Add
from tests.compiler.texts import body, model, operations, program, result

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
