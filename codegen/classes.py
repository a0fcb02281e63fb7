"""Blocks as classes: one per block of the source, printed from all its specialisations.

Callees come first, so that a caller knows which constructor arguments a class turned out to need.
Where specialisations of one block cannot be printed as one class, the block gets several.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tercet.codegen import applications, bindings, branches, loops  # noqa: F401  (they register)
from tercet.codegen.arguments import Arguments
from tercet.codegen.branches import with_early_returns, with_short_choices
from tercet.codegen.computed import known_size
from tercet.codegen.conditions import named_conditions
from tercet.codegen.decisions import CannotMerge, Decision
from tercet.codegen.expr import ArgumentName, Attribute, Expr, LoopItem, Name, SizeName
from tercet.codegen.expr import Sequence as SequenceExpr
from tercet.codegen.interface import Interface
from tercet.codegen.layer_arguments import LayerArguments, ReceivedLayers
from tercet.codegen.layer_lists import LayerLists
from tercet.codegen.layers import write_built_ahead
from tercet.codegen.merge import one_of
from tercet.codegen.names import Names
from tercet.codegen.once import NotOnce, Once, bound_again, computed_once
from tercet.codegen.printed import ClassCode, PrintedClasses
from tercet.codegen.regions import in_class, print_region
from tercet.codegen.sequences import as_sequences
from tercet.codegen.sizes import UnreadSize, read_sizes
from tercet.codegen.specialised import (
    by_functions,
    graphs_by_block,
    not_one_class,
    not_printable,
    specialised_together,
)
from tercet.codegen.state import Frame, State, Variables
from tercet.codegen.target import ClassTarget
from tercet.codegen.tree import map_expressions
from tercet.codegen.tree import replace as replace_parts
from tercet.codegen.values import output_comment, values
from tercet.codegen.variants import Family
from tercet.codegen.writer import Assign, Return, Statement
from tercet.compiler.graph.callees import all_graphs
from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.training import Training
from tercet.compiler.graph.values import text

_MOST_TRIES = 5
"""How often a class is printed anew because its constructor cannot compute something."""


class ClassPrinter:
    """Prints the classes of one model for one target."""

    def __init__(
        self, target: ClassTarget, family: Family, training: Training | None = None
    ) -> None:
        self.target = target
        self._training = training
        self.classes: list[ClassCode] = []
        self.decisions: list[Decision] = []
        self._family = family
        self._models = family.graphs
        self._compiled = set(all_graphs(family.model))
        self._split: CannotMerge | None = None
        """What keeps a block from being one class at other values of the model's parameters."""
        self._class_names = Names(target.reserved_names | {"self"}, classes=True)
        self._attribute_names = Names(target.reserved_attributes, attributes=True)
        self._printed = PrintedClasses(target)
        self._same_instance = specialised_together(*self._models)
        self._layer_arguments = LayerArguments(*self._models)

    def print_classes(self) -> Interface:
        """Raises CannotMerge where the models do not become one class."""
        for group in graphs_by_block(*self._models):
            self._print_group(group)
        try:
            finish = self._class(self._models)
            interface = finish.interface(self._training)
            code = finish.code()
        except CannotMerge as problem:
            if len(self._models) == 1:
                raise not_printable(self._family.model, self.target.name, problem) from None
            if self._split is not None:  # the model only says that a block has two classes
                raise self._split from None
            raise
        name = self._class_names.fresh(code.name)
        code = replace(code, name=name, notes=tuple(self._notes(code)))
        self.classes.append(code)
        self._explain(code, finish.state, None)
        return interface

    def _notes(self, code: ClassCode) -> Iterator[str]:
        """Why parameters of the model are no arguments of its class."""
        arguments = {argument.name for argument in code.arguments}
        for name, others in self._family.free.items():
            if name not in arguments:
                tried = " and ".join(map(text, others))
                yield f"{name} is no argument: the class is the same with {tried}."
        for name, reason in self._family.fixed.items():
            value = text(self._family.model.arguments[name])
            yield f"{name} = {value} is fixed: {reason}."

    def _print_group(self, graphs: list[Graph]) -> None:
        left = graphs
        problem: CannotMerge | None = None
        while left:
            state, code, next_problem = self._largest_class(left)
            if next_problem is not None and code.graphs[0] in self._compiled:
                self._split = self._split or next_problem
            code = replace(code, name=self._class_names.fresh(code.graphs[0].block.name))
            self.classes.append(code)
            self._printed.add(code)
            self._explain(code, state, problem)
            taken = set(map(id, code.graphs))
            left = [g for g in left if id(g) not in taken]
            problem = next_problem
        for group in self._same_instance:
            if len({self._printed.name(g) for g in group} - {None}) > 1:
                raise not_one_class(group[0], self.target.name)

    def _explain(self, code: ClassCode, state: State, problem: CannotMerge | None) -> None:
        """Notes why there is this class; `problem` kept it from being one with those before."""
        block = code.graphs[0].block
        count = sum(graph in self._compiled for graph in code.graphs)
        told = "a class" if count < 2 else f"one class for {count} specialisations"
        if problem is not None:
            told += f", apart from the one before: {problem}"
        self.decisions.append(Decision(code.name, block.name_span, told, problem is None))
        self.decisions += sorted(state.decisions, key=lambda d: d.span.start)
        for name, reason in self._family.fixed.items() if block.kind == "model" else ():
            self.decisions.append(
                Decision(code.name, block.name_span, f"{name} is fixed: {reason}")
            )

    def _largest_class(self, graphs: list[Graph]) -> tuple[State, ClassCode, CannotMerge | None]:
        """The class of as many specialisations as one can print: all, or the first and, in order,
        those that go with it; and what keeps the first of the others out.

        Those that get the same functions are tried together: where others compute something else,
        they still need each other to tell which sizes follow from which.

        Raises DiagnosticError for a specialisation that has no class by itself.
        """
        try:
            finish = self._class(graphs)
            return finish.state, finish.code(), None
        except CannotMerge as problem:
            if len(graphs) == 1:
                raise not_printable(graphs[0], self.target.name, problem) from None
            first = problem if len(graphs) == 2 else None
        alike, *others = by_functions(graphs)
        try:
            finish = self._class(alike if others else graphs[:1])
        except CannotMerge:
            try:
                finish, others = self._class(graphs[:1]), []
            except CannotMerge as problem:
                raise not_printable(graphs[0], self.target.name, problem) from None
        if not others:
            others = [[graph] for graph in graphs[1:]] if first is None else []
        state, code = finish.state, finish.code()
        for group in others:
            for graph in group:
                try:
                    finish = self._class([*code.graphs, graph])
                    state, code = finish.state, finish.code()
                except CannotMerge as problem:
                    first = first or problem
                    break  # the others of its functions go no more than it does
        return state, code, first

    def _class(self, graphs: list[Graph]) -> _Finish:
        """One class, printed but for the names of references.  Raises CannotMerge."""
        excluded: set[int] = set()
        for _ in range(_MOST_TRIES):
            try:
                return self._with_constants(graphs, computed_once(graphs, excluded))
            except NotOnce as problem:
                excluded |= problem.items
        return self._with_constants(graphs, Once())

    def _with_constants(self, graphs: list[Graph], once: Once) -> _Finish:
        """The class that computes some tensors once.  Raises CannotMerge, NotOnce."""
        state = self._state(graphs)
        if once.made:
            state.once, state.bound_again = once, bound_again(graphs)
        inputs = tuple(state.names.of(entry.value.name) for entry in graphs[0].inputs)
        bodies = [graph.body for graph in graphs]
        frame = Frame(bodies, list(range(len(graphs))), Variables(), {}, outermost=True)
        frame.statics.update(state.arguments.statics)
        self._enter(graphs, inputs, frame)
        print_region(state, frame)
        write_built_ahead(state, frame)
        self._leave(state, frame)
        return _Finish(state, frame, inputs)

    def _state(self, graphs: list[Graph]) -> State:
        target = self.target
        places = {id(graph): k for k, graph in enumerate(graphs)}
        groups = [[places[id(g)] for g in t if id(g) in places] for t in self._same_instance]
        taken = target.reserved_names | target.reserved_arguments
        compiled = sum(graph in self._compiled for graph in graphs)
        names = Names({"self"} | taken)
        for entry in graphs[0].inputs:
            names.of(entry.value.name)
        return State(
            graphs,
            target,
            in_class,
            Arguments(
                graphs,
                Names(taken - target.replaceable_names),
                [group for group in groups if len(group) > 1],
                compiled,
                frozenset(self._family.free) if graphs is self._models else None,
            ),
            names,
            LayerLists(self._attribute_names, graphs),
            self._printed,
            ReceivedLayers(graphs, self._received(graphs), names),
            compiled=compiled,
        )

    def _received(self, graphs: list[Graph]) -> tuple[str, ...]:
        """The block's parameters that bring layers; all specialisations must agree in them."""
        found = {self._layer_arguments.parameters(graph) for graph in graphs}
        if len(found) > 1:
            raise CannotMerge("specialisations get layers through different parameters")
        return found.pop()

    def _enter(self, graphs: list[Graph], inputs: tuple[str, ...], frame: Frame) -> None:
        for index, name in enumerate(inputs):
            frame.variables.set(name, [g.inputs[index].value for g in graphs])
            entries = (self.target.entry(graph, index, Name(name)) for graph in graphs)
            changed = one_of("specialisations take an input in several layouts", entries)
            if changed is not None:
                frame.compute.append(Assign((Name(name),), changed))

    def _leave(self, state: State, frame: Frame) -> None:
        graphs = state.graphs
        places = range(len(graphs[0].outputs))
        exprs = values(state, frame, [[g.outputs[k].value for g in graphs] for k in places])
        problem = "specialisations give an output in several layouts"
        results = [
            one_of(problem, (self.target.result(graph, k, expr) for graph in graphs))
            for k, expr in enumerate(exprs)
        ]
        value = results[0] if len(results) == 1 else SequenceExpr(tuple(results))
        frame.compute.append(Return(value, output_comment(state, value)))


class _Finish:
    """Spells references by the names of the constructor's and of the forward function's scope."""

    def __init__(self, state: State, frame: Frame, inputs: tuple[str, ...]) -> None:
        self.state = state
        self._frame = frame
        self._inputs = inputs
        made = state.lists.attributes.keys() | state.lists.constants
        taken = state.target.reserved_attributes | made
        self._attributes = Names(taken, attributes=True)
        self._sizes: dict[str, str] = {}
        self._stored: dict[str, str] = {}

    def interface(self, training: Training | None) -> Interface:
        """What the script says of a model; its class, asked for after this, keeps the arguments
        needed for it.

        Raises CannotMerge.
        """
        graphs = self.state.graphs
        if len(graphs) == 1 or self.state.arguments.free is None:
            return Interface.of(graphs[0], training)
        outputs = self.state.target.tells_output_shapes
        return Interface.following(graphs, self._from_outside, training, outputs=outputs)

    def _from_outside(self, values: list[int | None]) -> Expr | None:
        places, numbers = zip(*((k, v) for k, v in enumerate(values) if v is not None), strict=True)
        found = known_size(self.state.arguments, list(numbers), places)
        if found is None:
            return None
        return replace_parts(replace_parts(found, self._in_forward), _of_model)

    def code(self) -> ClassCode:
        """The class, named as its block.  Raises CannotMerge."""
        state, frame, inputs = self.state, self._frame, self._inputs
        both = named_conditions(frame.construct, frame.compute, self._attributes.fresh)
        construct = map_expressions(both[0], self._in_constructor)
        build = map_expressions(frame.build, self._in_forward)
        compute = with_early_returns(map_expressions(both[1], self._in_forward))
        sequences = frozenset[str]()
        if state.target.has_sequences and not build:
            compute, sequences = as_sequences(compute)
        compute = with_short_choices(compute)
        kept = list(self._stored.items())
        if state.arguments.free is not None:  # in the order of the constructor
            order = [argument.name for argument in state.arguments.known]
            kept.sort(key=lambda entry: order.index(entry[0]))
        stored: list[Statement] = [
            Assign((Attribute(Name("self"), attribute),), Name(argument))
            for argument, attribute in kept
        ]
        graph = state.graphs[0]
        try:
            reads = read_sizes(state.target, graph, inputs, self._sizes)
        except UnreadSize as problem:
            if len(state.graphs) > 1:
                raise
            raise problem.told(graph, state.target.name) from None
        return ClassCode(
            graph.block.name,
            tuple(state.graphs),
            graph.block.documentation,
            tuple(state.arguments.used),
            inputs,
            (*stored, *construct),
            (*reads, *compute),
            tuple(build),
            state.received.names,
            dict(state.lists.attributes),
            sequences=sequences,
        )

    def _in_constructor(self, expr: Expr) -> Expr | None:
        match expr:
            case ArgumentName(identifier):
                self.state.arguments.use(identifier)
                return Name(identifier)
            case LoopItem() | SizeName():
                raise CannotMerge("the constructor would need what only the call knows")
        return None

    def _in_forward(self, expr: Expr) -> Expr | None:
        match expr:
            case ArgumentName(identifier):
                self.state.arguments.use(identifier)
                if identifier not in self._stored:
                    self._stored[identifier] = self._attributes.fresh(identifier)
                return Attribute(Name("self"), self._stored[identifier])
            case SizeName(identifier):
                if identifier not in self._sizes:
                    self._sizes[identifier] = self.state.names.fresh(identifier)
                return Name(self._sizes[identifier])
        return None


def _of_model(expr: Expr) -> Expr | None:
    """`model.context` for `self.context`."""
    match expr:
        case Attribute(Name("self"), member):
            return Attribute(Name("model"), member)
    return None
