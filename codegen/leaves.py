"""What to print for a literal that several executions agree on, or do not.

In order: the literal itself (unless only some of the instances come by here); what the source
wrote in the call's argument; a constructor argument or a name of the block with the same
values; a size read from an input; a new constructor argument.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tercet.codegen.arguments import Arguments
from tercet.codegen.expr import Binary, Expr, Literal, Name, Unary
from tercet.codegen.merge import NotAlike
from tercet.codegen.references import SizeName
from tercet.codegen.static import static_expr
from tercet.codegen.tree import children
from tercet.compiler.dims import Dim, FloorDiv, Max, Min, Mod, Product, Size, Sum, Symbol
from tercet.compiler.graph.ir import Argument as WrittenArgument
from tercet.dsl import nodes

Written = Sequence[Sequence[WrittenArgument]]
"""Per execution, the static arguments written at the site."""


class Leaves:
    """Resolves the literals of one site."""

    def __init__(
        self,
        arguments: Arguments,
        graphs: Sequence[int],
        statics: dict[str, Expr | None],
        written: Written,
        *,
        symbolic: bool,
    ) -> None:
        self._arguments = arguments
        self._graphs = graphs
        self._statics = statics
        self._written = written
        self._symbolic = symbolic

    def resolve(self, values: Sequence[Any], keyword: str | None) -> Expr:
        """The expression for one value per execution.  Raises NotAlike."""
        first = values[0]
        alike = all(type(v) is type(first) and v == first for v in values)
        some = len(set(self._graphs)) < len(self._arguments.graphs)
        if alike and not isinstance(first, Dim) and not some:
            return Literal(first)
        source = self._from_source(values)
        if source is not None:
            return source
        if alike and not isinstance(first, Dim):
            return Literal(first)
        if any(isinstance(v, Dim) for v in values):
            return self._size(values)
        found: Expr | None = self._arguments.find(values, self._graphs)
        if found is None:
            found = self._from_locals(values)
        if found is not None:
            return found
        return self._arguments.invent(keyword, values, self._graphs)

    def _from_source(self, values: Sequence[Any]) -> Expr | None:
        for expression, column in self._candidates():
            if len(column) == len(values) and all(
                type(a) is type(b) and a == b for a, b in zip(column, values, strict=True)
            ):
                printed = static_expr(expression, self._statics)
                if printed is None or isinstance(printed, Literal) or not self._legal(printed):
                    continue
                return printed
        return None

    def _from_locals(self, values: Sequence[Any]) -> Expr | None:
        """What a name of the block prints as that has these values: `hidden = expansion * C`."""
        for name, printed in self._statics.items():
            if printed is None or isinstance(printed, Literal) or not self._legal(printed):
                continue
            held = [self._arguments.local(name, g) for g in self._graphs]
            if all(type(a) is type(b) and a == b for a, b in zip(held, values, strict=True)):
                return printed
        return None

    def _candidates(self) -> Iterator[tuple[nodes.Expr, list[Any]]]:
        for column in zip(*self._written, strict=False):
            if any(a.expression is not column[0].expression for a in column):
                continue
            yield from _flatten(column[0].expression, [a.value for a in column])

    def _legal(self, printed: Expr) -> bool:
        return self._symbolic or not _reads_size(printed)

    def _size(self, values: Sequence[Any]) -> Expr:
        """A symbolic size over the names of the graph's inputs."""
        if not self._symbolic:
            raise NotAlike
        for name in self._arguments.graphs[0].dims:
            column = [self._arguments.graphs[g].dims[name] for g in self._graphs]
            if all(a == b for a, b in zip(column, values, strict=True)):
                return SizeName(name)
        if any(v != values[0] for v in values):
            raise NotAlike
        return self._expression(values[0])

    def _expression(self, size: Size) -> Expr:
        if isinstance(size, int):
            return Literal(size)
        for name, bound in self._arguments.graphs[self._graphs[0]].dims.items():
            if bound == size:
                return SizeName(name)
        match size.expression:
            case Sum() as total:
                (sign, first), *others = total.signed
                result = self._expression(first)
                result = Unary("-", result) if sign < 0 else result
                for sign, term in others:
                    result = Binary("-" if sign < 0 else "+", result, self._expression(term))
                return result
            case Product(factors):
                result = self._expression(factors[0])
                for factor in factors[1:]:
                    result = Binary("*", result, self._expression(factor))
                return result
            case FloorDiv(left, right):
                return Binary("//", self._expression(left), self._expression(right))
            case Mod(left, right):
                return Binary("%", self._expression(left), self._expression(right))
            case Min(items):
                return Name("min")(*map(self._expression, items))
            case Max(items):
                return Name("max")(*map(self._expression, items))
            case Symbol():
                pass
        raise NotAlike


def _flatten(expression: nodes.Expr, values: list[Any]) -> Iterator[tuple[nodes.Expr, list[Any]]]:
    """An argument, and the elements of one that is written as a list."""
    yield expression, values
    if isinstance(expression, nodes.List | nodes.Tuple):
        for index, item in enumerate(expression.items):
            if all(isinstance(v, tuple | list) and len(v) > index for v in values):
                yield from _flatten(item, [v[index] for v in values])


def _reads_size(expr: Expr) -> bool:
    return isinstance(expr, SizeName) or any(map(_reads_size, children(expr)))
