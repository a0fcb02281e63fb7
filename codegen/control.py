"""Loops and `if`s: printed as such where their executions are alike, unrolled where not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tercet.codegen.arguments import Arguments, printable
from tercet.codegen.expr import Binary, Expr, Literal, Name, SiteName, Unary
from tercet.codegen.leaves import Leaves, Written
from tercet.codegen.lists import SiteLists
from tercet.codegen.loops import Head, close_loop, loop_items
from tercet.codegen.merge import NotAlike, merge
from tercet.codegen.names import Names
from tercet.codegen.passing import Received
from tercet.codegen.rebinding import Rebinding
from tercet.codegen.references import Element, LoopItem
from tercet.codegen.resolve import Resolve
from tercet.codegen.scope import Column, Frame
from tercet.codegen.static import static_expr
from tercet.codegen.target import ClassTarget
from tercet.codegen.uses import bound_names, final_bindings
from tercet.codegen.writer import Assign, If, Statement
from tercet.compiler.graph.ir import Bind, Branch, Graph, Loop, Value
from tercet.dsl import nodes


class Control(Rebinding):
    """The part of a walker that prints control flow."""

    def __init__(
        self,
        graphs: Sequence[Graph],
        target: ClassTarget,
        arguments: Arguments,
        names: Names,
        lists: SiteLists,
        received: Received,
    ) -> None:
        super().__init__(graphs, target, names)
        self.received = received
        self.arguments = arguments
        self.lists = lists
        self._loops = 0

    def region(self, frame: Frame) -> None:
        """Prints the items of a region.  Raises NotAlike, Unsupported."""
        raise NotImplementedError

    def _leaves(self, frame: Frame, written: Written, *, symbolic: bool) -> Leaves:
        symbolic = symbolic and self.target.reads_sizes
        return Leaves(self.arguments, frame.graphs, frame.statics, written, symbolic=symbolic)

    def _loop(self, frame: Frame, column: list[Loop]) -> None:
        if not any(loop.iterations for loop in column):
            return
        self.flush(frame)
        outermost = not frame.in_loop
        carried = self._carried(frame, column)
        self._write_readers(frame, carried)
        marks = len(frame.compute), self.lists.mark(), self.names.mark(), self._shapes
        first = [self.uses.end(one.iterations[0]) if one.iterations else None for one in column]
        kept = self._kept(frame, dict.fromkeys(carried, first))
        try:
            self._merged_loop(frame, column, carried)
        except NotAlike:
            for name in kept:
                frame.variables.forget(name)
            del frame.compute[marks[0] :]
            self.lists.rewind(marks[1])
            self.names.rewind(marks[2])
            self._shapes = marks[3]
            self._unrolled_loop(frame, column)
        if outermost:
            frame.construct.extend(self._lists(frame, declared=False))
            self.making(frame).extend(self._lists(frame, declared=True))

    def making(self, frame: Frame) -> list[Statement]:
        """Where raw parameters are made."""
        return frame.build if self.target.declares_when_built else frame.construct

    def _lists(self, frame: Frame, *, declared: bool) -> list[Statement]:
        """The constructor's lines for what is made in the loop that just ended."""
        return self.lists.statements(
            sorted(set(frame.graphs)),
            lambda exprs, written, graphs: self._merge_elements(frame, exprs, written, graphs),
            self.target,
            declared=declared,
        )

    def _merge_elements(
        self, frame: Frame, exprs: list[Expr], written: Written, graphs: list[int]
    ) -> Expr:
        leaves = Leaves(self.arguments, graphs, frame.statics, written, symbolic=False)
        resolve = Resolve(leaves, (), None, SiteName())
        return merge(exprs, resolve)

    def _merged_loop(
        self, frame: Frame, column: list[Loop], carried: Mapping[str, list[Value | None]]
    ) -> None:
        loop = self._loops = self._loops + 1
        body = self._body_frame(frame, column, loop, carried)
        self.region(body)
        self.flush(body)
        self._require_named(column)
        counts = [len(one.iterations) for one in column]
        frame.compute.extend(
            close_loop(
                Head(
                    loop,
                    column,
                    static_expr(column[0].statement.iterable, frame.statics),
                    lambda element: self._spans(frame, counts, element),
                    lambda items: self.received.find(items, frame.graphs, frame.iteration),
                ),
                body.compute,
                self.names,
            )
        )
        self._after(frame, column)

    def _spans(self, frame: Frame, counts: Sequence[int], element: Element) -> bool:
        """Whether the list that the element is in has as many entries, in every execution."""
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
            lists = self.received if element.received else self.lists
            length = lists.length(element.site, frame.graphs[k], tuple(place))
            if length != count:
                return False
        return True

    def _require_named(self, column: Sequence[Loop]) -> None:
        """Raises NotAlike for values that leave the loop in a list: printed, it would lose them."""
        for loop in column:
            ends = [final_bindings(region) for region in loop.iterations]
            named = {id(v) for end in ends[-1:] for v in end.values()}
            if any(id(value) not in named for value in self.uses.escaping(loop)):
                raise NotAlike

    def _body_frame(
        self,
        frame: Frame,
        column: list[Loop],
        loop: int,
        carried: Mapping[str, list[Value | None]],
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
            body.statics[name] = None if name in body.statics else body.statics.get(name)
        body.statics.update(loop_items(column[0], loop))
        items = [item for one in column for item in one.items]
        target = column[0].statement.target
        for each in nodes.target_names(target):
            body.items[each.id] = [bound_names(target, i).get(each.id) for i in items]
        return body

    def _after(self, frame: Frame, column: Sequence[Loop]) -> None:
        """What the variables hold when all iterations are over."""
        ends: list[dict[str, object]] = []
        for one in column:
            merged: dict[str, object] = {}
            for region in one.iterations:
                merged.update(final_bindings(region))
            ends.append(merged)
        self._settle(frame, ends)
        for name in {n for end in ends for n in end}:
            if name in frame.statics:
                frame.statics[name] = None

    def _unrolled_loop(self, frame: Frame, column: list[Loop]) -> None:
        count = len(column[0].iterations)
        if any(len(one.iterations) != count for one in column):
            raise NotAlike
        was = frame.in_loop, frame.regions
        frame.in_loop = True
        for index in range(count):
            for name, value in bound_names(
                column[0].statement.target, column[0].items[index]
            ).items():
                frame.statics[name] = None if isinstance(value, Value) else printable(value)
            frame.regions = [one.iterations[index] for one in column]
            self.region(frame)
        frame.in_loop, frame.regions = was

    def _branch(self, frame: Frame, column: list[Branch], wish: Bind | None) -> None:
        if all(b.taken == column[0].taken for b in column):
            regions = frame.regions
            frame.regions = [b.body for b in column]
            self.region(frame)
            frame.regions = regions
            return
        if not any(b.body.items for b in column) and not isinstance(column[0].result, Value):
            return
        self.flush(frame)
        ends = [final_bindings(b.body) for b in column]
        result = self._result_name(column, wish)
        self._keep_before(frame, column, ends, result)
        condition = static_expr(column[0].statement.condition, frame.statics)
        if condition is None:
            taken = [b.taken == 0 for b in column]
            leaves = self._leaves(frame, [()] * len(column), symbolic=False)
            condition = leaves.resolve(taken, "condition")
        sides = [self._side(frame, column, side, result) for side in (0, 1)]
        self._join(frame, condition, sides)
        self._settle(frame, ends)
        for name in {n for end in ends for n in end if n in frame.statics}:
            frame.statics[name] = None
        if result is not None:
            frame.variables.set(result, [b.result for b in column])

    def _result_name(self, column: list[Branch], wish: Bind | None) -> str | None:
        if not isinstance(column[0].result, Value):
            return None
        if (
            wish is not None
            and isinstance(wish.target, nodes.TargetName)
            and all(wish.value is not b for b in column)
        ):
            return self.names.of(wish.target.id)
        return self.names.fresh("result")

    def _side(self, frame: Frame, column: list[Branch], side: int, result: str | None) -> Frame:
        chosen = [k for k, b in enumerate(column) if b.taken == side]
        inner = frame.pick(chosen, [column[k].body for k in chosen])
        self.region(inner)
        if result is not None:
            self._give(inner, result, [column[k].result for k in chosen])
        self.flush(inner)
        return inner

    def _give(self, frame: Frame, name: str, column: Column) -> None:
        """Assigns the result of one side of an `if` to the variable that both sides share."""
        held = frame.pending.get(id(column[0]))
        if held is None or len(held.columns) > 1:
            expr = self.value(frame, column)
            if expr != Name(name):
                frame.compute.append(Assign((Name(name),), expr))
            return
        del frame.pending[id(column[0])]
        self._write_readers(frame, [name])
        self._assign(frame, [name], held)

    def _join(self, frame: Frame, condition: Expr, sides: list[Frame]) -> None:
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
