"""Tokens to expressions: one method for each rule of the grammar, called while parsing.

No parse tree is built in between.  A method gets the children of its rule, tokens included, and
finds what is optional by type.  Parentheses leave no node; they widen the span of what they hold,
which is how `x + x |> f` and `(x + x) |> f` are told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from tercet.dsl import limits, nodes
from tercet.dsl.diagnostics import Diagnostic, Note
from tercet.dsl.literals import string_value
from tercet.dsl.nesting import is_too_deep
from tercet.dsl.operators import Prefixed, excerpt, fold, is_bare_binary, rightmost
from tercet.dsl.source import Source, Span
from tercet.dsl.tokens import Token

Children = list[Any]
_T = TypeVar("_T")

_CONSTANTS: Final[dict[str, bool | None]] = {"true": True, "false": False, "none": None}


def all_of(children: Children, kind: type[_T]) -> tuple[_T, ...]:
    """The children of one class."""
    return tuple(c for c in children if isinstance(c, kind))


def expressions_of(children: Children) -> tuple[nodes.Expr, ...]:
    """The children that are no tokens."""
    return tuple(c for c in children if not isinstance(c, Token))


def span_of(children: Children) -> Span:
    """From the start of the first child to the end of the last."""
    first, last = children[0], children[-1]
    return Span(
        first.source if isinstance(first, Token) else first.span.source,
        first.start if isinstance(first, Token) else first.span.start,
        last.end if isinstance(last, Token) else last.span.end,
    )


class ExpressionBuilder:
    """The callbacks for expressions; collects diagnostics for one source."""

    def __init__(self) -> None:
        self.begin(Source("", ""))

    def begin(self, source: Source) -> None:
        """Forget the source before and start on this one."""
        self.source = source
        self.diagnostics: list[Diagnostic] = []

    def _report(
        self, code: str, message: str, span: Span, help: str, notes: tuple[Note, ...] = ()
    ) -> None:
        self.diagnostics.append(Diagnostic(code, message, span, help, notes))

    def single_expression(self, c: Children) -> nodes.Expr:
        return self._bounded(c[0])

    def pipe(self, c: Children) -> nodes.Pipe:
        first, *stages = expressions_of(c)
        if is_bare_binary(first):
            last = rightmost(first)
            before = Span(self.source, first.span.start, last.span.start)
            self._report(
                "E0110",
                f"`{first.operator}` beside `|>` needs parentheses",
                first.span,
                f"write `({excerpt(first.span)}) |> …` to pipe the whole, "
                f"or `{excerpt(before)} ({excerpt(last.span)} |> …)` to pipe the last part",
            )
        for stage in stages:
            self._check_stage(stage)
        return nodes.Pipe(span_of(c), first, tuple(stages))

    def _check_stage(self, stage: nodes.Expr) -> None:
        match stage:
            case nodes.Binary() if is_bare_binary(stage):
                left, right = excerpt(stage.left.span), excerpt(stage.right.span)
                self._report(
                    "E0110",
                    f"`{stage.operator}` beside `|>` needs parentheses",
                    stage.span,
                    f"write `(… |> {left}) {stage.operator} {right}`",
                )
            case nodes.Call(function=nodes.Call() as layer):
                inputs = ", ".join(("x", *(excerpt(a.span) for a in stage.arguments)))
                self._report(
                    "E0111",
                    "a layer with several inputs cannot be a stage of a pipe",
                    stage.span,
                    f"apply it to all its inputs: `{excerpt(layer.span)}({inputs})`",
                )
            case (
                nodes.Constant()
                | nodes.Unary()
                | nodes.List()
                | nodes.Mapping()
                | nodes.Tuple()
                | nodes.Binary()
            ):
                self._report(
                    "E0112",
                    "a stage of a pipe is a function or a layer",
                    stage.span,
                    "after `|>` write a name or a call, such as `relu` or `dense(10)`",
                )

    def prefixed(self, c: Children) -> Prefixed:
        return Prefixed(c)

    def folded(self, c: Children) -> nodes.Expr:
        return fold(c, self.diagnostics)

    def conditional(self, c: Children) -> nodes.Conditional:
        otherwise = c[7] if len(c) == 9 else c[6]
        return nodes.Conditional(span_of(c), c[1], c[3], otherwise)

    def name(self, c: Children) -> nodes.Name:
        return nodes.Name(c[0].span, c[0].text)

    def number(self, c: Children) -> nodes.Constant:
        digits = c[0].text.replace("_", "")
        return nodes.Constant(c[0].span, int(digits) if digits.isdigit() else float(digits))

    def string(self, c: Children) -> nodes.Constant:
        return nodes.Constant(c[0].span, string_value(c[0].text))

    def named_constant(self, c: Children) -> nodes.Constant:
        return nodes.Constant(c[0].span, _CONSTANTS[c[0].text])

    def parenthesised(self, c: Children) -> nodes.Expr:
        inner: nodes.Expr = c[1]
        return replace(inner, span=span_of(c))

    def tuple_(self, c: Children) -> nodes.Tuple:
        return nodes.Tuple(span_of(c), expressions_of(c))

    def list_(self, c: Children) -> nodes.List:
        return nodes.List(span_of(c), expressions_of(c))

    def attribute(self, c: Children) -> nodes.Attribute:
        return nodes.Attribute(span_of(c), c[0], c[2].text, c[2].span)

    def call(self, c: Children) -> nodes.Call:
        arguments: list[nodes.Expr] = []
        keywords: list[nodes.Keyword] = []
        late: nodes.Expr | None = None
        for child in c[2:-1]:
            if isinstance(child, nodes.Keyword):
                keywords.append(child)
            elif not isinstance(child, Token):
                if keywords:
                    late = late or child
                arguments.append(child)
        if late is not None:
            self._report(
                "E0113",
                "a positional argument after a keyword argument",
                late.span,
                f"put it before `{keywords[0].name} = …`, or give its name too",
            )
        if len(keywords) > 1:
            self._check_unique(keywords, "argument")
        return nodes.Call(span_of(c), c[0], tuple(arguments), tuple(keywords))

    def keyword(self, c: Children) -> nodes.Keyword:
        return nodes.Keyword(span_of(c), c[0].text, c[0].span, c[2])

    def index(self, c: Children) -> nodes.Index:
        return nodes.Index(span_of(c), c[0], expressions_of(c[2:]))

    def slice(self, c: Children) -> nodes.Slice:
        parts: list[nodes.Expr | None] = [None]
        for child in c:
            if isinstance(child, Token):
                parts.append(None)
            else:
                parts[-1] = child
        start, stop, step = (*parts, None)[:3]
        return nodes.Slice(span_of(c), start, stop, step)

    def ellipsis(self, c: Children) -> nodes.Ellipsis:
        return nodes.Ellipsis(c[0].span)

    def mapping(self, c: Children) -> nodes.Mapping:
        entries = all_of(c, nodes.Keyword)
        self._check_unique(entries, "entry")
        return nodes.Mapping(span_of(c), entries)

    # -------------------------------------------------------------------------------------- checks

    def _check_unique(self, keywords: Sequence[nodes.Keyword], what: str) -> None:
        seen: dict[str, Span] = {}
        for keyword in keywords:
            first = seen.setdefault(keyword.name, keyword.name_span)
            if first is not keyword.name_span:
                message = f"the {what} `{keyword.name}` is given twice"
                notes = (Note("first here", first),)
                self._report("E0114", message, keyword.name_span, "leave one of them out", notes)

    def _bounded(self, value: nodes.Expr) -> nodes.Expr:
        """`value`, or a constant in its place where it nests too deep to be walked."""
        if not is_too_deep(value):
            return value
        self._report(
            "E0131",
            f"the expression nests deeper than {limits.EXPRESSION_DEPTH} levels",
            value.span,
            "give its parts names of their own",
        )
        return nodes.Constant(value.span, None)
