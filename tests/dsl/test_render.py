"""Diagnostics as they are printed."""

from __future__ import annotations

from tercet.dsl.diagnostics import Diagnostic, Note
from tercet.dsl.render import render, to_json
from tercet.dsl.source import Source, Span


def at(source: Source, text: str) -> Span:
    start = source.text.index(text)
    return Span(source, start, start + len(text))


def test_everything_at_once() -> None:
    source = Source("net.model", "model M {\n    a = f(1)\n    b = a + g\n}\n")
    diagnostic = Diagnostic(
        "E0302",
        "the shapes do not broadcast",
        at(source, "a + g"),
        "reshape `a`\nor `g`",
        (Note("`a` comes from here", at(source, "f(1)")),),
    )
    assert render(diagnostic) == (
        "error[E0302]: the shapes do not broadcast\n"
        " --> net.model:3:9\n"
        "  |\n"
        "3 |     b = a + g\n"
        "  |         ^^^^^\n"
        "note: `a` comes from here\n"
        " --> net.model:2:9\n"
        "  |\n"
        "2 |     a = f(1)\n"
        "  |         ----\n"
        "help: reshape `a`\n"
        "      or `g`"
    )


def test_tabs_and_wide_characters() -> None:
    source = Source("m", '\tx = "日本" + y\tz')
    assert render(Diagnostic("E0201", "m", at(source, "y"))).split("\n")[-2:] == [
        '1 |     x = "日本" + y  z',
        "  |                  ^",
    ]
    assert render(Diagnostic("E0201", "m", at(source, "日本"))).endswith("|          ^^^^")


def test_several_lines() -> None:
    source = Source("m", "a(\n    b,\n\n    c\n) + d")
    lines = render(Diagnostic("E0201", "m", at(source, "a(\n    b,\n\n    c\n)"))).split("\n")
    assert lines[3:] == [
        "1 | a(",
        "  | ^^",
        "2 |     b,",
        "  |     ^^",
        "3 |",
        "4 |     c",
        "  |     ^",
        "5 | ) + d",
        "  | ^",
    ]


def test_a_long_span_is_shortened() -> None:
    source = Source("m", "x\n" * 20)
    lines = render(Diagnostic("E0201", "m", Span(source, 0, 40))).split("\n")
    assert [line for line in lines if "^" not in line][3:] == [" 1 | x", " 2 | x", "...", "20 | x"]


def test_a_long_line_is_shown_in_part() -> None:
    source = Source("m", "a" * 5000 + "b" + "a" * 5000)
    text, marks = render(Diagnostic("E0201", "m", at(source, "b"))).split("\n")[-2:]
    assert len(text) < 200
    assert text[marks.index("^")] == "b"


def test_an_empty_span_has_one_caret() -> None:
    source = Source("m", "x =\n")
    assert render(Diagnostic("E0106", "m", Span(source, 3, 3))).endswith("1 | x =\n  |    ^")
    assert render(Diagnostic("E0106", "m", Span(source, 4, 4))).endswith("^")


def test_no_text_no_snippet() -> None:
    empty = Source("gone.model", "")
    diagnostic = Diagnostic("E0134", "cannot read it", Span(empty, 0, 0))
    assert render(diagnostic) == "error[E0134]: cannot read it\n --> gone.model"


def test_controls_do_not_reach_the_terminal() -> None:
    source = Source("a\x1b[2J", "x\x1b[2J = 3")
    text = render(Diagnostic("E0101", "bad \x07", Span(source, 1, 2)))
    assert "\x1b" not in text
    assert "\x07" not in text


def test_color() -> None:
    source = Source("m", "x")
    text = render(Diagnostic("W0902", "m", at(source, "x"), severity="warning"), color=True)
    assert text.startswith("\x1b[1;33mwarning[W0902]")
    plain = render(Diagnostic("W0902", "m", at(source, "x"), severity="warning"))
    assert "\x1b" not in plain


def test_json() -> None:
    source = Source("net.model", "a\nbc\n")
    diagnostic = Diagnostic("E0201", "m", at(source, "bc"), None, (Note("n", at(source, "a")),))
    assert to_json(diagnostic) == {
        "code": "E0201",
        "severity": "error",
        "message": "m",
        "file": "net.model",
        "line": 2,
        "column": 1,
        "end_line": 2,
        "end_column": 3,
        "help": None,
        "notes": [
            {
                "message": "n",
                "file": "net.model",
                "line": 1,
                "column": 1,
                "end_line": 1,
                "end_column": 2,
            }
        ],
    }
