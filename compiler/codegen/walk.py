"""Printing a block's text once, with all its executions at hand.

The walker goes over the regions of all specialisations (and, in a loop, of all iterations) in
step.  A layer made becomes a line of the constructor, an operation an expression that waits for its
use (`values`), a binding an assignment (`bindings`), a loop a loop, and an `if` that executions
decide differently an `if` (`control`).  `NotAlike` says that the executions cannot be printed as
one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from compiler.codegen.arguments import Arguments
from compiler.codegen.control import Control
from compiler.codegen.expr import Element, Expr, Literal, LoopItem, Name, Template
from compiler.codegen.leaves import Written
from compiler.codegen.lists import SiteLists
from compiler.codegen.merge import NotAlike, merge
from compiler.codegen.names import Names
from compiler.codegen.render import render
from compiler.codegen.resolve import Resolve, distinct
from compiler.codegen.scope import Frame, Pending
from compiler.codegen.target import Application, ClassTarget
from compiler.codegen.writer import Assign
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
    Site,
    Value,
)
from compiler.ops.base import Op
from compiler.ops.elementwise import Constant
from dsl.diagnostics import Diagnostic, DiagnosticError

_DEEPEST = 3
_WIDEST = 50

MadeBy = Callable[[Instance, Graph], Expr | None]
"""The constructor call of an instance; None where it is never applied."""


class Walker(Control):
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
        super().__init__(graphs, target, arguments, variables, lists)
        self._instance = instance
        self._templates: dict[object, Template] = {}
        self._own = {
            item.made for g in graphs for item in g.body.walk() if isinstance(item, Create)
        }

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
        self.current = column
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
        if not self._own.issuperset(made):
            raise _passed_in(site)
        places: list[Expr] = []
        for level in range(len(made[0].indices)):
            places.append(self._place(frame, [m.indices[level] for m in made], places))
        return Element(self.lists.attribute(site), tuple(places))

    def _place(self, frame: Frame, indices: list[int], taken: list[Expr]) -> Expr:
        """The loop that counts these indices, each loop for one level of a list."""
        for loop, steps in frame.iteration.items():
            item = LoopItem("", loop)
            if steps == indices and item not in taken:
                return item
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
        expr = self.target.scalar(leaves.resolve(values, None))
        self.wait(frame, (output,), expr, 0, "value")

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
        inputs = inputs or [Name(self.names.of(i.value.name)) for i in self.graphs[0].inputs]
        written = [i.arguments for i in column]
        resolve = self._resolver(frame, written, inputs, reference)
        expr = self._expand(frame, templates, resolve)
        outputs = tuple(zip(*(i.outputs for i in column), strict=True))
        depth = self._depth(inputs, expr)
        name = layer.site.name if layer is not None else column[0].op.name
        self.wait(frame, outputs, expr, depth, name)

    def _template(self, graph: Graph, item: Apply, siblings: tuple[Op, ...]) -> Template:
        constants = tuple(self.target.constant(v) for v in item.inputs)
        types = tuple(None if v is None else v.type for v in item.inputs)
        key = (item.op, types, constants, siblings, self.target.apply_key(graph, item))
        if key not in self._templates:
            lowered = self.target.apply(Application(graph, item, siblings, self.target))
            self._templates[key] = lowered if isinstance(lowered, Template) else Template(lowered)
        return self._templates[key]

    def _expand(self, frame: Frame, templates: Sequence[Template], resolve: Resolve) -> Expr:
        """The merged expression; temporaries of the template become assignments before it."""
        if any(len(t.temporaries) != len(templates[0].temporaries) for t in templates):
            raise NotAlike
        for index, (wish, _) in enumerate(templates[0].temporaries):
            value = merge(distinct([t.temporaries[index][1] for t in templates], resolve), resolve)
            name = Name(self.names.fresh(wish))
            frame.compute.append(Assign((name,), value))
            resolve.temporaries.append(name)
        return merge(distinct([t.result for t in templates], resolve), resolve)

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
        self.wait(frame, outputs, expr, depth, column[0].instance.site.name)

    def _read(self, frame: Frame, column: list[ReadParameter]) -> None:
        first = column[0]
        if first.layer is None:
            assert first.site is not None
            if first.site.loops:
                raise _parameter_in_a_loop(first)
            if frame.in_loop:
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
        expr = merge(distinct(read, resolve), resolve)
        self.wait(frame, ([i.output for i in column],), expr, 0, first.parameter.name)

    # ------------------------------------------------------------------------ values and names

    def _inputs(
        self,
        frame: Frame,
        operands: Sequence[Sequence[Value | None]],
        template: Template,
        wish: Bind | None,
    ) -> list[Expr | None]:
        if any(len(o) != len(operands[0]) for o in operands):
            raise NotAlike
        columns: list[list[Value] | None] = []
        for values in zip(*operands, strict=True):
            column = [v for v in values if v is not None]
            if len(column) not in (0, len(values)):
                raise NotAlike
            columns.append(column or None)
        for present in filter(None, columns):
            held = frame.pending.get(id(present[0]))
            if held is not None and self._too_big(held, template):
                self.spill(frame, held, wish)
        exprs = iter(self.values(frame, [c for c in columns if c is not None]))
        return [None if column is None else next(exprs) for column in columns]

    def _too_big(self, held: Pending, template: Template) -> bool:
        return held.depth >= _DEEPEST or len(render(held.expr)) > _WIDEST

    # -------------------------------------------------------------------------------- templates

    def _resolver(
        self,
        frame: Frame,
        written: Written,
        inputs: Sequence[Expr | None],
        reference: Expr | None,
    ) -> Resolve:
        return Resolve(self._leaves(frame, written, symbolic=True), inputs, reference, None)

    def merge_in(
        self, frame: Frame, exprs: list[Expr], written: Written, *, symbolic: bool, site: Expr
    ) -> Expr:
        """Merges constructor templates."""
        resolve = Resolve(self._leaves(frame, written, symbolic=symbolic), (), None, site)
        return merge(distinct(exprs, resolve), resolve)


def _parameter_in_a_loop(item: ReadParameter) -> DiagnosticError:
    """The error for `param` in a loop: scripts have lists of layers, not of bare parameters."""
    message = f"the {item.parameter.role} `{item.parameter.path}` of a loop cannot be written"
    help = "declare it in a block, and apply a block of its own in each iteration"
    return DiagnosticError(Diagnostic("E0701", message, item.span, help=help))


def _passed_in(site: Site) -> DiagnosticError:
    """The error for a layer that a block gets as an argument: its class does not own it."""
    message = (
        f"`{site.name}` is passed into a block and applied there; no script can express it yet"
    )
    help = "apply the layer where it is made, or make it in the block"
    return DiagnosticError(Diagnostic("E0701", message, site.span, help))
