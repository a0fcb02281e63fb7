"""Where tensors are held channels-last, as TensorFlow's convolutions want them.

The language is channels-first.  A block has one signature for all its specialisations: an input
that reaches a convolution or pooling inside is channels-last, and so is an output that comes out
of one; callers convert.  Between, operations go on in the layout that they get: element by element,
or with their axes renumbered; those that mean the order of the axes convert.  So transpositions
stand where a model enters, leaves, or flattens.  What one variable holds in turn, in the iterations
of a loop or behind an `if`, lies alike: it is converted where it is made (`joins`).

Nothing is decided by rank: attention's tensors have four axes too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum

from tercet.backends.tensorflow.axes import result_order, stays_last
from tercet.backends.tensorflow.joins import joins
from tercet.codegen.pooled import BareValues, flattens, spatial_axes_are_one
from tercet.compiler.graph.callees import all_graphs
from tercet.compiler.graph.ir import Apply, Call, Graph, Value
from tercet.compiler.ops.base import Elements, Layout
from tercet.dsl.records import dataclass

_ROUNDS = 8
"""How often joins may change layouts, and these other joins."""


class Held(Enum):
    """How a tensor lies in memory."""

    FIRST = "as the language says"
    LAST = "with axis 1 moved to the end"
    BARE = "without its spatial axes, which all have size 1"


@dataclass(frozen=True)
class Signature:
    """How a block takes its inputs and gives its outputs."""

    inputs: tuple[Held, ...]
    outputs: tuple[Held, ...]


@dataclass(frozen=True)
class Places:
    """The layouts that the operands of an operation have to come in, and that of its result."""

    inputs: tuple[Held, ...]
    output: Held


class Layouts:
    """The layouts of all values of some models and functions, and the signatures of their blocks.

    `models` take and give tensors as the language says; `functions` (losses) are code whose inputs
    come so.
    """

    def __init__(self, models: Sequence[Graph], functions: Sequence[Graph] = ()) -> None:
        self._outer = {id(graph) for graph in (*models, *functions)}
        self._models = {id(graph) for graph in models}
        self._graphs = all_graphs(*models, *functions)
        self._uses = {id(g): _Uses(g) for g in self._graphs}
        self._bare = BareValues()
        self._inputs: dict[int, set[int]] = defaultdict(set)
        self._outputs: dict[int, set[int]] = defaultdict(set)
        self._held: dict[int, Held] = {}
        self._joins = [join for block in _by_block(self._graphs) for join in joins(block)]
        self._producers = {
            id(value): item
            for graph in self._graphs
            for item in graph.body.walk()
            if isinstance(item, Apply | Call)
            for value in item.outputs
        }
        self._places_of_inputs = {
            id(entry.value): (self._key(graph), index)
            for graph in self._graphs
            for index, entry in enumerate(graph.inputs)
        }
        self._made: dict[int, Held] = {}
        self._inside: dict[tuple[int, int], Held] = {}
        for _ in range(_ROUNDS):
            self._settle()
            if not self._join():
                break

    # ---------------------------------------------------------------------------------- answers

    def held(self, value: Value) -> Held:
        return self._held.get(id(value), Held.FIRST)

    def signature(self, graph: Graph) -> Signature:
        """How callers pass and get the tensors of a graph."""
        if id(graph) in self._outer:
            return Signature((Held.FIRST,) * len(graph.inputs), (Held.FIRST,) * len(graph.outputs))
        block = id(graph.block)
        return Signature(
            tuple(
                _last(i in self._inputs[block], entry.value) for i, entry in enumerate(graph.inputs)
            ),
            tuple(
                _last(i in self._outputs[block], output.value)
                for i, output in enumerate(graph.outputs)
            ),
        )

    def inside(self, graph: Graph, index: int) -> Held:
        """How a graph holds one of its inputs."""
        return self.held(graph.inputs[index].value)

    def places(self, graph: Graph, item: Apply) -> Places:
        """The layouts around an operation, from those of its operands."""
        first = (Held.FIRST,) * len(item.inputs)
        match item.op.layout:
            case Layout.SPATIAL:
                return self._spatial(graph, item)
            case Layout.AGNOSTIC:
                return self._agnostic(item)
            case Layout.REORDERING:
                wanted = self._wanted_last(graph, item.outputs[0])
                held = tuple(Held.FIRST if v is None else self.held(v) for v in item.inputs)
                return Places(held, _last(wanted, item.outputs[0]))
        main = item.inputs[0] if item.inputs else None
        if main is None:
            return Places(first, Held.FIRST)
        if self._all_last(item) and stays_last(item.op, main.type.rank):
            return Places((Held.LAST,) * len(item.inputs), Held.LAST)
        if self.held(main) is Held.LAST:
            order = result_order(item.op, main.type.rank)
            if order is not None:
                return Places((Held.LAST, *first[1:]), Held.LAST if order == "last" else Held.FIRST)
        if flattens(item):
            return Places((self.held(main), *first[1:]), Held.FIRST)
        if self._raises_channels(graph, item):
            return Places(first, Held.LAST)
        return Places(first, Held.FIRST)

    # ------------------------------------------------------------------------- single operations

    def _spatial(self, graph: Graph, item: Apply) -> Places:
        main = item.inputs[0]
        assert main is not None
        rest = (Held.FIRST,) * (len(item.inputs) - 1)
        output = _last(True, item.outputs[0])
        if self._bare.has(graph, item.outputs[0]):
            output = Held.BARE
        return Places((_last(True, main), *rest), output)

    def _agnostic(self, item: Apply) -> Places:
        present = [v for v in item.inputs if v is not None]
        rank = item.outputs[0].type.rank
        alike = [self.held(v) for v in present if v.type.rank == rank]
        if Held.BARE in alike:
            return Places((Held.BARE,), Held.BARE)
        held = Held.LAST if Held.LAST in alike and rank > 2 else Held.FIRST
        return Places((held,) * len(item.inputs), held)

    def _all_last(self, item: Apply) -> bool:
        """Whether an operation that renumbers its axes should go on channels-last."""
        main = item.inputs[0]
        assert main is not None
        return main.type.rank > 2 and any(
            self.held(v) is Held.LAST for v in item.inputs if v is not None
        )

    def _raises_channels(self, graph: Graph, item: Apply) -> bool:
        """Whether [N, C] becomes [N, C, 1, 1] to go beside a channels-last image."""
        output = item.outputs[0]
        is_reshaped = item.op.elements is Elements.RESHAPED
        if not is_reshaped or not spatial_axes_are_one(output.type):
            return False
        return item.inputs[0] is not None and self._wanted_last(graph, output)

    def _wanted_last(self, graph: Graph, value: Value) -> bool:
        """Whether some use of a value is in a channels-last surrounding."""
        return any(self._wants_last(user, value) for user in self._uses[id(graph)].items(value))

    def _wants_last(self, user: Apply | Call, value: Value) -> bool:
        if isinstance(user, Call):
            held = self.signature(user.graph).inputs
            pairs = zip(user.inputs, held, strict=True)
            return any(v is value and how is Held.LAST for v, how in pairs)
        if user.op.layout is Layout.SPATIAL:
            return user.inputs[0] is value
        agnostic = user.op.layout is Layout.AGNOSTIC
        return agnostic and any(v is not None and self.held(v) is Held.LAST for v in user.inputs)

    # ------------------------------------------------------------------------------- fixed point

    def _settle(self) -> None:
        """Grows the channels-last inputs and outputs of blocks until nothing changes."""
        for _ in range(4 + len(self._graphs)):
            before = self._state()
            for graph in self._graphs:
                self._demand(graph)
            for graph in self._graphs:
                self._forward(graph)
                self._forward(graph)  # what raises channels looks at values computed later
            for graph in self._graphs:
                self._press(graph)
            if self._state() == before:
                return

    def _state(self) -> object:
        parts = (self._inputs, self._outputs)
        return [{k: frozenset(v) for k, v in part.items() if v} for part in parts]

    def _demand(self, graph: Graph) -> None:
        """Notes the inputs that reach an operation which wants them channels-last."""
        wanted: set[int] = set()
        for item in reversed(list(graph.body.walk())):
            match item:
                case Call():
                    wanted |= {id(v) for v in self._wanted_by_call(item, wanted)}
                case Apply():
                    wanted |= {id(v) for v in _wanted_by(item, wanted)}
        for index, entry in enumerate(graph.inputs):
            if id(entry.value) in wanted:
                self._inputs[self._key(graph)].add(index)

    def _wanted_by_call(self, call: Call, wanted: set[int]) -> Iterator[Value]:
        """What a block takes channels-last, itself or because its results are wanted so."""
        passes_on = any(id(v) in wanted for v in call.outputs)
        uses = self._uses[id(call.graph)]
        for index, held in enumerate(self.signature(call.graph).inputs):
            if held is Held.LAST or (passes_on and uses.any_layout(index)):
                yield call.inputs[index]

    def _forward(self, graph: Graph) -> None:
        """The layout of every value, in the order of computation."""
        for index, entry in enumerate(graph.inputs):
            is_last = index in self._inputs[self._key(graph)]
            plain = id(graph) in self._outer - self._models
            usual = _last(is_last and not plain, entry.value)
            self._held[id(entry.value)] = self._inside.get((self._key(graph), index), usual)
        for item in graph.body.walk():
            match item:
                case Apply():
                    held = self.places(graph, item).output
                    for value in item.outputs:
                        self._held[id(value)] = self._made.get(id(value), held)
                case Call():
                    pairs = zip(item.outputs, self.signature(item.graph).outputs, strict=True)
                    for value, held in pairs:
                        self._held[id(value)] = self._made.get(id(value), held)
        for index, output in enumerate(graph.outputs):
            if self.held(output.value) is Held.LAST and id(graph) not in self._outer:
                self._outputs[self._key(graph)].add(index)

    def _press(self, graph: Graph) -> None:
        """A block that works in any layout takes the one of its channels-last callers."""
        for call in graph.calls:
            if id(call.graph) in self._outer:
                continue
            for index, value in enumerate(call.inputs):
                if self.held(value) is Held.LAST and self._uses[id(call.graph)].any_layout(index):
                    self._inputs[self._key(call.graph)].add(index)

    # ------------------------------------------------------------------------------------- joins

    def _join(self) -> bool:
        """Has values that are not held alike, and must be, made otherwise; whether there are any.

        Where that cannot be said of one (several outputs, parameters), they stay as they are, and
        loops are unrolled.
        """
        changed = False
        for join in self._joins:
            held = {self.held(value) for value in join.all}
            if len(held) == 1 or Held.BARE in held:
                continue
            last = any(self.held(value) is Held.LAST for value in join.deciding)
            for value in join.all:
                wanted = _last(last, value)
                if self.held(value) is not wanted:
                    changed |= self._make(value, wanted)
        return changed

    def _make(self, value: Value, held: Held) -> bool:
        """Has a value made in a layout; whether that is new."""
        if id(value) in self._places_of_inputs:
            place = self._places_of_inputs[id(value)]
            if place[0] in self._outer - self._models:
                return False
            if place[0] not in self._outer and held is Held.LAST:
                self._inputs[place[0]].add(place[1])
            new = self._inside.get(place) is not held
            self._inside[place] = held
            return new
        match self._producers.get(id(value)):
            case Apply(outputs=(_,)) | Call(outputs=(_,)):
                new = self._made.get(id(value)) is not held
                self._made[id(value)] = held
                return new
            case Call(graph=graph, outputs=several) if held is Held.LAST:
                given, index = self._outputs[self._key(graph)], several.index(value)
                new = index not in given and id(graph) not in self._outer
                given.add(index)
                return new
        return False

    def _key(self, graph: Graph) -> int:
        return id(graph) if id(graph) in self._outer else id(graph.block)


def _by_block(graphs: Iterable[Graph]) -> list[list[Graph]]:
    """The specialisations of each block."""
    found: dict[int, list[Graph]] = defaultdict(list)
    for graph in graphs:
        found[id(graph.block)].append(graph)
    return list(found.values())


def _last(wanted: bool, value: Value) -> Held:
    """Of two axes or fewer both layouts are the same."""
    return Held.LAST if wanted and value.type.rank > 2 else Held.FIRST


def _wanted_by(item: Apply, wanted: set[int]) -> Iterator[Value]:
    """The operands that an operation wants channels-last, if its results are wanted so."""
    main = item.inputs[0] if item.inputs else None
    if main is None:
        return
    if item.op.layout is Layout.SPATIAL:
        if main.type.rank > 2:
            yield main
        return
    if not any(id(v) in wanted for v in item.outputs):
        return
    if item.op.layout is Layout.AGNOSTIC or stays_last(item.op, main.type.rank):
        rank = item.outputs[0].type.rank
        yield from (v for v in item.inputs if v is not None and v.type.rank == rank)


class _Uses:
    """Who uses the values of a graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._items: dict[int, list[Apply | Call]] = defaultdict(list)
        for item in graph.body.walk():
            if isinstance(item, Apply | Call):
                for value in item.inputs:
                    if value is not None:
                        self._items[id(value)].append(item)

    def items(self, value: Value) -> Iterable[Apply | Call]:
        return self._items[id(value)]

    def any_layout(self, index: int) -> bool:
        """Whether an input only goes through operations that work element by element."""
        pending, seen = [self._graph.inputs[index].value], set[int]()
        while pending:
            current = pending.pop()
            for item in self._items[id(current)]:
                if not isinstance(item, Apply) or item.op.layout is not Layout.AGNOSTIC:
                    return False
                fresh = [v for v in item.outputs if id(v) not in seen]
                seen |= set(map(id, fresh))
                pending += fresh
        return True
