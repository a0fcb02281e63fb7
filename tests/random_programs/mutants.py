"""Known faults of the compiler, to be put back: random programs must find each of them.

A mutant is what a part of the compiler is replaced by while programs are compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final
from unittest import mock

from tercet.backends.tensorflow import axes
from tercet.codegen.expr import Expr
from tercet.codegen.state import Frame, State
from tercet.compiler.graph.ir import Call


def _first_call_only(
    state: State, frame: Frame, column: Sequence[Call], index: int, expr: Expr
) -> Expr:
    """How a block takes an input, as the first of its calls has it."""
    graph, item = state.graphs[frame.graphs[0]], column[0]
    return state.target.use(graph, item, index, item.inputs[index], expr)


def _swapped_to_last(rank: int) -> tuple[int, ...]:
    return axes.to_first(rank)


def _swapped_to_first(rank: int) -> tuple[int, ...]:
    return axes.to_last(rank)


@dataclass(frozen=True)
class Mutant:
    """A fault: what stands for which parts of the compiler, by their dotted names.

    It is looked for in `targets`; weights after a step are compared of two.
    """

    name: str
    parts: tuple[tuple[str, Callable[..., Any]], ...]
    targets: tuple[str, ...] = ("pytorch", "mxnet")

    @contextmanager
    def planted(self) -> Iterator[None]:
        with ExitStack() as stack:
            for place, part in self.parts:
                stack.enter_context(mock.patch(place, part))
            yield


MUTANTS: Final = (
    Mutant(
        "layouts in loops: every pass converts as the first one",
        (
            ("tercet.backends.tensorflow.layout.joins", lambda graphs: []),
            ("tercet.codegen.applications._used", _first_call_only),
        ),
        ("tensorflow",),
    ),
    Mutant(
        "layers behind an output that is not used have no shapes in MXNet",
        (("tercet.backends.mxnet.script.unreached", lambda model: []),),
    ),
    Mutant(
        "an operand said twice is computed twice",
        (("tercet.codegen.applications._repeated", lambda templates: frozenset()),),
    ),
    Mutant(
        "the two conversions of layouts are swapped",
        (
            ("tercet.backends.tensorflow.crossing.to_last", _swapped_to_last),
            ("tercet.backends.tensorflow.crossing.to_first", _swapped_to_first),
        ),
        ("tensorflow",),
    ),
    Mutant(
        "bools of the data as they are in MXNet's losses",
        (
            (
                "tercet.backends.mxnet.target.MXNetTarget._foreign_bools",
                lambda self, graph, item: frozenset(),
            ),
        ),
    ),
    Mutant(
        "one block for transposed convolutions that are shared in MXNet",
        (
            (
                "tercet.backends.mxnet.target.MXNetTarget.construct_key",
                lambda self, layer: False,
            ),
        ),
    ),
    Mutant(
        "outputs that are inputs as they are in MXNet",
        (("tercet.backends.mxnet.target.awkward_inputs", lambda model: frozenset()),),
    ),
)
