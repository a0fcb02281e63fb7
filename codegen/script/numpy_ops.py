"""The mapping of a data source, printed as NumPy.

Arrays may be float64 in the script where the language says f32 (what a library or a random
generator gives); the dtype is followed, and an array that ends up with another one than the
language's is cast once, where it is assigned.  The rules of the operations are in `numpy_rules`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import field

from tercet.codegen.expr import Name
from tercet.codegen.names import Names
from tercet.codegen.render import render
from tercet.codegen.script.data_sources import Column
from tercet.codegen.script.numpy_rules import lowered, numpy_dtype
from tercet.compiler.graph.ir import Apply, Graph, Value
from tercet.compiler.ops.elementwise import Cast, Constant
from tercet.compiler.types import TensorType
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
    _known: dict[int, Column] = field(default_factory=dict)

    def run(self) -> Printed:
        makers = {id(value): item for item in self._items() for value in item.outputs}
        uses = Counter(id(value) for item in self._items() for value in item.inputs)
        outputs = [(self.names.of(o.name), o.value) for o in self.graph.outputs]
        for given in self.graph.inputs:
            column = self.columns[given.value.name]
            if not column.dtype:
                column = Column(column.expr, given.value.type.dtype.numpy_name)
            self._known[id(given.value)] = column
            if uses[id(given.value)] > 1:
                self._assign(self.names.fresh(given.value.name), given.value)
        for name, value in outputs:
            for needed in self._order(value, makers):
                self._apply(needed, uses)
            self._assign(name, value, cast=value.type)
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
        given = [None if v is None else self._known[id(v)] for v in item.inputs]
        output = item.outputs[0]
        expr = lowered(item, [None if column is None else column.expr for column in given])
        if expr is None or len(item.outputs) > 1:
            raise _no_rule(item)
        self._known[id(output)] = Column(expr, _dtype(item, given))
        if uses[id(output)] > 1 and not isinstance(item.op, Constant):
            self._assign(self.names.fresh(output.name), output)

    def _assign(self, name: str, value: Value, cast: TensorType | None = None) -> None:
        column = self._known[id(value)]
        expr, dtype = column.expr, column.dtype
        if cast is not None and dtype != cast.dtype.numpy_name:
            dtype = cast.dtype.numpy_name
            expr = expr.astype(numpy_dtype(cast.dtype))
        if expr != Name(name):
            self.lines.append(f"{name} = {render(expr)}")
        self._known[id(value)] = Column(Name(name), dtype)


_LITERAL = "literal"
"""In place of a dtype: a Python number, which adopts that of the array beside it."""


def _dtype(item: Apply, given: list[Column | None]) -> str:
    """The dtype that NumPy gives: float64 spreads, and is what numbers alone become."""
    output = item.outputs[0].type.dtype
    if isinstance(item.op, Constant):
        return _LITERAL
    if isinstance(item.op, Cast) or not output.is_float:
        return output.numpy_name
    found = {column.dtype for column in given if column is not None} - {"bool", _LITERAL}
    return output.numpy_name if found and "float64" not in found else "float64"


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
