"""What a script says of its model from outside: shapes, what sizes must obey, what indices and
labels may be.

Where these follow the parameters of the model, they are spelled as expressions over the attributes
of the object at hand: `model.context` for 128.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, replace
from typing import TypeVar

from tercet.codegen.decisions import CannotMerge
from tercet.codegen.expr import Expr
from tercet.codegen.render import render
from tercet.compiler.constraints import Constraint
from tercet.compiler.dims import Size, symbol
from tercet.compiler.graph.index_checks import IndexCheck, index_checks
from tercet.compiler.graph.ir import Graph, Value
from tercet.compiler.graph.labels import all_checks, data_checks
from tercet.compiler.graph.training import Training
from tercet.compiler.types import TensorType
from tercet.dsl.records import dataclass

Spell = Callable[[list[int | None]], Expr | None]
"""The expression for a number, given as it is at all values of the parameters at hand; None stands
where it is not known."""


class Spelled(int):
    """A number that scripts write as an expression; otherwise it is what it is by default."""

    text: str

    def __new__(cls, value: int, text: str) -> Spelled:
        spelled = super().__new__(cls, value)
        spelled.text = text
        return spelled

    def __repr__(self) -> str:
        return self.text

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return self.text


@dataclass(frozen=True)
class Interface:
    """A model as its script sees it from outside; sizes that follow parameters are `Spelled`."""

    model: Graph
    constraints: tuple[Constraint, ...]
    index_checks: tuple[IndexCheck, ...]
    data_checks: tuple[IndexCheck, ...] = ()
    """What labels, and indices, in the data to train on must obey."""
    _types: dict[int, TensorType] = field(default_factory=dict)

    def type(self, value: Value) -> TensorType:
        """The type of an input or output."""
        return self._types.get(id(value), value.type)

    @classmethod
    def of(cls, model: Graph, training: Training | None = None) -> Interface:
        """A model whose parameters are fixed."""
        checks = tuple(data_checks(training)) if training else ()
        return cls(model, model.constraints, tuple(index_checks(model)), checks)

    @classmethod
    def following(
        cls,
        graphs: Sequence[Graph],
        spell: Spell,
        training: Training | None = None,
        *,
        outputs: bool,
    ) -> Interface:
        """A model, the first graph, and itself at other values of its parameters.

        `outputs`: the script tells their shapes, as far as it can.  Raises CannotMerge where no
        expression follows what it must tell.
        """
        types: dict[int, TensorType] = {}
        for inputs in zip(*(g.inputs for g in graphs), strict=True):
            types[id(inputs[0].value)] = _type([i.value.type for i in inputs], spell)
        for ends in zip(*(g.outputs for g in graphs), strict=True) if outputs else ():
            name = ends[0].name
            types[id(ends[0].value)] = _type([o.value.type for o in ends], spell, name)
        constraints = [
            _constraint(column, spell) for column in _columns([g.constraints for g in graphs])
        ]
        checks = [_check(column, spell) for column in _columns([index_checks(g) for g in graphs])]
        labels = tuple(_data_checks(graphs, spell, training)) if training else ()
        return cls(graphs[0], tuple(constraints), tuple(checks), labels, types)


T = TypeVar("T")


def _columns(rows: Sequence[Sequence[T]]) -> list[tuple[T, ...]]:
    if any(len(row) != len(rows[0]) for row in rows):
        raise CannotMerge("what inputs must obey differs in kind")
    return list(zip(*rows, strict=True))


def _type(column: Sequence[TensorType], spell: Spell, output: str | None = None) -> TensorType:
    """The type; a size of an output that no expression gives has a name of its own."""
    if len({type.rank for type in column}) > 1:
        raise CannotMerge(f"`{output or 'an input'}` has another number of axes")
    shape: list[Size] = []
    for axis, sizes in enumerate(zip(*(type.shape for type in column), strict=True)):
        try:
            shape.append(_size(sizes, spell))
        except CannotMerge:
            if output is None:
                raise
            shape.append(symbol(f"{output}_{axis}"))
    return replace(column[0], shape=tuple(shape))


def _constraint(column: Sequence[Constraint], spell: Spell) -> Constraint:
    left = _size([c.left for c in column], spell)
    right = _size([c.right for c in column], spell)
    return replace(column[0], left=left, right=right)


def _data_checks(graphs: Sequence[Graph], spell: Spell, training: Training) -> Iterator[IndexCheck]:
    """The checks of the data; values of parameters at which nothing can be trained say nothing.

    What the rows of a built-in set surely pass is looked at where it follows the parameters: they
    may fail it in a class made with other arguments.
    """
    needed = data_checks(training)
    found = needed if training.variant is None else all_checks(training)
    if training.variant is None or not found:
        yield from found
        return
    others = [made and all_checks(made) for made in map(training.variant, graphs[1:])]
    for check in found:
        column: list[IndexCheck | None] = [check]
        for checks in others:
            alike = [c for c in checks or () if (c.name, c.steps) == (check.name, check.steps)]
            if checks is not None and not alike:
                raise CannotMerge(f"what `{check.name}` in the data must obey differs in kind")
            column.append(alike[0] if alike else None)
        spelled = _spelled(column, check, spell)
        if check in needed or isinstance(spelled.low, Spelled) or isinstance(spelled.high, Spelled):
            yield spelled


def _check(column: Sequence[IndexCheck], spell: Spell) -> IndexCheck:
    if any(c.name != column[0].name or c.steps != column[0].steps for c in column):
        raise CannotMerge("what indices in inputs must obey differs in kind")
    return _spelled(column, column[0], spell)


def _spelled(column: Sequence[IndexCheck | None], first: IndexCheck, spell: Spell) -> IndexCheck:
    low = _size([None if c is None else c.low for c in column], spell)
    high = _size([None if c is None else c.high for c in column], spell)
    return replace(first, low=low, high=high)


def _size(column: Sequence[Size | None], spell: Spell) -> Size:
    """A size; it is None where it is not known, but never so at first."""
    first = column[0]
    assert first is not None
    if all(size is None or size == first for size in column):
        return first
    numbers = [size for size in column if size is None or isinstance(size, int)]
    expr = spell(numbers) if len(numbers) == len(column) else None
    if expr is None:
        raise CannotMerge(f"no expression over the parameters gives the size {first}")
    assert isinstance(first, int)
    return Spelled(first, render(expr))
