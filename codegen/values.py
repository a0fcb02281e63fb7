"""Values on their way from where they are computed to where they are used.

An expression is deferred until its one use and stands there; used more often, or grown too large
for a line, it is materialised in a variable: the one its chain of operations ends in, if that is
free until then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tercet.codegen.computed import known_size
from tercet.codegen.decisions import CannotMerge
from tercet.codegen.expr import ArgumentName, Call, Element, Expr, Literal, Name
from tercet.codegen.expr import Sequence as SequenceExpr
from tercet.codegen.render import render
from tercet.codegen.state import Column, Deferred, Frame, State, held_once
from tercet.codegen.tree import call_depth, mentions, replace
from tercet.codegen.writer import Assign
from tercet.compiler.graph.ir import Bind, Graph, Value
from tercet.dsl import nodes

_SIMPLE = Literal | Element | Name
"""Expressions that may stand at several uses."""

_ROOM = 80
"""What is left of a line of a method in 88 columns."""


def value(state: State, frame: Frame, column: Column) -> Expr:
    """The expression for values: one deferred to its only use, an attribute, or a variable."""
    kept = held_once(state, column)
    if kept is not None:
        return kept
    _materialize_if_shared(state, frame, column)
    held = frame.deferred.get(id(column[0]))
    if held is not None:
        if _used_once(state, held):
            del frame.deferred[id(column[0])]
        return held.expr
    name = frame.variable(column)
    if name is None:
        raise CannotMerge(f"no one variable holds what executions call `{column[0].name}`")
    return name


def values(state: State, frame: Frame, columns: Sequence[Column]) -> list[Expr]:
    """The expressions for several values, as `value` gives them.

    First all that need variables get them: none may take the name that another reads.
    """
    for column in columns:
        _materialize_if_shared(state, frame, column)
    return [value(state, frame, column) for column in columns]


def _materialize_if_shared(state: State, frame: Frame, column: Column) -> None:
    held = frame.deferred.get(id(column[0]))
    if held is not None and not _used_once(state, held) and not isinstance(held.expr, _SIMPLE):
        materialize(state, frame, held, None)


def _used_once(state: State, held: Deferred) -> bool:
    return len(held.columns) == 1 and state.uses.count(held.columns[0][0]) == 1


def defer(
    frame: Frame,
    outputs: tuple[Column, ...],
    expr: Expr,
    depth: int,
    hint: str,
    inner: Deferred | None = None,
) -> None:
    """Keeps an expression until it is used."""
    held = Deferred(outputs, expr, depth, hint, inner)
    for column in outputs:
        frame.deferred[id(column[0])] = held


def depth_over(inputs: Sequence[Expr | None]) -> int:
    """How deep calls nest in an expression over these operands."""
    return max((call_depth(e) for e in inputs if e is not None), default=0) + 1


# ------------------------------------------------------------------------------------- variables


def materialize(state: State, frame: Frame, held: Deferred, destination: Bind | None) -> None:
    """Writes a deferred expression to variables."""
    names = []
    for column in held.columns:
        frame.deferred.pop(id(column[0]), None)
        live = state.uses.is_live(column[0])
        name = None
        if len(held.columns) == 1:
            name = _destination_name(state, frame, destination)
        if name is None:
            name = _temporary(state, frame, held) if live else "_"
        names.append(name)
        if live:
            frame.variables.set(name, column)
    assign(state, frame, names, held)


def materialize_all(state: State, frame: Frame) -> None:
    """Writes all deferred expressions that are still needed to variables."""
    for held in list(dict.fromkeys(frame.deferred.values())):
        if not isinstance(held.expr, _SIMPLE):
            materialize(state, frame, held, None)


def _temporary(state: State, frame: Frame, held: Deferred) -> str:
    """A name for an intermediate value: `h` where that is free, as people write."""
    if len(held.columns) > 1:
        return state.names.fresh(held.hint)
    for name in (state.names.of("h"), state.names.of("h", "spare")):
        if _is_free(state, frame, name):
            return name
    return state.names.fresh(held.hint)


def _destination_name(state: State, frame: Frame, destination: Bind | None) -> str | None:
    """The name that the value's chain ends in, where nothing else needs it until then.

    Not in functions: what goes into a model must not be called like what comes out of it.
    """
    if state.function or destination is None:
        return None
    if not isinstance(destination.target, nodes.TargetName):
        return None
    name = state.names.of(destination.target.id)
    return name if _is_free(state, frame, name) else None


def _is_free(state: State, frame: Frame, name: str) -> bool:
    """Whether nothing needs what a variable alone holds, if it holds anything."""
    old = frame.variables.held.get(name)
    needed = old is not None and is_needed(state, old, state.uses.needed_from)
    if needed and not frame.variables.is_copy(name):
        return False
    return not readers(frame, name)


def is_needed(state: State, old: Column, after: Callable[[Value, object], bool]) -> bool:
    """Whether any execution still needs what a variable holds."""
    items = state.current
    if len(items) != len(old):
        return True
    return any(after(value, item) for value, item in zip(old, items, strict=True))


def readers(frame: Frame, name: str) -> list[Deferred]:
    """The deferred expressions that read a variable."""
    if name not in frame.variables.held:
        return []
    read = Name(name)
    return [p for p in dict.fromkeys(frame.deferred.values()) if mentions(p.expr, read)]


def assign(state: State, frame: Frame, names: list[str], held: Deferred) -> None:
    """Writes the assignment of an expression to variables."""
    targets = tuple(Name(n) for n in names)
    if targets == (held.expr,):  # an operation that does nothing here
        return
    if len(held.columns) > 1:
        frame.compute.append(_taken_apart(state, targets, held))
        return
    comment = _shape_comment(state, frame, held, names[0])
    frame.compute.append(Assign(targets, held.expr, comment))


def _taken_apart(state: State, targets: tuple[Name, ...], held: Deferred) -> Assign:
    """Several values to several variables; those that nothing needs only if they must be."""
    if not isinstance(held.expr, SequenceExpr):
        return Assign(targets, held.expr)
    found = zip(targets, held.expr.items, held.columns, strict=True)
    live = [(target, item) for target, item, c in found if any(map(state.uses.is_live, c))]
    kept, items = zip(*live, strict=True)
    return Assign(kept, items[0] if len(items) == 1 else SequenceExpr(items))


# ---------------------------------------------------------------------------- shapes in comments


def _shape_comment(state: State, frame: Frame, held: Deferred, name: str) -> str | None:
    """The shape of what is assigned, where it is new and the line has room for it.

    Shapes are noted in the model's classes only.
    """
    (column,) = held.columns
    if state.function or state.compiled != 1 or not column[0].type.shape:
        return None
    graphs = [state.graphs[g] for g in frame.graphs]
    found = {(g, state.target.comment(g, v)) for g, v in zip(graphs, column, strict=True)}
    if len(found) > len(set(graphs)):
        return None
    shape = _common_shape(state, dict(found))
    if shape is None or shape in state.noted_shapes:
        return None
    if not _has_room(f"{name} = {render(held.expr)}", shape):
        state.noted_shapes = state.noted_shapes if len(state.graphs) > 1 else ()
        return None
    state.noted_shapes = (shape,)
    return None if _says_shape(held.expr, shape) else shape


def output_comment(state: State, expr: Expr) -> str | None:
    """The shape of a single output, where neither `expr` nor the last one noted says it."""
    outputs = state.graphs[0].outputs
    if state.compiled != 1 or len(outputs) > 1 or not outputs[0].value.type.shape:
        return None
    found = {graph: state.target.output_comment(graph, 0) for graph in state.graphs}
    shape = _common_shape(state, found)
    if shape is None or shape in state.noted_shapes or _says_shape(expr, shape):
        return None
    return shape if _has_room(f"return {render(expr)}", shape) else None


def _common_shape(state: State, shapes: Mapping[Graph, str]) -> str | None:
    """One shape for the model at all values of its parameters: `[N, dim]` for 128 and 256."""
    rows = [shape[1:-1].split(", ") for shape in shapes.values()]
    if any(len(row) != len(rows[0]) for row in rows):
        return None
    numbers = [k for k, graph in enumerate(state.graphs) if graph in shapes]
    order = [list(shapes).index(state.graphs[k]) for k in numbers]
    sizes = [
        _common_size(state, [rows[k][axis] for k in order], numbers) for axis in range(len(rows[0]))
    ]
    return None if None in sizes else f"[{', '.join(map(str, sizes))}]"


def _common_size(state: State, sizes: Sequence[str], graphs: Sequence[int]) -> str | None:
    if len(set(sizes)) == 1:
        return sizes[0]
    if not all(map(str.isdecimal, sizes)):
        return None
    found = known_size(state.arguments, list(map(int, sizes)), graphs)
    if found is None:
        return None
    if state.target.reads_known_sizes:
        found = state.arguments.read_from_inputs(found)
    return render(replace(found, _bare_argument))


def _bare_argument(expr: Expr) -> Expr | None:
    return Name(expr.identifier) if isinstance(expr, ArgumentName) else None


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
