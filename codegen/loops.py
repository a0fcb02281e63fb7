"""Loops: printed as such where their iterations are alike, unrolled where not.

The head of a printed loop goes over a list of layers, over numbers, or over the source's items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace as replace_fields
from typing import Any

from tercet.codegen.arguments import printable
from tercet.codegen.decisions import CannotMerge
from tercet.codegen.expr import Call, Element, Expr, Literal, LoopItem, Name, SiteName
from tercet.codegen.expr import Sequence as SequenceExpr
from tercet.codegen.joins import copy_before, join_variables, loop_carried, materialize_readers
from tercet.codegen.layer_arguments import layers_in
from tercet.codegen.layer_lists import Making
from tercet.codegen.merge import merge_makings
from tercet.codegen.names import Names
from tercet.codegen.once import NotOnce
from tercet.codegen.regions import in_class, print_region
from tercet.codegen.state import Frame, State
from tercet.codegen.static_values import static_expr
from tercet.codegen.tree import find_parts, map_expressions
from tercet.codegen.uses import bound_names, final_bindings
from tercet.codegen.values import materialize_all
from tercet.codegen.writer import For, Statement
from tercet.compiler.graph.ir import Apply, Bind, Loop, Value
from tercet.dsl import nodes
from tercet.dsl.records import dataclass


@in_class(Loop)
def print_loop(state: State, frame: Frame, column: list[Loop], destination: Bind | None) -> None:
    if not any(loop.iterations for loop in column):
        return
    materialize_all(state, frame)
    outermost = not frame.in_loop
    carried = loop_carried(state, frame, column)
    materialize_readers(state, frame, carried)
    before = state.snapshot(frame)
    first = [state.uses.end(one.iterations[0]) if one.iterations else None for one in column]
    copy_before(state, frame, dict.fromkeys(carried, first))
    try:
        _as_loop(state, frame, column, carried)
    except CannotMerge as problem:
        state.restore(frame, before)
        _unrolled(state, frame, column, problem)
    if outermost:
        frame.construct.extend(_layer_lists(state, frame, declared=False))
        where_declared(state, frame).extend(_layer_lists(state, frame, declared=True))


def where_declared(state: State, frame: Frame) -> list[Statement]:
    """The statements that make raw parameters."""
    return frame.build if state.target.declares_when_built else frame.construct


def _layer_lists(state: State, frame: Frame, *, declared: bool) -> list[Statement]:
    """The constructor's lines for what is made in the loop that just ended."""

    def merged(makings: Sequence[Making]) -> Expr:
        return merge_makings(state.arguments, makings, site=SiteName())

    graphs = sorted(set(frame.graphs))
    return state.lists.statements(graphs, merged, state.target, declared=declared)


# ------------------------------------------------------------------------------------- as a loop


def _as_loop(
    state: State, frame: Frame, column: list[Loop], carried: Mapping[str, list[Value | None]]
) -> None:
    loop = state.loops = state.loops + 1
    body = _body_frame(frame, column, loop, carried)
    print_region(state, body)
    materialize_all(state, body)
    _require_named(state, column)
    iterable = static_expr(column[0].statement.iterable, frame.statics)
    head = _Head(state, frame, loop, column, iterable)
    frame.compute.extend(head.close(body.compute))
    frame.construct.extend(_constants(state, column, body.construct))
    _after(state, frame, column)
    counts = sorted({len(one.iterations) for one in column})
    text = f"a loop: its iterations, {' or '.join(map(str, counts))}, are alike"
    state.decide(column[0].statement.span, text, merged=True)


def _constants(state: State, column: Sequence[Loop], construct: list[Statement]) -> list[Statement]:
    """What a loop's body computes once, the same in all iterations.  Raises NotOnce."""
    if any(True for _ in find_parts(construct, LoopItem)):
        regions = [region for loop in column for region in loop.iterations]
        items = [i for region in regions for i in region.walk() if isinstance(i, Apply)]
        raise NotOnce(i for i in items if id(i.outputs[0]) in state.once.made)
    return construct


def _require_named(state: State, column: Sequence[Loop]) -> None:
    """Raises CannotMerge for values that leave the loop in a list: printed, it would lose them."""
    for loop in column:
        last = loop.iterations[-1:]
        named = {id(v) for region in last for v in final_bindings(region).values()}
        for value in state.uses.escaping(loop):
            if id(value) not in named:
                raise CannotMerge(
                    f"the `{value.name}` of every iteration is used behind the loop, not the "
                    "last one alone"
                )


def _body_frame(
    frame: Frame, column: list[Loop], loop: int, carried: Mapping[str, list[Value | None]]
) -> Frame:
    """All iterations of all executions, each with what the variables hold when it starts."""
    regions = [r for one in column for r in one.iterations]
    outer = [k for k, one in enumerate(column) for _ in one.iterations]
    body = frame.pick(outer, regions)
    body.in_loop = True
    body.iteration[loop] = [i for one in column for i in range(len(one.iterations))]
    for name, values in carried.items():
        if all(v is not None for v in values):
            body.variables.set(name, [v for v in values if v is not None])
        else:
            body.variables.forget(name)
    changed = {n for r in regions for n in final_bindings(r)}
    for name in changed:
        body.statics[name] = None
    items = [item for one in column for item in one.items]
    target = column[0].statement.target
    for each in nodes.target_names(target):
        body.statics[each.id] = LoopItem(each.id, loop)
        body.loop_values[each.id] = [bound_names(target, i).get(each.id) for i in items]
    return body


def _after(state: State, frame: Frame, column: Sequence[Loop]) -> None:
    """What the variables hold when all iterations are over."""
    ends: list[dict[str, object]] = []
    for one in column:
        merged: dict[str, object] = {}
        for region in one.iterations:
            merged.update(final_bindings(region))
        ends.append(merged)
    join_variables(state, frame, ends)
    for name in {n for end in ends for n in end}:
        if name in frame.statics:
            frame.statics[name] = None


def _unrolled(state: State, frame: Frame, column: list[Loop], problem: CannotMerge) -> None:
    count = len(column[0].iterations)
    others = [k for k, one in enumerate(column) if len(one.iterations) != count]
    if others:
        raise CannotMerge(
            f"a loop that would be unrolled ({problem}) has different numbers of iterations",
            graphs=[state.graphs[frame.graphs[k]] for k in others],
        )
    text = f"unrolled, {count} iterations: {problem}"
    state.decide(column[0].statement.span, text, merged=False)
    was = frame.in_loop, frame.regions
    frame.in_loop = True
    for index in range(count):
        for name, value in bound_names(column[0].statement.target, column[0].items[index]).items():
            frame.statics[name] = None if isinstance(value, Value) else printable(value)
        frame.regions = [one.iterations[index] for one in column]
        print_region(state, frame)
    frame.in_loop, frame.regions = was


def spans_list(state: State, frame: Frame, counts: Sequence[int], element: Element) -> bool:
    """Whether the list that an element is in has as many entries, in every execution."""
    for k, count in enumerate(counts):
        place = []
        for index in element.places[:-1]:
            match index:
                case Literal(int(number)):
                    place.append(number)
                case LoopItem(loop=outer) if outer in frame.iteration:
                    place.append(frame.iteration[outer][k])
                case _:
                    return False
        lists = state.received if element.received else state.lists
        if lists.length(element.site, frame.graphs[k], tuple(place)) != count:
            return False
    return True


# ------------------------------------------------------------------------------- the head of a loop


@dataclass(frozen=True)
class _Head:
    """What the head of a printed loop is made of.

    `iterable` is what the source loops over, where that can be printed.
    """

    state: State
    frame: Frame
    loop: int
    column: Sequence[Loop]
    iterable: Expr | None

    def close(self, body: list[Statement]) -> list[Statement]:
        """The finished loop; nothing where the body computes nothing.  Raises CannotMerge."""
        if not body:
            return []
        loop = self.loop
        elements = {e for e in find_parts(body, Element) if LoopItem("", loop) in e.places}
        items = {e.identifier for e in find_parts(body, LoopItem) if e.loop == loop} - {""}
        if not items and len(elements) == 1:
            (element,) = elements
            item = LoopItem("", loop)
            last = element.places[-1] == item and item not in element.places[:-1]
            if last and self.spans(element):
                return [_over_list(element, body, self.state.names)]
        return [self._over_items(elements, items, body)]

    def spans(self, element: Element) -> bool:
        """Whether a list of layers has one for every iteration."""
        counts = [len(one.iterations) for one in self.column]
        return spans_list(self.state, self.frame, counts, element)

    def received(self, items: Sequence[Any]) -> Expr | None:
        """A list that every execution got."""
        return self.state.received.find(items, self.frame.graphs, self.frame.iteration)

    def _over_items(self, elements: set[Element], items: set[str], body: list[Statement]) -> For:
        names = self.state.names
        renamed = {item: _counted(item, names) for item in items}
        counter = _counter(self.column) if items else None
        index = Name(names.fresh("i")) if elements and counter is None else None
        if counter is not None and elements:
            index = renamed.setdefault(counter, _counted(counter, names))

        def change(expr: Expr) -> Expr | None:
            if isinstance(expr, LoopItem) and expr.loop == self.loop:
                return renamed[expr.identifier] if expr.identifier else index
            return None

        changed = tuple(map_expressions(body, change))
        if not items:
            return For(index or Name("_"), self._range(elements), changed)
        written = self.column[0].statement.target
        if counter is not None and {*renamed} == {counter}:
            return For(renamed[counter], self._range(elements), changed)
        if counter is not None and isinstance(written, nodes.TargetTuple):
            rest, plain = _target(written.items[1], renamed), self._values(1)
            if counter not in renamed:
                return For(rest, plain, changed)
            return For(SequenceExpr((renamed[counter], rest)), Name("enumerate")(plain), changed)
        target, values = _target(written, renamed), self._values()
        if index is None:
            return For(target, values, changed)
        return For(SequenceExpr((index, target)), Name("enumerate")(values), changed)

    def _range(self, elements: set[Element]) -> Expr:
        """What counts the iterations, which instances may have different numbers of."""
        counts = {len(loop.iterations) for loop in self.column}
        if len(counts) == 1:
            if self.iterable is not None and self.state.arguments.follows(self.iterable):
                raise CannotMerge("it decides about the iterations of a loop")
            return Name("range")(counts.pop())
        if isinstance(self.iterable, Call) and self.iterable.callee == Name("range"):
            return self.iterable
        last = LoopItem("", self.loop)
        for element in sorted(elements, key=lambda e: e.site):
            if element.places[-1] == last and self.spans(element):
                whole = replace_fields(element, places=element.places[:-1])
                return Name("range")(Name("len")(whole))
        raise CannotMerge("nothing that can be printed tells the number of iterations")

    def _values(self, part: int | None = None) -> Expr:
        """What is looped over: the items, or one part of each."""
        column = self.column
        if any(any(True for _ in layers_in(loop.items)) for loop in column):
            return self._received_values(part)
        if any(loop.items != column[0].items for loop in column):
            if self.iterable is None or part is not None:
                raise CannotMerge("what is looped over differs, and cannot be printed")
            return self.iterable
        items = tuple(i if part is None else i[part] for i in column[0].items)
        if items == tuple(range(len(items))):
            return Name("range")(len(items))
        values = printable(items)
        if values is None:
            raise CannotMerge("what is looped over has no literal in Python")
        return values

    def _received_values(self, part: int | None) -> Expr:
        """The list with layers that the class got, or several side by side."""
        items = [tuple(i if part is None else i[part] for i in loop.items) for loop in self.column]
        whole = self.received(items)
        target = self.column[0].statement.target
        if whole is not None:
            return whole
        if part is None and isinstance(target, nodes.TargetTuple):
            parts = tuple(self._part(k) for k in range(len(target.items)))
            return Call(Name("zip"), parts, (("strict", Literal(True)),))
        raise CannotMerge("the layers looped over are no list that the class got")

    def _part(self, part: int) -> Expr:
        """The parts of the items, as a list of their own."""
        columns = [tuple(item[part] for item in loop.items) for loop in self.column]
        values = None if any(c != columns[0] for c in columns) else printable(columns[0])
        found = values or self.received(columns)
        if found is None:
            raise CannotMerge("the layers looped over are no list that the class got")
        return found


def _over_list(element: Element, body: list[Statement], names: Names) -> For:
    preferred = _item_name(element, body)
    taken = preferred in names and "layer" not in names
    name = Name(names.fresh("layer" if taken else preferred))
    changed = map_expressions(body, lambda e: name if e == element else None)
    whole = replace_fields(element, places=element.places[:-1])
    return For(name, whole, tuple(changed))


def _item_name(element: Element, body: list[Statement]) -> str:
    """What one layer of a list is called: `block` of `basic_block_1` or of an argument `blocks`."""
    words = [word for word in element.site.split("_") if word and not word.isdigit()]
    if element.received:
        return words[-1].removesuffix("s") if words else "layer"
    if any(isinstance(s, For) and s.iterable == element for s in body):
        return "stage"
    return words[-1] if words else "layer"


def _counted(item: str, names: Names) -> Name:
    """The variable of a loop: never that of a tensor, which may be needed after the loop."""
    return Name(names.of(item, "loop"))


def _counter(column: Sequence[Loop]) -> str | None:
    """The name in a target that counts the iterations: then no other index is needed.

    It is the target, as in `for i in range(n)`, or the first of two of an `enumerate`.
    """
    match column[0].statement.target:
        case nodes.TargetName(id=name):
            counts = all(tuple(c.items) == tuple(range(len(c.items))) for c in column)
        case nodes.TargetTuple(items=(nodes.TargetName(id=name), _)):
            counts = all(_is_enumerated(c.items) for c in column)
        case _:
            return None
    return name if counts else None


def _is_enumerated(items: Sequence[Any]) -> bool:
    return all(
        isinstance(item, tuple | list) and type(item[0]) is int and item[0] == k
        for k, item in enumerate(items)
    )


def _target(target: nodes.AssignTarget, renamed: dict[str, Name]) -> Expr:
    match target:
        case nodes.TargetName(id=name):
            return renamed.get(name, Name("_"))
        case nodes.TargetTuple(items=items):
            return SequenceExpr(tuple(_target(i, renamed) for i in items))
    raise TypeError(target)
