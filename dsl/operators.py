"""The operators: how tightly they bind, and folding a flat run of them into a tree.

The grammar keeps a run of operators flat; `fold` is the shunting-yard algorithm over it, without
recursion.  `|>` binds weakest of all and is not here: the grammar keeps a pipe flat too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeGuard

from tercet.dsl import nodes
from tercet.dsl.diagnostics import Diagnostic
from tercet.dsl.source import Span
from tercet.dsl.tokens import Token

INFIX: Final[dict[str, int]] = {
    "or": 1,
    "and": 2,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), 4),
    **dict.fromkeys(("+", "-"), 5),
    **dict.fromkeys(("*", "/", "//", "%", "@"), 6),
    "**": 8,
}
"""Binding power of the infix operators.  `**` groups to the right, comparisons do not chain."""

PREFIX: Final[dict[str, int]] = {"not": 3, "-": 7, "+": 7}
"""Binding power of the prefix operators: `-x ** 2` is `-(x ** 2)`, `not a < b` is `not (a < b)`."""

COMPARISON: Final = 4


class Prefixed(list[Token | nodes.Expr]):
    """Prefix operators and their operand, not yet folded: `-x ** 2` is no product of `-x`."""


def fold(items: Sequence[Token | nodes.Expr | Prefixed], problems: list[Diagnostic]) -> nodes.Expr:
    """The tree of a run of operands and operators; what is unclear is added to `problems`."""
    operands: list[nodes.Expr] = []
    pending: list[_Operator] = []
    for item, is_operand_next in _flatten(items):
        if not isinstance(item, Token):
            operands.append(item)
            continue
        operator = _Operator(item, is_operand_next)
        if operator.is_prefix:
            _check_prefix(operator, pending, problems)
        else:
            _reduce(operands, pending, operator)
            _check_chain(operator, operands[-1], problems)
        pending.append(operator)
    _reduce(operands, pending, None)
    return operands[0]


class _Operator:
    __slots__ = ("is_prefix", "power", "token")

    def __init__(self, token: Token, is_prefix: bool) -> None:
        self.token = token
        self.is_prefix = is_prefix
        self.power = (PREFIX if is_prefix else INFIX)[token.text]


def _flatten(
    items: Sequence[Token | nodes.Expr | Prefixed],
) -> Iterator[tuple[Token | nodes.Expr, bool]]:
    """Each operand and operator, with whether an operand is due at that place."""
    due = True
    for item in items:
        for part in item if isinstance(item, Prefixed) else (item,):
            yield part, due
            due = isinstance(part, Token)


def _reduce(
    operands: list[nodes.Expr], pending: list[_Operator], following: _Operator | None
) -> None:
    """Apply the pending operators that bind tighter than `following`."""
    limit = following.power if following else 0
    right = following is not None and following.token.text == "**"
    while pending and (pending[-1].power > limit or (pending[-1].power == limit and not right)):
        operator = pending.pop()
        token = operator.token
        last = operands.pop()
        if operator.is_prefix:
            span = Span(token.source, token.start, last.span.end)
            operands.append(nodes.Unary(span, token.text, last))  # type: ignore[arg-type]
        else:
            left = operands.pop()
            span = Span(token.source, left.span.start, last.span.end)
            operands.append(nodes.Binary(span, token.text, left, last))  # type: ignore[arg-type]


def _check_prefix(
    operator: _Operator, pending: list[_Operator], problems: list[Diagnostic]
) -> None:
    if pending and operator.power == PREFIX["not"] and pending[-1].power > operator.power:
        outer = pending[-1].token.text
        message = f"`not` after `{outer}` needs parentheses"
        problems.append(
            Diagnostic("E0110", message, operator.token.span, f"write `{outer} (not …)`")
        )


def _check_chain(operator: _Operator, left: nodes.Expr, problems: list[Diagnostic]) -> None:
    if operator.power == COMPARISON and is_bare_binary(left) and INFIX[left.operator] == COMPARISON:
        middle = excerpt(left.right.span)
        problems.append(
            Diagnostic(
                "E0115",
                "comparisons do not chain",
                operator.token.span,
                f"write `{excerpt(left.span)} and {middle} {operator.token.text} …`",
            )
        )


def is_bare_binary(node: nodes.Expr) -> TypeGuard[nodes.Binary]:
    """Whether `node` is a binary operation without parentheses around it."""
    return isinstance(node, nodes.Binary) and node.span.start == node.left.span.start


def rightmost(node: nodes.Expr) -> nodes.Expr:
    """The last operand of an unparenthesised run of operators."""
    while is_bare_binary(node):
        node = node.right
    return node


def excerpt(span: Span) -> str:
    """The text of a span on one line, shortened in the middle, for messages."""
    text = " ".join(span.text.split()) if span.end - span.start < 1000 else span.text[:40]
    return text if len(text) <= 40 else f"{text[:24]} … {text[-12:]}"
