"""Values on their way from where they are computed to where they are used.

An expression waits until its one use and stands there; used more often, or grown too large for a
line, it goes into a variable: the one its chain of operations ends in, if that is free until then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tercet.codegen.expr import Call, Expr, Literal, Name
from tercet.codegen.expr import Sequence as SequenceExpr
from tercet.codegen.merge import NotAlike
from tercet.codegen.names import Names
from tercet.codegen.references import Element
from tercet.codegen.render import render
from tercet.codegen.scope import Column, Frame, Pending
from tercet.codegen.target import ClassTarget
from tercet.codegen.tree import call_depth, mentions
from tercet.codegen.uses import Uses
from tercet.codegen.writer import Assign
from tercet.compiler.graph.ir import Bind, Graph, Item, Value
from tercet.dsl import nodes

_SIMPLE = Literal | Element | Name
"""Expressions that may stand at several uses."""


_ROOM = 80
"""What is left of a line of a method in 88 columns."""


class Values:
    """The part of a walker that knows which expression or variable is which value."""

    def __init__(self, graphs: Sequence[Graph], target: ClassTarget, names: Names) -> None:
        self.graphs = graphs
        self.target = target
        self.names = names
        self.uses = Uses()
        for graph in graphs:
            self.uses.add(graph)
        self.current: Sequence[Item] = ()
        self._shapes: tuple[str, ...] = ()

    def value(self, frame: Frame, column: Column) -> Expr:
        """The expression for values: one that waits for its only use, or a variable."""
        self.settle(frame, column)
        held = frame.pending.get(id(column[0]))
        if held is not None:
            if self._once(held):
                del frame.pending[id(column[0])]
            return held.expr
        name = frame.variable(column)
        if name is None:
            raise NotAlike
        return name

    def values(self, frame: Frame, columns: Sequence[Column]) -> list[Expr]:
        """The expressions for several values, as `value` gives them.

        First all that need variables get them: none may take the name that another reads.
        """
        for column in columns:
            self.settle(frame, column)
        return [self.value(frame, column) for column in columns]

    def settle(self, frame: Frame, column: Column) -> None:
        """Writes values to a variable if they wait and are used more than once."""
        held = frame.pending.get(id(column[0]))
        if held is not None and not self._once(held) and not isinstance(held.expr, _SIMPLE):
            self.spill(frame, held, None)

    def _once(self, held: Pending) -> bool:
        return len(held.columns) == 1 and self.uses.count(held.columns[0][0]) == 1

    def wait(
        self,
        frame: Frame,
        outputs: tuple[Column, ...],
        expr: Expr,
        depth: int,
        wish: str,
        inner: Pending | None = None,
    ) -> None:
        held = Pending(outputs, expr, depth, wish, inner)
        for column in outputs:
            frame.pending[id(column[0])] = held

    def spill(self, frame: Frame, held: Pending, wish: Bind | None) -> None:
        """Writes a waiting expression to variables."""
        names = []
        for column in held.columns:
            frame.pending.pop(id(column[0]), None)
            live = self.uses.is_live(column[0])
            name = self._borrowed(frame, wish, column) if len(held.columns) == 1 else None
            if name is None:
                name = self._temporary(frame, held) if live else "_"
            names.append(name)
            if live:
                frame.variables.set(name, column)
        self._assign(frame, names, held)

    def _temporary(self, frame: Frame, held: Pending) -> str:
        """A name for an intermediate value: `h` where that is free, as people write."""
        if len(held.columns) > 1:
            return self.names.fresh(held.wish)
        for name in (self.names.of("h"), self.names.of("h", "spare")):
            if self._is_free(frame, name):
                return name
        return self.names.fresh(held.wish)

    def _borrowed(self, frame: Frame, wish: Bind | None, column: Column) -> str | None:
        """The name that the value's chain ends in, where nothing else needs it until then."""
        if wish is None or not isinstance(wish.target, nodes.TargetName):
            return None
        name = self.names.of(wish.target.id)
        return name if self._is_free(frame, name) else None

    def _is_free(self, frame: Frame, name: str) -> bool:
        """Whether nothing needs what a variable alone holds, if it holds anything."""
        old = frame.variables.held.get(name)
        needed = old is not None and self._needed(old, self.uses.needed_from)
        if needed and not frame.variables.is_copy(name):
            return False
        return not self._captures(frame, name)

    def _needed(self, old: Column, after: Callable[[Value, object], bool]) -> bool:
        """Whether any execution still needs what a variable holds."""
        items = self.current
        if len(items) != len(old):
            return True
        return any(after(value, item) for value, item in zip(old, items, strict=True))

    def _captures(self, frame: Frame, name: str) -> list[Pending]:
        """The waiting expressions that read a variable."""
        if name not in frame.variables.held:
            return []
        read = Name(name)
        return [p for p in dict.fromkeys(frame.pending.values()) if mentions(p.expr, read)]

    def _assign(self, frame: Frame, names: list[str], held: Pending) -> None:
        targets = tuple(Name(n) for n in names)
        if targets == (held.expr,):  # an operation that does nothing here
            return
        if len(held.columns) > 1:
            frame.compute.append(self._taken_apart(targets, held))
            return
        comment = self._comment(held, names[0])
        frame.compute.append(Assign(targets, held.expr, comment))

    def _taken_apart(self, targets: tuple[Name, ...], held: Pending) -> Assign:
        """Several values to several variables; those that nothing needs only if they must be."""
        if not isinstance(held.expr, SequenceExpr):
            return Assign(targets, held.expr)
        found = zip(targets, held.expr.items, held.columns, strict=True)
        live = [(target, item) for target, item, c in found if any(map(self.uses.is_live, c))]
        kept, items = zip(*live, strict=True)
        return Assign(kept, items[0] if len(items) == 1 else SequenceExpr(items))

    def _comment(self, held: Pending, name: str) -> str | None:
        """The shape of what is assigned, where it is new and the line has room for it."""
        (column,) = held.columns
        if len(self.graphs) > 1 or not column[0].type.shape:
            return None
        shapes = {self.target.comment(self.graphs[0], v) for v in column}
        if len(shapes) > 1 or (shape := shapes.pop()) in self._shapes:
            return None
        if not _has_room(f"{name} = {render(held.expr)}", shape):
            self._shapes = ()
            return None
        self._shapes = (shape,)
        return None if _says_shape(held.expr, shape) else shape

    def _depth(self, inputs: Sequence[Expr | None], expr: Expr) -> int:
        deepest = 0
        for e in inputs:
            if e is not None:
                deepest = max(deepest, call_depth(e))
        return deepest + 1

    def flush(self, frame: Frame) -> None:
        """Writes all waiting expressions that are still needed to variables."""
        for held in list(dict.fromkeys(frame.pending.values())):
            if not isinstance(held.expr, _SIMPLE):
                self.spill(frame, held, None)

    def output_comment(self, expr: Expr) -> str | None:
        """The shape of a single output, where neither `expr` nor the last one noted says it."""
        outputs = self.graphs[0].outputs
        if len(self.graphs) > 1 or len(outputs) > 1 or not outputs[0].value.type.shape:
            return None
        shape = self.target.output_comment(self.graphs[0], 0)
        if shape in self._shapes or _says_shape(expr, shape):
            return None
        return shape if _has_room(f"return {render(expr)}", shape) else None


def _has_room(line: str, shape: str) -> bool:
    """Whether a line of a method is not broken because of its comment."""
    return not len(line) <= _ROOM < len(f"{line}  # {shape}")


def _says_shape(expr: Expr, shape: str) -> bool:
    """Whether the last arguments of a call are a shape, as those of `reshape` are."""
    if not isinstance(expr, Call) or expr.keywords or not expr.positional:
        return False
    *_, last = expr.positional
    sizes = last.items if isinstance(last, SequenceExpr) else expr.positional
    return f"[{', '.join(map(render, sizes))}]" == shape
