"""Tokens to syntax tree: one method for each rule of the grammar, called while parsing.

No parse tree is built in between.  A method gets the children of its rule, tokens included, and
finds what is optional by type.  Parentheses leave no node; they widen the span of what they hold,
which is how `x + x |> f` and `(x + x) |> f` are told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from dsl import limits, nodes
from dsl.diagnostics import Diagnostic, Note
from dsl.lexer import Token
from dsl.literals import string_value
from dsl.nesting import is_too_deep
from dsl.operators import Prefixed, excerpt, fold, is_bare_binary, rightmost
from dsl.source import Source, Span

Children = list[Any]
_T = TypeVar("_T")

_CONSTANTS: Final[dict[str, bool | None]] = {"true": True, "false": False, "none": None}


def _all(children: Children, kind: type[_T]) -> tuple[_T, ...]:
    return tuple(c for c in children if isinstance(c, kind))


def _expressions(children: Children) -> tuple[nodes.Expr, ...]:
    return tuple(c for c in children if not isinstance(c, Token))


def _span(children: Children) -> Span:
    first, last = children[0], children[-1]
    return Span(
        first.source if isinstance(first, Token) else first.span.source,
        first.start if isinstance(first, Token) else first.span.start,
        last.end if isinstance(last, Token) else last.span.end,
    )


class Builder:
    """The callbacks of the parser; collects declarations and diagnostics for one source."""

    def __init__(self) -> None:
        self.begin(Source("", ""))

    def begin(self, source: Source) -> None:
        """Forget the source before and start on this one."""
        self.source = source
        self.declarations: list[nodes.Declaration] = []
        self.diagnostics: list[Diagnostic] = []
        self._statement_depths: dict[int, int] = {}

    def _report(
        self, code: str, message: str, span: Span, help: str, notes: tuple[Note, ...] = ()
    ) -> None:
        self.diagnostics.append(Diagnostic(code, message, span, help, notes))

    # -------------------------------------------------------------------------------- declarations

    def module(self, children: Children) -> nodes.Module:
        return nodes.Module(self.source, tuple(self.declarations))

    def import_(self, c: Children) -> None:
        path, names = c[1], c[3]
        is_path = path[0].type == "STRING"
        text = string_value(path[0].text) if is_path else "".join(t.text for t in path)
        span = _span(path)
        end = names[-1].span.end
        whole = Span(span.source, c[0].start, end)
        self.declarations.append(nodes.Import(whole, text, is_path, span, names))

    def module_name(self, c: Children) -> list[Token]:
        return c

    def imported_names(self, c: Children) -> tuple[nodes.ImportedName, ...]:
        return _all(c, nodes.ImportedName)

    def imported_name(self, c: Children) -> nodes.ImportedName:
        return nodes.ImportedName(_span(c), c[0].text, c[-1].text)

    def const(self, c: Children) -> None:
        name, value = c[1], self._bounded(c[3])
        self.declarations.append(nodes.Const(_span(c), name.text, name.span, value))

    def block(self, c: Children) -> None:
        kind, name, body = c[0], c[1], c[-1]
        parameters = c[2] if len(c) == 4 else ()
        span = Span(self.source, kind.start, body.end)
        documentation = _documentation(span)
        self.declarations.append(
            nodes.Block(
                span, kind.text, name.text, name.span, parameters, body.statements, documentation
            )
        )

    def train(self, c: Children) -> None:
        name, body = c[1], c[-1]
        parameters = c[2] if len(c) == 4 else ()
        span = Span(self.source, c[0].start, body.end)
        self.declarations.append(
            nodes.Train(span, name.text, name.span, parameters, body.statements)
        )

    def parameters(self, c: Children) -> tuple[nodes.Parameter, ...]:
        parameters = _all(c, nodes.Parameter)
        seen: dict[str, Span] = {}
        for parameter in parameters:
            start = parameter.span.start
            span = Span(self.source, start, start + len(parameter.name))
            if seen.setdefault(parameter.name, span) is not span:
                message = f"the parameter `{parameter.name}` is declared twice"
                notes = (Note("first here", seen[parameter.name]),)
                self._report("E0208", message, span, "give it another name", notes)
        return parameters

    def parameter(self, c: Children) -> nodes.Parameter:
        default = self._bounded(c[2]) if len(c) == 3 else None
        return nodes.Parameter(_span(c), c[0].text, default)

    def body(self, c: Children) -> _Body:
        return _Body(tuple(c[1:-1]), c[-1].end)

    # ---------------------------------------------------------------------------------- statements

    def input(self, c: Children) -> nodes.Input:
        return nodes.Input(_span(c), c[1].text, c[1].span, c[3])

    def target(self, c: Children) -> nodes.Target:
        return nodes.Target(_span(c), c[1].text, c[1].span, c[3])

    def declare(self, c: Children) -> nodes.Declare:
        value = self._bounded(c[5]) if len(c) == 6 else None
        return nodes.Declare(_span(c), c[0].text, c[1].text, c[1].span, c[3], value)

    def output(self, c: Children) -> nodes.Output:
        return nodes.Output(_span(c), _all(c, nodes.OutputItem))

    def output_item(self, c: Children) -> nodes.OutputItem:
        name = c[0].text if len(c) == 3 else None
        return nodes.OutputItem(_span(c), name, self._bounded(c[-1]))

    def assign(self, c: Children) -> nodes.Assign:
        target, value = c[0], c[2]
        mapping = c[3] if len(c) == 4 else None
        if mapping is not None:
            self._bounded(value)
            self._bounded(mapping)
        return nodes.Assign(_span(c), target, value, mapping)

    def assignees(self, c: Children) -> nodes.AssignTarget:
        items = tuple(
            nodes.TargetName(i.span, i.text) if isinstance(i, Token) else i
            for i in c
            if not isinstance(i, Token) or i.type == "NAME"
        )
        return items[0] if len(items) == 1 else nodes.TargetTuple(_span(c), items)

    assigned = assignees

    def assignee(self, c: Children) -> nodes.AssignTarget:
        return nodes.TargetName(c[0].span, c[0].text)

    def assignee_tuple(self, c: Children) -> nodes.AssignTarget:
        return nodes.TargetTuple(_span(c), _all(c, nodes.TargetName | nodes.TargetTuple))  # type: ignore[arg-type]

    def values(self, c: Children) -> nodes.Expr:
        for value in c:
            if not isinstance(value, Token):
                self._bounded(value)
        only: nodes.Expr = c[0]
        return only if len(c) == 1 else nodes.Tuple(_span(c), _expressions(c))

    def for_(self, c: Children) -> nodes.For:
        body = c[4]
        span = Span(self.source, c[0].start, body.end)
        return self._nested(nodes.For(span, c[1], c[3], body.statements), body.statements)

    def if_(self, c: Children) -> nodes.If:
        condition, body = self._bounded(c[1]), c[2]
        otherwise = c[3] if len(c) == 4 else _Body((), body.end)
        span = Span(self.source, c[0].start, otherwise.end)
        return self._nested(
            nodes.If(span, condition, body.statements, otherwise.statements),
            body.statements + otherwise.statements,
        )

    def otherwise(self, c: Children) -> _Body:
        branch = c[1]
        return branch if isinstance(branch, _Body) else _Body((branch,), branch.span.end)

    def assert_(self, c: Children) -> nodes.Assert:
        message = self._bounded(c[3]) if len(c) == 4 else None
        return nodes.Assert(_span(c), self._bounded(c[1]), message)

    def update(self, c: Children) -> nodes.Update:
        body = c[-1]
        models = tuple(nodes.TargetName(t.span, t.text) for t in c[1:-1] if t.type == "NAME")
        span = Span(self.source, c[0].start, body.end)
        return self._nested(nodes.Update(span, models, body.statements), body.statements)

    def type(self, c: Children) -> nodes.TypeExpr:
        dimensions = _expressions(c)
        for dimension in dimensions:
            self._bounded(dimension)
        return nodes.TypeExpr(_span(c), c[0].text, c[0].span, dimensions)

    # --------------------------------------------------------------------------------- expressions

    def single_expression(self, c: Children) -> nodes.Expr:
        return self._bounded(c[0])

    def pipe(self, c: Children) -> nodes.Pipe:
        first, *stages = _expressions(c)
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
        return nodes.Pipe(_span(c), first, tuple(stages))

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
        return nodes.Conditional(_span(c), c[1], c[3], otherwise)

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
        return replace(inner, span=_span(c))

    def tuple_(self, c: Children) -> nodes.Tuple:
        return nodes.Tuple(_span(c), _expressions(c))

    def list_(self, c: Children) -> nodes.List:
        return nodes.List(_span(c), _expressions(c))

    def attribute(self, c: Children) -> nodes.Attribute:
        return nodes.Attribute(_span(c), c[0], c[2].text, c[2].span)

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
        return nodes.Call(_span(c), c[0], tuple(arguments), tuple(keywords))

    def keyword(self, c: Children) -> nodes.Keyword:
        return nodes.Keyword(_span(c), c[0].text, c[0].span, c[2])

    def index(self, c: Children) -> nodes.Index:
        return nodes.Index(_span(c), c[0], _expressions(c[2:]))

    def slice(self, c: Children) -> nodes.Slice:
        parts: list[nodes.Expr | None] = [None]
        for child in c:
            if isinstance(child, Token):
                parts.append(None)
            else:
                parts[-1] = child
        start, stop, step = (*parts, None)[:3]
        return nodes.Slice(_span(c), start, stop, step)

    def ellipsis(self, c: Children) -> nodes.Ellipsis:
        return nodes.Ellipsis(c[0].span)

    def mapping(self, c: Children) -> nodes.Mapping:
        entries = _all(c, nodes.Keyword)
        self._check_unique(entries, "entry")
        return nodes.Mapping(_span(c), entries)

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

    def _nested(self, node: _T, inner: tuple[nodes.Statement, ...]) -> _T:
        depths = self._statement_depths
        depth = 1 + max((depths.get(id(s), 0) for s in inner), default=0)
        depths[id(node)] = depth
        if depth == limits.STATEMENT_DEPTH + 1:
            self._report(
                "E0131",
                f"statements nest deeper than {limits.STATEMENT_DEPTH} levels",
                node.span,  # type: ignore[attr-defined]
                "move the inner part into a block, or loop over a list",
            )
        return node


class _Body:
    """The statements between braces and where the closing one ends."""

    __slots__ = ("end", "statements")

    def __init__(self, statements: tuple[nodes.Statement, ...], end: int) -> None:
        self.statements = statements
        self.end = end


def _documentation(span: Span) -> str | None:
    """The comment lines directly above."""
    source = span.source
    lines: list[str] = []
    for number in range(span.line - 1, 0, -1):
        line = source.line(number).strip()
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("#").strip())
    return "\n".join(reversed(lines)).strip() or None
