"""Applications: operations, layers and blocks, lowered to expressions over their operands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tercet.codegen.arguments import Arguments
from tercet.codegen.claims import Claim
from tercet.codegen.expr import Expr, Made, Name, Template
from tercet.codegen.instances import Instances
from tercet.codegen.leaves import Written
from tercet.codegen.lists import SiteLists
from tercet.codegen.merge import NotAlike, merge
from tercet.codegen.names import Names
from tercet.codegen.owned import Owned
from tercet.codegen.passing import Received
from tercet.codegen.render import render
from tercet.codegen.resolve import Resolve, distinct
from tercet.codegen.scope import Frame, Pending
from tercet.codegen.target import Application, ClassTarget
from tercet.codegen.tree import mentions, replace
from tercet.codegen.writer import Assign
from tercet.compiler.dims import Dim
from tercet.compiler.graph.ir import Apply, Bind, Call, Graph, Instance, Layer, Value
from tercet.compiler.ops.base import Op
from tercet.compiler.ops.elementwise import Constant

_DEEPEST = 3
_WIDEST = 50
_HOLE = Made()


class Applying(Owned):
    """The part of a walker that prints what is computed."""

    def __init__(
        self,
        graphs: Sequence[Graph],
        target: ClassTarget,
        arguments: Arguments,
        variables: Names,
        lists: SiteLists,
        instances: Instances,
        received: Received,
    ) -> None:
        super().__init__(graphs, target, arguments, variables, lists, instances, received)
        self._templates: dict[object, Template] = {}
        self._claims: dict[Layer | Instance, Claim] = {}

    def _constant(self, frame: Frame, column: list[Apply]) -> None:
        values: list[Any] = []
        for item in column:
            assert isinstance(item.op, Constant)
            values.append(item.op.value)
            self.target.remember(item.outputs[0], item.op)
        sizes = [value for value in values if isinstance(value, Dim)]
        if sizes and not self.target.reads_sizes:  # there a size is no number, but computed
            if len(sizes) < len(values):
                raise NotAlike
            self._apply(frame, column, None)
            return
        leaves = self._leaves(frame, [i.arguments for i in column], symbolic=True)
        output = [i.outputs[0] for i in column]
        self.wait(frame, (output,), leaves.resolve(values, None), 0, "value")

    def _apply(self, frame: Frame, column: list[Apply], wish: Bind | None) -> None:
        if not any(self.uses.is_live(o) for i in column for o in i.outputs):
            return
        siblings = tuple(dict.fromkeys(i.op for i in column))
        templates = [
            self._template(self.graphs[g], i, siblings)
            for i, g in zip(column, frame.graphs, strict=True)
        ]
        layer, operands = column[0].layer, column[0].inputs
        inner = frame.pending.get(id(operands[0])) if layer is not None else None
        made: list[Layer | Instance] = [i.layer for i in column if i.layer is not None]
        reference = self.reference(frame, made) if layer is not None else None
        inputs = self._inputs(frame, [i.inputs for i in column], wish, is_layer=layer is not None)
        if inner is not None and (inputs[0] is not inner.expr or inner.depth < _DEEPEST - 1):
            inner = None
        pairs = zip(inputs, operands, strict=True)
        inputs = [self._operand(column[0].op, expr, value) for expr, value in pairs]
        inputs = inputs or [Name(self.names.of(i.value.name)) for i in self.graphs[0].inputs]
        written = [i.arguments for i in column]
        resolve = self._resolver(frame, written, inputs, reference)
        expr = self._expand(frame, templates, resolve)
        outputs = tuple(zip(*(i.outputs for i in column), strict=True))
        depth = self._depth(inputs, expr)
        name = layer.site.name if layer is not None else column[0].op.name
        self.wait(frame, outputs, expr, depth, name, inner)

    def _operand(self, op: Op, expr: Expr | None, value: Value | None) -> Expr | None:
        if expr is None or self.target.constant(value) is None:
            return expr
        return self.target.scalar(op, expr)

    def _template(self, graph: Graph, item: Apply, siblings: tuple[Op, ...]) -> Template:
        constants = tuple(self.target.constant(v) for v in item.inputs)
        types = tuple(None if v is None else v.type for v in item.inputs)
        key = (item.op, types, constants, siblings, self.target.apply_key(graph, item))
        if key not in self._templates:
            lowered = self.target.apply(Application(graph, item, siblings, self.target))
            self._templates[key] = lowered if isinstance(lowered, Template) else Template(lowered)
        return self._templates[key]

    def _expand(self, frame: Frame, templates: Sequence[Template], resolve: Resolve) -> Expr:
        """The merged expression; temporaries that are no names become assignments before it."""
        if any(len(t.temporaries) != len(templates[0].temporaries) for t in templates):
            raise NotAlike
        for index, (wish, _) in enumerate(templates[0].temporaries):
            value = merge(distinct([t.temporaries[index][1] for t in templates], resolve), resolve)
            if not isinstance(value, Name):
                name = Name(self.names.fresh(wish))
                frame.compute.append(Assign((name,), value))
                value = name
            resolve.temporaries.append(value)
        return merge(distinct([t.result for t in templates], resolve), resolve)

    def _call(self, frame: Frame, column: list[Call], wish: Bind | None) -> None:
        if not any(self.uses.is_live(o) for i in column for o in i.outputs):
            return
        instances = [i.instance for i in column]
        reference = self.reference(frame, instances)
        handed = self.handed(frame, instances)
        templates = [
            Template(self.target.call(self.graphs[g], i, tuple(handed)))
            for i, g in zip(column, frame.graphs, strict=True)
        ]
        inputs = self._inputs(frame, [i.inputs for i in column], wish)
        adapted = [
            None
            if e is None
            else self.target.use(self.graphs[frame.graphs[0]], column[0], k, column[0].inputs[k], e)
            for k, e in enumerate(inputs)
        ]
        operands = [*adapted, *handed.values()]
        resolve = self._resolver(frame, [()] * len(column), operands, reference)
        expr = self._expand(frame, templates, resolve)
        outputs = tuple(zip(*(i.outputs for i in column), strict=True))
        depth = self._depth(inputs, expr)
        self.wait(frame, outputs, expr, depth, column[0].instance.site.name)

    # ------------------------------------------------------------------------ values and names

    def _inputs(
        self,
        frame: Frame,
        operands: Sequence[Sequence[Value | None]],
        wish: Bind | None,
        *,
        is_layer: bool = True,
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
            if held is None or not _too_big(held):
                continue
            if is_layer or not self._split(frame, held, wish):
                self.spill(frame, held, wish)
        exprs = iter(self.values(frame, [c for c in columns if c is not None]))
        return [None if column is None else next(exprs) for column in columns]

    def _split(self, frame: Frame, held: Pending, wish: Bind | None) -> bool:
        """Writes what a layer is applied to, if that makes its application short enough to wait on.

        So `relu` stays with the layer before it: `h = relu(a(x))`, `relu(b(h))`.
        """
        inner = held.inner
        if inner is None or len(held.columns) > 1:
            return False
        rest = replace(held.expr, lambda e: _HOLE if e == inner.expr else None)
        if not mentions(rest, _HOLE) or len(render(_filled(rest, Name("h")))) > _WIDEST:
            return False
        self.wait(frame, held.columns, rest, 1, held.wish)
        self.spill(frame, inner, wish)
        name = frame.variable(inner.columns[0])
        assert name is not None
        self.wait(frame, held.columns, _filled(rest, name), 1, held.wish)
        return True

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


def _too_big(held: Pending) -> bool:
    """Whether an expression should not grow any more."""
    return held.depth >= _DEEPEST or len(render(held.expr)) > _WIDEST


def _filled(expr: Expr, name: Name) -> Expr:
    return replace(expr, lambda e: name if e == _HOLE else None)
