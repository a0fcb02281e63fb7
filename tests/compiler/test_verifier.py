"""The verifier finds what is wrong with a program that was changed by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tercet.compiler.graph.ir import (
    Apply,
    Bind,
    Call,
    Create,
    Graph,
    Item,
    Layer,
    Loop,
    Program,
    Region,
    Value,
)
from tercet.compiler.graph.verifier import InvalidProgram, verify
from tercet.compiler.ops.activation import Relu
from tercet.compiler.types import DType, TensorType
from tests.compiler.texts import program

TEXT = """
block B(n) { input x: f32[N, D]
    output x |> dense(n) |> relu }
model M { input x: f32[N, 8]
    for i in range(2) { x = x |> B(8) }
    y = x |> dense(4)
    output y }
"""


def test_a_sound_program_is_given_back() -> None:
    built = program(TEXT)
    assert verify(built) is built


def changed(graph: Graph, change: Callable[[list[Item]], object]) -> Graph:
    items = list(graph.body.items)
    change(items)
    return replace(graph, body=Region(tuple(items)))


def with_block(change: Callable[[list[Item]], object]) -> Program:
    built = program(TEXT)
    (block,) = built.blocks
    return Program("test", {}, (changed(block, change),))


def with_model(change: Callable[[list[Item]], object]) -> Program:
    built = program(TEXT)
    return Program("test", {"M": changed(built.models["M"], change)}, built.blocks)


def problems(wrong: Program) -> str:
    with pytest.raises(InvalidProgram) as caught:
        verify(wrong)
    return "\n".join(caught.value.problems)


def test_used_before_computed() -> None:
    assert "used and not computed before" in problems(with_block(lambda items: items.pop(1)))


def test_computed_twice() -> None:
    assert "defined twice" in problems(with_block(lambda items: items.append(items[2])))


def test_applied_and_not_made() -> None:
    assert "dense is applied and not made" in problems(with_block(lambda items: items.pop(0)))


def test_a_path_given_twice() -> None:
    assert "the path dense is given twice" in problems(
        with_block(lambda items: items.insert(0, items[0]))
    )


def test_another_output_type() -> None:
    def change(items: list[Item]) -> None:
        last = items[2]
        assert isinstance(last, Apply)
        output = Value("relu", TensorType(DType.F64, last.outputs[0].type.shape))
        items[2] = replace(last, outputs=(output,))

    found = problems(with_block(change))
    assert "relu gives" in found
    assert "output output is not computed" in found


def test_operands_that_the_operation_refuses() -> None:
    def change(items: list[Item]) -> None:
        last = items[2]
        assert isinstance(last, Apply)
        items[2] = replace(last, inputs=())

    assert "relu has 0 operands, not 1" in problems(with_block(change))


def test_a_layer_applied_as_another_operation() -> None:
    def change(items: list[Item]) -> None:
        applied = items[1]
        assert isinstance(applied, Apply)
        items[1] = replace(applied, op=Relu())

    assert "applied as another operation" in problems(with_block(change))


def test_a_wrong_parameter_path() -> None:
    def change(items: list[Item]) -> None:
        create = items[0]
        assert isinstance(create, Create)
        assert isinstance(create.made, Layer)
        moved = tuple(replace(p, path=f"other.{p.name}") for p in create.made.parameters)
        object.__setattr__(create.made, "parameters", moved)

    assert "other.weight should have the path dense.weight" in problems(with_block(change))


def test_callees_after_their_callers() -> None:
    built = program(TEXT)
    wrong = Program("test", built.models, ())
    assert "called and not among the blocks before" in problems(wrong)


def test_a_model_under_another_name() -> None:
    built = program(TEXT)
    wrong = Program("test", {"Other": built.models["M"]}, built.blocks)
    assert "filed under another name" in problems(wrong)


def test_a_loop_that_lost_an_iteration() -> None:
    def change(items: list[Item]) -> None:
        loop = items[0]
        assert isinstance(loop, Loop)
        items[0] = replace(loop, iterations=loop.iterations[:1])

    assert "another number of iterations" in problems(with_model(change))


def test_indices_that_are_not_those_of_the_loop() -> None:
    def change(items: list[Item]) -> None:
        loop = items[0]
        assert isinstance(loop, Loop)
        items[0] = replace(loop, iterations=loop.iterations[::-1])

    assert "stands in iteration (0,) of 1 loops" in problems(with_model(change))


def test_a_binding_of_what_nobody_computed() -> None:
    def change(items: list[Item]) -> None:
        bind = items[-1]
        assert isinstance(bind, Bind)
        items[-1] = replace(bind, value=Value("lost", TensorType(DType.F32, ())))

    assert "the value lost is used" in problems(with_model(change))


def test_a_call_with_other_types() -> None:
    built = program(TEXT)
    (call, _) = built.models["M"].calls
    assert isinstance(call, Call)
    other = program(TEXT.replace("f32[N, 8]", "f32[N, 8, 8]").replace("f32[N, D]", "f32[..., D]"))
    wrong = replace(call, graph=other.blocks[0])

    def change(items: list[Item]) -> None:
        items[:] = [Create(call.instance), wrong]

    found = problems(with_model(change))
    assert "called through the graph of another block" in found
    assert "gets inputs of other types" in found
