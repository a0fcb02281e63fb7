"""What of a trace a result needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tercet.compiler.graph.ir import (
    Apply,
    Bind,
    Branch,
    Call,
    Create,
    Instance,
    Item,
    Layer,
    Loop,
    ReadParameter,
    Region,
    Value,
)


def needed(items: Sequence[Item], results: set[Value]) -> list[Item]:
    """The items without those whose tensors nobody uses.

    A loop or branch stays or goes as a whole, so that iterations stay alike.
    """
    live = set(results)
    made: set[Layer | Instance] = set()
    kept: list[Item] = []
    for item in reversed(items):
        if _is_needed(item, live, made):
            _uses(item, live, made)
            kept.append(item)
    kept.reverse()
    return kept


def _is_needed(item: Item, live: set[Value], made: set[Layer | Instance]) -> bool:
    match item:
        case Create():
            return item.made in made
        case Bind(value=value):
            tensors = tensors_in(value)
            return not tensors or any(tensor in live for tensor in tensors)
        case _:
            return any(value in live for value in outputs(item))


def outputs(item: Item) -> list[Value]:
    """The tensors that an item computes, those inside loops and branches included."""
    match item:
        case Apply(outputs=values) | Call(outputs=values):
            return list(values)
        case ReadParameter(output=value):
            return [value]
        case Loop(iterations=regions):
            return [value for region in regions for value in _outputs(region)]
        case Branch(body=body):
            return _outputs(body)
    return []


def _outputs(region: Region) -> list[Value]:
    return [value for item in region.items for value in outputs(item)]


def _uses(item: Item, live: set[Value], made: set[Layer | Instance]) -> None:
    """Everything that the item reads is needed too."""
    match item:
        case Apply():
            live.update(v for v in item.inputs if v is not None)
            if item.layer is not None:
                made.add(item.layer)
        case Call():
            live.update(item.inputs)
            made.add(item.instance)
        case ReadParameter():
            if item.layer is not None:
                made.add(item.layer)
        case Bind():
            live.update(tensors_in(item.value))
        case Loop():
            live.update(tensors_in(item.items))
            for region in item.iterations:
                _region_uses(region, live, made)
        case Branch():
            live.update(tensors_in(item.result))
            _region_uses(item.body, live, made)


def _region_uses(region: Region, live: set[Value], made: set[Layer | Instance]) -> None:
    for item in region.items:
        _uses(item, live, made)


def tensors_in(value: Any) -> list[Value]:
    """The tensors that a value is or holds."""
    if isinstance(value, Value):
        return [value]
    if isinstance(value, tuple):
        return [tensor for part in value for tensor in tensors_in(part)]
    return []
