"""What a class computes once: tensors that depend on no input, no weight and no draw.

A mask or a table of indices made of known sizes is the same in every call.  It is computed by the
constructor and kept as a buffer, which is no weight: it is not saved, and moves with the model.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import fields
from typing import Any

from tercet.compiler.dims import Dim
from tercet.compiler.graph.ir import Apply, Bind, Branch, Call, Graph, Loop, Value
from tercet.compiler.ops.base import Op
from tercet.compiler.ops.elementwise import Constant
from tercet.dsl import nodes
from tercet.dsl.records import dataclass


class NotOnce(Exception):
    """What these applications give cannot be computed by the constructor of the class."""

    def __init__(self, items: Iterable[Apply]) -> None:
        super().__init__()
        self.items = frozenset(map(id, items))


@dataclass(frozen=True)
class Once:
    """Values by identity: `made` are computed once, and the forward function reads those `kept`.

    `uses` counts how often one is an operand of another.
    """

    made: frozenset[int] = frozenset()
    kept: frozenset[int] = frozenset()
    uses: dict[int, int] | None = None

    def count(self, value: Value) -> int:
        return 0 if self.uses is None else self.uses.get(id(value), 0)


def computed_once(graphs: Iterable[Graph], but: Collection[int]) -> Once:
    """The values of these graphs that a class of them computes once, but for some applications."""
    made: set[int] = set()
    kept: set[int] = set()
    uses: dict[int, int] = {}
    for graph in graphs:
        given = {id(output.value) for output in graph.outputs}  # what a call gives is its own
        scalars: set[int] = set()
        for item in graph.body.walk():
            if not isinstance(item, Apply | Call):
                continue
            if isinstance(item, Apply) and isinstance(item.op, Constant):
                if not isinstance(item.op.value, Dim):
                    scalars.add(id(item.outputs[0]))
                continue
            operands = [v for v in item.inputs if v is not None]
            once = id(item) not in but and not any(id(value) in given for value in item.outputs)
            if once and _is_once(item, operands, made, scalars):
                made.add(id(item.outputs[0]))
                for value in operands:
                    uses[id(value)] = uses.get(id(value), 0) + 1
            else:
                kept.update(id(value) for value in operands if id(value) in made)
    return Once(frozenset(made), frozenset(kept), uses)


def bound_again(graphs: Iterable[Graph]) -> frozenset[str]:
    """The names that several places of a text bind."""
    places: dict[str, set[int]] = {}
    for graph in graphs:
        pending = [graph.body]
        while pending:
            for item in pending.pop().items:
                match item:
                    case Bind(target=target, expression=expression):
                        for name in nodes.target_names(target):
                            places.setdefault(name.id, set()).add(id(expression))
                    case Loop(iterations=iterations):
                        pending.extend(iterations)
                    case Branch(body=body):
                        pending.append(body)
    return frozenset(name for name, found in places.items() if len(found) > 1)


def _is_once(item: Apply | Call, operands: list[Value], made: set[int], scalars: set[int]) -> bool:
    if not isinstance(item, Apply):
        return False
    op, outputs = item.op, item.outputs
    if item.layer is not None or len(outputs) != 1 or op.is_random or op.train_only:
        return False
    if not all(id(value) in made or id(value) in scalars for value in operands):
        return False
    if not outputs[0].type.shape and not any(id(value) in made for value in operands):
        return False  # a number
    return all(isinstance(size, int) for size in outputs[0].type.shape) and _is_known(op)


def _is_known(op: Op) -> bool:
    """Whether no attribute is a size that only the call tells."""
    pending: list[Any] = [getattr(op, f.name) for f in fields(op)]  # type: ignore[arg-type]
    while pending:
        value = pending.pop()
        if isinstance(value, Dim):
            return False
        if isinstance(value, tuple):
            pending.extend(value)
        elif hasattr(value, "__dataclass_fields__"):
            pending.extend(getattr(value, f.name) for f in fields(value))
    return True
