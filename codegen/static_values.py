"""How static values print: as literals, as what the source wrote, as arguments or sizes of inputs.

In order: the literal itself (unless only some of the instances come by here); what the source
wrote in the call's argument; a constructor argument or a name of the block with the same
values; a size read from an input; a new constructor argument.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tercet.codegen.arguments import Arguments, Written
from tercet.codegen.computed import chosen, computed, folded, is_over_arguments
from tercet.codegen.decisions import CannotMerge
from tercet.codegen.expr import (
    ArgumentName,
    Binary,
    Call,
    Expr,
    Literal,
    LoopItem,
    Name,
    SizeName,
    Subscript,
    Unary,
)
from tercet.codegen.expr import Sequence as SequenceExpr
from tercet.codegen.state import Frame, State
from tercet.codegen.tree import has_part
from tercet.compiler.dims import Dim, FloorDiv, Max, Min, Mod, Product, Size, Sum, Symbol
from tercet.compiler.graph.values import same_value
from tercet.dsl import nodes


class StaticValues:
    """Finds what the static values of one site print as."""

    def __init__(
        self,
        arguments: Arguments,
        graphs: Sequence[int],
        statics: dict[str, Expr | None],
        written: Written,
        *,
        symbolic: bool,
        preferred: str = "number",
        reads: bool = False,
        in_lists: bool = False,
    ) -> None:
        self._arguments = arguments
        self._graphs = graphs
        self._statics = statics
        self._written = written
        self._symbolic = symbolic
        self._preferred = preferred
        self._reads = reads
        self._in_lists = in_lists

    @classmethod
    def of(
        cls,
        state: State,
        frame: Frame,
        written: Written,
        *,
        symbolic: bool = True,
        preferred: str = "number",
    ) -> StaticValues:
        """Those of a site that is being printed.

        `symbolic`: sizes of inputs may be used, where the target can compute with them;
        `preferred` is the name of an argument that nothing in the source gives a name to.
        """
        symbolic = symbolic and state.target.reads_sizes
        reads = symbolic and state.target.reads_known_sizes
        given = state.arguments, frame.graphs, frame.statics, written
        return cls(*given, symbolic=symbolic, preferred=preferred, reads=reads)

    def resolve(self, values: Sequence[Any], keyword: str | None) -> Expr:
        """The expression for one value per execution.  Raises CannotMerge."""
        found = self._resolved(values, keyword)
        return self._arguments.read_from_inputs(found) if self._reads else found

    def _resolved(self, values: Sequence[Any], keyword: str | None) -> Expr:
        first = values[0]
        alike = all(same_value(v, first) for v in values)
        some = len(set(self._graphs)) < len(self._arguments.graphs)
        if alike and not isinstance(first, Dim) and not some:
            source = self._from_source(values)
            return source if source and self._arguments.follows(source) else Literal(first)
        source = self._from_source(values)
        if source is not None:
            return source
        if alike and not isinstance(first, Dim):
            return Literal(first)
        if any(isinstance(v, Dim) for v in values):
            return self._size(values)
        found = self.find(values)
        if found is not None:
            return found
        preferred = keyword or self._attribute(values) or self._preferred
        return self._arguments.add(preferred, values, self._graphs)

    def _attribute(self, values: Sequence[Any]) -> str | None:
        """The attribute of the operation that has these values, by its name in the source."""
        for column in zip(*self._written, strict=False):
            name: str = column[0].name
            if all(a.name == name for a in column) and _same([a.value for a in column], values):
                return name
        return None

    def find(self, values: Sequence[Any]) -> Expr | None:
        """An expression over the class's arguments that has these values."""
        found: Expr | None = self._arguments.find(values, self._graphs)
        if found is None:
            found = self._from_locals(values)
        if found is None:
            found = computed(values, self._known())
        if found is not None:
            self._arguments.note(found, values, self._graphs)
        return found

    def _from_source(self, values: Sequence[Any]) -> Expr | None:
        for expression, column in self._candidates():
            if isinstance(expression, nodes.Constant) or not _same(column, values):
                continue
            printed = static_expr(expression, self._statics)
            if printed is None or isinstance(printed, Literal) or not self._legal(printed):
                continue
            self._arguments.note(printed, values, self._graphs)
            return printed
        return None

    def _from_locals(self, values: Sequence[Any]) -> Expr | None:
        """What a name of the block prints as that has these values: `hidden = expansion * C`."""
        for printed, column in self._locals():
            if _same(column, values) and self._legal(printed):
                return printed
        return None

    def _locals(self) -> Iterator[tuple[Expr, list[Any]]]:
        """The static names of the block, and the items of lists, with what they hold."""
        for name, printed in self._statics.items():
            if printed is not None and not isinstance(printed, Literal):
                held = [self._arguments.local(name, g) for g in self._graphs]
                yield from _with_items(printed, held)

    def _known(self) -> Iterator[tuple[Expr, list[Any]]]:
        """What sizes may be computed from: arguments, names, and what is printed already."""
        for argument in self._arguments.known:
            yield ArgumentName(argument.name), [argument.values[g] for g in self._graphs]
        yield from ((e, c) for e, c in self._locals() if is_over_arguments(e))
        for printed, held in self._arguments.expressions:
            if is_over_arguments(printed) and held.keys() >= set(self._graphs):
                yield printed, [held[g] for g in self._graphs]

    def _candidates(self) -> Iterator[tuple[nodes.Expr, list[Any]]]:
        for column in zip(*self._written, strict=False):
            if any(a.expression is not column[0].expression for a in column):
                continue
            yield from _flatten(column[0].expression, [a.value for a in column])

    def _legal(self, printed: Expr) -> bool:
        if not self._symbolic and has_part(printed, SizeName):
            return False
        return not (self._in_lists and has_part(printed, LoopItem))

    def _size(self, values: Sequence[Any]) -> Expr:
        """A symbolic size over the names of the graph's inputs."""
        if not self._symbolic:
            raise CannotMerge("a size of an input is needed where there is no input")
        for name in self._arguments.graphs[0].dims:
            column = [self._arguments.graphs[g].dims[name] for g in self._graphs]
            if all(a == b for a, b in zip(column, values, strict=True)):
                return SizeName(name)
        if any(v != values[0] for v in values):
            raise CannotMerge("sizes differ that no name of an input's shape stands for")
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
        raise CannotMerge(f"no name of an input's shape stands for the size {size}")


def _same(column: Sequence[Any], values: Sequence[Any]) -> bool:
    return len(column) == len(values) and all(map(same_value, column, values))


def _with_items(printed: Expr, held: list[Any]) -> Iterator[tuple[Expr, list[Any]]]:
    """An expression, and the items of one that is a list."""
    yield printed, held
    if isinstance(printed, SequenceExpr):
        for index, item in enumerate(printed.items):
            if all(isinstance(v, tuple | list) and len(v) == len(printed.items) for v in held):
                yield from _with_items(item, [v[index] for v in held])


def _flatten(expression: nodes.Expr, values: list[Any]) -> Iterator[tuple[nodes.Expr, list[Any]]]:
    """An argument, and the elements of one that is written as a list."""
    yield expression, values
    if isinstance(expression, nodes.List | nodes.Tuple):
        for index, item in enumerate(expression.items):
            if all(isinstance(v, tuple | list) and len(v) > index for v in values):
                yield from _flatten(item, [v[index] for v in values])


# --------------------------------------------------------------------- expressions of the source

_FUNCTIONS = {
    "len",
    "range",
    "min",
    "max",
    "abs",
    "sum",
    "int",
    "float",
    "round",
    "enumerate",
    "zip",
}


def static_expr(node: nodes.Expr, names: Mapping[str, Expr | None]) -> Expr | None:
    """The expression over what `names` gives for each name; None where one cannot be printed."""
    match node:
        case nodes.Constant(value=value):
            return Literal(value)
        case nodes.Name(id=identifier):
            return names.get(identifier)
        case nodes.Unary(operator="not", operand=operand):
            inner = static_expr(operand, names)
            return None if inner is None else Unary("not", inner)
        case nodes.Unary(operator=operator, operand=operand):
            inner = static_expr(operand, names)
            return None if inner is None else Unary(operator, inner)
        case nodes.Binary(operator=operator, left=left, right=right):
            parts = _all((left, right), names)
            return None if parts is None else folded(operator, *parts)
        case nodes.Conditional(condition=condition, then=then, otherwise=otherwise):
            parts = _all((condition, then, otherwise), names)
            return None if parts is None else chosen(*parts)
        case nodes.List(items=items) | nodes.Tuple(items=items):
            parts = _all(items, names)
            return None if parts is None else SequenceExpr(parts, isinstance(node, nodes.List))
        case nodes.Call(function=nodes.Name(id=function), arguments=arguments, keywords=()):
            parts = _all(arguments, names)
            known = function in _FUNCTIONS and function not in names
            return Call(Name(function), parts) if known and parts is not None else None
        case nodes.Index(value=value, items=(item,)) if not isinstance(
            item, nodes.Slice | nodes.Ellipsis
        ):
            parts = _all((value, item), names)
            return None if parts is None else _subscript(*parts)
    return None


def _all(
    items: tuple[nodes.Expr, ...], names: Mapping[str, Expr | None]
) -> tuple[Expr, ...] | None:
    parts = []
    for item in items:
        part = static_expr(item, names)
        if part is None:
            return None
        parts.append(part)
    return tuple(parts)


def _subscript(owner: Expr, place: Expr) -> Expr:
    match owner, place:
        case SequenceExpr(items), Literal(int(index)) if -len(items) <= index < len(items):
            return items[index]
    return Subscript(owner, place)
