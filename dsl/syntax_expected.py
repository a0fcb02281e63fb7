"""The general syntax error: what was expected, and advice from what stands there instead."""

from __future__ import annotations

from tercet.dsl.diagnostics import Diagnostic
from tercet.dsl.syntax_stop import HABITS, PAIRS, TEXTS, TYPED, Stop, quote
from tercet.dsl.tokens import Token


def unexpected(stop: Stop) -> Diagnostic:
    """The error that names what would have fitted.  E0106."""
    wanted = _phrase(stop.expected, stop.opened)
    is_behind = stop.token.starts_line and "OUTPUT" not in stop.expected
    if stop.before and (stop.token.type == "$END" or is_behind):
        message = f"expected {wanted} after {quote(stop.before)}"
        return stop.report("E0106", message, _advice(stop), stop.behind())
    found = "the end" if stop.token.type == "$END" else quote(stop.token)
    return stop.report("E0106", f"expected {wanted}, found {found}", _advice(stop))


def _advice(stop: Stop) -> str | None:
    token, expected = stop.token, stop.expected
    before = stop.before.text if stop.before else ""
    if token.type == "COLON" and "LBRACE" in expected:
        return "bodies stand in braces: `{ … }`"
    if token.type == "FOR" and stop.opened and stop.opened.type in ("LSQB", "LPAR"):
        return "lists are built by loops: `xs = []`, then `for … { xs = xs + [x] }`"
    if token.type == "IN" and "INFIX" in expected:
        return "compare with each value: `x == a or x == b`"
    if token.type == "STRING" and before in ("f", "r", "b"):
        return "strings take no prefix; `{name}` in the message of an `assert` is filled in"
    if token.text == "*" and before == "import":
        return "name what is imported: `import A, B`"
    if token.text == ">" and before == ">":
        return "a pipe is written `|>`"
    if token.type == "DOT" and before == "|>":
        return "after `|>` write the name alone: `|> relu`"
    if token.type == "PIPE":
        return "a value stands before the first `|>`: `y = x |> f`"
    if expected == {"LSQB"}:
        return "a type has a shape: `f32[N, 3]`; a scalar is `f32[]`"
    if expected == {"COLON"}:
        return TYPED
    if token.type == "COLON" and expected == {"COMMA", "EQUAL", "RPAR"}:
        return "parameters have no types; a tensor is declared inside: `input x: f32[N, 3]`"
    if "COMMA" in expected and "INFIX" in expected and token.type in ("NAME", "NUMBER", "STRING"):
        return "is a `,` or an operator missing?"
    if stop.before and stop.before.text in HABITS and stop.before.type == "NAME":
        return HABITS[stop.before.text]
    return None


def _phrase(expected: frozenset[str], opened: Token | None) -> str:
    if "OUTPUT" in expected:
        return "a statement or `}`"
    if "BLOCK" in expected:
        return "a declaration"
    if "NUMBER" in expected:
        return "an expression"
    if expected == {"NAME"}:
        return "a name"
    closing = {PAIRS[opened.type]} if opened else set()
    marks = expected & (
        {"COMMA", "EQUAL", "COLON", "LBRACE", "LSQB", "LPAR", "IN", "ELSE", "IMPORT"} | closing
    )
    if "INFIX" in expected:
        marks -= {"LSQB", "LPAR"}
    words = sorted(f"`{TEXTS[mark]}`" for mark in marks)
    if "NAME" in expected:
        words.append("a name")
    if not words:
        return "an operator" if "INFIX" in expected else "something else"
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
