"""`if`s: one side where all executions take it, else an `if`; and results returned early."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tercet.codegen.decisions import CannotMerge
from tercet.codegen.expr import Binary, Conditional, Expr, Name, Unary
from tercet.codegen.joins import copy_before_branch, join_variables, materialize_readers
from tercet.codegen.regions import in_class, print_region
from tercet.codegen.render import render
from tercet.codegen.state import Column, Frame, State
from tercet.codegen.static_values import StaticValues, static_expr
from tercet.codegen.uses import final_bindings
from tercet.codegen.values import assign, materialize_all, value
from tercet.codegen.writer import Assign, For, If, Return, Statement
from tercet.compiler.graph.ir import Bind, Branch, Value
from tercet.dsl import nodes


@in_class(Branch)
def print_branch(
    state: State, frame: Frame, column: list[Branch], destination: Bind | None
) -> None:
    if all(b.taken == column[0].taken for b in column):
        _require_sure(state, frame, column)
        regions = frame.regions
        frame.regions = [b.body for b in column]
        print_region(state, frame)
        frame.regions = regions
        return
    if not any(b.body.items for b in column) and not isinstance(column[0].result, Value):
        return
    materialize_all(state, frame)
    ends = [final_bindings(b.body) for b in column]
    result = _result_name(state, column, destination)
    copy_before_branch(state, frame, column, ends, result)
    condition = _condition(state, frame, column)
    sides = [_side(state, frame, column, side, result) for side in (0, 1)]
    _write(frame, condition, sides)
    join_variables(state, frame, ends)
    for name in {n for end in ends for n in end if n in frame.statics}:
        frame.statics[name] = None
    if result is not None:
        frame.variables.set(result, [b.result for b in column])


def _require_sure(state: State, frame: Frame, column: list[Branch]) -> None:
    """Raises CannotMerge where another value of a parameter could take the other side."""
    if not any(b.body.items for b in column) and not isinstance(column[0].result, Value):
        return
    condition = static_expr(column[0].statement.condition, frame.statics)
    if condition is not None and state.arguments.follows(condition):
        raise CannotMerge("it decides about an `if`")


def _condition(state: State, frame: Frame, column: list[Branch]) -> Expr:
    """The source's condition, or an argument that says which side to take."""
    condition = static_expr(column[0].statement.condition, frame.statics)
    if condition is not None:
        return condition
    static = StaticValues.of(state, frame, [()] * len(column), symbolic=False)
    return static.resolve([b.taken == 0 for b in column], "condition")


def _result_name(state: State, column: list[Branch], destination: Bind | None) -> str | None:
    if not isinstance(column[0].result, Value):
        return None
    if (
        destination is not None
        and isinstance(destination.target, nodes.TargetName)
        and all(destination.value is not b for b in column)
    ):
        return state.names.of(destination.target.id)
    return state.names.fresh("result")


def _side(state: State, frame: Frame, column: list[Branch], side: int, result: str | None) -> Frame:
    chosen = [k for k, b in enumerate(column) if b.taken == side]
    inner = frame.pick(chosen, [column[k].body for k in chosen])
    print_region(state, inner)
    if result is not None:
        _assign_result(state, inner, result, [column[k].result for k in chosen])
    materialize_all(state, inner)
    return inner


def _assign_result(state: State, frame: Frame, name: str, column: Column) -> None:
    """Assigns the result of one side of an `if` to the variable that both sides share."""
    held = frame.deferred.get(id(column[0]))
    if held is None or len(held.columns) > 1:
        expr = value(state, frame, column)
        if expr != Name(name):
            frame.compute.append(Assign((Name(name),), expr))
        return
    del frame.deferred[id(column[0])]
    materialize_readers(state, frame, [name])
    assign(state, frame, [name], held)


def _write(frame: Frame, condition: Expr, sides: list[Frame]) -> None:
    for part in ("construct", "build", "compute"):
        then, otherwise = (tuple(getattr(side, part)) for side in sides)
        written: list[Statement] = getattr(frame, part)
        if then:
            written.append(If(condition, then, otherwise))
        elif otherwise:
            written.append(If(_negated(condition), otherwise))


def _negated(condition: Expr) -> Expr:
    """The opposite, as people write it: `a != b` rather than `not a == b`."""
    opposite = {"==": "!=", "!=": "=="}
    if isinstance(condition, Binary) and condition.operator in opposite:
        return Binary(opposite[condition.operator], condition.left, condition.right)
    return Unary("not", condition)


# --------------------------------------------------------------------------------- early returns


def with_early_returns(body: Sequence[Statement]) -> list[Statement]:
    """`if a: return x`, `return y` for `if a: r = x`, `else: r = y`, `return r` at the end."""
    match body:
        case [*before, If() as branch, Return(Name() as result, comment)]:
            if _ends_with(branch, result):
                return [*before, *_returning([branch], result, comment)]
    return list(body)


def _ends_with(statement: Statement, result: Name) -> bool:
    """Whether the last thing that a statement does is to assign the result."""
    match statement:
        case Assign((target,)):
            return target == result
        case If(_, (*_, then), (*_, otherwise)):
            return _ends_with(then, result) and _ends_with(otherwise, result)
    return False


def _returning(body: Sequence[Statement], result: Name, comment: str | None) -> list[Statement]:
    *before, last = body
    match last:
        case If(condition, then, otherwise):
            early = If(condition, tuple(_returning(then, result, comment)))
            return [*before, early, *_returning(otherwise, result, comment)]
        case Assign(_, value, own):
            return [*before, Return(value, own or comment)]
    raise TypeError(type(last).__name__)


# ----------------------------------------------------------------------------------- short choices


_ROOM = 72
"""A line of this many characters stands in a method, inside a loop too, without being broken."""


def with_short_choices(body: Iterable[Statement]) -> list[Statement]:
    """`r = x if a else y` for `if a: r = x`, `else: r = y`, where that fits in a line."""
    return [_short_choice(statement) for statement in body]


def _short_choice(statement: Statement) -> Statement:
    match statement:
        case For(target, iterable, body):
            return For(target, iterable, tuple(with_short_choices(body)))
        case If(
            condition,
            (Assign((Name() as target,), then, comment),),
            (Assign((other,), otherwise, same),),
        ) if target == other and comment == same:
            choice = Assign((target,), Conditional(condition, then, otherwise), comment)
            text = f"{target.identifier} = {render(choice.value)}"
            if len(text if comment is None else f"{text}  # {comment}") <= _ROOM:
                return choice
        case If(condition, then_side, otherwise_side):
            sides = (with_short_choices(side) for side in (then_side, otherwise_side))
            return If(condition, *map(tuple, sides))
    return statement
