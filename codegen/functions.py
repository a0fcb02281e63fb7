"""Loss and metric graphs as straight code inside a function of the script.

The models are there as variables; blocks without parameters are printed in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from tercet.codegen.applications import print_call
from tercet.codegen.arguments import Arguments
from tercet.codegen.decisions import CannotMerge
from tercet.codegen.expr import Expr, Helper, Name, SizeName
from tercet.codegen.layer_arguments import ReceivedLayers
from tercet.codegen.layer_lists import LayerLists
from tercet.codegen.names import Names
from tercet.codegen.printed import PrintedClasses
from tercet.codegen.regions import in_class, print_region
from tercet.codegen.sizes import UnreadSize, read_sizes
from tercet.codegen.state import Deferred, Frame, Inlined, ItemPrinters, State, Variables
from tercet.codegen.target import ClassTarget
from tercet.codegen.tree import find_parts, map_expressions
from tercet.codegen.values import assign, defer, materialize, value, values
from tercet.codegen.writer import Assign, Evaluate, Statement
from tercet.compiler.graph.ir import Apply, Bind, Call, Create, Graph, Value
from tercet.dsl.records import dataclass

_in_function = ItemPrinters(in_class)
"""The functions that print the items of a loss: one execution, in which no layer is made."""


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

    `taken` are names of the surrounding function.  Raises Unsupported, CannotMerge.
    """
    names = Names(target.reserved_names | target.reserved_arguments | set(taken))
    arguments = Arguments([graph], Names())
    state = State(
        [graph],
        target,
        _in_function,
        arguments,
        names,
        LayerLists(Names(), [graph]),
        PrintedClasses(target),
        ReceivedLayers([graph], (), names),
        Inlined(models, frozenset(map(id, _named_values(graph)))),
    )
    frame = Frame([graph.body], [0], Variables(), dict(arguments.statics))
    inputs = []
    for entry in graph.inputs:
        inputs.append(names.of(entry.value.name))
        frame.variables.set(inputs[-1], [entry.value])
    print_region(state, frame)
    results = values(state, frame, [[output.value] for output in graph.outputs])
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
    entered = _columns(target, graph, inputs, (*compute, *map(Evaluate, finals)))
    return FunctionCode(tuple(inputs), (*entered, *reads, *compute), outputs)


def _columns(
    target: ClassTarget, graph: Graph, inputs: Sequence[str], statements: Iterable[Statement]
) -> list[Statement]:
    """Changes of the columns that the statements read, where the target wants them changed."""
    read = {name.identifier for name in find_parts(statements, Name)}
    found: list[Statement] = []
    for name, entry in zip(inputs, graph.inputs, strict=True):
        changed = target.column(entry.value.type, Name(name))
        if changed is not None and name in read:
            found.append(Assign((Name(name),), changed))
    return found


@_in_function(Create)
def _print_create(
    state: State, frame: Frame, column: list[Create], destination: Bind | None
) -> None:
    """Models exist already; blocks without parameters have nothing to make."""


@_in_function(Call)
def _print_call(state: State, frame: Frame, column: list[Call], destination: Bind | None) -> None:
    assert state.function is not None
    call = column[0]
    if not any(state.uses.is_live(o) for i in column for o in i.outputs):
        return
    if call.instance.path not in state.function.models:
        if len(column) > 1:  # unrolled, one call stands in place at a time
            raise CannotMerge("a block without weights stands in place of its call")
        _inline(state, frame, call)
        return
    print_call(state, frame, column, destination)
    held = frame.deferred.get(id(call.outputs[0]))
    if held is not None and not state.function.named.intersection(map(id, call.outputs)):
        _name_outputs(state, frame, call, held)


def _name_outputs(state: State, frame: Frame, call: Call, held: Deferred) -> None:
    """`logits = model(image)`: outputs that the `train` gives no names have the model's."""
    names = []
    for made, output in zip(call.outputs, call.graph.outputs, strict=True):
        frame.deferred.pop(id(made), None)
        live = state.uses.is_live(made)
        names.append(_output_name(state, frame, output.name) if live else "_")
        if live:
            frame.variables.set(names[-1], [made])
    assign(state, frame, names, held)


def _output_name(state: State, frame: Frame, source: str) -> str:
    """The output's own name, and another where the model is applied again."""
    name = state.names.of(source)
    return state.names.fresh(source) if name in frame.variables.held else name


def _forget_earlier(frame: Frame, graph: Graph) -> None:
    """Variables may hold values of the block as it stood before: in another call's place."""
    own = {id(value) for value in _values(graph)}
    for name, column in list(frame.variables.held.items()):
        if id(column[0]) in own:
            frame.variables.set(name, [replace(column[0])])


def _inline(state: State, frame: Frame, call: Call) -> None:
    """Prints the body of a block in place of its call."""
    _forget_earlier(frame, call.graph)
    with state.uses.inlined(call):
        for given, entry in zip(call.inputs, call.graph.inputs, strict=True):
            expr = value(state, frame, [given])
            if not isinstance(expr, Name):
                defer(frame, ([given],), expr, 0, entry.value.name)
                materialize(state, frame, frame.deferred[id(given)], None)
                expr = value(state, frame, [given])
            defer(frame, ([entry.value],), expr, 0, entry.value.name)
        outer = frame.regions, frame.statics
        frame.regions = [call.graph.body]
        frame.statics = dict(Arguments([call.graph], Names()).statics)
        print_region(state, frame)
        frame.regions, frame.statics = outer
    for output, made in zip(call.outputs, call.graph.outputs, strict=True):
        defer(frame, ([output],), value(state, frame, [made.value]), 1, output.name)


def _values(graph: Graph) -> Iterator[Value]:
    """All tensors of a block."""
    yield from (entry.value for entry in graph.inputs)
    for item in graph.body.walk():
        if isinstance(item, Apply | Call):
            yield from item.outputs


def _named_values(graph: Graph) -> Iterator[Value]:
    """The tensors that the text gives names to."""
    for item in graph.body.items:
        if isinstance(item, Bind):
            values = item.value if isinstance(item.value, tuple | list) else (item.value,)
            yield from (value for value in values if isinstance(value, Value))
