"""Variables where control flow splits and joins: loops and `if`s, whose bodies bind names anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tercet.codegen.expr import Name
from tercet.codegen.state import Frame, State, same
from tercet.codegen.uses import final_bindings
from tercet.codegen.values import materialize, readers
from tercet.codegen.writer import Assign
from tercet.compiler.graph.ir import Branch, Loop, Value


def loop_carried(state: State, frame: Frame, column: list[Loop]) -> dict[str, list[Value | None]]:
    """For every name that iterations assign: the tensor it holds as each of them starts."""
    ends = [[final_bindings(r) for r in one.iterations] for one in column]
    result: dict[str, list[Value | None]] = {}
    for source in _tensors_in(end for one in ends for end in one):
        variable = state.names.of(source)
        held = frame.variables.held.get(variable)
        values: list[Value | None] = []
        for k, one in enumerate(ends):
            current = held[k] if held is not None else None
            for end in one:
                values.append(current)
                after = end.get(source, current)
                current = after if isinstance(after, Value) else None
        result[variable] = values
    return result


def copy_before(state: State, frame: Frame, ends: Mapping[str, Sequence[int | None]]) -> None:
    """Copies what variables hold before a loop or `if` rebinds them, where it is needed later.

    `ends` are, for each of these variables, the positions up to which every execution has the
    old value; None where it keeps it.
    """
    for name in sorted(ends.keys() & frame.variables.held.keys()):
        old = frame.variables.held[name]
        needed = any(
            end is not None and state.uses.needed_beyond(value, end)
            for value, end in zip(old, ends[name], strict=True)
        )
        others = (held for other, held in frame.variables.held.items() if other not in ends)
        if needed and not any(same(held, old) for held in others):
            kept = state.names.fresh(name)
            frame.compute.append(Assign((Name(kept),), Name(name)))
            frame.variables.set(kept, old)
            frame.variables.set(name, old)  # the one to read until then


def materialize_readers(state: State, frame: Frame, names: Iterable[str]) -> None:
    """Writes deferred expressions that read variables which are about to change."""
    for name in sorted(names):
        for held in readers(frame, name):
            materialize(state, frame, held, None)


def copy_before_branch(
    state: State,
    frame: Frame,
    column: Sequence[Branch],
    ends: Sequence[Mapping[str, object]],
    result: str | None,
) -> None:
    """Copies what an `if` rebinds: what its branches bind, and the variable of its result."""
    last = [state.uses.end(branch.body) for branch in column]
    changed: dict[str, Sequence[int | None]] = {
        state.names.of(source): [
            position if isinstance(end.get(source), Value) else None
            for position, end in zip(last, ends, strict=True)
        ]
        for source in _tensors_in(ends)
    }
    if result is not None:
        changed[result] = last
    materialize_readers(state, frame, changed)
    copy_before(state, frame, changed)


def join_variables(state: State, frame: Frame, ends: list[dict[str, object]]) -> None:
    """What the variables hold behind a loop or `if`, `ends` being what each execution bound."""
    for source in _tensors_in(ends):
        name = state.names.of(source)
        held = frame.variables.held.get(name)
        values: list[Value] = []
        for k, end in enumerate(ends):
            value = end.get(source, held[k] if held is not None else None)
            if isinstance(value, Value):
                values.append(value)
        frame.variables.forget(name)
        if len(values) == len(ends) and any(map(state.uses.is_live, values)):
            frame.variables.set(name, values)


def _tensors_in(ends: Iterable[Mapping[str, object]]) -> list[str]:
    """The names that hold a tensor at any of these ends, in a fixed order."""
    return sorted({n for end in ends for n, value in end.items() if isinstance(value, Value)})
