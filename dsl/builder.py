"""Tokens to syntax tree: declarations and statements; see `expression_builder.py`."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from tercet.dsl import limits, nodes
from tercet.dsl.diagnostics import Note
from tercet.dsl.expression_builder import (
    Children,
    ExpressionBuilder,
    all_of,
    expressions_of,
    span_of,
)
from tercet.dsl.literals import string_value
from tercet.dsl.source import Source, Span
from tercet.dsl.tokens import Token

_Compound = TypeVar("_Compound", nodes.For, nodes.If, nodes.Update)


class Builder(ExpressionBuilder):
    """The callbacks of the parser; collects declarations and diagnostics for one source."""

    def begin(self, source: Source) -> None:
        """Forget the source before and start on this one."""
        super().begin(source)
        self.declarations: list[nodes.Declaration] = []
        self._statement_depths: dict[nodes.Statement, int] = {}

    # -------------------------------------------------------------------------------- declarations

    def module(self, children: Children) -> nodes.Module:
        return nodes.Module(self.source, tuple(self.declarations))

    def import_(self, c: Children) -> None:
        path, names = c[1], c[3]
        is_path = path[0].type == "STRING"
        text = string_value(path[0].text) if is_path else "".join(t.text for t in path)
        span = span_of(path)
        end = names[-1].span.end
        whole = Span(span.source, c[0].start, end)
        self.declarations.append(nodes.Import(whole, text, is_path, span, names))

    def module_name(self, c: Children) -> list[Token]:
        return c

    def imported_names(self, c: Children) -> tuple[nodes.ImportedName, ...]:
        return all_of(c, nodes.ImportedName)

    def imported_name(self, c: Children) -> nodes.ImportedName:
        return nodes.ImportedName(span_of(c), c[0].text, c[-1].text)

    def const(self, c: Children) -> None:
        name, value = c[1], self._bounded(c[3])
        self.declarations.append(nodes.Const(span_of(c), name.text, name.span, value))

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
        parameters = all_of(c, nodes.Parameter)
        seen: dict[str, Span] = {}
        for parameter in parameters:
            start = parameter.span.start
            span = Span(self.source, start, start + len(parameter.name))
            if parameter.name == "name":
                message = "a parameter cannot be called `name`"
                help = "every layer takes `name = …`: it is the layer's own name; write `label`"
                self._report("E0216", message, span, help, ())
            if seen.setdefault(parameter.name, span) is not span:
                message = f"the parameter `{parameter.name}` is declared twice"
                notes = (Note("first here", seen[parameter.name]),)
                self._report("E0208", message, span, "give it another name", notes)
        return parameters

    def parameter(self, c: Children) -> nodes.Parameter:
        default = self._bounded(c[2]) if len(c) == 3 else None
        return nodes.Parameter(span_of(c), c[0].text, default)

    def body(self, c: Children) -> Body:
        return Body(tuple(c[1:-1]), c[-1].end)

    # ---------------------------------------------------------------------------------- statements

    def input(self, c: Children) -> nodes.Input:
        default = self._bounded(c[5]) if len(c) == 6 else None
        return nodes.Input(span_of(c), c[1].text, c[1].span, c[3], default)

    def target(self, c: Children) -> nodes.Target:
        return nodes.Target(span_of(c), c[1].text, c[1].span, c[3])

    def declare(self, c: Children) -> nodes.Declare:
        value = self._bounded(c[5]) if len(c) == 6 else None
        return nodes.Declare(span_of(c), c[0].text, c[1].text, c[1].span, c[3], value)

    def output(self, c: Children) -> nodes.Output:
        return nodes.Output(span_of(c), all_of(c, nodes.OutputItem))

    def output_item(self, c: Children) -> nodes.OutputItem:
        name = c[0].text if len(c) == 3 else None
        return nodes.OutputItem(span_of(c), name, self._bounded(c[-1]))

    def assign(self, c: Children) -> nodes.Assign:
        target, value = c[0], c[2]
        mapping = c[3] if len(c) == 4 else None
        if mapping is not None:
            self._bounded(value)
            self._bounded(mapping)
        return nodes.Assign(span_of(c), target, value, mapping)

    def assignees(self, c: Children) -> nodes.AssignTarget:
        items = tuple(
            nodes.TargetName(i.span, i.text) if isinstance(i, Token) else i
            for i in c
            if not isinstance(i, Token) or i.type == "NAME"
        )
        return items[0] if len(items) == 1 else nodes.TargetTuple(span_of(c), items)

    assigned = assignees

    def assignee(self, c: Children) -> nodes.AssignTarget:
        return nodes.TargetName(c[0].span, c[0].text)

    def assignee_tuple(self, c: Children) -> nodes.AssignTarget:
        return nodes.TargetTuple(span_of(c), all_of(c, nodes.TargetName | nodes.TargetTuple))  # type: ignore[arg-type]

    def values(self, c: Children) -> nodes.Expr:
        for value in c:
            if not isinstance(value, Token):
                self._bounded(value)
        only: nodes.Expr = c[0]
        return only if len(c) == 1 else nodes.Tuple(span_of(c), expressions_of(c))

    def for_(self, c: Children) -> nodes.For:
        body = c[4]
        span = Span(self.source, c[0].start, body.end)
        return self._nested(nodes.For(span, c[1], c[3], body.statements), body.statements)

    def if_(self, c: Children) -> nodes.If:
        condition, body = self._bounded(c[1]), c[2]
        otherwise = c[3] if len(c) == 4 else Body((), body.end)
        span = Span(self.source, c[0].start, otherwise.end)
        return self._nested(
            nodes.If(span, condition, body.statements, otherwise.statements),
            body.statements + otherwise.statements,
        )

    def otherwise(self, c: Children) -> Body:
        branch = c[1]
        return branch if isinstance(branch, Body) else Body((branch,), branch.span.end)

    def assert_(self, c: Children) -> nodes.Assert:
        message = self._bounded(c[3]) if len(c) == 4 else None
        return nodes.Assert(span_of(c), self._bounded(c[1]), message)

    def update(self, c: Children) -> nodes.Update:
        body = c[-1]
        models = tuple(nodes.TargetName(t.span, t.text) for t in c[1:-1] if t.type == "NAME")
        span = Span(self.source, c[0].start, body.end)
        return self._nested(nodes.Update(span, models, body.statements), body.statements)

    def type(self, c: Children) -> nodes.TypeExpr:
        dimensions = expressions_of(c)
        for dimension in dimensions:
            self._bounded(dimension)
        return nodes.TypeExpr(span_of(c), c[0].text, c[0].span, dimensions)

    def _nested(self, node: _Compound, inner: tuple[nodes.Statement, ...]) -> _Compound:
        """`node`, emptied where it nests too deep to be walked."""
        depths = self._statement_depths
        depth = 1 + max((depths.get(s, 0) for s in inner), default=0)
        if depth > limits.STATEMENT_DEPTH:
            if isinstance(node, nodes.If):
                node = replace(node, then=(), otherwise=())
            else:
                node = replace(node, body=())
        depths[node] = depth
        if depth == limits.STATEMENT_DEPTH + 1:
            self._report(
                "E0131",
                f"statements nest deeper than {limits.STATEMENT_DEPTH} levels",
                node.span,
                "move the inner part into a block, or loop over a list",
            )
        return node


class Body:
    """The statements of a declaration between braces, and where the closing one ends."""

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
