"""Printing a block's text once, with all its executions at hand.

The walker goes over the regions of all specialisations (and, in a loop, of all iterations) in
step.  A layer made becomes a line of the constructor, an operation an expression that waits for its
use, a binding an assignment, a loop a loop, and an `if` that executions decide differently an
`if`.  `NotAlike` says that the executions cannot be printed as one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from compiler.codegen.arguments import Arguments, printable
from compiler.codegen.expr import (
    Element,
    Expr,
    Input,
    Literal,
    LoopItem,
    Made,
    Name,
    SiteName,
    Template,
    Temporary,
)
from compiler.codegen.leaves import Leaves, Written
from compiler.codegen.lists import SiteLists
from compiler.codegen.loops import close_loop, loop_items
from compiler.codegen.merge import NotAlike, merge
from compiler.codegen.names import Names
from compiler.codegen.render import render
from compiler.codegen.scope import Column, Frame, Pending
from compiler.codegen.static import static_expr
from compiler.codegen.target import Application, ClassTarget
from compiler.codegen.uses import Uses, bound_names, final_bindings
from compiler.codegen.writer import Assign, If, Statement
from compiler.ir import (
    Apply,
    Bind,
    Branch,
    Call,
    Create,
    Graph,
    Instance,
    Item,
    Layer,
    Loop,
    ReadParameter,
    Value,
)
from compiler.ops.base import Op
from compiler.ops.elementwise import Constant
from dsl import nodes

_DEEPEST = 3
_WIDEST = 60

MadeBy = Callable[[Instance, Graph], Expr | None]
"""The constructor call of an instance; None where it is never applied."""


class Walker:
    """Prints the regions of one group of specialisations."""

    def __init__(
        self,
        graphs: Sequence[Graph],
        target: ClassTarget,
        arguments: Arguments,
        variables: Names,
        lists: SiteLists,
        instance: MadeBy,
    ) -> None:
        self.graphs = graphs
        self.target = target
        self.arguments = arguments
        self.names = variables
        self.lists = lists
        self._instance = instance
        self.uses = Uses()
        for graph in graphs:
            self.uses.add(graph)
        self._loops = 0
        self._templates: dict[object, Template] = {}
        self._shapes: tuple[str, ...] = ()
        self._current: Sequence[Item] = ()

    # ------------------------------------------------------------------------------- regions

    def region(self, frame: Frame) -> None:
        """Prints the items of a region.  Raises NotAlike, Unsupported."""
        regions = [r.items for r in frame.regions]
        if any(len(r) != len(regions[0]) for r in regions):
            raise NotAlike
        wishes = self._wishes(regions[0])
        for index, item in enumerate(regions[0]):
            column = [r[index] for r in regions] if len(regions) > 1 else [item]
            if any(type(i) is not type(item) for i in column):
                raise NotAlike
            self._item(frame, column, wishes[index])

    def _wishes(self, items: Sequence[Item]) -> list[Bind | None]:
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

    def _item(self, frame: Frame, column: list[Any], wish: Bind | None) -> None:
        self._current = column
        match column[0]:
            case Create():
                self._create(frame, column)
            case Apply(op=Constant()):
                self._constant(frame, column)
            case Apply():
                self._apply(frame, column, wish)
            case Call():
                self._call(frame, column, wish)
            case ReadParameter():
                self._read(frame, column)
            case Bind():
                self._bind(frame, column)
            case Loop():
                self._loop(frame, column)
            case Branch():
                self._branch(frame, column, wish)

    # ---------------------------------------------------------------------- making and applying

    def _create(self, frame: Frame, column: list[Create]) -> None:
        made = [c.made for c in column]
        site = made[0].site
        if any(m.site is not site for m in made):
            raise NotAlike
        siblings = tuple(dict.fromkeys(m.op for m in made if isinstance(m, Layer)))
        exprs = [self._constructor(m, g, siblings) for m, g in zip(made, frame.graphs, strict=True)]
        if exprs[0] is None:
            return
        found = [e for e in exprs if e is not None]
        if frame.in_loop or site.loops:
            for thing, graph, expr in zip(made, frame.graphs, found, strict=True):
                self.lists.add(site, graph, thing.indices, expr, thing.arguments)
            return
        written = [m.arguments for m in made]
        value = self.merge_in(frame, found, written, symbolic=False, site=Literal(site.name))
        frame.construct.append(Assign((Element(self.lists.attribute(site), ()),), value))

    def _constructor(
        self, made: Layer | Instance, graph: int, siblings: tuple[Any, ...]
    ) -> Expr | None:
        if isinstance(made, Instance):
            return self._instance(made, self.graphs[graph])
        key = ("construct", made.op, tuple(p.type for p in made.parameters), siblings)
        if key not in self._templates:
            self._templates[key] = Template(self.target.construct(made, siblings))
        return self._templates[key].result

    def reference(self, frame: Frame, made: Sequence[Layer | Instance]) -> Expr:
        """`self.site`, or the element of its lists that every execution means."""
        site = made[0].site
        if any(m.site is not site for m in made):
            raise NotAlike
        places = tuple(
            self._place(frame, [m.indices[level] for m in made])
            for level in range(len(made[0].indices))
        )
        return Element(self.lists.attribute(site), places)

    def _place(self, frame: Frame, indices: list[int]) -> Expr:
        for loop, steps in frame.iteration.items():
            if steps == indices:
                return LoopItem("", loop)
        if all(i == indices[0] for i in indices):
            return Literal(indices[0])
        raise NotAlike

    def _constant(self, frame: Frame, column: list[Apply]) -> None:
        values: list[Any] = []
        for item in column:
            assert isinstance(item.op, Constant)
            values.append(item.op.value)
            self.target.remember(item.outputs[0], item.op)
        leaves = self._leaves(frame, [i.arguments for i in column], symbolic=True)
        output = [i.outputs[0] for i in column]
        self._wait(frame, (output,), leaves.resolve(values, None), 0, "value")

    def _apply(self, frame: Frame, column: list[Apply], wish: Bind | None) -> None:
        if not any(self.uses.is_live(o) for i in column for o in i.outputs):
            return
        siblings = tuple(dict.fromkeys(i.op for i in column))
        templates = [
            self._template(self.graphs[g], i, siblings)
            for i, g in zip(column, frame.graphs, strict=True)
        ]
        layer = column[0].layer
        made: list[Layer | Instance] = [i.layer for i in column if i.layer is not None]
        reference = self.reference(frame, made) if layer is not None else None
        inputs = self._inputs(frame, [i.inputs for i in column], templates[0], wish)
        written = [i.arguments for i in column]
        resolve = self._resolver(frame, written, inputs, reference)
        expr = self._expand(frame, templates, resolve)
        outputs = tuple(zip(*(i.outputs for i in column), strict=True))
        depth = self._depth(inputs, expr)
        name = layer.site.name if layer is not None else column[0].op.name
        self._wait(frame, outputs, expr, depth, name)

    def _template(self, graph: Graph, item: Apply, siblings: tuple[Op, ...]) -> Template:
        constants = tuple(self.target.constant(v) for v in item.inputs)
        types = tuple(None if v is None else v.type for v in item.inputs)
        key = (item.op, types, constants, siblings, self.target.apply_key(graph, item))
        if key not in self._templates:
            lowered = self.target.apply(Application(graph, item, siblings, self.target))
            self._templates[key] = lowered if isinstance(lowered, Template) else Template(lowered)
        return self._templates[key]

    def _expand(self, frame: Frame, templates: Sequence[Template], resolve: _Resolve) -> Expr:
        """The merged expression; temporaries of the template become assignments before it."""
        if any(len(t.temporaries) != len(templates[0].temporaries) for t in templates):
            raise NotAlike
        for index, (wish, _) in enumerate(templates[0].temporaries):
            value = merge(_distinct([t.temporaries[index][1] for t in templates], resolve), resolve)
            name = Name(self.names.fresh(wish))
            frame.compute.append(Assign((name,), value))
            resolve.temporaries.append(name)
        return merge(_distinct([t.result for t in templates], resolve), resolve)

    def _call(self, frame: Frame, column: list[Call], wish: Bind | None) -> None:
        if not any(self.uses.is_live(o) for i in column for o in i.outputs):
            return
        templates = [
            Template(self.target.call(self.graphs[g], i))
            for i, g in zip(column, frame.graphs, strict=True)
        ]
        reference = self.reference(frame, [i.instance for i in column])
        inputs = self._inputs(frame, [i.inputs for i in column], templates[0], wish)
        adapted = [
            None
            if e is None
            else self.target.use(self.graphs[frame.graphs[0]], column[0], k, column[0].inputs[k], e)
            for k, e in enumerate(inputs)
        ]
        resolve = self._resolver(frame, [()] * len(column), adapted, reference)
        expr = self._expand(frame, templates, resolve)
        outputs = tuple(zip(*(i.outputs for i in column), strict=True))
        depth = self._depth(inputs, expr)
        self._wait(frame, outputs, expr, depth, column[0].instance.site.name)

    def _read(self, frame: Frame, column: list[ReadParameter]) -> None:
        first = column[0]
        if first.layer is None:
            assert first.site is not None
            if first.site.loops or frame.in_loop:
                raise NotAlike
            attribute = Element(self.lists.attribute(first.site), ())
            if self.lists.declare(first.site):
                declared = [self.target.declare(i) for i in column]
                value = self.merge_in(
                    frame,
                    declared,
                    [()] * len(column),
                    symbolic=False,
                    site=Literal(first.site.name),
                )
                frame.construct.append(Assign((attribute,), value))
            reference: Expr = attribute
        else:
            reference = self.reference(frame, [i.layer for i in column if i.layer is not None])
        read = [self.target.read_parameter(i) for i in column]
        resolve = self._resolver(frame, [()] * len(column), (), reference)
        expr = merge(_distinct(read, resolve), resolve)
        self._wait(frame, ([i.output for i in column],), expr, 0, first.parameter.name)

    # ------------------------------------------------------------------------ values and names

    def _inputs(
        self,
        frame: Frame,
        operands: Sequence[Sequence[Value | None]],
        template: Template,
        wish: Bind | None,
    ) -> list[Expr | None]:
        result: list[Expr | None] = []
        for values in zip(*operands, strict=True):
            column = [v for v in values if v is not None]
            if len(column) != len(values):
                if column:
                    raise NotAlike
                result.append(None)
                continue
            held = frame.pending.get(id(column[0]))
            if held is not None and self._too_big(held, template):
                self._spill(frame, held, wish)
            result.append(self.value(frame, column))
        return result

    def _too_big(self, held: Pending, template: Template) -> bool:
        return held.depth >= _DEEPEST or len(render(held.expr)) > _WIDEST

    def value(self, frame: Frame, column: Column) -> Expr:
        """The expression for values: one that waits for its only use, or a variable."""
        held = frame.pending.get(id(column[0]))
        if held is not None:
            once = len(held.columns) == 1 and self.uses.count(column[0]) == 1
            if once or isinstance(held.expr, Literal | Element):
                if once:
                    del frame.pending[id(column[0])]
                return held.expr
            self._spill(frame, held, None)
        name = frame.variable(column)
        if name is None:
            raise NotAlike
        return name

    def _wait(
        self, frame: Frame, outputs: tuple[Column, ...], expr: Expr, depth: int, wish: str
    ) -> None:
        held = Pending(outputs, expr, depth, wish)
        for column in outputs:
            frame.pending[id(column[0])] = held

    def _spill(self, frame: Frame, held: Pending, wish: Bind | None) -> None:
        """Writes a waiting expression to variables."""
        names = []
        for index, column in enumerate(held.columns):
            frame.pending.pop(id(column[0]), None)
            live = self.uses.is_live(column[0])
            name = self._borrowed(frame, wish, column) if len(held.columns) == 1 else None
            if name is None:
                name = self.names.fresh(held.wish) if live else "_"
            names.append(name)
            if live:
                frame.variables.set(name, column)
        self._assign(frame, names, held)

    def _borrowed(self, frame: Frame, wish: Bind | None, column: Column) -> str | None:
        """The name that the value's chain ends in, where nothing else needs it until then."""
        if wish is None or not isinstance(wish.target, nodes.TargetName):
            return None
        name = self.names.of(wish.target.id)
        old = frame.variables.held.get(name)
        if old is not None and self._needed(old, self.uses.needed_from):
            return None
        return None if self._captures(frame, name) else name

    def _needed(self, old: Column, after: Callable[[Value, object], bool]) -> bool:
        """Whether any execution still needs what a variable holds."""
        items = self._current
        if len(items) != len(old):
            return True
        return any(after(value, item) for value, item in zip(old, items, strict=True))

    def _captures(self, frame: Frame, name: str) -> list[Pending]:
        """The waiting expressions that read a variable."""
        if name not in frame.variables.held:
            return []
        read = Name(name)
        return [p for p in dict.fromkeys(frame.pending.values()) if _mentions(p.expr, read)]

    def _assign(self, frame: Frame, names: list[str], held: Pending) -> None:
        targets = tuple(Name(n) for n in names)
        if len(held.columns) > 1 or isinstance(held.expr, Template):
            frame.compute.append(Assign(targets, held.expr))
            return
        frame.compute.append(Assign(targets, held.expr, self._comment(frame, held.columns[0])))

    def _comment(self, frame: Frame, column: Column) -> str | None:
        if len(self.graphs) > 1 or not column[0].type.shape:
            return None
        shapes = {self.target.comment(self.graphs[0], v) for v in column}
        if len(shapes) > 1 or (shape := shapes.pop()) in self._shapes:
            return None
        self._shapes = (shape,)
        return shape

    def _depth(self, inputs: Sequence[Expr | None], expr: Expr) -> int:
        deepest = 0
        for e in inputs:
            if e is not None:
                deepest = max(deepest, _call_depth(e))
        return deepest + 1

    def flush(self, frame: Frame) -> None:
        """Writes all waiting expressions that are still needed to variables."""
        for held in list(dict.fromkeys(frame.pending.values())):
            if not isinstance(held.expr, Literal | Element):
                self._spill(frame, held, None)

    def output_comment(self) -> str | None:
        """The shape of a single output, where it is not the last one noted."""
        outputs = self.graphs[0].outputs
        if len(self.graphs) > 1 or len(outputs) > 1 or not outputs[0].value.type.shape:
            return None
        shape = self.target.comment(self.graphs[0], outputs[0].value)
        return None if shape in self._shapes else shape

    # -------------------------------------------------------------------------------- bindings

    def _bind(self, frame: Frame, column: list[Bind]) -> None:
        first = column[0]
        if any(b.expression is not first.expression for b in column):
            raise NotAlike
        if isinstance(first.value, Value):
            assert isinstance(first.target, nodes.TargetName)
            self._bind_tensor(frame, first, [b.value for b in column])
            return
        if _holds_tensors(first.value):
            self._bind_tensors(frame, first, [b.value for b in column])
            return
        printed = static_expr(first.expression, frame.statics)
        for name in bound_names(first.target, first.value):
            values = [bound_names(b.target, b.value)[name] for b in column]
            frame.statics[name] = self._static(values, printed, first.target)

    def _static(
        self, values: list[Any], printed: Expr | None, target: nodes.AssignTarget
    ) -> Expr | None:
        if all(type(v) is type(values[0]) and v == values[0] for v in values):
            literal = printable(values[0])
            if literal is not None:
                return literal
        return printed if isinstance(target, nodes.TargetName) else None

    def _bind_tensor(self, frame: Frame, bind: Bind, column: list[Value]) -> None:
        assert isinstance(bind.target, nodes.TargetName)
        frame.statics.pop(bind.target.id, None)
        if not any(map(self.uses.is_live, column)):
            held = frame.pending.get(id(column[0]))
            if held is not None and len(held.columns) == 1:
                del frame.pending[id(column[0])]
            return
        name = self.names.of(bind.target.id)
        held = frame.pending.get(id(column[0]))
        if held is not None and len(held.columns) > 1:
            self._spill(frame, held, None)
            held = None
        existing = None if held is not None else frame.variable(column)
        if existing is not None and existing.identifier == name:
            return
        if held is None and existing is None:
            raise NotAlike
        self._preserve(frame, name, bind)
        if held is not None:
            del frame.pending[id(column[0])]
            self._assign(frame, [name], held)
        elif existing is not None:
            frame.compute.append(Assign((Name(name),), existing))
        frame.variables.set(name, column)

    def _preserve(self, frame: Frame, name: str, item: Bind) -> None:
        """Keeps a value that is still needed when its variable is about to be rebound."""
        bound = frame.pending.get(id(item.value)) if isinstance(item.value, Value) else None
        for held in self._captures(frame, name):
            if held is not bound:
                self._spill(frame, held, None)
        old = frame.variables.held.get(name)
        if old is None or not self._needed(old, self.uses.needed_after):
            return
        frame.variables.forget(name)
        if frame.variables.find(old) is None:
            kept = self.names.fresh(name)
            frame.compute.append(Assign((Name(kept),), Name(name)))
            frame.variables.set(kept, old)

    def _bind_tensors(self, frame: Frame, bind: Bind, values: list[Any]) -> None:
        """A tuple of tensors: unpacked where the source unpacks it, else its parts wait."""
        first = bound_names(bind.target, bind.value)
        held = self._unpacked(frame, bind)
        if held is None:
            for name, value in first.items():
                if isinstance(value, Value):
                    parts = [bound_names(bind.target, v)[name] for v in values]
                    one = Bind(nodes.TargetName(bind.span, name), bind.expression, value, bind.span)
                    self._bind_tensor(frame, one, parts)
                else:
                    frame.statics[name] = None
            return
        for name in first:
            self._preserve(frame, self.names.of(name), bind)
        names = []
        for column in held.columns:
            frame.pending.pop(id(column[0]), None)
            source = next(n for n, v in first.items() if v is column[0])
            live = any(map(self.uses.is_live, column))
            names.append(self.names.of(source) if live else "_")
            if live:
                frame.variables.set(names[-1], column)
        self._assign(frame, names, held)

    def _unpacked(self, frame: Frame, bind: Bind) -> Pending | None:
        """The waiting operation whose outputs are exactly what the binding names, in order."""
        if not isinstance(bind.target, nodes.TargetTuple) or not bind.value:
            return None
        first = bind.value[0]
        held = frame.pending.get(id(first)) if isinstance(first, Value) else None
        if held is None or len(held.columns) != len(bind.value) or len(held.columns) == 1:
            return None
        alike = all(c[0] is v for c, v in zip(held.columns, bind.value, strict=True))
        return held if alike else None

    # ------------------------------------------------------------------------ loops and branches

    def _loop(self, frame: Frame, column: list[Loop]) -> None:
        if not any(loop.iterations for loop in column):
            return
        self.flush(frame)
        outermost = not frame.in_loop
        marks = len(frame.compute), self.lists.mark(), self._shapes
        try:
            self._merged_loop(frame, column)
        except NotAlike:
            del frame.compute[marks[0] :]
            self.lists.rewind(marks[1])
            self._shapes = marks[2]
            self._unrolled_loop(frame, column)
        if outermost:
            frame.construct.extend(self._lists(frame))

    def _lists(self, frame: Frame) -> list[Statement]:
        """The constructor's lines for the layers made in the loop that just ended."""
        return self.lists.statements(
            sorted(set(frame.graphs)),
            lambda exprs, written, graphs: self._merge_elements(frame, exprs, written, graphs),
            self.target,
        )

    def _merge_elements(
        self, frame: Frame, exprs: list[Expr], written: Written, graphs: list[int]
    ) -> Expr:
        leaves = Leaves(self.arguments, graphs, frame.statics, written, symbolic=False)
        resolve = _Resolve(leaves, (), None, SiteName())
        return merge(exprs, resolve)

    def _merged_loop(self, frame: Frame, column: list[Loop]) -> None:
        loop = self._loops = self._loops + 1
        body = self._body_frame(frame, column, loop)
        self.region(body)
        self.flush(body)
        frame.compute.extend(close_loop(loop, column, frame, body, self.names))
        self._after(frame, column)

    def _body_frame(self, frame: Frame, column: list[Loop], loop: int) -> Frame:
        """All iterations of all executions, each with what the variables hold when it starts."""
        regions = [r for one in column for r in one.iterations]
        outer = [k for k, one in enumerate(column) for _ in one.iterations]
        body = frame.pick(outer, regions)
        body.in_loop = True
        body.iteration[loop] = [i for one in column for i in range(len(one.iterations))]
        carried = self._carried(frame, column)
        for name, values in carried.items():
            if all(v is not None for v in values):
                body.variables.set(name, [v for v in values if v is not None])
            else:
                body.variables.forget(name)
        changed = {n for r in regions for n in final_bindings(r)}
        for name in changed:
            body.statics[name] = None if name in body.statics else body.statics.get(name)
        body.statics.update(loop_items(column[0], loop))
        return body

    def _carried(self, frame: Frame, column: list[Loop]) -> dict[str, list[Value | None]]:
        """For every name that iterations assign: the tensor it holds as each of them starts."""
        ends = [[final_bindings(r) for r in one.iterations] for one in column]
        names = {n for one in ends for end in one for n, v in end.items() if isinstance(v, Value)}
        result: dict[str, list[Value | None]] = {}
        for source in names:
            variable = self.names.of(source)
            held = frame.variables.held.get(variable)
            values: list[Value | None] = []
            for k, one in enumerate(ends):
                current = held[k] if held is not None else None
                for end in one:
                    values.append(current)
                    after = end.get(source, current)
                    current = after if isinstance(after, Value) else None
            result[variable] = values
        return result

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

    def _settle(self, frame: Frame, ends: list[dict[str, object]]) -> None:
        for source in {n for end in ends for n, v in end.items() if isinstance(v, Value)}:
            name = self.names.of(source)
            held = frame.variables.held.get(name)
            values: list[Value] = []
            for k, end in enumerate(ends):
                value = end.get(source, held[k] if held is not None else None)
                if isinstance(value, Value):
                    values.append(value)
            frame.variables.forget(name)
            if len(values) == len(ends) and any(map(self.uses.is_live, values)):
                frame.variables.set(name, values)

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
        condition = static_expr(column[0].statement.condition, frame.statics)
        if condition is None:
            taken = [b.taken == 0 for b in column]
            leaves = self._leaves(frame, [()] * len(column), symbolic=False)
            condition = leaves.resolve(taken, "condition")
        result = self._result_name(column, wish)
        sides = [self._side(frame, column, side, result) for side in (0, 1)]
        self._join(frame, condition, sides)
        ends = [final_bindings(b.body) for b in column]
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
            values = [column[k].result for k in chosen]
            expr = self.value(inner, values)
            if expr != Name(result):
                inner.compute.append(Assign((Name(result),), expr))
        self.flush(inner)
        return inner

    def _join(self, frame: Frame, condition: Expr, sides: list[Frame]) -> None:
        from compiler.codegen.expr import Unary

        for part in ("construct", "compute"):
            then, otherwise = (tuple(getattr(side, part)) for side in sides)
            written: list[Statement] = getattr(frame, part)
            if then:
                written.append(If(condition, then, otherwise))
            elif otherwise:
                written.append(If(Unary("not", condition), otherwise))

    # -------------------------------------------------------------------------------- templates

    def _leaves(self, frame: Frame, written: Written, *, symbolic: bool) -> Leaves:
        return Leaves(self.arguments, frame.graphs, frame.statics, written, symbolic=symbolic)

    def _resolver(
        self,
        frame: Frame,
        written: Written,
        inputs: Sequence[Expr | None],
        reference: Expr | None,
    ) -> _Resolve:
        return _Resolve(self._leaves(frame, written, symbolic=True), inputs, reference, None)

    def merge_in(
        self, frame: Frame, exprs: list[Expr], written: Written, *, symbolic: bool, site: Expr
    ) -> Expr:
        """Merges constructor templates."""
        resolve = _Resolve(self._leaves(frame, written, symbolic=symbolic), (), None, site)
        return merge(_distinct(exprs, resolve), resolve)


class _Resolve:
    """The resolver of one site's templates."""

    def __init__(
        self,
        leaves: Leaves,
        inputs: Sequence[Expr | None],
        reference: Expr | None,
        site: Expr | None,
    ) -> None:
        self.leaves = leaves
        self.inputs = inputs
        self.reference = reference
        self.site = site
        self.temporaries: list[Expr] = []
        self.which: list[int] | None = None

    def __call__(self, templates: Sequence[Expr], keyword: str | None) -> Expr:
        match templates[0]:
            case Input(index):
                if any(t != templates[0] for t in templates):
                    raise NotAlike
                expr = self.inputs[index]
                assert expr is not None, "a lowering used an operand that is absent"
                return expr
            case Made():
                assert self.reference is not None
                return self.reference
            case SiteName():
                assert self.site is not None
                return self.site
            case Temporary(index):
                return self.temporaries[index]
        contents = [t.content for t in templates if isinstance(t, Literal)]
        if self.which is not None:
            contents = [contents[k] for k in self.which]
        return self.leaves.resolve(contents, keyword)


def _distinct(exprs: list[Expr], resolve: _Resolve) -> list[Expr]:
    """The templates without repetitions; the resolver learns which execution has which."""
    numbers: dict[int, int] = {}
    kept: list[Expr] = []
    which: list[int] = []
    for expr in exprs:
        if id(expr) not in numbers:
            numbers[id(expr)] = len(kept)
            kept.append(expr)
        which.append(numbers[id(expr)])
    resolve.which = which
    return kept


def _call_depth(expr: Expr) -> int:
    from compiler.codegen.expr import Call as CallExpr
    from compiler.codegen.expr import children

    deepest = max(map(_call_depth, children(expr)), default=0)
    return deepest + isinstance(expr, CallExpr)


def _mentions(expr: Expr, part: Expr) -> bool:
    from compiler.codegen.expr import children

    return expr == part or any(_mentions(c, part) for c in children(expr))


def _holds_tensors(value: Any) -> bool:
    if isinstance(value, Value):
        return True
    return isinstance(value, tuple | list) and any(map(_holds_tensors, value))
