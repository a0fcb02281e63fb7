"""Loading files, choosing models, running passes by name, printing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tercet.cli import main
from tercet.compiler.graph.ir import Program
from tercet.compiler.graph.printer import print_graph, print_program
from tercet.compiler.pipeline import Pipeline, load, model_of, pipeline
from tercet.dsl.diagnostics import DiagnosticError
from tests.compiler.texts import compiled, program

TEXT = """
block B(n, act = relu) { input x: f32[N, D]
    param scale: f32[D] = ones
    for i in range(2) { x = if i == 0 { x |> dense(n) |> act } else { x * 2 } }
    output x * scale }
model M { input x: f32[N, 8]
    y = x |> B(8) |> dropout(0.25)
    output y }
"""


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    result = load(tmp_path / "none.model")
    assert result.program is None
    assert [d.code for d in result.diagnostics] == ["E0134"]
    with pytest.raises(DiagnosticError):
        result.program_or_raise()


def test_imports_are_relative_to_the_importing_file(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "heads.model").write_text(
        'from "deeper.model" import width as w\n'
        "block Head { input x: f32[N, D]\n output x |> dense(w) }\n"
    )
    (tmp_path / "parts" / "deeper.model").write_text("const width = 2 * half const half = 3")
    main = tmp_path / "main.model"
    main.write_text(
        'from "parts/heads.model" import Head as H\n'
        "model M { input x: f32[N, 8]\n y = x |> H\n output y }\n"
    )
    result = load(main)
    assert result.diagnostics == ()
    assert result.program is not None
    assert [path for path, _ in result.program.models["M"].parameters()] == [
        "head.dense.weight",
        "head.dense.bias",
    ]
    assert str(result.program.models["M"].outputs[0].value.type) == "f32[N, 6]"


def test_choosing_a_model() -> None:
    text = "model A { input x: f32[N]\n output y = x + 1 }"
    one = compiled(text)
    assert model_of(one.program_or_raise(), one.source).name == "A"
    two = compiled(text + text.replace("A", "B"))
    assert model_of(two.program_or_raise(), two.source, "B").name == "B"
    for name, code in ((None, "E0207"), ("C", "E0206")):
        with pytest.raises(DiagnosticError) as caught:
            model_of(two.program_or_raise(), two.source, name)
        assert caught.value.diagnostics[0].code == code
    assert [d.code for d in compiled(text, model="C").errors] == ["E0206"]
    assert [d.code for d in compiled(text, parameters={"widht": "3"}).errors] == ["E0614"]


def test_a_parameter_without_a_value() -> None:
    result = compiled("model A(n) { input x: f32[N]\n output y = x + n }")
    assert [d.code for d in result.errors] == ["E0502"]
    assert "-P n=" in (result.errors[0].help or "")


def test_passes_run_in_order_up_to_the_one_named() -> None:
    seen: list[str] = []

    def step(name: str) -> tuple[str, object]:
        def run(built: Program) -> Program:
            seen.append(name)
            return built

        return name, run

    passes = pipeline([step("first"), step("second")])  # type: ignore[list-item]
    assert isinstance(passes, Pipeline)
    assert passes.names == ("elaborate", "first", "second")
    hooked: list[str] = []
    passes.run(program(TEXT), after="first", hook=lambda name, _: hooked.append(name))
    assert seen == ["first"]
    assert hooked == ["elaborate", "first"]
    passes.run(program(TEXT))
    assert seen == ["first", "first", "second"]
    with pytest.raises(KeyError):
        passes.run(program(TEXT), after="third")


def test_a_pass_of_the_compiler_is_seen_by_all_that_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def without_blocks(built: Program) -> Program:
        return replace(built, blocks=())

    path = tmp_path / "net.model"
    path.write_text(TEXT)
    monkeypatch.setattr(
        "tercet.compiler.pipeline.PASSES", pipeline([("no_blocks", without_blocks)])
    )
    assert load(path).program_or_raise().blocks == ()
    assert load(path, after="elaborate").program_or_raise().blocks
    for name, shown in (("no_blocks", False), ("elaborate", True)):
        assert main(["ir", str(path), "--after", name]) == 0
        assert ("block B.0" in capsys.readouterr().out) is shown


EXPECTED = """\
program test.model

block B.0(n = 8, act = relu) {
    dim D = 8
    input %x: f32[N, 8]
    %scale: f32[8] = parameter scale
        scale: f32[8], parameter, ones()
    for i in range(2) {
        0:
            if i == 0 takes then {
                layer dense.0 = dense(units = 8)
                    dense.0.weight: f32[8, 8], weight, glorot_uniform()
                    dense.0.bias: f32[8], bias, zeros()
                %dense: f32[N, 8] = dense.0(%x)
                %x.1: f32[N, 8] = relu(%dense)
            } gives %x.1
            x := %x.1
        1:
            if i == 0 takes otherwise {
                %constant: f32[] = constant(value = 2.0, dtype = f32)
                %x.2: f32[N, 8] = multiply(%x.1, %constant)
            } gives %x.2
            x := %x.2
    }
    %multiply: f32[N, 8] = multiply(%x.2, %scale)
    output output = %multiply
}

model M() {
    input %x: f32[N, 8]
    block b = B(n = 8)
    %b: f32[N, 8] = b: B.0(%x)
    layer dropout = dropout(rate = 0.25)
    %y: f32[N, 8] = dropout(%b)
    y := %y
    output y = %y
}
"""


def test_programs_as_text() -> None:
    built = program(TEXT)
    assert print_program(built) == EXPECTED
    assert print_program(program(TEXT)) == EXPECTED
    assert print_graph(built.models["M"]).startswith("model M() {")
