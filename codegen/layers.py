"""Layers: made by the constructor, called by name, and handed on to blocks that apply them too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from operator import is_
from typing import Any

from tercet.codegen.arguments import Written, printable
from tercet.codegen.built_ahead import build_statements
from tercet.codegen.decisions import CannotMerge
from tercet.codegen.expr import Element, Expr, Literal, LoopItem, Made, Template
from tercet.codegen.expr import Sequence as SequenceExpr
from tercet.codegen.layer_arguments import layers_in
from tercet.codegen.layer_lists import Making
from tercet.codegen.loops import spans_list, where_declared
from tercet.codegen.merge import Placeholders, merge_all, merge_makings
from tercet.codegen.regions import in_class
from tercet.codegen.state import Frame, State
from tercet.codegen.static_values import StaticValues
from tercet.codegen.values import defer
from tercet.codegen.writer import Assign
from tercet.compiler.graph.ir import Bind, Create, Instance, Layer, ReadParameter
from tercet.compiler.ops.base import LayerOp

# ----------------------------------------------------------------------------------------- made


@in_class(Create)
def print_create(
    state: State, frame: Frame, column: list[Create], destination: Bind | None
) -> None:
    made = [c.made for c in column]
    site = made[0].site
    if any(m.site is not site for m in made):
        raise CannotMerge("layers of different places in the text are made here")
    siblings = tuple(dict.fromkeys(m.op for m in made if isinstance(m, Layer)))
    _note_built_ahead(state, frame, made)
    alike = state.number_of(siblings)
    exprs = [
        _constructor(state, m, g, siblings, alike) for m, g in zip(made, frame.graphs, strict=True)
    ]
    if exprs[0] is None:
        return
    found = [e for e in exprs if e is not None]
    if frame.in_loop or site.loops:
        statics = dict(frame.statics)
        for thing, graph, expr in zip(made, frame.graphs, found, strict=True):
            making = Making(site, graph, thing.indices, expr, thing.arguments, statics)
            state.lists.add(making)
        return
    value = _merged_constructor(state, frame, found, [m.arguments for m in made], site.name)
    frame.construct.append(Assign((Element(state.lists.attribute(site), ()),), value))


def _merged_constructor(
    state: State, frame: Frame, exprs: list[Expr], written: Written, site: str
) -> Expr:
    static = StaticValues.of(state, frame, written, symbolic=False, preferred=f"{site}_size")
    return merge_all(exprs, Placeholders(static, site=Literal(state.target.site_name(site))))


def _constructor(
    state: State,
    made: Layer | Instance,
    graph: int,
    siblings: tuple[LayerOp, ...],
    alike: int,
) -> Expr | None:
    if isinstance(made, Instance):
        return state.classes.constructor(made, state.graphs[graph])
    types = tuple(p.type for p in made.parameters)
    own = state.target.construct_key(made)
    key = ("construct", made.op, types, made.inputs, alike, own)
    if key not in state.templates:
        state.templates[key] = Template(state.target.construct(made, siblings))
    return state.templates[key].result


def _note_built_ahead(state: State, frame: Frame, made: Sequence[Layer | Instance]) -> None:
    statics: dict[str, Expr | None] | None = None
    for one, graph in zip(made, frame.graphs, strict=True):
        building = state.target.built_ahead(one)
        if building is not None:
            statics = dict(frame.statics) if statics is None else statics
            making = Making(one.site, graph, one.indices, building, one.arguments, statics)
            state.built_ahead[one] = making


def write_built_ahead(state: State, frame: Frame) -> None:
    """Writes what the class builds before others apply it, at its end.  Raises CannotMerge."""

    def merged(makings: Sequence[Making]) -> Expr:
        return merge_makings(state.arguments, makings, layer=Made())

    layers = state.built_ahead.values()
    frame.build.extend(build_statements(layers, len(state.graphs), merged, state.lists))


# ------------------------------------------------------------------------------------ parameters


@in_class(ReadParameter)
def print_read(
    state: State, frame: Frame, column: list[ReadParameter], destination: Bind | None
) -> None:
    first = column[0]
    if first.layer is None:
        layer = _raw_parameter(state, frame, column)
    else:
        layer = reference(state, frame, [i.layer for i in column if i.layer is not None])
    if not any(state.uses.is_live(i.output) for i in column):
        return
    static = StaticValues.of(state, frame, [()] * len(column))
    read = [state.target.read_parameter(i) for i in column]
    expr = merge_all(read, Placeholders(static, layer=layer))
    defer(frame, ([i.output for i in column],), expr, 0, first.parameter.name)


def _raw_parameter(state: State, frame: Frame, column: list[ReadParameter]) -> Expr:
    """The attribute, or the element of a list, that holds a raw parameter; makes it too."""
    site = column[0].site
    assert site is not None
    if any(i.site is not site for i in column):
        raise CannotMerge("parameters of different places in the text are read here")
    attribute = state.lists.attribute(site)
    if site.loops:
        statics = dict(frame.statics)
        for item, graph in zip(column, frame.graphs, strict=True):
            made = state.target.declare(item)
            making = Making(site, graph, item.indices, made, (), statics)
            state.lists.add(making, declared=True)
        return Element(attribute, _places(frame, [i.indices for i in column]))
    if state.lists.declare(site):
        exprs = [state.target.declare(i) for i in column]
        value = _merged_constructor(state, frame, exprs, [()] * len(column), site.name)
        where_declared(state, frame).append(Assign((Element(attribute, ()),), value))
    return Element(attribute, ())


# ----------------------------------------------------------------------------------------- names


def reference(state: State, frame: Frame, made: Sequence[Layer | Instance]) -> Expr:
    """`self.site`, or the element of its lists that every execution means.

    Of a layer that the class does not own, the argument that brings it.  Raises CannotMerge.
    """
    if state.function is not None:
        return state.function.models[made[0].path]
    if not state.own.issuperset(made):
        found = _loop_item(frame, made) or _received(state, frame, made)
        if found is None:
            raise CannotMerge("a layer of the class in some executions, one that it gets in others")
        return found
    site = made[0].site
    if any(m.site is not site for m in made):
        raise CannotMerge("layers of different places in the text are applied here")
    return Element(state.lists.attribute(site), _places(frame, [m.indices for m in made]))


def _received(state: State, frame: Frame, values: Sequence[Any]) -> Expr | None:
    return state.received.find(values, frame.graphs, frame.iteration)


def _loop_item(frame: Frame, made: Sequence[Layer | Instance]) -> Expr | None:
    """What the source calls the layer in a loop over layers that the class got."""
    for name, values in frame.loop_values.items():
        printed = frame.statics.get(name)
        if isinstance(printed, LoopItem) and all(map(is_, values, made)):
            return printed
    return None


def _places(frame: Frame, indices: Sequence[Sequence[int]]) -> tuple[Expr, ...]:
    places: list[Expr] = []
    for column in zip(*indices, strict=True):
        places.append(_place(frame, list(column), places))
    return tuple(places)


def _place(frame: Frame, indices: list[int], taken: list[Expr]) -> Expr:
    """The loop that counts these indices, each loop for one level of a list."""
    for loop, steps in frame.iteration.items():
        item = LoopItem("", loop)
        if steps == indices and item not in taken:
            return item
    if all(i == indices[0] for i in indices):
        return Literal(indices[0])
    raise CannotMerge("no loop counts the layers that are applied here")


# ------------------------------------------------------------------------------------- handed on


def handed_layers(state: State, frame: Frame, instances: Sequence[Instance]) -> dict[str, Expr]:
    """The layers that the instances get at each call, by the names their class gives them."""
    if not state.own.issuperset(instances):  # their maker has bound them
        return {}
    called = [state.graphs[g].instances[i][0] for g, i in zip(frame.graphs, instances, strict=True)]
    wanted = state.classes.received(called[0])
    if any(state.classes.received(g) != wanted for g in called):
        raise CannotMerge("the blocks called need different layers of their caller")
    return {
        argument: _hand(state, frame, [g.arguments[name] for g in called])
        for name, argument in wanted.items()
    }


def _hand(state: State, frame: Frame, values: Sequence[Any]) -> Expr:
    """The expression for a static value with layers in it.  Raises CannotMerge."""
    first = values[0]
    if any(type(v) is not type(first) for v in values):
        raise CannotMerge("values of different types are handed to a block")
    if not any(any(True for _ in layers_in(v)) for v in values):
        return _plain(state, frame, values)
    whole = _received(state, frame, values)
    if whole is not None:
        return whole
    if isinstance(first, tuple):
        return _hand_list(state, frame, values)
    element = reference(state, frame, values)
    if isinstance(first, Layer):
        return element
    bound = handed_layers(state, frame, values)
    return state.target.bound(element, bound) if bound else element


def _plain(state: State, frame: Frame, values: Sequence[Any]) -> Expr:
    """A value beside layers in a list; None for what only the compiler knows."""
    if all(printable(v) is not None for v in values):
        return StaticValues.of(state, frame, [()] * len(values)).resolve(values, None)
    return Literal(None)


def _hand_list(state: State, frame: Frame, values: Sequence[Sequence[Any]]) -> Expr:
    if any(len(v) != len(values[0]) for v in values):
        raise CannotMerge("lists of different lengths are handed to a block")
    items = tuple(_hand(state, frame, column) for column in zip(*values, strict=True))
    whole = _whole_list(state, frame, items)
    if whole is not None:
        return whole
    alike = all(any(True for _ in layers_in(part)) for part in values[0])
    return SequenceExpr(items, is_list=alike)


def _whole_list(state: State, frame: Frame, items: Sequence[Expr]) -> Expr | None:
    """The list of the class that these are all elements of, in order."""
    first = items[0]
    if not isinstance(first, Element) or not first.places:
        return None
    places = first.places[:-1]
    rows = [replace(first, places=(*places, Literal(k))) for k in range(len(items))]
    counts = [len(items)] * len(frame.graphs)
    if list(items) != rows or not spans_list(state, frame, counts, first):
        return None
    return replace(first, places=places)
