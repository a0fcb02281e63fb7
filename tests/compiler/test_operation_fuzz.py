"""Every operation with arguments of any kind: refused with a diagnostic, or compiled."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tercet.compiler.graph.verifier import verify
from tercet.compiler.ops.base import OPERATIONS, LayerOp
from tercet.compiler.pipeline import load
from tercet.compiler.signature import Parameter, signature
from tercet.dsl.codes import CODES
from tercet.dsl.source import Source

INPUTS = """
    input a: f32[N, 8]
    input b: f32[N, 4, 6, 6]
    input c: i64[N, T]
    input d: f32[N, T, 8]
    input e: f32[N, 3, H, W]
    input f: i64[N]
    input g: f32[]
    input h: f32[2, 3, 4, 5, 6]
    input i: f32[N, 8, L]
"""
TENSORS = st.sampled_from([*"abcdefghi", "a > 0", "[a, a]", "[d, d, d]", "1", "0.5", "none"])
NUMBERS = st.sampled_from(["0", "1", "2", "3", "-1", "-7", "1.5", "1000000", "N", "T", "H - 1"])
LISTS = st.lists(NUMBERS, max_size=4).map(lambda items: f"[{', '.join(items)}]")
OTHERS = st.sampled_from(
    ["true", "none", '"same"', '"valid"', '"ij,jk->ik"', "f32", "i64", "zeros", "[[0, 1], [2, 1]]"]
)


def values(parameter: Parameter) -> st.SearchStrategy[str]:
    choices = [c for c in parameter.type.split(" | ") if c.startswith('"')]
    return st.one_of(NUMBERS, LISTS, OTHERS, *([st.sampled_from(choices)] if choices else []))


@st.composite
def calls(draw: st.DrawFn, name: str) -> str:
    cls = OPERATIONS[name]
    found = signature(cls)
    tensors = ", ".join(
        draw(TENSORS) for operand in found.operands if not operand.optional or draw(st.booleans())
    )
    given_ = [
        f"{p.name} = {draw(values(p))}"
        for p in found.parameters
        if p.required or draw(st.integers(0, 3)) == 0
    ]
    if issubclass(cls, LayerOp):
        return f"{name}({', '.join(given_)})({tensors})"
    return f"{name}({', '.join([*([tensors] if tensors else []), *given_])})"


@pytest.mark.parametrize("name", sorted(n for n in OPERATIONS if not n.startswith("_")))
def test_arguments_of_any_kind(name: str) -> None:
    @settings(max_examples=25, suppress_health_check=list(HealthCheck))
    @given(calls(name))
    def check(call: str) -> None:
        text = f"model M {{ {INPUTS}\n result = {call}\n output y = a + 1 }}"
        result = load(Source("fuzz.model", text))
        assert all(d.code in CODES for d in result.diagnostics), result.diagnostics
        if result.program is not None:
            verify(result.program)

    check()
