"""No text, however malformed, ends in anything but a program or diagnostics."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tercet.compiler.graph.verifier import verify
from tercet.compiler.pipeline import CompileResult, load
from tercet.dsl.codes import CODES
from tercet.dsl.render import render
from tercet.dsl.source import Source

ROOT = Path(__file__).parents[2]
SEEDS = [
    *(path.read_text(encoding="utf-8") for path in sorted((ROOT / "samples").glob("*.model"))),
    *(
        text
        for path in sorted((ROOT / "tests/diagnostics").glob("*.md"))
        for text in re.findall(r"```model\n(.*?)```", path.read_text(encoding="utf-8"), re.S)
        if path.stem != "limits"
    ),
]
TOKEN = re.compile(r'\s+|"[^"]*"|[A-Za-z_]\w*|\d[\d.e_]*|\|>|//|\*\*|[=!<>]=|\.\.\.|.', re.S)
WORDS = sorted({t for text in SEEDS for t in TOKEN.findall(text) if not t.isspace()})
RELAXED = settings(max_examples=150, suppress_health_check=list(HealthCheck))


def check(text: str) -> CompileResult:
    result = load(Source("fuzz.model", text, ROOT / "samples" / "fuzz.model"))
    assert (result.program is None) == bool(result.errors)
    for diagnostic in result.diagnostics:
        assert diagnostic.code in CODES
        render(diagnostic)
    if result.program is not None:
        verify(result.program)
    return result


@RELAXED
@given(st.data())
def test_mutated_programs(data: st.DataObject) -> None:
    tokens = TOKEN.findall(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(tokens) - 1))
        kind = data.draw(st.sampled_from(("replace", "delete", "insert", "swap", "repeat")))
        if kind == "replace":
            tokens[place] = data.draw(st.sampled_from(WORDS))
        elif kind == "delete" and len(tokens) > 1:
            del tokens[place]
        elif kind == "insert":
            tokens.insert(place, f" {data.draw(st.sampled_from(WORDS))} ")
        elif kind == "swap":
            other = data.draw(st.integers(0, len(tokens) - 1))
            tokens[place], tokens[other] = tokens[other], tokens[place]
        else:
            end = min(len(tokens), place + data.draw(st.integers(1, 12)))
            tokens[place:place] = tokens[place:end]
    check("".join(tokens))


NAMES = st.sampled_from(["x", "y", "h", "n", "N", "D", "dense", "relu", "B", "range", "normal"])
LEAVES = st.one_of(
    NAMES,
    st.integers(-3, 40).map(str),
    st.sampled_from(["1.5", '"same"', "true", "none", "f32", "[]", "x.shape", "conv2d", "sum"]),
)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "@", "==", "<", "and", "or"])
    return st.one_of(
        st.tuples(inner, operators, inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(NAMES, st.lists(inner, max_size=3)).map(lambda t: f"{t[0]}({', '.join(t[1])})"),
        st.tuples(inner, inner).map(lambda t: f"({t[0]} |> {t[1]})"),
        st.tuples(inner, inner).map(lambda t: f"{t[0]}[{t[1]}]"),
        st.tuples(inner, inner).map(lambda t: f"{t[0]}[{t[1]}:]"),
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.tuples(inner, inner, inner).map(lambda t: f"if {t[0]} {{ {t[1]} }} else {{ {t[2]} }}"),
        inner.map(lambda text: f"-({text})"),
        inner.map(lambda text: f"({text})(x)"),
        inner.map(lambda text: f"({text}).weight"),
    )


EXPRESSIONS = st.recursive(LEAVES, _larger, max_leaves=8)
STATEMENTS = st.one_of(
    st.tuples(NAMES, EXPRESSIONS).map(lambda t: f"{t[0]} = {t[1]}"),
    st.tuples(NAMES, EXPRESSIONS).map(lambda t: f"for {t[0]} in {t[1]} {{ h = {t[0]} }}"),
    EXPRESSIONS.map(lambda text: f"if {text} {{ h = x }} else {{ h = 2 }}"),
    EXPRESSIONS.map(lambda text: f'assert {text}, "{{n}} and {{x}}"'),
    EXPRESSIONS.map(lambda text: f"param p: f32[{text}] = normal"),
    EXPRESSIONS.map(lambda text: f"a, b = {text}"),
    EXPRESSIONS.map(lambda text: f"output z = {text}"),
    EXPRESSIONS.map(lambda text: f"input w: f32[{text}]"),
)


@RELAXED
@given(st.lists(STATEMENTS, min_size=1, max_size=6))
def test_well_formed_nonsense(statements: list[str]) -> None:
    block = "block B(n, f = relu) { input x: f32[..., D]\n output x |> f |> dense(n) }\n"
    text = "\n".join(statements)
    check(f"{block}model M(n = 3) {{ input x: f32[N, 8]\n{text}\noutput q = x |> B(n) }}")


SETTINGS = ("data", "loss", "optimizer", "schedule", "metrics", "clip", "batch", "precision", "t")


@RELAXED
@given(st.lists(st.tuples(st.sampled_from(SETTINGS), EXPRESSIONS), max_size=5), EXPRESSIONS)
def test_nonsense_in_training(settings_: list[tuple[str, str]], mapped: str) -> None:
    lines = "\n".join(f"{name} = {text}" for name, text in settings_)
    check(f"""
        model M(n = 3) {{ input x: f32[N, 4]
            y = x |> dense(n)
            output y }}
        train M {{ target t: i64[N]
            data = iris() {{ x = features + {mapped}, t = label }}
            loss = cross_entropy(y, t)
            optimizer = sgd(lr = 0.1)
            {lines} }}
    """)


@RELAXED
@given(EXPRESSIONS, st.sampled_from([*SETTINGS, "optimizer.lr", "data.split"]), EXPRESSIONS)
def test_nonsense_on_the_command_line(parameter: str, setting: str, value: str) -> None:
    text = """
        model M(n = 3) { input x: f32[N, 4]
            y = x |> dense(n)
            output y }
        train M { target t: i64[N]
            data = iris() { x = features, t = label }
            loss = cross_entropy(y, t)
            optimizer = sgd(lr = 0.1) }
    """
    source = Source("fuzz.model", text)
    result = load(source, parameters={"n": parameter}, training={setting: value})
    assert (result.program is None) == bool(result.errors)
    if result.program is not None:
        verify(result.program)


@pytest.mark.parametrize("text", ["", "\x00", "model", "model M", "model M {", "}", "block B {}"])
def test_scraps(text: str) -> None:
    check(text)
