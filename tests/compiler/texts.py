"""Programs given as texts: compiled, verified, and looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tercet.compiler.graph.ir import Apply, Graph, Program
from tercet.compiler.graph.verifier import verify
from tercet.compiler.pipeline import CompileResult, load
from tercet.dsl.diagnostics import Diagnostic
from tercet.dsl.source import Source


def compiled(text: str, folder: Path | None = None, **options: Any) -> CompileResult:
    """What compiling a text gives; `folder` is where its paths count from."""
    path = None if folder is None else folder / "test.model"
    return load(Source("test.model", text, path), **options)


def program(text: str, folder: Path | None = None, **options: Any) -> Program:
    """The program of a text without errors, its invariants checked."""
    result = compiled(text, folder, **options)
    assert result.program is not None, "\n".join(map(str, result.diagnostics))
    return verify(result.program)


def model(text: str, **options: Any) -> Graph:
    """The only model of a text without errors."""
    (graph,) = program(text, **options).models.values()
    return graph


def body(statements: str, inputs: str = "input x: f32[N, 8]", **options: Any) -> Graph:
    """A model of these inputs and statements; the last one binds `y`, its output."""
    return model(f"model M {{ {inputs}\n{statements}\noutput y }}", **options)


def found(text: str, folder: Path | None = None, **options: Any) -> list[str]:
    """`CODE line:column` of every diagnostic."""
    return [place(d) for d in compiled(text, folder, **options).diagnostics]


def place(diagnostic: Diagnostic) -> str:
    line, column = diagnostic.span.source.position(diagnostic.span.start)
    return f"{diagnostic.code} {line}:{column}"


def wrong(statements: str, inputs: str = "input x: f32[N, 8]") -> list[str]:
    """The codes of what is wrong with statements of a model."""
    text = f"model M {{ {inputs}\n{statements}\noutput z = x }}"
    return [d.code for d in compiled(text).errors]


def parameters(graph: Graph) -> dict[str, tuple[object, ...]]:
    """Shapes of all parameters by path."""
    return {path: parameter.type.shape for path, parameter in graph.parameters()}


def result(graph: Graph) -> str:
    """The type of the last output."""
    return str(graph.outputs[-1].value.type)


def operations(graph: Graph) -> list[str]:
    """The names of the operations applied, in order."""
    return [item.op.name for item in graph.body.walk() if isinstance(item, Apply)]
