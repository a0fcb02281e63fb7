"""Formatting keeps the meaning and the comments, and is done after one pass."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tercet.dsl.diagnostics import DiagnosticError
from tercet.dsl.formatter import format_source
from tercet.dsl.lexer import Tokens
from tercet.dsl.parser import parse
from tercet.dsl.source import Source
from tests.dsl.dump import dump
from tests.dsl.programs import ALL


def formatted(text: str) -> str:
    return format_source(Source("test", text))


def check(text: str) -> None:
    """Formatting `text` changes neither tree nor comments, and a second time nothing."""
    before = parse(Source("test", text))
    assert not before.diagnostics
    result = formatted(text)
    after = parse(Source("test", result))
    assert not after.diagnostics, result
    assert dump(after.module) == dump(before.module)
    assert comments(result) == comments(text)
    assert formatted(result) == result
    assert not any(line != line.rstrip() for line in result.split("\n") if "#" not in line)
    assert "\n\n\n" not in result


def comments(text: str) -> list[str]:
    return [c.text for c in Tokens(Source("test", text)).comments]


def body(*lines: str) -> str:
    return "block B {\n" + "".join(f"    {line}\n" if line else "\n" for line in lines) + "}\n"


@pytest.mark.parametrize("name", ALL)
def test_programs(name: str) -> None:
    check(ALL[name])


@pytest.mark.parametrize(
    "text, result",
    [
        ("x=f( a,b = 1,)", "x = f(a, b = 1)"),
        ("x = - a+-b ** - 2", "x = -a + -b ** -2"),
        ("x = not  a", "x = not a"),
        ("x=y [ : , 1 : , ::2 , ... ]", "x = y[:, 1:, ::2, ...]"),
        ("x = (a ,)", "x = (a,)"),
        ("x = { a=1 , b=2, }", "x = { a = 1, b = 2 }"),
        ("x = {}", "x = {}"),
        ("input x:f32[ N,3 ]", "input x: f32[N, 3]"),
        ("x = a . b . c (1)", "x = a.b.c(1)"),
        ("x = 1 .b", "x = 1 .b"),
        ("a,b=b,a", "a, b = b, a"),
        ("x = if a{1}else{2}", "x = if a { 1 } else { 2 }"),
        ("x = [ (1,2) , [ ] ]", "x = [(1, 2), []]"),
        ("x = (a+b)|>f", "x = (a + b) |> f"),
        ('assert a==b,"m"', 'assert a == b, "m"'),
        ("output a,b=c", "output a, b = c"),
        ("for a,(b,c)in xs { }", "for a, (b, c) in xs { }"),
        ("x = 1_000.5E-3", "x = 1_000.5E-3"),
        ("x = f(a)  # why", "x = f(a)  # why"),
    ],
)
def test_a_line(text: str, result: str) -> None:
    assert formatted(f"block B {{ {text}\n }}") == body(result)


def test_statements_and_blank_lines() -> None:
    text = "from a import B\n\n\n\nconst c = 1\nblock B {\n\n\n x = 1 y = 2\n\n\n z = 3\n\n }\n"
    lines = [
        "from a import B",
        "",
        "const c = 1",
        "",
        "block B {",
        "    x = 1",
        "    y = 2",
        "",
        "    z = 3",
        "}",
        "",
        "model M { }",
        "",
    ]
    assert formatted(f"{text}model M {{}}") == "\n".join(lines)


def test_conditions() -> None:
    text = "block B { if a { x = 1 } else if b { } else { y = 2 } }"
    assert formatted(text) == body(
        "if a {", "    x = 1", "} else if b { } else {", "    y = 2", "}"
    )


def test_the_authors_pipe_breaks_stay() -> None:
    text = body("h = x", "    |> f |> g", "        |> h(1)")
    assert formatted(text) == body("h = x", "    |> f |> g", "    |> h(1)")
    text = body("h = x |> f", " |> g")
    assert formatted(text) == body("h = x |> f", "      |> g")


def test_long_pipes_are_broken() -> None:
    stage = "conv2d(channels, 3, padding = 1)"
    assert formatted(body("h = x" + f" |> {stage}" * 3)) == body("h = x", *[f"    |> {stage}"] * 3)


def test_long_calls_are_broken() -> None:
    arguments = [f"some_rather_long_name{i} = another_long_name" for i in range(3)]
    assert formatted(body(f"y = f({', '.join(arguments)})")) == body(
        "y = f(", *(f"    {argument}," for argument in arguments), ")"
    )


def test_long_sums_are_broken() -> None:
    term = "some_rather_long_name(x) * another_long_name"
    assert formatted(body(f"y = {term} + {term} - {term}")) == body(
        f"y = {term}", f"    + {term}", f"    - {term}"
    )


def test_a_break_behind_a_bracket_stays() -> None:
    text = body("x = [", "1, 2", "]", "y = [1,", "2]")
    assert formatted(text) == body("x = [", "    1,", "    2,", "]", "y = [1, 2]")


def test_lined_up_assignments_stay_lined_up() -> None:
    text = body("loss    = f(x)", "batch   = 3", "a = 1", "bcd = 2")
    assert formatted(text) == body("loss  = f(x)", "batch = 3", "a = 1", "bcd = 2")


def test_lined_up_entries_stay_lined_up() -> None:
    text = body(
        "x = f(", "    a   = 1,", "    bcd = 2,", "    e = 3", ") {", "a  = 1,", "bc = 2,", "}"
    )
    assert formatted(text) == body(
        "x = f(",
        "    a   = 1,",
        "    bcd = 2,",
        "    e = 3,",
        ") {",
        "    a  = 1,",
        "    bc = 2,",
        "}",
    )


def test_comments() -> None:
    text = """\
# head

# about c
const c = 1 # one
const dd = 22 # two
# about B
block B { # open
# first
x = f(a, # a
# b follows
b) # end


# last
}
# the end
"""
    assert (
        formatted(text)
        == """\
# head

# about c
const c = 1  # one
const dd = 22  # two

# about B
block B {  # open
    # first
    x = f(
        a,  # a
        # b follows
        b,
    )  # end

    # last
}

# the end
"""
    )


def test_lined_up_comments_stay_lined_up() -> None:
    text = body("x = 1      # one", "", "yyyyy = 2  # two", "z = 3 # three")
    assert formatted(text) == body("x = 1      # one", "", "yyyyy = 2  # two", "z = 3  # three")


def test_errors_are_reported() -> None:
    with pytest.raises(DiagnosticError):
        formatted("block {")


def test_nothing_and_nearly_nothing() -> None:
    assert formatted("") == ""
    assert formatted("\n\n# a\n\n\n# b") == "# a\n\n# b\n"


def test_long_texts() -> None:
    check("block B { x = y" + " |> f(1)" * 3000 + "}")
    check("block B { x = [" + "1, " * 3000 + "] }")
    check("block B {" + "x = relu(x)\n" * 3000 + "}")
    check("block B { x = " + "(" * 90 + "y" + ")" * 90 + "}")


# ---------------------------------------------------------------------------------- any program

_names = st.sampled_from(["a", "b", "channels", "a_name_that_is_rather_long", "class"])
_atoms = st.one_of(_names, st.sampled_from(["1", "2.5", "1_000", '"text {a}"', "true", "none"]))


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(inner, max_size=4)
    operators = st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "@", "and", "or"])
    stages = st.lists(st.one_of(_names, _names.map(lambda n: f"{n}(b, k = 3)")), min_size=1)
    return st.one_of(
        st.tuples(inner, operators, inner).map(lambda t: f"( {t[0]} ) {t[1]} ( {t[2]} )"),
        st.tuples(_names, operators, _names).map(" ".join),
        inner.map(lambda e: f"- ( {e} )"),
        inner.map(lambda e: f"( not ( {e} ) )"),
        several.map(lambda es: f"[ {' , '.join(es)} ]"),
        several.map(lambda es: f"f ( {' , '.join(es)} )"),
        several.map(lambda es: f"{{ {' , '.join(f'k{i} = {e}' for i, e in enumerate(es))} }}"),
        st.tuples(inner, inner).map(lambda t: f"( {t[0]} , {t[1]} , )"),
        st.tuples(inner, inner, inner).map(
            lambda t: f"( if {t[0]} {{ {t[1]} }} else if a {{ b }} else {{ {t[2]} }} )"
        ),
        st.tuples(_names, inner).map(lambda t: f"{t[0]} [ {t[1]} , : , 1 : - 1 ] . shape"),
        st.tuples(inner, stages).map(lambda t: f"( ( {t[0]} ) |> {' |> '.join(t[1])} )"),
    )


expressions = st.recursive(_atoms, _compound, max_leaves=12)
gaps = st.sampled_from([" "] * 12 + ["\n", "\n\n\n", "\n   ", " # c\n", "\n# own line\n", "\t"])


@st.composite
def spaced(draw: st.DrawFn, text: str) -> str:
    """The tokens of a program with other white space and comments between them."""
    tokens = Tokens(Source("test", text)).tokens
    pieces = draw(st.lists(gaps, min_size=len(tokens), max_size=len(tokens)))
    return "".join(f"{t.text}{g}" for t, g in zip(tokens, pieces, strict=True))


@given(
    expressions.flatmap(lambda e: spaced(f"block B {{ x = {e} y, z = {e}, a output x, k = {e} }}"))
)
@settings(max_examples=100)
def test_any_expression(text: str) -> None:
    check(text)


@given(st.sampled_from(sorted(ALL.values())).flatmap(spaced))
@settings(max_examples=40)
def test_any_layout(text: str) -> None:
    check(text)
