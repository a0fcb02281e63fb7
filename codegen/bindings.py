"""Bindings of the source: `h = …` becomes an assignment, a static one something to print later."""

from __future__ import annotations

from typing import Any

from tercet.codegen.arguments import printable
from tercet.codegen.expr import Expr, Name, Sequence
from tercet.codegen.merge import NotAlike
from tercet.codegen.renaming import renamed
from tercet.codegen.scope import Column, Frame, Pending, same
from tercet.codegen.static import static_expr
from tercet.codegen.uses import bound_names
from tercet.codegen.values import Values
from tercet.codegen.writer import Assign
from tercet.compiler.graph.ir import Bind, Value
from tercet.dsl import nodes


class Bindings(Values):
    """The part of a walker that prints bindings."""

    def _bind(self, frame: Frame, column: list[Bind]) -> None:
        first = column[0]
        if any(b.expression is not first.expression for b in column):
            raise NotAlike
        if isinstance(first.value, Value):
            assert isinstance(first.target, nodes.TargetName)
            self._bind_tensor(frame, first, [b.value for b in column])
            return
        if _holds_tensors(first.value):
            self._bind_tensors(frame, first, [b.value for b in column])
            return
        printed = static_expr(first.expression, frame.statics)
        for name in bound_names(first.target, first.value):
            values = [bound_names(b.target, b.value)[name] for b in column]
            frame.statics[name] = self._static(values, printed, first.target)

    def _static(
        self, values: list[Any], printed: Expr | None, target: nodes.AssignTarget
    ) -> Expr | None:
        if all(type(v) is type(values[0]) and v == values[0] for v in values):
            literal = printable(values[0])
            if literal is not None:
                return literal
        return printed if isinstance(target, nodes.TargetName) else None

    def _bind_tensor(self, frame: Frame, bind: Bind, column: list[Value]) -> None:
        assert isinstance(bind.target, nodes.TargetName)
        frame.statics.pop(bind.target.id, None)
        if not any(map(self.uses.is_live, column)):
            held = frame.pending.get(id(column[0]))
            if held is not None and len(held.columns) == 1:
                del frame.pending[id(column[0])]
            return
        held = frame.pending.get(id(column[0]))
        if held is not None and frame.outermost and self._is_result(column, held):
            return
        name = self.names.of(bind.target.id)
        if held is not None and len(held.columns) > 1:
            self.spill(frame, held, None)
            held = None
        existing = None if held is not None else frame.variable(column)
        if existing is not None and existing.identifier == name:
            return
        if held is None and existing is None:
            if self._needed(column, self.uses.needed_after):
                raise NotAlike
            return
        self.preserve(frame, name, bind)
        held = frame.pending.get(id(column[0])) if held is not None else None
        if held is not None:
            del frame.pending[id(column[0])]
            self._assign(frame, [name], held)
        elif existing is not None:
            frame.compute.append(Assign((Name(name),), existing))
        frame.variables.set(name, column)

    def _is_result(self, column: list[Value], held: Pending) -> bool:
        """Whether the value is only returned, alone: then no name is needed."""
        outputs = self.graphs[0].outputs
        if len(outputs) > 1 or len(held.columns) > 1 or len(column) != len(self.graphs):
            return False
        returned = all(v is g.outputs[0].value for v, g in zip(column, self.graphs, strict=True))
        return returned and self.uses.count(column[0]) == 1

    def preserve(self, frame: Frame, name: str, item: Bind) -> None:
        """Keeps a value that is still needed when its variable is about to be rebound."""
        bound = frame.pending.get(id(item.value)) if isinstance(item.value, Value) else None
        for held in self._captures(frame, name):
            if held is not bound:
                self.spill(frame, held, None)
        old = frame.variables.held.get(name)
        if old is None or not self._needed(old, self.uses.needed_after):
            return
        frame.variables.forget(name)
        if frame.variables.find(old) is None and not self._held_elsewhere(frame, old):
            kept = self.names.fresh(name)
            if not renamed(frame, name, kept):
                frame.compute.append(Assign((Name(kept),), Name(name)))
            frame.variables.set(kept, old)

    def _held_elsewhere(self, frame: Frame, old: Column) -> bool:
        """Whether what is still needed of a column is in other variables, each its own perhaps."""
        if len(self.current) != len(old):
            return False
        held = frame.variables.held.values()
        return all(
            any(other[k] is value for other in held)
            for k, (value, item) in enumerate(zip(old, self.current, strict=True))
            if self.uses.needed_after(value, item)
        )

    def _bind_tensors(self, frame: Frame, bind: Bind, values: list[Any]) -> None:
        """A tuple of tensors: unpacked where the source unpacks it, else its parts wait."""
        first = bound_names(bind.target, bind.value)
        held = self._unpacked(frame, bind)
        if held is None:
            parts: dict[str, list[Value]] = {}
            for name, value in first.items():
                if isinstance(value, Value):
                    parts[name] = [_tensor(bound_names(bind.target, v)[name]) for v in values]
                else:
                    frame.statics[name] = None
            if len(parts) == 1:
                ((name, only),) = parts.items()
                target = nodes.TargetName(bind.span, name)
                one = Bind(target, bind.expression, only[0], bind.span)
                self._bind_tensor(frame, one, only)
            else:
                self._bind_together(frame, parts)
            return
        for name in first:
            self._keep(frame, self.names.of(name), [held], [])
        names = []
        for source, column in zip(_names(bind.target), held.columns, strict=True):
            frame.pending.pop(id(column[0]), None)
            if not any(map(self.uses.is_live, column)):
                names.append("_")
                continue
            lasts = first[source] is column[0]  # `_, h, _ = …`: the last one keeps the name
            names.append(self.names.of(source) if lasts else self.names.fresh(source))
            frame.variables.set(names[-1], column)
        self._assign(frame, names, held)

    def _bind_together(self, frame: Frame, parts: dict[str, list[Value]]) -> None:
        """`a, b = b, a`: every right side is as it was before any name is bound."""
        found: dict[str, tuple[list[Value], Expr]] = {}
        waiting = []
        for source, column in parts.items():
            frame.statics.pop(source, None)
            held = frame.pending.get(id(column[0]))
            if held is not None and len(held.columns) > 1:
                self.spill(frame, held, None)
                held = None
            if not self._needed(column, self.uses.needed_after):
                continue
            expr = held.expr if held is not None else frame.variable(column)
            if expr is None:
                raise NotAlike
            name = self.names.of(source)
            if expr == Name(name):  # it is there already
                continue
            waiting += [held] if held is not None else []
            found[name] = column, expr
        kept = [column for column, _ in found.values()]
        for name in found:
            self._keep(frame, name, waiting, kept)
        for held in waiting:
            frame.pending.pop(id(held.columns[0][0]), None)
        if found:
            targets = tuple(map(Name, found))
            exprs = tuple(expr for _, expr in found.values())
            value = exprs[0] if len(exprs) == 1 else Sequence(exprs)
            frame.compute.append(Assign(targets, value))
        for name, (column, _) in found.items():
            frame.variables.set(name, column)

    def _keep(
        self, frame: Frame, name: str, bound: list[Pending], columns: list[list[Value]]
    ) -> None:
        """Keeps what a name holds, unless it is bound to another name at once."""
        for held in self._captures(frame, name):
            if held not in bound:
                self.spill(frame, held, None)
        old = frame.variables.held.get(name)
        if old is None or not self._needed(old, self.uses.needed_after):
            return
        frame.variables.forget(name)
        if frame.variables.find(old) is None and not any(same(old, c) for c in columns):
            kept = self.names.fresh(name)
            frame.compute.append(Assign((Name(kept),), Name(name)))
            frame.variables.set(kept, old)

    def _unpacked(self, frame: Frame, bind: Bind) -> Pending | None:
        """The waiting operation whose outputs are exactly what the binding names, in order."""
        values = bind.value
        if not isinstance(bind.target, nodes.TargetTuple) or not isinstance(values, tuple | list):
            return None
        first = values[0] if values else None
        held = frame.pending.get(id(first)) if isinstance(first, Value) else None
        if held is None or len(held.columns) != len(values) or len(held.columns) == 1:
            return None
        alike = all(c[0] is v for c, v in zip(held.columns, values, strict=True))
        return held if alike else None


def _tensor(value: object) -> Value:
    """A value that has to be a tensor in every execution.  Raises NotAlike."""
    if not isinstance(value, Value):
        raise NotAlike
    return value


def _names(target: nodes.AssignTarget) -> list[str]:
    """The names of a target that takes the outputs of an operation apart."""
    assert isinstance(target, nodes.TargetTuple)
    return [item.id for item in target.items if isinstance(item, nodes.TargetName)]


def _holds_tensors(value: Any) -> bool:
    if isinstance(value, Value):
        return True
    return isinstance(value, tuple | list) and any(map(_holds_tensors, value))
