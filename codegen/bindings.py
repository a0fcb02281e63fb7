"""Bindings of the source: `h = …` becomes an assignment, a static one something to print later.

A value that is still needed when its variable is rebound gets another name where it was assigned,
if that can be done: `skip = self.down(x)` reads better than `h = self.down(x)` and `h_1 = h`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tercet.codegen.arguments import printable
from tercet.codegen.decisions import CannotMerge
from tercet.codegen.expr import Expr, Name, Sequence
from tercet.codegen.regions import in_class
from tercet.codegen.state import Column, Deferred, Frame, State, held_once, same
from tercet.codegen.static_values import static_expr
from tercet.codegen.tree import map_expressions, mentions
from tercet.codegen.tree import replace as replace_parts
from tercet.codegen.uses import bound_names
from tercet.codegen.values import assign, is_needed, materialize, readers
from tercet.codegen.writer import Assign, For, If, Statement
from tercet.compiler.graph.ir import Bind, Value
from tercet.compiler.graph.values import same_value
from tercet.dsl import nodes

_LOOK_BACK = 200
"""How many statements are searched for an assignment: more would make long chains slow."""


@in_class(Bind)
def print_bind(state: State, frame: Frame, column: list[Bind], destination: Bind | None) -> None:
    first = column[0]
    if any(b.expression is not first.expression for b in column):
        raise CannotMerge("a name is bound to different expressions")
    if isinstance(first.value, Value):
        assert isinstance(first.target, nodes.TargetName)
        _bind_tensor(state, frame, first, [b.value for b in column])
        return
    if _holds_tensors(first.value):
        _bind_tensors(state, frame, first, [b.value for b in column])
        return
    printed = static_expr(first.expression, frame.statics)
    for name in bound_names(first.target, first.value):
        values = [bound_names(b.target, b.value)[name] for b in column]
        frame.statics[name] = _static(values, printed, first.target)


def _static(values: list[Any], printed: Expr | None, target: nodes.AssignTarget) -> Expr | None:
    if all(same_value(v, values[0]) for v in values):
        literal = printable(values[0])
        if literal is not None:
            return literal
    return printed if isinstance(target, nodes.TargetName) else None


def _holds_tensors(value: Any) -> bool:
    if isinstance(value, Value):
        return True
    return isinstance(value, tuple | list) and any(map(_holds_tensors, value))


# ------------------------------------------------------------------------------------ one tensor


def _bind_tensor(state: State, frame: Frame, bind: Bind, column: list[Value]) -> None:
    assert isinstance(bind.target, nodes.TargetName)
    frame.statics.pop(bind.target.id, None)
    if _is_once(state, frame, column):
        _bind_once(state, frame, bind.target.id, bind, column)
        return
    if not any(map(state.uses.is_live, column)):
        held = frame.deferred.get(id(column[0]))
        if held is not None and len(held.columns) == 1:
            del frame.deferred[id(column[0])]
        return
    held = frame.deferred.get(id(column[0]))
    if held is not None and frame.outermost and _is_result(state, column, held):
        return
    name = state.names.of(bind.target.id)
    if held is not None and len(held.columns) > 1:
        materialize(state, frame, held, None)
        held = None
    existing = None if held is not None else frame.variable(column)
    if existing is not None and existing.identifier == name:
        return
    if held is None and existing is None:
        if is_needed(state, column, state.uses.needed_after):
            raise CannotMerge(f"no one variable holds what becomes `{bind.target.id}`")
        return
    _save_before_rebinding(state, frame, name, bind)
    held = frame.deferred.get(id(column[0])) if held is not None else None
    if held is not None:
        del frame.deferred[id(column[0])]
        assign(state, frame, [name], held)
    elif existing is not None:
        frame.compute.append(Assign((Name(name),), existing))
    frame.variables.set(name, column)


def _is_once(state: State, frame: Frame, column: Column) -> bool:
    """Whether the constructor computes it, and no variable holds it."""
    return id(column[0]) in state.once.made and frame.variable(column) is None


def _bind_once(state: State, frame: Frame, source: str, bind: Bind, column: list[Value]) -> None:
    """What the constructor computes gets a variable only where others share the name."""
    attribute = held_once(state, column)
    if attribute is None or not is_needed(state, column, state.uses.needed_after):
        return
    if source not in state.bound_again and not _leaves(state, frame, column):
        return
    name = state.names.of(source)
    _save_before_rebinding(state, frame, name, bind)
    frame.compute.append(Assign((Name(name),), attribute))
    frame.variables.set(name, column)


def _leaves(state: State, frame: Frame, column: list[Value]) -> bool:
    """Whether something behind the loop or branch under way uses what is bound in it."""
    return not frame.outermost and any(
        state.uses.needed_beyond(value, state.uses.end(region))
        for value, region in zip(column, frame.regions, strict=True)
    )


def _is_result(state: State, column: list[Value], held: Deferred) -> bool:
    """Whether the value is only returned, alone: then no name is needed."""
    outputs = state.graphs[0].outputs
    if len(outputs) > 1 or len(held.columns) > 1 or len(column) != len(state.graphs):
        return False
    returned = all(v is g.outputs[0].value for v, g in zip(column, state.graphs, strict=True))
    return returned and state.uses.count(column[0]) == 1


def _save_before_rebinding(state: State, frame: Frame, name: str, item: Bind) -> None:
    """Keeps a value that is still needed when its variable is about to be rebound."""
    bound = frame.deferred.get(id(item.value)) if isinstance(item.value, Value) else None
    for held in readers(frame, name):
        if held is not bound:
            materialize(state, frame, held, None)
    old = frame.variables.held.get(name)
    if old is None or not is_needed(state, old, state.uses.needed_after):
        return
    frame.variables.forget(name)
    if frame.variables.find(old) is None and not _held_elsewhere(state, frame, old):
        kept = state.names.fresh(name)
        if not _renamed(frame, name, kept):
            frame.compute.append(Assign((Name(kept),), Name(name)))
        frame.variables.set(kept, old)


def _held_elsewhere(state: State, frame: Frame, old: Column) -> bool:
    """Whether what is still needed of a column is in other variables, each its own perhaps."""
    if len(state.current) != len(old):
        return False
    held = frame.variables.held.values()
    return all(
        any(other[k] is value for other in held)
        for k, (value, item) in enumerate(zip(old, state.current, strict=True))
        if state.uses.needed_after(value, item)
    )


# -------------------------------------------------------------------------------- several tensors


def _bind_tensors(state: State, frame: Frame, bind: Bind, values: list[Any]) -> None:
    """A tuple of tensors: unpacked where the source unpacks it, else its parts are deferred."""
    first = bound_names(bind.target, bind.value)
    held = _unpacked(frame, bind)
    if held is None:
        _bind_parts(state, frame, bind, values)
        return
    for name in first:
        _save_unless_bound(state, frame, state.names.of(name), [held], [])
    names = []
    for source, column in zip(_names(bind.target), held.columns, strict=True):
        frame.deferred.pop(id(column[0]), None)
        if not any(map(state.uses.is_live, column)):
            names.append("_")
            continue
        lasts = first[source] is column[0]  # `_, h, _ = …`: the last one keeps the name
        names.append(state.names.of(source) if lasts else state.names.fresh(source))
        frame.variables.set(names[-1], column)
    assign(state, frame, names, held)


def _bind_parts(state: State, frame: Frame, bind: Bind, values: list[Any]) -> None:
    parts: dict[str, list[Value]] = {}
    for name, value in bound_names(bind.target, bind.value).items():
        if isinstance(value, Value):
            parts[name] = [_tensor(bound_names(bind.target, v)[name], name) for v in values]
        else:
            frame.statics[name] = None
    once = {n: c for n, c in parts.items() if _is_once(state, frame, c)}
    for name in once:
        del parts[name]
        frame.statics.pop(name, None)
    if len(parts) == 1:
        ((name, only),) = parts.items()
        target = nodes.TargetName(bind.span, name)
        one = Bind(target, bind.expression, only[0], bind.span)
        _bind_tensor(state, frame, one, only)
    else:
        _bind_together(state, frame, parts)
    for name, column in once.items():  # at last: the others read what the names held before
        _bind_once(state, frame, name, bind, column)


def _bind_together(state: State, frame: Frame, parts: dict[str, list[Value]]) -> None:
    """`a, b = b, a`: every right side is as it was before any name is bound."""
    found: dict[str, tuple[list[Value], Expr]] = {}
    deferred = []
    for source, column in parts.items():
        frame.statics.pop(source, None)
        held = frame.deferred.get(id(column[0]))
        if held is not None and len(held.columns) > 1:
            materialize(state, frame, held, None)
            held = None
        if not is_needed(state, column, state.uses.needed_after):
            continue
        expr = held.expr if held is not None else frame.variable(column)
        if expr is None:
            raise CannotMerge(f"no one variable holds what becomes `{source}`")
        name = state.names.of(source)
        if expr == Name(name):  # it is there already
            continue
        deferred += [held] if held is not None else []
        found[name] = column, expr
    kept = [column for column, _ in found.values()]
    for name in found:
        _save_unless_bound(state, frame, name, deferred, kept)
    for held in deferred:
        frame.deferred.pop(id(held.columns[0][0]), None)
    if found:
        targets = tuple(map(Name, found))
        exprs = tuple(expr for _, expr in found.values())
        value = exprs[0] if len(exprs) == 1 else Sequence(exprs)
        frame.compute.append(Assign(targets, value))
    for name, (column, _) in found.items():
        frame.variables.set(name, column)


def _save_unless_bound(
    state: State, frame: Frame, name: str, bound: list[Deferred], columns: list[list[Value]]
) -> None:
    """Keeps what a name holds, unless it is bound to another name at once."""
    for held in readers(frame, name):
        if held not in bound:
            materialize(state, frame, held, None)
    old = frame.variables.held.get(name)
    if old is None or not is_needed(state, old, state.uses.needed_after):
        return
    frame.variables.forget(name)
    if frame.variables.find(old) is None and not any(same(old, c) for c in columns):
        kept = state.names.fresh(name)
        frame.compute.append(Assign((Name(kept),), Name(name)))
        frame.variables.set(kept, old)


def _unpacked(frame: Frame, bind: Bind) -> Deferred | None:
    """The deferred operation whose outputs are exactly what the binding names, in order."""
    values = bind.value
    if not isinstance(bind.target, nodes.TargetTuple) or not isinstance(values, tuple | list):
        return None
    first = values[0] if values else None
    held = frame.deferred.get(id(first)) if isinstance(first, Value) else None
    if held is None or len(held.columns) != len(values) or len(held.columns) == 1:
        return None
    alike = all(c[0] is v for c, v in zip(held.columns, values, strict=True))
    return held if alike else None


def _tensor(value: object, name: str) -> Value:
    """A value that has to be a tensor in every execution.  Raises CannotMerge."""
    if not isinstance(value, Value):
        raise CannotMerge(f"`{name}` is a tensor in some executions only")
    return value


def _names(target: nodes.AssignTarget) -> list[str]:
    """The names of a target that takes the outputs of an operation apart."""
    assert isinstance(target, nodes.TargetTuple)
    return [item.id for item in target.items if isinstance(item, nodes.TargetName)]


# ------------------------------------------------------------------------------------- renaming


def _renamed(frame: Frame, name: str, kept: str) -> bool:
    """Whether what `name` holds could be assigned to `kept` in the first place, and now is.

    Statements and deferred expressions since then read it by its new name.
    """
    place = _assignment(frame.compute, name)
    if place is None:
        return False
    statement = frame.compute[place]
    assert isinstance(statement, Assign)
    old, new = Name(name), Name(kept)

    def change(expr: Expr) -> Expr | None:
        return new if expr == old else None

    frame.compute[place] = Assign((new,), statement.value, statement.comment)
    frame.compute[place + 1 :] = map_expressions(frame.compute[place + 1 :], change)
    for held in dict.fromkeys(frame.deferred.values()):
        if mentions(held.expr, old):
            other = replace(held, expr=replace_parts(held.expr, change), inner=None)
            for column in held.columns:
                if frame.deferred.get(id(column[0])) is held:
                    frame.deferred[id(column[0])] = other
    return True


def _assignment(statements: list[Statement], name: str) -> int | None:
    """Where a name alone was assigned last; None if it was assigned otherwise, or long ago."""
    first = max(len(statements) - _LOOK_BACK, 0)
    for place in range(len(statements) - 1, first - 1, -1):
        statement = statements[place]
        if name in _assigned([statement]):
            single = isinstance(statement, Assign) and statement.targets == (Name(name),)
            return place if single else None
    return None


def _assigned(statements: Iterable[Statement]) -> set[str]:
    """The names that statements assign, inner ones included."""
    found: set[str] = set()
    for statement in statements:
        match statement:
            case Assign(targets=targets):
                found |= {t.identifier for t in targets if isinstance(t, Name)}
            case For(target=target, body=body):
                found |= _assigned(body)
                found |= {target.identifier} if isinstance(target, Name) else set()
            case If(then=then, otherwise=otherwise):
                found |= _assigned((*then, *otherwise))
    return found
