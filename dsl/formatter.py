"""The canonical form of a text: `tercet fmt`.

Works on tokens, so that numbers, strings and comments stay as they were written; the syntax tree
says where statements begin and which braces are bodies.  The result means the same, and formatting
it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from tercet.dsl import nodes
from tercet.dsl.diagnostics import DiagnosticError
from tercet.dsl.layout import INDENT, Run
from tercet.dsl.lexer import Tokens
from tercet.dsl.parser import parse
from tercet.dsl.source import Source
from tercet.dsl.spacing import Head, Spacing, close_of, line_up
from tercet.dsl.writer import Writer


def format_source(source: Source) -> str:
    """The text of `source` in canonical form.

    Raises DiagnosticError where the text has a syntax error.
    """
    result = parse(source)
    if result.diagnostics:
        raise DiagnosticError(*result.diagnostics)
    return _Formatter(Tokens(source)).format(result.module)


class _Formatter:
    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens.tokens
        self.writer = Writer(tokens)
        self.closing = close_of(tokens.tokens)
        self.opening = {close: open for open, close in self.closing.items()}
        self.starting = {token.start: number for number, token in enumerate(tokens.tokens)}
        self.ending = {token.end: number for number, token in enumerate(tokens.tokens)}

    def format(self, module: nodes.Module) -> str:
        for declaration in module.declarations:
            self._declaration(declaration)
        self.writer.flush(len(module.source.text), 0, keep_blank=True)
        return self.writer.text()

    def _declaration(self, node: nodes.Declaration) -> None:
        first, last = self._range(node)
        if isinstance(node, nodes.Block | nodes.Train):
            self.writer.separate()
            self._head(first, self.opening[last], 0)
            self._body(node.body, self.opening[last], 0)
            self.writer.separate()
        else:
            self._run(first, last).write(0, 0, keep_blank=True)

    def _range(self, node: nodes.Node) -> tuple[int, int]:
        """The numbers of a node's first and last token."""
        return self.starting[node.span.start], self.ending[node.span.end]

    def _run(self, first: int, last: int) -> Run:
        return Run(self.writer, self.closing, first, last)

    def _head(self, first: int, opened: int, indent: int, before: str | int | None = None) -> None:
        """The words before a body, and its opening brace."""
        run = self._run(first, opened - 1)
        run.write(indent, indent if before is None else before, keep_blank=True, tail=2)
        self.writer.emit(opened, " ", indent)

    def _body(self, body: Sequence[nodes.Statement], opened: int, indent: int) -> None:
        """Statements, and the brace that closes them."""
        closed = self.closing[opened]
        padding = self._padding(body)
        for node in body:
            self._statement(node, indent + INDENT, padding)
        has_comment = self.writer.has_comment(opened, closed)
        self.writer.flush(self.tokens[closed].start, indent + INDENT, keep_blank=True)
        self.writer.emit(closed, indent if body or has_comment else " ", indent)

    def _statement(self, node: nodes.Statement, indent: int, padding: dict[int, int]) -> None:
        first, last = self._range(node)
        match node:
            case nodes.For(body=body) | nodes.Update(body=body):
                self._head(first, self.opening[last], indent)
                self._body(body, self.opening[last], indent)
            case nodes.If():
                self._if(node, indent)
            case nodes.Assign(target=target):
                run = self._run(first, last)
                equal = self._range(target)[1] + 1
                run.pad({equal: padding.get(equal, 0)})
                run.write(indent, indent, keep_blank=True)
            case _:
                self._run(first, last).write(indent, indent, keep_blank=True)

    def _if(self, node: nodes.If, indent: int) -> None:
        before: str | int = indent
        while True:
            first, last = self._range(node)
            opened = self._range(node.condition)[1] + 1
            self._head(first, opened, indent, before)
            self._body(node.then, opened, indent)
            closed = self.closing[opened]
            if closed == last:
                return
            self.writer.emit(closed + 1, " ", indent)
            before = " "
            if self.tokens[closed + 2].type == "LBRACE":
                self.writer.emit(closed + 2, " ", indent)
                self._body(node.otherwise, closed + 2, indent)
                return
            (following,) = node.otherwise
            assert isinstance(following, nodes.If)
            node = following

    def _padding(self, body: Sequence[nodes.Statement]) -> dict[int, int]:
        """Spaces before the `=` of assignments whose `=` the author had lined up."""
        heads: list[Head | None] = []
        for node in body:
            if isinstance(node, nodes.Assign):
                first, last = self._range(node.target)
                width = Spacing(self.tokens, self.closing, first, last).width
                heads.append(Head(first, last + 1, width))
            else:
                heads.append(None)
        return line_up(self.tokens, heads)
