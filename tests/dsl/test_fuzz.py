"""No text makes reading, rendering or formatting raise."""

from __future__ import annotations

import json
from contextlib import suppress

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tercet.dsl.diagnostics import DiagnosticError
from tercet.dsl.formatter import format_source
from tercet.dsl.parser import parse, parse_expression
from tercet.dsl.render import render, to_json
from tercet.dsl.source import Source
from tercet.dsl.tokens import TERMINALS
from tests.dsl.programs import ALL

WORDS = [*TERMINALS, "x", "y", "1", '"s"', "2.5", "#c\n", "\n", " ", "f32", "'q'", "+=", '"', "\t"]
soups = st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A good program with some pieces cut out, doubled or replaced."""
    text = draw(st.sampled_from(sorted(ALL.values())))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 30)))
        piece = draw(st.one_of(st.just(""), st.sampled_from(WORDS), st.just(text[start:end] * 2)))
        text = text[:start] + piece + text[end:]
    return text


def check(text: str) -> None:
    source = Source("fuzz", text)
    for diagnostic in parse(source).diagnostics:
        assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(text)
        assert render(diagnostic).replace("\n", "").isprintable()
        json.dumps(to_json(diagnostic))
    with suppress(DiagnosticError):
        parse_expression(source)
    with suppress(DiagnosticError):
        once = format_source(source)
        assert format_source(Source("fuzz", once)) == once


@given(st.text(max_size=200))
@example("\x00")
@example("\ud800")
@example('"\\')
@example("(" * 1000)
@example("{" * 1000)
@example("if a { } else " * 3000)
@settings(max_examples=200)
def test_any_text(text: str) -> None:
    check(text)


@given(soups)
@settings(max_examples=200)
def test_soups_of_tokens(text: str) -> None:
    check(text)
    check(f"model M {{\n{text}")


@given(damaged())
@settings(max_examples=200)
def test_damaged_programs(text: str) -> None:
    check(text)
