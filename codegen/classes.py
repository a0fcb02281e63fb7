"""Blocks as classes: one per block of the source, printed from all its specialisations.

Callees come first, so that a caller knows which constructor arguments a class turned out to need.
Where specialisations of one block cannot be printed as one class, the block gets several.
"""

from __future__ import annotations

from collections.abc import Mapping

from tercet.codegen.arguments import Arguments
from tercet.codegen.expr import Attribute, Expr, Name
from tercet.codegen.expr import Sequence as SequenceExpr
from tercet.codegen.instances import ClassCode as ClassCode
from tercet.codegen.instances import Instances
from tercet.codegen.lists import SiteLists
from tercet.codegen.loops import map_expressions
from tercet.codegen.merge import NotAlike
from tercet.codegen.names import Names
from tercet.codegen.passing import Passing, Received
from tercet.codegen.references import Argument, LoopItem, SizeName
from tercet.codegen.returns import with_early_returns
from tercet.codegen.scope import Frame, Variables
from tercet.codegen.sizes import UnreadSize, read_sizes
from tercet.codegen.specialised import graphs_by_block, not_one_class, specialised_together
from tercet.codegen.target import ClassTarget
from tercet.codegen.walk import Walker
from tercet.codegen.writer import Assign, Return, Statement
from tercet.compiler.graph.ir import Graph


class ClassPrinter:
    """Prints the classes of one model for one target."""

    def __init__(self, target: ClassTarget) -> None:
        self.target = target
        self.classes: list[ClassCode] = []
        self._class_names = Names(target.reserved_names, classes=True)
        self._sites = Names(target.reserved_attributes, attributes=True)
        self._instances = Instances(target)
        self._together: list[list[Graph]] = []

    def print_model(self, model: Graph) -> list[ClassCode]:
        """The classes of a model's blocks, callees first, then the model's own."""
        self._together = specialised_together(model)
        self._passing = Passing(model)
        for group in graphs_by_block(model):
            self._print_group(group)
        self._print_group([model])
        return self.classes

    def _print_group(self, graphs: list[Graph]) -> None:
        waiting = graphs
        while waiting:
            chosen = self._alike(waiting)
            code = self._class(chosen, self._class_names.fresh(chosen[0].block.name))
            self.classes.append(code)
            self._instances.add(code)
            taken = set(map(id, chosen))
            waiting = [g for g in waiting if id(g) not in taken]
        for together in self._together:
            if len({self._instances.name(g) for g in together} - {None}) > 1:
                raise not_one_class(together[0], self.target.name)

    def _alike(self, graphs: list[Graph]) -> list[Graph]:
        """The largest prefix-greedy set of specialisations that one class can print."""
        if self._fits(graphs):
            return graphs
        chosen = graphs[:1]
        for graph in graphs[1:]:
            if self._fits([*chosen, graph]):
                chosen.append(graph)
        return chosen

    def _fits(self, graphs: list[Graph]) -> bool:
        if len(graphs) == 1:
            return True
        try:
            self._class(graphs, "_")
        except NotAlike:
            return False
        return True

    def _class(self, graphs: list[Graph], name: str) -> ClassCode:
        target = self.target
        places = {id(graph): k for k, graph in enumerate(graphs)}
        together = [[places[id(g)] for g in t if id(g) in places] for t in self._together]
        arguments = Arguments(
            graphs,
            Names(target.reserved_arguments | target.reserved_names),
            [group for group in together if len(group) > 1],
        )
        variables = Names({"self"} | target.reserved_names | target.reserved_arguments)
        lists = SiteLists(self._sites)
        inputs = tuple(variables.of(entry.value.name) for entry in graphs[0].inputs)
        received = Received(graphs, self._received(graphs), variables)
        walker = Walker(graphs, target, arguments, variables, lists, self._instances, received)
        bodies = [graph.body for graph in graphs]
        frame = Frame(bodies, list(range(len(graphs))), Variables(), {}, outermost=True)
        frame.statics.update(arguments.statics)
        self._enter(graphs, inputs, frame)
        walker.region(frame)
        walker.build_ahead(frame)
        self._leave(graphs, walker, frame)
        finish = _Finish(target, graphs, arguments, variables, lists)
        return finish.code(name, inputs, received.names, frame)

    def _received(self, graphs: list[Graph]) -> tuple[str, ...]:
        """The block's parameters that bring layers; all specialisations must agree in them."""
        found = {self._passing.parameters(graph) for graph in graphs}
        if len(found) > 1:
            raise NotAlike
        return found.pop()

    def _enter(self, graphs: list[Graph], inputs: tuple[str, ...], frame: Frame) -> None:
        for index, name in enumerate(inputs):
            frame.variables.set(name, [g.inputs[index].value for g in graphs])
            changed = self.target.entry(graphs[0], index, Name(name))
            if changed is not None:
                frame.compute.append(Assign((Name(name),), changed))

    def _leave(self, graphs: list[Graph], walker: Walker, frame: Frame) -> None:
        places = range(len(graphs[0].outputs))
        exprs = walker.values(frame, [[g.outputs[k].value for g in graphs] for k in places])
        results = [self.target.result(graphs[0], k, expr) for k, expr in enumerate(exprs)]
        value = results[0] if len(results) == 1 else SequenceExpr(tuple(results))
        comment = walker.output_comment(value)
        frame.compute.append(Return(value, comment))


class _Finish:
    """Turns placeholders into names of the constructor's and of the forward function's scope."""

    def __init__(
        self,
        target: ClassTarget,
        graphs: list[Graph],
        arguments: Arguments,
        variables: Names,
        lists: SiteLists,
    ) -> None:
        self._target = target
        self._graphs = graphs
        self._arguments = arguments
        taken = target.reserved_attributes | lists.attributes.keys()
        self._attributes = Names(taken, attributes=True)
        self._variables = variables
        self._lists = lists
        self._sizes: dict[str, str] = {}
        self._stored: dict[str, str] = {}

    def code(
        self, name: str, inputs: tuple[str, ...], received: Mapping[str, str], frame: Frame
    ) -> ClassCode:
        construct = map_expressions(frame.construct, self._in_constructor)
        build = map_expressions(frame.build, self._in_forward)
        compute = with_early_returns(map_expressions(frame.compute, self._in_forward))
        stored: list[Statement] = [
            Assign((Attribute(Name("self"), attribute),), Name(argument))
            for argument, attribute in self._stored.items()
        ]
        graph = self._graphs[0]
        try:
            reads = read_sizes(self._target, graph, inputs, self._sizes)
        except UnreadSize as problem:
            if len(self._graphs) > 1:
                raise
            raise problem.told(graph, self._target.name) from None
        documentation = graph.block.documentation
        return ClassCode(
            name,
            tuple(self._graphs),
            documentation,
            tuple(self._arguments.used),
            inputs,
            (*stored, *construct),
            (*reads, *compute),
            tuple(build),
            received,
            dict(self._lists.attributes),
        )

    def _in_constructor(self, expr: Expr) -> Expr | None:
        match expr:
            case Argument(identifier):
                self._arguments.use(identifier)
                return Name(identifier)
            case LoopItem() | SizeName():
                raise NotAlike
        return None

    def _in_forward(self, expr: Expr) -> Expr | None:
        match expr:
            case Argument(identifier):
                self._arguments.use(identifier)
                if identifier not in self._stored:
                    self._stored[identifier] = self._attributes.fresh(identifier)
                return Attribute(Name("self"), self._stored[identifier])
            case SizeName(identifier):
                if identifier not in self._sizes:
                    self._sizes[identifier] = self._variables.fresh(identifier)
                return Name(self._sizes[identifier])
        return None
