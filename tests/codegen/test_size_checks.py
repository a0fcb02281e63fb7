"""Scripts refuse the shapes that the reference refuses, and no others."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from tercet.codegen.interface import Interface
from tercet.codegen.script.files import CHECK, checked_inputs
from tercet.compiler.graph.ir import Graph
from tercet.compiler.reference.inputs import InputError, check_inputs
from tests.compiler.texts import model

DEMANDS = [
    (["N, 16 * H"], ""),
    (["A * B2, A"], "assert B2 > 3"),
    (["N, T - 1"], "assert T > 4"),
    (["N, T + 2"], ""),
    (["N, 2 * T + 1"], "assert N * T != 4"),
    (["N, T // 2, T"], ""),
    (["N, N * T"], "assert T < 4"),
    (["(N - 1) * T, N"], "assert N != 6"),
    (["N, T, 3"], "assert T % (N - 1) == 0"),
    (["N, True", "True, N"], "assert True > 3 and N * True <= 20 and N != True"),
    (["N, Sizes"], "assert max(N, 4) < 6"),
    (["N, I"], 'assert I == 2 * (I // 2), "{I} of {{N}}\\n \\"are\\" \\\\ odd\'s"'),
    (["N, T"], 'half = T // (N - 2)\nassert half != 1 and T > 2, "{half} of {T}"'),
    (["N, T", "T, N"], "z = x[:, T - 3:]"),
    (["N, T", "N, T"], ""),
    (["N, N"], ""),
    (["N, 3", "T"], "assert min(N, T) > 2"),
    (["N, 1, H, W"], "z = x |> max_pool2d(3, stride = 2)"),
]


@pytest.mark.parametrize("shapes, body", DEMANDS, ids=lambda value: str(value)[:40])
def test_scripts_refuse_what_the_reference_refuses(shapes: list[str], body: str) -> None:
    inputs = "\n".join(f"input {n}: f32[{s}]" for n, s in zip("xy", shapes, strict=False))
    outputs = ", ".join(f"out_{n} = 2.0 * {n}" for n in "xy"[: len(shapes)])
    graph = model(f"model M {{\n{inputs}\n{body}\noutput {outputs}\n}}")
    check = _script(graph)
    verdicts = set()
    for arrays in _arrays(graph):
        refusal = check(arrays)
        assert (refusal is not None) == _refused(graph, arrays), (_shapes(arrays), refusal)
        assert refusal is None or ("\n" not in refusal and refusal.startswith("in.file: "))
        verdicts.add(refusal is None)
    assert verdicts == {True, False}


def _refused(graph: Graph, arrays: dict[str, Any]) -> bool:
    try:
        check_inputs(graph, arrays)
    except InputError:
        return True
    return False


def _script(graph: Graph) -> Any:
    """The check as a function that gives the message, None where the arrays fit."""
    lines = [
        "def run(source, inputs):",
        *(f"    {line}" for line in checked_inputs(Interface.of(graph))),
    ]
    scope: dict[str, Any] = {}
    exec("\n".join([CHECK.text, *lines]), scope)

    def check(arrays: dict[str, Any]) -> str | None:
        try:
            scope["run"]("in.file", arrays)
        except SystemExit as problem:
            return str(problem)
        return None

    return check


def _arrays(graph: Graph) -> list[dict[str, Any]]:
    """Zeros of many shapes."""
    ranks = [entry.value.type.rank for entry in graph.inputs]
    numbers = (0, 1, 2, 3, 4, 5, 6, 16, 32) if sum(ranks) <= 3 else (1, 2, 3, 4, 5)
    found = []
    for sizes in product(numbers, repeat=sum(ranks)):
        left = list(sizes)
        shapes = [tuple(left.pop(0) for _ in range(rank)) for rank in ranks]
        names = (entry.value.name for entry in graph.inputs)
        found.append({n: np.empty(s, np.float32) for n, s in zip(names, shapes, strict=True)})
    return found


def _shapes(arrays: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: array.shape for name, array in arrays.items()}
