"""The head of a printed loop: over a list of layers, over indices, or over the source's items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace as replace_fields
from typing import Any

from tercet.codegen.arguments import printable
from tercet.codegen.expr import Call, Expr, Literal, Name
from tercet.codegen.expr import Sequence as SequenceExpr
from tercet.codegen.merge import NotAlike
from tercet.codegen.names import Names
from tercet.codegen.passing import layers_in
from tercet.codegen.references import Element, LoopItem
from tercet.codegen.tree import children, replace
from tercet.codegen.writer import Assign, Evaluate, For, If, Line, Return, Statement
from tercet.compiler.graph.ir import Loop
from tercet.dsl import nodes
from tercet.dsl.records import dataclass


def loop_items(loop: Loop, number: int) -> dict[str, Expr | None]:
    """What the names of a loop's target print as inside the loop."""
    names = nodes.target_names(loop.statement.target)
    return {name.id: LoopItem(name.id, number) for name in names}


@dataclass(frozen=True)
class Head:
    """What the head of a printed loop is made of.

    `iterable` is what the source loops over, where that can be printed; `spans` tells whether a
    list of layers has one for every iteration; `received` finds a list that every execution got.
    """

    loop: int
    column: Sequence[Loop]
    iterable: Expr | None
    spans: Callable[[Element], bool]
    received: Callable[[Sequence[Any]], Expr | None]


def close_loop(head: Head, body: list[Statement], names: Names) -> list[Statement]:
    """The finished loop; nothing where the body computes nothing.  Raises NotAlike."""
    if not body:
        return []
    loop = head.loop
    elements = {e for e in _find(body, Element) if _indexed(e, loop)}
    items = {e.identifier for e in _find(body, LoopItem) if e.loop == loop and e.identifier}
    if not items and len(elements) == 1:
        (element,) = elements
        item = LoopItem("", loop)
        last = element.places[-1] == item and item not in element.places[:-1]
        if last and head.spans(element):
            return [_over_list(element, body, names)]
    return [_over_items(head, elements, items, body, names)]


def _indexed(element: Element, loop: int) -> bool:
    return LoopItem("", loop) in element.places


def _over_list(element: Element, body: list[Statement], names: Names) -> For:
    wish = _item_name(element, body)
    name = Name(names.fresh("layer" if wish in names and "layer" not in names else wish))
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


def _over_items(
    head: Head,
    elements: set[Element],
    items: set[str],
    body: list[Statement],
    names: Names,
) -> For:
    loop, column = head.loop, head.column
    renamed = {item: _counted(item, names) for item in items}
    counter = _counter(column) if items else None
    index = Name(names.fresh("i")) if elements and counter is None else None
    if counter is not None and elements:
        index = renamed.setdefault(counter, _counted(counter, names))

    def change(expr: Expr) -> Expr | None:
        if isinstance(expr, LoopItem) and expr.loop == loop:
            return renamed[expr.identifier] if expr.identifier else index
        return None

    changed = tuple(map_expressions(body, change))
    if not items:
        return For(index or Name("_"), _range(head, elements), changed)
    written = column[0].statement.target
    if counter is not None and {*renamed} == {counter}:
        return For(renamed[counter], _range(head, elements), changed)
    if counter is not None and isinstance(written, nodes.TargetTuple):
        rest, plain = _target(written.items[1], renamed), _values(head, 1)
        if counter not in renamed:
            return For(rest, plain, changed)
        return For(SequenceExpr((renamed[counter], rest)), Name("enumerate")(plain), changed)
    target, values = _target(written, renamed), _values(head)
    if index is None:
        return For(target, values, changed)
    return For(SequenceExpr((index, target)), Name("enumerate")(values), changed)


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


def _range(head: Head, elements: set[Element]) -> Expr:
    """What counts the iterations, which instances may have different numbers of."""
    counts = {len(loop.iterations) for loop in head.column}
    if len(counts) == 1:
        return Name("range")(counts.pop())
    if isinstance(head.iterable, Call) and head.iterable.callee == Name("range"):
        return head.iterable
    last = LoopItem("", head.loop)
    for element in sorted(elements, key=lambda e: e.site):
        if element.places[-1] == last and head.spans(element):
            whole = replace_fields(element, places=element.places[:-1])
            return Name("range")(Name("len")(whole))
    raise NotAlike


def _values(head: Head, part: int | None = None) -> Expr:
    """What is looped over: the items, or one part of each."""
    column = head.column
    if any(any(True for _ in layers_in(loop.items)) for loop in column):
        return _received(head, part)
    if any(loop.items != column[0].items for loop in column):
        if head.iterable is None or part is not None:
            raise NotAlike
        return head.iterable
    items = tuple(i if part is None else i[part] for i in column[0].items)
    if items == tuple(range(len(items))):
        return Name("range")(len(items))
    values = printable(items)
    if values is None:
        raise NotAlike
    return values


def _received(head: Head, part: int | None) -> Expr:
    """The list with layers that the class got, or several side by side."""
    items = [tuple(i if part is None else i[part] for i in loop.items) for loop in head.column]
    whole = head.received(items)
    target = head.column[0].statement.target
    if whole is not None:
        return whole
    if part is None and isinstance(target, nodes.TargetTuple):
        parts = tuple(_part(head, k) for k in range(len(target.items)))
        return Call(Name("zip"), parts, (("strict", Literal(True)),))
    raise NotAlike


def _part(head: Head, part: int) -> Expr:
    """The parts of the items, as a list of their own."""
    columns = [tuple(item[part] for item in loop.items) for loop in head.column]
    values = None if any(c != columns[0] for c in columns) else printable(columns[0])
    found = values or head.received(columns)
    if found is None:
        raise NotAlike
    return found


def _target(target: nodes.AssignTarget, renamed: dict[str, Name]) -> Expr:
    match target:
        case nodes.TargetName(id=name):
            return renamed.get(name, Name("_"))
        case nodes.TargetTuple(items=items):
            return SequenceExpr(tuple(_target(i, renamed) for i in items))
    raise TypeError(target)


# ------------------------------------------------------------------------------- whole statements


def _find(statements: Iterable[Statement], kind: type[Any]) -> Iterator[Any]:
    for statement in statements:
        for expr in _expressions(statement):
            yield from _parts(expr, kind)
        yield from _find(_bodies(statement), kind)


def _parts(expr: Expr, kind: type[Any]) -> Iterator[Any]:
    if isinstance(expr, kind):
        yield expr
    if isinstance(expr, Element):
        for place in expr.places:
            yield from _parts(place, kind)
    for part in children(expr):
        yield from _parts(part, kind)


def _expressions(statement: Statement) -> tuple[Expr, ...]:
    match statement:
        case Assign(targets, value):
            return (*targets, value)
        case Return(value) | Evaluate(value):
            return (value,)
        case For(target, iterable):
            return (target, iterable)
        case If(condition):
            return (condition,)
    return ()


def _bodies(statement: Statement) -> tuple[Statement, ...]:
    match statement:
        case For(body=body):
            return body
        case If(then=then, otherwise=otherwise):
            return then + otherwise
    return ()


def map_expressions(
    statements: Iterable[Statement], change: Callable[[Expr], Expr | None]
) -> list[Statement]:
    """The statements with expressions exchanged wherever `change` gives another one."""

    def new(expr: Expr) -> Expr:
        return replace(expr, _deep)

    def _deep(expr: Expr) -> Expr | None:
        changed = change(expr)
        if changed is None and isinstance(expr, Element) and expr.places:
            places = tuple(new(p) for p in expr.places)
            return None if places == expr.places else replace_fields(expr, places=places)
        return changed

    result: list[Statement] = []
    for statement in statements:
        match statement:
            case Assign(targets, value, comment):
                result.append(Assign(tuple(new(t) for t in targets), new(value), comment))
            case Return(value, comment):
                result.append(Return(new(value), comment))
            case Evaluate(value):
                result.append(Evaluate(new(value)))
            case For(target, iterable, body):
                result.append(For(new(target), new(iterable), tuple(map_expressions(body, change))))
            case If(condition, then, otherwise):
                both = (tuple(map_expressions(side, change)) for side in (then, otherwise))
                result.append(If(new(condition), *both))
            case Line():
                result.append(statement)
    return result


def find_parts(statements: Iterable[Statement], kind: type[Any]) -> Iterator[Any]:
    """All parts of a kind in all expressions of the statements."""
    return _find(statements, kind)
