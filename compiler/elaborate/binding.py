"""Binding the dimensions of a block's inputs to the sizes of the tensors that it gets.

Equal names must be equal sizes; `16 * H` is solved for `H`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tercet.compiler import dims
from tercet.compiler.dims import Dim, Size
from tercet.compiler.elaborate.errors import error
from tercet.compiler.elaborate.scope import Deferred, Frame
from tercet.compiler.elaborate.sites import names_in
from tercet.compiler.elaborate.types import bind_dimension, element_type, free_names, size_of
from tercet.compiler.graph.ir import GraphInput
from tercet.compiler.graph.values import POISON, is_size
from tercet.compiler.types import TensorType
from tercet.dsl import nodes
from tercet.dsl.diagnostics import DiagnosticError, Note
from tercet.dsl.source import Span


def bind_input(
    frame: Frame, statement: nodes.Input | nodes.Target, actual: TensorType, given: Span
) -> tuple[tuple[nodes.Expr | None, ...], list[Deferred]]:
    """Binds the dimensions of an input to those of the tensor it gets.

    `given` is where the caller wrote that tensor.  Returns for each axis the expression written for
    it (None where `...` took it).  Raises DiagnosticError.
    """
    dtype = element_type(statement.type)
    if dtype is not actual.dtype:
        raise error(
            "E0304",
            f"`{statement.name}` takes {dtype}, not {actual.dtype}",
            given,
            f"convert with `cast(…, {dtype})`",
            Note("the input", statement.type.span),
        )
    pattern = _expanded(statement, actual, given)
    deferred: list[Deferred] = []
    for expression, size in zip(pattern, actual.shape, strict=True):
        if expression is not None and (open_ := _match(frame, statement, expression, size, given)):
            deferred.append(open_)
    return tuple(pattern), deferred


def _expanded(
    statement: nodes.Input | nodes.Target, actual: TensorType, given: Span
) -> list[nodes.Expr | None]:
    written = statement.type.dimensions
    at = [i for i, d in enumerate(written) if isinstance(d, nodes.Ellipsis)]
    if len(at) > 1:
        raise error("E0307", "a type has at most one `...`", written[at[1]].span)
    missing = actual.rank - (len(written) - len(at))
    if missing < 0 or (missing > 0 and not at):
        wanted = f"{len(written) - len(at)} dimensions" + " or more" * len(at)
        raise error(
            "E0303",
            f"`{statement.name}` takes {wanted}, and {actual} has {actual.rank}",
            given,
            None,
            Note("the input", statement.type.span),
        )
    result: list[nodes.Expr | None] = []
    for dimension in written:
        if isinstance(dimension, nodes.Ellipsis):
            result.extend([None] * missing)
        else:
            result.append(dimension)
    return result


def _match(
    frame: Frame,
    statement: nodes.Input | nodes.Target,
    expression: nodes.Expr,
    size: Size,
    given: Span,
) -> Deferred | None:
    unknown = {name.id for name in free_names(frame, expression)}
    where = f"the input `{statement.name}`"
    if isinstance(expression, nodes.Name) and unknown:
        bind_dimension(frame, expression.id, size, expression.span, where)
        return None
    if len(unknown) > 1:
        return Deferred(expression, size, statement, given)
    if unknown:
        _solve(frame, expression, unknown.pop(), size, given, where)
        return None
    require_size(frame, expression, size, given, where)
    return None


def _solve(
    frame: Frame, expression: nodes.Expr, name: str, size: Size, given: Span, where: str
) -> None:
    """Binds the one unknown of `16 * H` so that the expression is `size`."""
    unknown = _fresh(name)
    frame.names[name] = unknown
    value = frame.evaluate(expression)
    del frame.names[name]
    if value is POISON:
        raise DiagnosticError
    solution = dims.solve(value, size) if is_size(value) else None
    if solution is None:
        raise error(
            "E0307",
            f"no size `{name}` makes `{expression.span.text}` equal to {size}",
            given,
            None,
            Note(f"asked for by {where}", expression.span),
        )
    (found,) = solution.values()
    bind_dimension(frame, name, found, expression.span, where)


def _fresh(name: str) -> Dim:
    """A symbol that no caller's size contains."""
    return dims.symbol(f"{name}?")


def require_size(frame: Frame, expression: nodes.Expr, size: Size, given: Span, where: str) -> None:
    """Checks that a dimension already bound is the actual size.  Raises DiagnosticError E0301."""
    wanted = size_of(frame, expression)
    answer = dims.equal(wanted, size)
    if answer:
        return
    text = expression.span.text
    notes = [Note(f"asked for by {where}", expression.span)]
    notes += [
        frame.dims_at[name]
        for name in dict.fromkeys(name.id for name in names_in(expression))
        if name in frame.dims_at and frame.dims_at[name].span != expression.span
    ]
    if answer is None:
        message = f"this size is {size}, and `{text}` is {wanted}: they may differ"
    elif text == str(wanted):
        message = f"this size is {size}, not {wanted}"
    else:
        message = f"this size is {size}, and `{text}` is {wanted}"
    raise error("E0301", message, given, None, *notes)


def settle(frame: Frame, deferred: list[Deferred]) -> None:
    """Checks the dimensions that had several unknowns.  Raises DiagnosticError."""
    for open_ in deferred:
        where = f"the input `{open_.input.name}`"
        _match_settled(frame, open_, where)


def _match_settled(frame: Frame, open_: Deferred, where: str) -> None:
    unknown = [name.id for name in free_names(frame, open_.dimension)]
    if len(set(unknown)) > 1:
        raise error(
            "E0307",
            f"`{open_.dimension.span.text}` cannot give values to {' and '.join(unknown)}",
            open_.dimension.span,
            "give each a dimension of its own somewhere",
        )
    if unknown:
        _solve(frame, open_.dimension, unknown[0], open_.size, open_.given, where)
    else:
        require_size(frame, open_.dimension, open_.size, open_.given, where)


def require_determined(inputs: Sequence[GraphInput], named: Mapping[str, Any]) -> None:
    """Checks that the shapes of a model's inputs give every symbol a value.  Raises E0307.

    `named` are the values of names: a shape may name a size and not depend on it (`0 * K + 4`).
    """
    open_ = [
        (size, expression)
        for given in inputs
        for size, expression in zip(given.value.type.shape, given.declared, strict=True)
        if isinstance(size, Dim) and expression is not None
    ]
    known: set[str] = set()
    while found := [pair for pair in open_ if len(_unsolved(pair[0], known)) == 0]:
        known.update(*(dims.symbols(size) for size, _ in found))
        open_ = [pair for pair in open_ if pair not in found]
    for expression in (e for given in inputs for e in given.declared if e is not None):
        for name in names_in(expression):
            size = named.get(name.id)
            if isinstance(size, Dim) and not dims.symbols(size) <= known:
                open_.append((size, expression))
    if open_:
        size, expression = open_[0]
        names = " and ".join(f"`{name}`" for name in sorted(dims.symbols(size) - known))
        raise error(
            "E0307",
            f"`{expression.span.text}` does not tell how large {names} is",
            expression.span,
            "give each dimension an axis of its own, as in `f32[N, T]`, or a multiple: `16 * H`",
        )


def _unsolved(size: Dim, known: set[str]) -> set[str]:
    """The symbols of a size that it gives no value to, once those in `known` have theirs."""
    unknown: set[str] = set(dims.symbols(size)) - known
    if len(unknown) != 1:
        return unknown
    sample = dims.substitute(size, dict.fromkeys(dims.symbols(size), 7))
    part = dims.substitute(size, dict.fromkeys(known & set(dims.symbols(size)), 7))
    return unknown if dims.solve(part, sample) is None else set()
