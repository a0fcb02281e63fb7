"""The mapping of a data source, printed as NumPy.

A column that a library gives in another dtype than the language's is cast where it is read, and
no operation changes the dtype against the language: its rules are in `numpy_rules`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import field

from tercet.codegen.expr import Expr, Name
from tercet.codegen.names import Names
from tercet.codegen.render import render
from tercet.codegen.script.data_sources import Column
from tercet.codegen.script.numpy_rules import lowered, mentions, numpy_dtype
from tercet.compiler.graph.ir import Apply, Graph, Value
from tercet.compiler.ops.elementwise import Cast, Constant
from tercet.compiler.types import DType
from tercet.dsl.diagnostics import Diagnostic, DiagnosticError
from tercet.dsl.records import dataclass


@dataclass(frozen=True)
class Printed:
    """Lines that assign the outputs of a mapping, and the names that they assign."""

    lines: tuple[str, ...]
    names: tuple[str, ...]


def mapping_lines(graph: Graph, columns: Mapping[str, Column], names: Names) -> Printed:
    """A mapping over columns.  Raises DiagnosticError for an operation that has no rule."""
    return _Printer(graph, columns, names).run()


@dataclass
class _Printer:
    graph: Graph
    columns: Mapping[str, Column]
    names: Names
    lines: list[str] = field(default_factory=list)
    _known: dict[int, Expr] = field(default_factory=dict)

    def run(self) -> Printed:
        makers = {id(value): item for item in self._items() for value in item.outputs}
        uses = Counter(
            id(value) for item in self._items() for value in item.inputs * mentions(item.op)
        )
        outputs = [(self.names.of(o.name), o.value) for o in self.graph.outputs]
        for given in self.graph.inputs:
            self._known[id(given.value)] = self._column(given.value, given.value.type.dtype)
            casts = sum(self._is_read_as(i) for i in makers.values() if given.value in i.inputs)
            if uses[id(given.value)] - casts > 1:
                self._assign(self.names.fresh(given.value.name), given.value)
        for name, value in outputs:
            for needed in self._order(value, makers):
                self._apply(needed, uses)
            self._assign(name, value)
        return Printed(tuple(self.lines), tuple(name for name, _ in outputs))

    def _items(self) -> Iterator[Apply]:
        for item in self.graph.body.walk():
            if not isinstance(item, Apply):
                raise TypeError("a mapping holds operations only")
            yield item

    def _order(self, value: Value, makers: Mapping[int, Apply]) -> list[Apply]:
        """The operations that a value still needs, operands first, without recursion."""
        order: dict[int, Apply] = {}
        pending = [(value, False)]
        while pending:
            current, ready = pending.pop()
            item = makers.get(id(current))
            if item is None or id(current) in self._known or id(item) in order:
                continue
            if ready:
                order[id(item)] = item
                continue
            pending.append((current, True))
            pending += [(v, False) for v in reversed(item.inputs) if v is not None]
        return list(order.values())

    def _apply(self, item: Apply, uses: Mapping[int, int]) -> None:
        output = item.outputs[0]
        if self._is_read_as(item):
            assert item.inputs[0] is not None
            expr: Expr | None = self._column(item.inputs[0], output.type.dtype)
        else:
            expr = lowered(item, [None if v is None else self._known[id(v)] for v in item.inputs])
        if expr is None or len(item.outputs) > 1:
            raise _no_rule(item)
        self._known[id(output)] = expr
        if uses[id(output)] > 1 and not isinstance(item.op, Constant):
            self._assign(self.names.fresh(output.name), output)

    def _is_read_as(self, item: Apply) -> bool:
        """Whether this is the cast of a column: of what the source gives, not by way of f32."""
        return isinstance(item.op, Cast) and any(i.value in item.inputs for i in self.graph.inputs)

    def _column(self, value: Value, dtype: DType) -> Expr:
        column = self.columns[value.name]
        given = column.dtype or value.type.dtype.numpy_name
        is_other = given != dtype.numpy_name
        return column.expr.astype(numpy_dtype(dtype)) if is_other else column.expr

    def _assign(self, name: str, value: Value) -> None:
        expr = self._known[id(value)]
        if expr != Name(name):
            self.lines.append(f"{name} = {render(expr)}")
        self._known[id(value)] = Name(name)


def _no_rule(item: Apply) -> DiagnosticError:
    name = item.op.name
    return DiagnosticError(
        Diagnostic(
            "E0512",
            f"`{name}` cannot stand in the mapping of `data`",
            item.span,
            help="the mapping is element-wise arithmetic, indexing, `reshape` and `cast`; "
            "what else there is to compute belongs into the model",
        )
    )
