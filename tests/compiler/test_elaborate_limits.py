"""Size and speed: long programs are linear, deep ones do not exhaust Python."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tercet.compiler.elaborate import limits
from tercet.compiler.ops.recurrent import MOST_LAYERS
from tercet.compiler.types import MOST_AXES
from tests.compiler.texts import compiled

HEAD = "model M { input x: f32[N, 8]\n h = x\n"


def _pipe(count: int) -> str:
    return f"{HEAD} h = x {'|> dense(8) |> relu ' * (count // 2)}"


def _statements(count: int) -> str:
    return HEAD + "h = relu(h) * 2 " * (count // 3)


def _loop(count: int) -> str:
    return f"{HEAD} for i in range({count // 2}) {{ h = h |> dense(8) |> relu }}"


LONG = {"pipe": _pipe, "statements": _statements, "loop": _loop}


@pytest.mark.parametrize("shape", LONG)
def test_ten_thousand_operations(shape: str) -> None:
    result = compiled(LONG[shape](10_000) + " output h }")
    assert result.program is not None


def test_blocks_as_deep_as_they_may_be() -> None:
    depth = limits.BLOCK_DEPTH - 1
    nested = "(" * 60 + "x |> B(n - 1)" + ")" * 60
    text = f"""
    block B(n) {{ input x: f32[N, D]
        output if n == 0 {{ x }} else {{ {nested} }} }}
    model M {{ input x: f32[N, 8]
        y = x |> B({depth})
        output y }}
    """
    assert compiled(text).program is not None
    assert [d.code for d in compiled(text.replace(f"B({depth})", "B(1000)")).errors] == ["E0408"]


def test_as_many_operations_as_there_may_be() -> None:
    text = """
    block B(n) { input x: f32[N, D]
        h = if n == 0 { relu(x) } else { x |> B(n - 1) |> B(n - 1) }
        output h }
    model M { input x: f32[N, 8]
        y = x |> B(11)
        output y }
    """
    operations, calls = 2**11, 2**12 - 1
    assert operations + calls < limits.OPERATIONS < 2 * (operations + calls)
    assert compiled(text).program is not None
    assert [d.code for d in compiled(text.replace("11", "12")).errors] == ["E0409"]


def test_as_many_kinds_of_a_block_as_there_may_be() -> None:
    text = f"""
    block B(n) {{ input x: f32[N, D]
        output x * n }}
    model M {{ input x: f32[N, 8]
        h = x
        for i in range({limits.SPECIALISATIONS}) {{ h = h |> B(i) }}
        output h }}
    """
    assert compiled(text).program is not None
    more = text.replace("output h", "g = h |> B(-1) output g")
    assert [d.code for d in compiled(more).errors] == ["E0409"]


def test_no_more_errors_than_a_person_reads() -> None:
    lines = "\n".join(f"a{i} = b{i} + 1" for i in range(500))
    result = compiled(f"{HEAD}{lines}\n output h }}")
    assert len(result.errors) == limits.ERRORS


@pytest.mark.parametrize(
    "number",
    [
        limits.BLOCK_DEPTH,
        limits.OPERATIONS,
        limits.SPECIALISATIONS,
        limits.STEPS,
        limits.ITEMS,
        limits.LIST_DEPTH,
        limits.STRING,
        MOST_AXES,
        MOST_LAYERS,
    ],
)
def test_limits_are_documented(number: int) -> None:
    text = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")
    assert re.search(rf"(?<![\d,]){number:,}(?![\d,])", text)
