"""What a syntax error means: from the token that does not fit to a message and advice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tercet.dsl.diagnostics import Diagnostic, Note
from tercet.dsl.source import Source, Span
from tercet.dsl.syntax_expected import unexpected
from tercet.dsl.syntax_stop import HABITS, PAIRS, TEXTS, Stop, quote
from tercet.dsl.tokens import DECLARATIONS, KEYWORDS, RESERVED, STATEMENTS, Token


def describe(
    source: Source,
    tokens: Sequence[Token],
    at: int,
    expected: frozenset[str],
    values: Sequence[Any],
) -> Diagnostic:
    """The diagnostic for the token number `at` (the end, where it is their number).

    `expected` are the terminals that would have fitted, `values` is the parser's stack.
    """
    return _Case(source, tokens, at, expected, values).diagnose()


class _Case(Stop):
    def diagnose(self) -> Diagnostic:
        return (
            self._foreign_comment()
            or self._keyword_as_name()
            or self._unclosed()
            or self._conditional()
            or self._assignment_as_comparison()
            or self._second_equal()
            or self._outside()
            or self._no_beginning()
            or self._lonely_expression()
            or unexpected(self)
        )

    # --------------------------------------------------------------------------------------- cases

    def _foreign_comment(self) -> Diagnostic | None:
        """`// …` and `/* … */`."""
        first, second = self.token, self.after
        if first.text == "*" and self.before is not None and self.before.text == "/":
            first, second = self.before, first
        is_block = first.text == "/" and second is not None and second.text == "*"
        is_block = is_block and second is not None and second.start == first.end
        if is_block or self.token.text == "//":
            mark, span = "/*" if is_block else "//", first.span
            message = f"`{mark}` begins no comment"
            return self.report("E0106", message, "comments begin with `#`", span)
        return None

    def _keyword_as_name(self) -> Diagnostic | None:
        """`for = 3`, `mse(x, in)`, `input if: …`."""
        token, before = self.token, self.before
        is_name_use = token.type in ("EQUAL", "COMMA", "DOT") and self.expected == {"NAME"}
        if is_name_use and before and before.text in RESERVED:
            return self._reserved(before)
        if token.text not in RESERVED or "NAME" not in self.expected:
            return None
        is_named = self.after is not None and self.after.type == "EQUAL"
        is_named = is_named or (self.before is not None and self.before.type == "DOT")
        begins = token.starts_line and token.type in STATEMENTS | {"IF"}
        is_mark = token.type in ("INFIX", "NOT", "IF", "ELSE", "IN")
        is_mark = is_mark and not self.expected <= {"NAME", "LPAR"}
        if is_named or not (begins or is_mark):
            return self._reserved(token)
        return None

    def _reserved(self, token: Token) -> Diagnostic:
        return self.report(
            "E0105",
            f"`{token.text}` is a keyword and cannot be a name",
            f"choose another name, such as `{token.text}_` or a longer word; "
            f"a column of data named so is read as `{token.text}_`",
            token.span,
        )

    def _unclosed(self) -> Diagnostic | None:
        """A bracket left open, or one too many."""
        token, opened = self.token, self.opened
        if token.type in PAIRS.values() and (opened is None or not self._closes(opened)):
            if opened is None or opened.type == "LBRACE":
                return self.report("E0108", f"`{token.text}` closes nothing", "delete it")
            return self._never_closed(opened, f"before this `{token.text}`")
        if opened is None:
            return None
        if token.type == "$END":
            return self._never_closed(opened, None)
        if token.type in DECLARATIONS and token.starts_line:
            return self._never_closed(opened, f"before this `{token.text}`")
        is_next = token.starts_line and (
            token.type in STATEMENTS | {"IF"}
            or (token.type == "NAME" and self.after and self.after.type == "EQUAL")
        )
        if is_next and opened.type != "LBRACE" and PAIRS[opened.type] in self.expected:
            return self._never_closed(opened, "before this statement")
        return None

    def _closes(self, opened: Token) -> bool:
        return PAIRS[opened.type] == self.token.type

    def _never_closed(self, opened: Token, where: str | None) -> Diagnostic:
        note = Note(f"it is still open {where}", self.token.span) if where else None
        closing = TEXTS[PAIRS[opened.type]]
        message, help = f"this `{opened.text}` is not closed", f"add the missing `{closing}`"
        return self.report("E0107", message, help, opened.span, note)

    def _conditional(self) -> Diagnostic | None:
        """An `if` expression without `else`, and Python's `a if c else b`."""
        if self.expected == {"ELSE"}:
            help = "write `if condition { a } else { b }`; only an `if` statement stands alone"
            return self.report("E0109", "an `if` expression needs an `else`", help, self.behind())
        is_inner_if = self.token.type == "IF" and "NUMBER" not in self.expected
        if self.token.type == "ELSE" and self.token.starts_line:
            help = "`else` stands behind the `}` that closes the `if`"
            return self.report("E0106", "this `else` belongs to no `if`", help)
        if is_inner_if or (self.token.type == "ELSE" and "LBRACE" in self.expected):
            help = "write `if condition { a } else { b }`"
            return self.report("E0109", "the condition comes first in an `if` expression", help)
        return None

    def _assignment_as_comparison(self) -> Diagnostic | None:
        if self.token.type == "EQUAL" and "INFIX" in self.expected and self._is_condition():
            return self.report("E0106", "`=` binds a name, it does not compare", "write `==`")
        return None

    def _is_condition(self) -> bool:
        for value in reversed(self.values):
            if isinstance(value, Token) and value.type in ("IF", "ASSERT", "EQUAL", "LPAR"):
                return value.type in ("IF", "ASSERT")
        return False

    def _outside(self) -> Diagnostic | None:
        """A statement where only declarations may stand."""
        if "BLOCK" not in self.expected or self.opened is not None:
            return None
        token = self.token
        help = HABITS.get(token.text) or "put it into a `block`, `model` or `train`"
        if token.type == "IMPORT":
            help = "write `from module import Name`"
        elif token.type == "NAME" and self.after and self.after.type == "EQUAL":
            help = f"a value for the whole file is declared `const {token.text} = …`"
        return self.report("E0120", f"{quote(token)} is no declaration", help)

    def _no_beginning(self) -> Diagnostic | None:
        """On a line of its own, what no statement begins with."""
        token = self.token
        if "OUTPUT" not in self.expected or not token.starts_line:
            return None
        if token.type == "IMPORT":
            help = "write `from module import Name`, outside of all braces"
            return self.report("E0121", "there is no statement `import`", help)
        if token.type in ("NUMBER", "STRING", "TRUE", "FALSE", "NONE", "LBRACE"):
            shown = "{ … }" if token.type == "LBRACE" else token.text
            help = f"bind its value, `y = {shown}`"
            return self.report("E0121", "an expression alone is no statement", help)
        return None

    def _lonely_expression(self) -> Diagnostic | None:
        """A statement that begins with a name and does not bind it."""
        before = self.before
        if self.expected != {"EQUAL", "COMMA"} or before is None:
            return None
        first = before
        if first.text in HABITS:
            message = f"there is no statement `{first.text}`"
            return self.report("E0121", message, HABITS[first.text], first.span)
        if first.text in KEYWORDS and self.token.type == "RBRACE":
            return self.report(
                "E0106", f"expected something after `{first.text}`", None, self.behind()
            )
        if self.token.type in ("DOT", "LSQB"):
            message, help = "only names can be assigned to", f"bind a new name: `{first.text} = …`"
            if self.after is not None and self.after.text in ("append", "extend"):
                help = f"lists do not change; write `{first.text} = {first.text} + [x]`"
            return self.report("E0121", message, help, first.span.until(self.token.span))
        if not first.starts_line and self._follows_expression(first):
            help = self._advice_between() or (
                "is an operator or a `,` missing, or the new line before the next statement?"
            )
            return self.report("E0106", f"{quote(first)} does not belong here", help, first.span)
        if self.token.type == "COLON":
            help = f"a value takes its type from what computes it: `{first.text} = …`"
            return self.report("E0106", "only inputs and parameters are declared with a type", help)
        help = f"bind its value, `y = {first.text}…`, or return it, `output {first.text}…`"
        return self.report("E0121", "an expression alone is no statement", help, first.span)

    def _advice_between(self) -> str | None:
        """For a name that follows an expression on its line: what the line reminds of."""
        index = self.at - 2
        if self.before and self.before.text == "is":
            return "compare by `==`"
        if self.tokens[index].text == "lambda":
            return "there are no functions of one's own: write a `block`"
        while index >= 0 and not self.tokens[index].starts_line:
            if self.tokens[index].text == "//":
                return "comments begin with `#`"
            index -= 1
        return None

    def _follows_expression(self, first: Token) -> bool:
        index = self.at - 2
        return index >= 0 and self.tokens[index].type not in ("LBRACE", "RBRACE")

    def _second_equal(self) -> Diagnostic | None:
        """`a = b = c`, and a line that ends with an operator before `a = b`."""
        before = self.before
        if self.token.type != "EQUAL" or before is None or self.expected == {"COLON"}:
            return None
        operator = self.tokens[self.at - 2] if self.at > 1 else before
        if before.starts_line and operator.type in ("INFIX", "SIGN", "NOT", "PIPE", "EQUAL"):
            span = Span(self.source, operator.end, operator.end)
            message = f"expected an expression after {quote(operator)}"
            return self.report("E0106", message, None, span)
        help = "only one name, or several with commas, stands before the `=` of a statement, and a "
        return self.report(
            "E0106", "this `=` has no meaning here", help + "plain name before that of an argument"
        )
