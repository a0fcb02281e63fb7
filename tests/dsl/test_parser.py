"""The tree that a text stands for."""

from __future__ import annotations

import re

import pytest

from tercet.dsl import limits, nodes
from tercet.dsl.diagnostics import DiagnosticError
from tercet.dsl.formatter import format_source
from tercet.dsl.parser import parse, parse_expression
from tercet.dsl.source import Source
from tercet.dsl.tokens import KEYWORDS, RESERVED
from tests.dsl.dump import dump
from tests.dsl.programs import ALL, DIGITS


def expression(text: str) -> nodes.Expr:
    return parse_expression(Source("test", text))


def module(text: str) -> nodes.Module:
    result = parse(Source("test", text))
    assert not result.diagnostics, [str(d) for d in result.diagnostics]
    return result.module


def statements(text: str) -> tuple[nodes.Statement, ...]:
    block = module(f"block B {{ {text} }}").declarations[0]
    assert isinstance(block, nodes.Block)
    return block.body


@pytest.mark.parametrize("name", ALL)
def test_programs_parse(name: str) -> None:
    assert module(ALL[name]).declarations


@pytest.mark.parametrize(
    "text, grouped",
    [
        ("-x ** 2", "-(x ** 2)"),
        ("2 ** -x", "2 ** (-x)"),
        ("2 ** 3 ** 4", "2 ** (3 ** 4)"),
        ("2 ** -3 ** 4", "2 ** (-(3 ** 4))"),
        ("a - b - c", "(a - b) - c"),
        ("a + b * c - d", "(a + (b * c)) - d"),
        ("a * b @ c / d // e % f", "((((a * b) @ c) / d) // e) % f"),
        ("-a * b", "(-a) * b"),
        ("not a == b", "not (a == b)"),
        ("not a and b or c", "((not a) and b) or c"),
        ("a or b and c", "a or (b and c)"),
        ("a + 1 < b * 2", "(a + 1) < (b * 2)"),
        ("a == b and b == c", "(a == b) and (b == c)"),
        ("- - a", "-(-a)"),
        ("-a.b(c)[d]", "-(((a.b)(c))[d])"),
        ("1 + if a { b } else { c } * 2", "1 + ((if a { b } else { c }) * 2)"),
        ("if a { 1 } else if b { 2 } else { 3 }", "if a { 1 } else { if b { 2 } else { 3 } }"),
    ],
)
def test_precedence(text: str, grouped: str) -> None:
    assert dump(expression(text)) == dump(expression(grouped))


@pytest.mark.parametrize(
    "text, value",
    [
        ("0", 0),
        ("1_000", 1000),
        ("1e-4", 1e-4),
        ("1_0.5e+2", 1050.0),
        (".5", 0.5),
        ("2.", 2.0),
        ("9223372036854775807", 2**63 - 1),
        ("true", True),
        ("none", None),
        (r'"a\n\t\"\\\u00e9#"', 'a\n\t"\\é#'),
        ('""', ""),
    ],
)
def test_constants(text: str, value: object) -> None:
    node = expression(text)
    assert isinstance(node, nodes.Constant)
    assert node.value == value
    assert type(node.value) is type(value)


def test_a_pipe_is_flat() -> None:
    pipe = expression("(a + b) |> f |> g(1)\n|> h.i[0]")
    assert isinstance(pipe, nodes.Pipe)
    assert isinstance(pipe.first, nodes.Binary)
    assert [s.span.text for s in pipe.stages] == ["f", "g(1)", "h.i[0]"]


def test_index_items() -> None:
    index = expression("x[..., ::2, 1:, :3, :, 4:5:6, 7]")
    assert isinstance(index, nodes.Index)
    slices = [
        tuple(None if p is None else p.span.text for p in (i.start, i.stop, i.step))
        for i in index.items
        if isinstance(i, nodes.Slice)
    ]
    assert slices == [
        (None, None, "2"),
        ("1", None, None),
        (None, "3", None),
        (None, None, None),
        ("4", "5", "6"),
    ]
    assert isinstance(index.items[0], nodes.Ellipsis)
    assert isinstance(index.items[-1], nodes.Constant)


def test_tuples_and_lists() -> None:
    assert dump(expression("()")) == "Tuple([])"
    assert dump(expression("(a,)")) == "Tuple([Name('a')])"
    assert dump(expression("(a, b,)")) == "Tuple([Name('a'), Name('b')])"
    assert dump(expression("[]")) == "List([])"
    assert dump(expression("{}")) == "Mapping([])"
    swap = statements("a, b = b, a")[0]
    assert isinstance(swap, nodes.Assign)
    assert isinstance(swap.target, nodes.TargetTuple)
    assert isinstance(swap.value, nodes.Tuple)


def test_mapping_belongs_to_the_statement() -> None:
    data, other = statements("data = f(1) { a = b / 2 } y = { a = 1 }")
    assert isinstance(data, nodes.Assign)
    assert data.mapping is not None
    assert [e.name for e in data.mapping.entries] == ["a"]
    assert isinstance(data.value, nodes.Call)
    assert isinstance(other, nodes.Assign)
    assert other.mapping is None
    assert isinstance(other.value, nodes.Mapping)


def test_statements_need_no_newline() -> None:
    body = statements(
        "input x: f32[N, ..., 16 * H] y = x for i in xs { z = i } if a { } output y, k = z"
    )
    kinds = [type(s).__name__ for s in body]
    assert kinds == ["Input", "Assign", "For", "If", "Output"]


def test_else_if_is_an_if_in_otherwise() -> None:
    (outer,) = statements("if a { } else if b { x = 1 } else { y = 2 }")
    assert isinstance(outer, nodes.If)
    (inner,) = outer.otherwise
    assert isinstance(inner, nodes.If)
    assert len(inner.otherwise) == 1


def test_spans_cover_their_text() -> None:
    declarations = module(DIGITS).declarations
    imported = declarations[1]
    assert isinstance(imported, nodes.Import)
    assert imported.module == "parts/heads.model"
    assert imported.is_path
    assert imported.span.text == 'from "parts/heads.model" import Head'
    block = declarations[3]
    assert isinstance(block, nodes.Block)
    assert block.span.text.startswith("block Bottleneck(")
    assert block.span.text.endswith("shortcut)\n}")
    assert block.name_span.text == "Bottleneck"
    assert block.documentation == "Two lines\nof documentation."
    inside = expression("((a + b)) * c")
    assert isinstance(inside, nodes.Binary)
    assert inside.span.text == "((a + b)) * c"
    assert inside.left.span.text == "((a + b))"


def test_documentation_needs_to_touch() -> None:
    block = module("# far\n\nmodel M { }").declarations[0]
    assert isinstance(block, nodes.Block)
    assert block.documentation is None


def test_line_ends_and_tabs_mean_nothing() -> None:
    text = DIGITS.replace("\n", "\r\n").replace("    ", "\t")
    assert dump(module(text)) == dump(module(DIGITS))


def test_an_expression_is_the_whole_text() -> None:
    for text in ("", "1 2", "x = 1", "(1", "model M { }"):
        with pytest.raises(DiagnosticError):
            expression(text)


def test_long_programs_do_not_recurse() -> None:
    lines = module("model M { input x: f32[N]\n" + "x = relu(x)\n" * 10_000 + "output x }")
    assert isinstance(lines.declarations[0], nodes.Block)
    assert len(lines.declarations[0].body) == 10_002
    pipe = expression("x" + " |> relu" * 10_000)
    assert isinstance(pipe, nodes.Pipe)
    assert len(pipe.stages) == 10_000
    items = expression("[" + "1, " * 10_000 + "]")
    assert isinstance(items, nodes.List)
    assert len(items.items) == 10_000


def test_what_is_allowed_to_nest_parses() -> None:
    depth = limits.BRACKETS
    expression("(" * depth + "x" + ")" * depth)
    expression("x" + " + x" * (limits.EXPRESSION_DEPTH - 1))


PLACES = [
    "block {word}({word}, a = {word}) {{ input {word}: f32[{word}, 3] output {word} }}",
    "const {word} = [{word}, -{word}, {word}.{word}, {word}[{word}:{word}]]",
    "const {word} = [{word}({word} = {word}), {word}]",
    "from {word}.{word} import {word} as {word}, {word}",
    "block B {{ {word} = {word} |> {word}({word}) a, {word} = {word}, ({word} + 1) ** {word} }}",
    "block B {{ for i, ({word}, a) in {word} {{ }} if {word} {{ }} }}",
    "block B {{ if not {word} == {word} {{ }} }}",
    "block B {{ assert {word} > 0, {word} output {word} = {word}, a = {word} }}",
    "block B {{ a = if {word} {{ {word} }} else {{ {word} |> f }} }}",
    "block B {{\n{word} = a +\n{word}\noutput a }}",
    "train {word}({word} = {word}()) {{ target {word}: i64[N] data = d() {{ {word} = {word} }} }}",
    "train T {{ update {word}, {word} {{ {word} = 2 }} param {word}: f32[{word}] = {word} }}",
]


@pytest.mark.parametrize("place", PLACES)
def test_a_keyword_that_can_be_nothing_else_is_a_name(place: str) -> None:
    known = dump(module(place.format(word="abc")))
    for word in sorted(KEYWORDS - RESERVED):
        text = place.format(word=word)
        read = dump(module(text))
        assert re.sub(rf"\b{word}\b", "abc", read) == re.sub(rf"\b{word}\b", "abc", known)
        assert dump(module(format_source(Source("test", text)))) == read
