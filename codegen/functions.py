"""Loss and metric graphs as straight code inside a function of the script.

The models are there as variables; blocks without parameters are printed in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tercet.codegen.arguments import Arguments
from tercet.codegen.expr import Expr, Helper, Name
from tercet.codegen.instances import Instances
from tercet.codegen.lists import SiteLists
from tercet.codegen.loops import find_parts, map_expressions
from tercet.codegen.merge import NotAlike
from tercet.codegen.names import Names
from tercet.codegen.passing import Received
from tercet.codegen.references import SizeName
from tercet.codegen.scope import Column, Frame, Pending, Variables
from tercet.codegen.sizes import UnreadSize, read_sizes
from tercet.codegen.target import ClassTarget
from tercet.codegen.walk import Walker
from tercet.codegen.writer import Evaluate, Statement
from tercet.compiler.graph.ir import Apply, Bind, Call, Create, Graph, Instance, Layer, Value


@dataclass(frozen=True)
class FunctionCode:
    """Statements over the graph's inputs, and the expression of every output after them."""

    inputs: tuple[str, ...]
    statements: tuple[Statement, ...]
    results: dict[str, Expr]

    @property
    def expressions(self) -> tuple[Statement, ...]:
        """The statements, and the results as some: where everything that is named stands."""
        return (*self.statements, *map(Evaluate, self.results.values()))


def helpers_of(*codes: FunctionCode | None) -> set[str]:
    """The helpers of the script that functions call."""
    found = (code.expressions for code in codes if code is not None)
    return {h.identifier for statements in found for h in find_parts(statements, Helper)}


def print_function(
    graph: Graph, target: ClassTarget, models: Mapping[str, Expr], taken: Iterable[str] = ()
) -> FunctionCode:
    """Prints a graph whose calls of `models` (by instance path) are calls of those expressions.

    `taken` are names of the surrounding function.  Raises Unsupported, NotAlike.
    """
    names = Names(target.reserved_names | target.reserved_arguments | set(taken))
    arguments = Arguments([graph], Names())
    walker = _FunctionWalker(graph, target, arguments, names, models)
    frame = Frame([graph.body], [0], Variables(), dict(arguments.statics))
    inputs = []
    for entry in graph.inputs:
        inputs.append(names.of(entry.value.name))
        frame.variables.set(inputs[-1], [entry.value])
    walker.region(frame)
    results = walker.values(frame, [[output.value] for output in graph.outputs])
    sizes: dict[str, str] = {}

    def name_sizes(expr: Expr) -> Expr | None:
        if not isinstance(expr, SizeName):
            return None
        if expr.identifier not in sizes:
            sizes[expr.identifier] = names.fresh(expr.identifier)
        return Name(sizes[expr.identifier])

    compute = map_expressions(frame.compute, name_sizes)
    finals = [s.value for s in map_expressions(map(Evaluate, results), name_sizes)]  # type: ignore[union-attr]
    try:
        reads = read_sizes(target, graph, inputs, sizes)
    except UnreadSize as problem:
        raise problem.told(graph, target.name) from None
    outputs = dict(zip((o.name for o in graph.outputs), finals, strict=True))
    return FunctionCode(tuple(inputs), (*reads, *compute), outputs)


class _FunctionWalker(Walker):
    """A walker of one execution, in which no layer is made."""

    def __init__(
        self,
        graph: Graph,
        target: ClassTarget,
        arguments: Arguments,
        names: Names,
        models: Mapping[str, Expr],
    ) -> None:
        super().__init__(
            [graph],
            target,
            arguments,
            names,
            SiteLists(Names()),
            Instances(target),
            Received([graph], (), names),
        )
        self._models = models
        self._bound = {id(value) for value in _bound_values(graph)}

    def _create(self, frame: Frame, column: list[Create]) -> None:
        """Models exist already; blocks without parameters have nothing to make."""

    def reference(self, frame: Frame, made: Sequence[Layer | Instance]) -> Expr:
        return self._models[made[0].path]

    def _call(self, frame: Frame, column: list[Call], wish: Bind | None) -> None:
        call = column[0]
        if not any(self.uses.is_live(o) for i in column for o in i.outputs):
            return
        if call.instance.path not in self._models:
            if len(column) > 1:  # a loop, to be unrolled: one call stands in place at a time
                raise NotAlike
            self._inline(frame, call)
            return
        super()._call(frame, column, wish)
        held = frame.pending.get(id(call.outputs[0]))
        if held is not None and not self._bound.intersection(map(id, call.outputs)):
            self._name_outputs(frame, call, held)

    def _name_outputs(self, frame: Frame, call: Call, held: Pending) -> None:
        """`logits = model(image)`: outputs that the `train` gives no names have the model's."""
        names = []
        for value, output in zip(call.outputs, call.graph.outputs, strict=True):
            frame.pending.pop(id(value), None)
            names.append(self._output_name(frame, output.name) if self.uses.is_live(value) else "_")
            if names[-1] != "_":
                frame.variables.set(names[-1], [value])
        self._assign(frame, names, held)

    def _output_name(self, frame: Frame, source: str) -> str:
        """The output's own name, and another where the model is applied again."""
        name = self.names.of(source)
        return self.names.fresh(source) if name in frame.variables.held else name

    def _borrowed(self, frame: Frame, wish: Bind | None, column: Column) -> str | None:
        """Nothing: what goes into a model must not be called like what comes out of it."""
        return None

    def _comment(self, held: Pending, name: str) -> str | None:
        """Shapes are noted in the model's classes only."""
        return None

    def _forget_earlier(self, frame: Frame, graph: Graph) -> None:
        """Variables may hold values of the block as it stood before: in another call's place."""
        own = {id(value) for value in _values(graph)}
        for name, column in list(frame.variables.held.items()):
            if id(column[0]) in own:
                frame.variables.set(name, [replace(column[0])])

    def _inline(self, frame: Frame, call: Call) -> None:
        """Prints the body of a block in place of its call."""
        self._forget_earlier(frame, call.graph)
        self.uses.enter(call)
        for value, entry in zip(call.inputs, call.graph.inputs, strict=True):
            expr = self.value(frame, [value])
            if not isinstance(expr, Name):
                self.wait(frame, ([value],), expr, 0, entry.value.name)
                self.spill(frame, frame.pending[id(value)], None)
                expr = self.value(frame, [value])
            inner = [entry.value]
            frame.pending[id(entry.value)] = Pending((inner,), expr, 0, entry.value.name)
        outer = frame.regions, frame.statics
        frame.regions = [call.graph.body]
        frame.statics = dict(Arguments([call.graph], Names()).statics)
        self.region(frame)
        frame.regions, frame.statics = outer
        self.uses.leave()
        for output, made in zip(call.outputs, call.graph.outputs, strict=True):
            self.wait(frame, ([output],), self.value(frame, [made.value]), 1, output.name)


def _values(graph: Graph) -> Iterator[Value]:
    """All tensors of a block."""
    yield from (entry.value for entry in graph.inputs)
    for item in graph.body.walk():
        if isinstance(item, Apply | Call):
            yield from item.outputs


def _bound_values(graph: Graph) -> Iterator[Value]:
    """The tensors that the text gives names to."""
    for item in graph.body.items:
        if isinstance(item, Bind):
            values = item.value if isinstance(item.value, tuple | list) else (item.value,)
            yield from (value for value in values if isinstance(value, Value))
