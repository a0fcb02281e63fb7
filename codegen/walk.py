"""Printing a block's text once, with all its executions at hand.

The walker goes over the regions of all specialisations (and, in a loop, of all iterations) in
step.  A layer made becomes a line of the constructor, an operation an expression that waits for its
use (`values`), a binding an assignment (`bindings`), a loop a loop, and an `if` that executions
decide differently an `if` (`control`).  `NotAlike` says that the executions cannot be printed as
one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tercet.codegen.applying import Applying
from tercet.codegen.claims import building, claim
from tercet.codegen.expr import Expr, Literal, Made, Template
from tercet.codegen.leaves import Leaves, Written
from tercet.codegen.merge import NotAlike, merge
from tercet.codegen.references import Element
from tercet.codegen.resolve import Resolve, distinct
from tercet.codegen.scope import Frame
from tercet.codegen.writer import Assign
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
    Value,
)
from tercet.compiler.ops.elementwise import Constant


class Walker(Applying):
    """Prints the regions of one group of specialisations."""

    def build_ahead(self, frame: Frame) -> None:
        """Ends the walk: writes what the class builds before others apply it.  Raises NotAlike."""

        def merged(exprs: list[Expr], written: Written, graphs: list[int]) -> Expr:
            leaves = Leaves(self.arguments, graphs, frame.statics, written, symbolic=False)
            return merge(exprs, Resolve(leaves, (), Made(), None))

        claims = self._claims.values()
        frame.build.extend(building(claims, len(self.graphs), merged, self.lists))

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
        self._claim(made, frame.graphs)
        exprs = [self._constructor(m, g, siblings) for m, g in zip(made, frame.graphs, strict=True)]
        if exprs[0] is None:
            return
        found = [e for e in exprs if e is not None]
        if frame.in_loop or site.loops:
            for thing, graph, expr in zip(made, frame.graphs, found, strict=True):
                self.lists.add(site, graph, thing.indices, expr, thing.arguments)
            return
        written = [m.arguments for m in made]
        value = self.merge_in(
            frame, found, written, symbolic=False, site=Literal(self.target.site_name(site.name))
        )
        frame.construct.append(Assign((Element(self.lists.attribute(site), ()),), value))

    def _claim(self, made: Sequence[Layer | Instance], graphs: Sequence[int]) -> None:
        for one, graph in zip(made, graphs, strict=True):
            ahead = self.target.built_ahead(one)
            if ahead is not None:
                self._claims[one] = claim(one, graph, ahead)

    def _constructor(
        self, made: Layer | Instance, graph: int, siblings: tuple[Any, ...]
    ) -> Expr | None:
        if isinstance(made, Instance):
            return self.instances.constructor(made, self.graphs[graph])
        types = tuple(p.type for p in made.parameters)
        key = ("construct", made.op, types, made.inputs, siblings)
        if key not in self._templates:
            self._templates[key] = Template(self.target.construct(made, siblings))
        return self._templates[key].result

    def _read(self, frame: Frame, column: list[ReadParameter]) -> None:
        first = column[0]
        if first.layer is None:
            reference = self._raw(frame, column)
        else:
            reference = self.reference(frame, [i.layer for i in column if i.layer is not None])
        if not any(self.uses.is_live(i.output) for i in column):
            return
        read = [self.target.read_parameter(i) for i in column]
        resolve = self._resolver(frame, [()] * len(column), (), reference)
        expr = merge(distinct(read, resolve), resolve)
        self.wait(frame, ([i.output for i in column],), expr, 0, first.parameter.name)

    def _raw(self, frame: Frame, column: list[ReadParameter]) -> Expr:
        """The attribute, or the element of a list, that holds a raw parameter; makes it too."""
        site = column[0].site
        assert site is not None
        if any(i.site is not site for i in column):
            raise NotAlike
        attribute = self.lists.attribute(site)
        if site.loops:
            for item, graph in zip(column, frame.graphs, strict=True):
                made = self.target.declare(item)
                self.lists.add(site, graph, item.indices, made, (), declared=True)
            return Element(attribute, self._places(frame, [i.indices for i in column]))
        if self.lists.declare(site):
            made = self.merge_in(
                frame,
                [self.target.declare(i) for i in column],
                [()] * len(column),
                symbolic=False,
                site=Literal(self.target.site_name(site.name)),
            )
            self.making(frame).append(Assign((Element(attribute, ()),), made))
        return Element(attribute, ())
