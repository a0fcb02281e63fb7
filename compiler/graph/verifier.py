"""The structural invariants of the IR.  Tests run this before and after every pass.

A violation is a defect of the compiler, never of the user's text.
"""

from __future__ import annotations

from collections.abc import Iterator

from tercet.compiler.dims import Dim
from tercet.compiler.errors import OpError
from tercet.compiler.graph.ir import (
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
    Parameter,
    Program,
    ReadParameter,
    Region,
    Site,
    Value,
)
from tercet.compiler.graph.training import Training
from tercet.compiler.graph.values import holds_poison


class InvalidProgram(Exception):
    """The IR breaks its invariants; `problems` says which and where."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def verify(program: Program) -> Program:
    """The program itself, if it is well formed.  Raises InvalidProgram."""
    problems: list[str] = []
    finished: set[Graph] = set()
    for graph in program.blocks:
        problems += verify_graph(graph, finished)
        finished.add(graph)
    for name, graph in program.models.items():
        if graph.name != name:
            problems.append(f"the model {name} is filed under another name, {graph.name}")
        problems += verify_graph(graph, finished)
    finished.update(program.models.values())
    for training in program.trainings.values():
        finished.update(training.models.values())
        problems += _training(training, finished)
    if problems:
        raise InvalidProgram(problems)
    return program


def _training(training: Training, finished: set[Graph]) -> Iterator[str]:
    mapping = training.data.mapping
    graphs = [mapping, *(update.loss for update in training.updates)]
    if training.evaluation is not None:
        graphs.append(training.evaluation)
    for graph in graphs:
        yield from verify_graph(graph, finished, in_training=True)
    names = list(training.names())
    if [output.name for output in mapping.outputs] != names:
        yield f"{training.name}: the data are not those of {', '.join(names)}, in this order"
    for graph in graphs[1:]:
        if [given.value.name for given in graph.inputs] != names:
            yield f"{training.name}: {graph.name} takes other inputs than {', '.join(names)}"
    found = {o.name for o in training.evaluation.outputs} if training.evaluation else set()
    for metric in training.metrics:
        if not found.issuperset(metric.operands):
            yield f"{training.name}: the metric {metric.name} has operands nobody computes"


def verify_graph(
    graph: Graph, finished: set[Graph] | None = None, *, in_training: bool = False
) -> list[str]:
    """What is wrong with one graph.  Called graphs must be among `finished`, where it is given."""
    return [f"{graph.name}: {p}" for p in _Verifier(graph, finished, in_training).problems()]


class _Verifier:
    def __init__(self, graph: Graph, finished: set[Graph] | None, in_training: bool) -> None:
        self._graph = graph
        self._finished = finished
        self._in_training = in_training
        self._defined: set[Value] = set()
        self._made: set[Layer | Instance] = set()
        self._foreign = _layers_in(tuple(graph.arguments.values()))
        self._paths: set[str] = set()

    def problems(self) -> Iterator[str]:
        graph = self._graph
        for given in graph.inputs:
            yield from self._define(given.value)
            if len(given.declared) != given.value.type.rank:
                yield f"input {given.value.name} declares another number of dimensions"
        yield from self._region(graph.body, ())
        names: set[str] = set()
        for output in graph.outputs:
            if output.value not in self._defined:
                yield f"output {output.name} is not computed"
            if output.name in names and graph.block.kind == "model":
                yield f"two outputs are called {output.name}"
            names.add(output.name)
        if not graph.outputs:
            yield "there is no output"

    def _region(self, region: Region, indices: tuple[int, ...]) -> Iterator[str]:
        for item in region.items:
            yield from self._item(item, indices)

    def _item(self, item: Item, indices: tuple[int, ...]) -> Iterator[str]:
        match item:
            case Create(made=made):
                yield from self._create(made, indices)
            case Apply():
                yield from self._uses(item.inputs)
                yield from self._apply(item)
                yield from self._defines(item.outputs)
            case Call():
                yield from self._uses(item.inputs)
                yield from self._call(item)
                yield from self._defines(item.outputs)
            case ReadParameter():
                yield from self._read(item, indices)
            case Bind(value=value):
                yield from self._static(value)
            case Loop(items=values, iterations=iterations):
                if len(values) != len(iterations):
                    yield "a loop has another number of iterations than of items"
                for i, region in enumerate(iterations):
                    yield from self._region(region, (*indices, i))
            case Branch(taken=taken, body=body, result=result):
                if taken not in (0, 1):
                    yield f"a branch takes side {taken}"
                yield from self._region(body, indices)
                yield from self._static(result)

    # ------------------------------------------------------------------------------------ values

    def _define(self, value: Value) -> Iterator[str]:
        if value in self._defined:
            yield f"the value {value.name} is defined twice"
        self._defined.add(value)

    def _defines(self, values: tuple[Value, ...]) -> Iterator[str]:
        for value in values:
            yield from self._define(value)

    def _uses(self, values: tuple[Value | None, ...]) -> Iterator[str]:
        for value in values:
            if value is not None and value not in self._defined:
                yield f"the value {value.name} is used and not computed before"

    def _static(self, value: object) -> Iterator[str]:
        if holds_poison(value):
            yield "a wrong value is left in the trace"
        elif isinstance(value, Value):
            yield from self._uses((value,))
        elif isinstance(value, tuple):
            for part in value:
                yield from self._static(part)

    # ------------------------------------------------------------------------------------- items

    def _create(self, made: Layer | Instance, indices: tuple[int, ...]) -> Iterator[str]:
        yield from self._place(made.site, made.indices, made.path, indices)
        self._made.add(made)
        if isinstance(made, Layer):
            for parameter in made.parameters:
                yield from _parameter(parameter, f"{made.path}.{parameter.name}")

    def _place(
        self, site: Site, own: tuple[int, ...], path: str, indices: tuple[int, ...]
    ) -> Iterator[str]:
        if own != indices or len(own) != site.loops:
            yield f"{path} stands in iteration {indices} of {site.loops} loops"
        if path in self._paths:
            yield f"the path {path} is given twice"
        self._paths.add(path)

    def _known(self, made: Layer | Instance) -> Iterator[str]:
        if made not in self._made and made not in self._foreign:
            yield f"{made.path} is applied and not made before"

    def _apply(self, item: Apply) -> Iterator[str]:
        op, layer = item.op, item.layer
        types = [None if v is None else v.type for v in item.inputs]
        formal = op.operands
        if not (formal and formal[0].variadic) and len(types) != len(formal):
            yield f"{op.name} has {len(types)} operands, not {len(formal)}"
            return
        if op.train_only and not self._in_training:
            yield f"{op.name} stands outside of training"
        try:
            inferred = op.infer_types(types)
        except OpError as problem:
            yield f"{op.name}: {problem}"
            return
        if inferred != tuple(v.type for v in item.outputs):
            yield f"{op.name} gives {inferred}, which is not what its outputs say"
        if layer is not None:
            yield from self._known(layer)
            if layer.op is not op:
                yield f"{layer.path} is applied as another operation"
            specs = layer.op.parameters(*types)
            if [(s.name, s.type) for s in specs] != [(p.name, p.type) for p in layer.parameters]:
                yield f"{layer.path} has other parameters than its inputs ask for"

    def _call(self, item: Call) -> Iterator[str]:
        graph = item.graph
        yield from self._known(item.instance)
        if self._finished is not None and graph not in self._finished:
            yield f"the block {graph.name} is called and not among the blocks before"
        if item.instance.block is not graph.block:
            yield f"{item.instance.path} is called through the graph of another block"
        if [v.type for v in item.inputs] != [i.value.type for i in graph.inputs]:
            yield f"{item.instance.path} gets inputs of other types than its graph takes"
        if [v.type for v in item.outputs] != [o.value.type for o in graph.outputs]:
            yield f"{item.instance.path} gives outputs of other types than its graph"

    def _read(self, item: ReadParameter, indices: tuple[int, ...]) -> Iterator[str]:
        parameter = item.parameter
        if item.layer is not None:
            yield from self._known(item.layer)
            if parameter not in item.layer.parameters:
                yield f"{parameter.path} is no parameter of {item.layer.path}"
        elif item.site is None:
            yield f"{parameter.path} has no site"
        else:
            path = ".".join((item.site.name, *map(str, indices)))
            yield from self._place(item.site, indices, path, indices)
            yield from _parameter(parameter, path)
        if item.output.type != parameter.type:
            yield f"{parameter.path} is read with another type"
        yield from self._define(item.output)


def _parameter(parameter: Parameter, path: str) -> Iterator[str]:
    if parameter.path != path:
        yield f"{parameter.path} should have the path {path}"
    if any(isinstance(size, Dim) for size in parameter.type.shape):
        yield f"the shape of {parameter.path} is symbolic"


def _layers_in(value: object) -> set[Layer | Instance]:
    """Layers that a block got as arguments: they were made by a caller."""
    found: set[Layer | Instance] = set()
    pending = [value]
    while pending:
        match pending.pop():
            case Layer() | Instance() as made:
                found.add(made)
            case tuple() as items:
                pending.extend(items)
    return found
