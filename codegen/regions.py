"""Printing a block's text once, with all its executions at hand.

The regions of all specialisations (and, in a loop, of all iterations) are walked in step.  A layer
made becomes a line of the constructor (`layers`), an operation an expression that is deferred to
its use (`applications`, `values`), a binding an assignment (`bindings`), a loop a loop (`loops`),
and an `if` that executions decide differently an `if` (`branches`).  `CannotMerge` says that the
executions cannot be printed as one, and why.
"""

from __future__ import annotations

from collections.abc import Sequence

from tercet.codegen.decisions import CannotMerge
from tercet.codegen.state import Frame, ItemPrinters, State
from tercet.compiler.graph.ir import Bind, Branch, Create, Item, Loop, ReadParameter, Value
from tercet.dsl.source import Span

in_class = ItemPrinters()
"""The functions that print the items of a class."""


def print_region(state: State, frame: Frame) -> None:
    """Prints the items of a region.  Raises CannotMerge, Unsupported."""
    regions = [r.items for r in frame.regions]
    if any(len(r) != len(regions[0]) for r in regions):
        raise CannotMerge("executions of the text have different numbers of steps")
    destinations = _destinations(regions[0])
    for index, item in enumerate(regions[0]):
        column = [r[index] for r in regions] if len(regions) > 1 else [item]
        state.current = column
        try:
            if any(type(i) is not type(item) for i in column):
                raise CannotMerge("executions of the text do different things here")
            state.printers.find(type(item))(state, frame, column, destinations[index])
        except CannotMerge as problem:
            problem.span = problem.span or _span(item)
            raise


def _destinations(items: Sequence[Item]) -> list[Bind | None]:
    """For every item the next binding of a tensor, whose name intermediate values may take."""
    result: list[Bind | None] = [None] * len(items)
    upcoming: Bind | None = None
    for index in range(len(items) - 1, -1, -1):
        result[index] = upcoming
        match items[index]:
            case Bind(value=Value()) as bind:
                upcoming = bind
            case Loop() | Branch(result=None):
                upcoming = None
    return result


def _span(item: Item) -> Span:
    match item:
        case Create(made=made):
            return made.site.span
        case Loop(statement=statement) | Branch(statement=statement):
            return statement.span
        case ReadParameter() | Bind() | _:
            return item.span
