"""What is wrong with a text: the code, the exact span, and how many findings there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tercet.dsl import limits
from tercet.dsl.codes import CODES
from tercet.dsl.diagnostics import Diagnostic, DiagnosticError
from tercet.dsl.formatter import format_source
from tercet.dsl.parser import parse, read_source
from tercet.dsl.source import Source
from tercet.dsl.tokens import RESERVED


def found(text: str) -> tuple[Diagnostic, ...]:
    diagnostics = parse(Source("test", text)).diagnostics
    assert all(d.code in CODES for d in diagnostics)
    return diagnostics


def body(statements: str) -> str:
    return f"block B {{\n{statements}\n}}\n"


IN_A_BODY = [
    ("x = 3 ; y = 4", "E0101", ";"),
    ("x = a && b", "E0101", "&&"),
    ("x = a & b", "E0101", "&"),
    ("3", "E0121", "3"),
    ('x = a\n"text"', "E0121", '"text"'),
    ("import torch", "E0121", "import"),
    ("x = 3\nelse { y = 4 }", "E0106", "else"),
    ("x = 3\nnot x", "E0106", "not"),
    ("x = a is b", "E0106", "is"),
    ("x = 'abc'", "E0101", "'abc'"),
    ("x += 3", "E0101", "+="),
    ("é = 3", "E0101", "é"),
    ("x = a\0", "E0101", "\0"),
    ('x = "a\x07b"', "E0101", "\x07"),
    ('x = "abc', "E0102", '"abc'),
    ('x = "abc\\"', "E0102", '"abc\\"'),
    (r'x = "a\qb"', "E0103", r"\q"),
    (r'x = "\u00"', "E0103", r"\u"),
    (r'x = "\ud800"', "E0103", r"\ud800"),
    ("x = 0x1F", "E0104", "0x1F"),
    ("x = 007", "E0104", "007"),
    ("x = 1__0", "E0104", "1__0"),
    ("x = 1e", "E0104", "1e"),
    ("x = 2x", "E0104", "2x"),
    ("else = 3", "E0105", "else"),
    ("loss = mse(x, for)", "E0105", "for"),
    ("x = y.in", "E0105", "in"),
    ("x = f(for = 3)", "E0105", "for"),
    ("for else in xs { }", "E0105", "else"),
    ("input in: f32[N]", "E0105", "in"),
    ("input: f32[N]", "E0106", ":"),
    ("x =\noutput y", "E0106", ""),
    ("x = y +\ntarget label: i64[N]", "E0106", ""),
    ("x = f(y,\noutput y", "E0107", "("),
    ("if a { output }", "E0106", ""),
    ("x = f(y) /* a comment */", "E0106", "/"),
    ("input x: f32[N] // a comment", "E0106", "//"),
    ("x = ", "E0106", ""),
    ("x = a b", "E0106", "b"),
    ("x = [1 2]", "E0106", "2"),
    ("input x f32[N]", "E0106", "f32"),
    ("input x: f32", "E0106", ""),
    ("if a = 3 { }", "E0106", "="),
    ("for i range(3) { }", "E0106", "range"),
    ("if a: b = 3", "E0106", ":"),
    ("x = (a + b", "E0107", "("),
    ("x = f(a, [1, 2)", "E0107", "["),
    ("x = a + b)", "E0108", ")"),
    ("x = if a { 1 }", "E0109", ""),
    ("x = a if b else c", "E0109", "else"),
    ("y = x + x |> f", "E0110", "x + x"),
    ("y = x |> f + x", "E0110", "f + x"),
    ("y = a * not b", "E0110", "not"),
    ("y = x |> Decoder(heads = 8)(z)", "E0111", "Decoder(heads = 8)(z)"),
    ("y = x |> 3", "E0112", "3"),
    ("y = x |> (a + b)", "E0112", "(a + b)"),
    ("y = f(a = 1, 2)", "E0113", "2"),
    ("y = f(a = 1, a = 2)", "E0114", "a"),
    ("y = { a = 1, a = 2 }", "E0114", "a"),
    ("y = a < b < c", "E0115", "<"),
    ("relu(x)", "E0121", "relu"),
    ("x[0] = 3", "E0121", "x["),
    ("return x", "E0121", "return"),
    ("x = " + "(" * 101 + "1" + ")" * 101, "E0131", "("),
    ("x = " + "-" * 201 + "1", "E0131", "-" * 201 + "1"),
    ("x = 9223372036854775808", "E0132", "9223372036854775808"),
    ("x = 1e999", "E0132", "1e999"),
]


@pytest.mark.parametrize("statement, code, text", IN_A_BODY, ids=lambda v: str(v)[:30])
def test_statement(statement: str, code: str, text: str) -> None:
    diagnostics = found(body(f"    a = 1\n    {statement}\n    b = 2"))
    assert [(d.code, d.span.text) for d in diagnostics] == [(code, text)]


IN_A_FILE = [
    ("x = 3", "E0120", "x"),
    ("import torch", "E0120", "import"),
    ("def f(x) { }", "E0120", "def"),
    ("model M { } }", "E0108", "}"),
    ("model M {", "E0107", "{"),
    ("model M(a b) { }", "E0106", "b"),
    ("model { }", "E0106", "{"),
    ("const x", "E0106", ""),
    ("from a import", "E0106", ""),
]


@pytest.mark.parametrize("text, code, at", IN_A_FILE)
def test_file(text: str, code: str, at: str) -> None:
    assert [(d.code, d.span.text) for d in found(text)] == [(code, at)]


@pytest.mark.parametrize(
    "keyword", sorted(RESERVED - {"and", "or", "not", "if", "true", "false", "none"})
)
def test_keywords_are_no_names(keyword: str) -> None:
    diagnostics = found(body(f"x = f({keyword} = 3)"))
    assert [(d.code, d.span.text) for d in diagnostics] == [("E0105", keyword)]


def test_several_errors_in_one_run() -> None:
    text = """\
model A(a b) {
    x = (1
    y = 2 +
    for i in xs {
        z = [1 2]
        ok = 3
    }
    w = x + x |> f
}
x = 3
block B {
    x = 'a'
    output relu(x
}
train C {
    loss = mse(x, for)
}
"""
    lines = [(d.span.line, d.code) for d in found(text)]
    assert lines == [
        (1, "E0106"),
        (2, "E0107"),
        (3, "E0106"),
        (5, "E0106"),
        (8, "E0110"),
        (10, "E0120"),
        (12, "E0101"),
        (13, "E0107"),
        (16, "E0105"),
    ]


def test_a_missing_brace_is_found_at_the_next_declaration() -> None:
    (only,) = found("block A {\n    x = 1\n\nblock B {\n}\n")
    assert (only.code, only.span.line, only.notes[0].span.line) == ("E0107", 1, 4)


def test_what_follows_an_error_is_still_read() -> None:
    result = parse(Source("test", "model A { x = = 1 y = 2 }\nmodel B { output 1 }"))
    assert [getattr(d, "name", None) for d in result.module.declarations] == ["A", "B"]


def test_the_number_of_errors_is_bounded() -> None:
    assert len(found(body("x = $\n" * 1000))) == limits.ERRORS
    assert len(found(body("x = )\n" * 1000))) == limits.ERRORS


def test_else_if_chains_are_bounded() -> None:
    chain = " else ".join("if a { }" for _ in range(limits.STATEMENT_DEPTH))
    assert not found(body(chain))
    assert [d.code for d in found(body(f"{chain} else {chain}"))] == ["E0131"]
    text = body(f"{' else '.join([chain] * 50)} else {{ x = 3 }}")
    assert [d.code for d in found(text)] == ["E0131"]
    with pytest.raises(DiagnosticError):
        format_source(Source("test", text))


def test_reading_a_file(tmp_path: Path) -> None:
    path = tmp_path / "m.model"
    path.write_bytes('\ufeffconst x = "é"\r\n'.encode())
    assert read_source(path).text == 'const x = "é"\r\n'
    assert read_source(path).path == path


@pytest.mark.parametrize(
    "content, code",
    [(b"const x = \xff\n", "E0133"), (b" " * (limits.FILE_BYTES + 1), "E0130"), (None, "E0134")],
    ids=["not UTF-8", "too large", "absent"],
)
def test_unreadable_files(tmp_path: Path, content: bytes | None, code: str) -> None:
    path = tmp_path / "m.model"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DiagnosticError) as caught:
        read_source(path)
    assert [d.code for d in caught.value.diagnostics] == [code]


def test_a_folder_and_an_impossible_name_are_no_files(tmp_path: Path) -> None:
    for path in (tmp_path, Path("a\0b"), tmp_path / ("x" * 5000)):
        with pytest.raises(DiagnosticError):
            read_source(path)


def test_the_place_of_a_wrong_byte(tmp_path: Path) -> None:
    path = tmp_path / "m.model"
    path.write_bytes("# é\nconst x = ".encode() + b"\xe9\n")
    with pytest.raises(DiagnosticError) as caught:
        read_source(path)
    (only,) = caught.value.diagnostics
    assert only.span.source.position(only.span.start) == (2, 11)
