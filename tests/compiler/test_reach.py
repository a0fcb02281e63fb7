"""Which parameters the outputs of a model depend on."""

from __future__ import annotations

import pytest

from tercet.compiler.graph.reach import unreached
from tests.compiler.texts import model

BLOCKS = """
block Inner(units) { input x: f32[N, D]
    output x |> dense(units) }
block Applied(layer) { input x: f32[N, D]
    output layer(x) }
block Both { input x: f32[N, D]
    output x |> dense(2), x |> dense(3) }
block Tied(embed) { input x: i64[N, T]
    output embed(x) @ transpose(embed.weight) }
"""


@pytest.mark.parametrize(
    "statements, expected",
    [
        ("y = x |> dense(4)", []),
        ("y, _ = x |> Both", ["both.dense_1.weight", "both.dense_1.bias"]),
        # layers and blocks that a block gets belong to whoever made them
        ("inner = Inner(4)\n y = x |> Applied(inner)", []),
        ('d = dense(4)\n y = x |> Applied(Applied(d, name = "in"))', []),
        ("embed = embedding(9, 8)\n y = ids |> Tied(embed)", []),
        (
            '_, b = x |> Both(name = "two")\n y = b |> Applied(dense(4))',
            ["two.dense.weight", "two.dense.bias"],
        ),
    ],
)
def test_unreached(statements: str, expected: list[str]) -> None:
    graph = model(
        f"{BLOCKS} model M {{ input x: f32[N, 8]\n input ids: i64[N, 5]\n{statements}\noutput y }}"
    )
    assert unreached(graph) == expected
