"""The state of printing one class, or one function, and snapshots of it.

`State` is what the whole class shares, a `Frame` is one region of it under way.  All executions of
a region are printed at once: what a frame holds is a *column*, one entry per execution.  Functions
that print items register by the item's class, as evaluators do in `compiler.elaborate`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from tercet.codegen.arguments import Arguments, Mark
from tercet.codegen.decisions import Decision
from tercet.codegen.expr import Expr, Name, Template
from tercet.codegen.layer_arguments import ReceivedLayers
from tercet.codegen.layer_lists import LayerLists, Making
from tercet.codegen.names import Names
from tercet.codegen.once import Once
from tercet.codegen.printed import PrintedClasses
from tercet.codegen.target import ClassTarget
from tercet.codegen.uses import Uses
from tercet.codegen.writer import Statement
from tercet.compiler.graph.ir import (
    Apply,
    Bind,
    Create,
    Graph,
    Instance,
    Item,
    Layer,
    Region,
    Value,
)
from tercet.compiler.ops.base import Op
from tercet.dsl.records import dataclass
from tercet.dsl.source import Span

Column = Sequence[Value]


def same(left: Column, right: Column) -> bool:
    """Whether two columns hold the same values."""
    return len(left) == len(right) and all(a is b for a, b in zip(left, right, strict=True))


@dataclass(frozen=True, eq=False)
class Deferred:
    """An expression not yet written: it goes into its one use, or into a variable.

    Several columns are the outputs of one operation that gives several.  `hint` is the name for a
    variable that nothing else names; `inner` is what a layer here is applied to, where that was
    deferred too: it may still get a variable of its own.
    """

    columns: tuple[Column, ...]
    expr: Expr
    depth: int
    hint: str
    inner: Deferred | None = None


class Variables:
    """Python variables and the values they hold, found by value."""

    def __init__(self) -> None:
        self.held: dict[str, Column] = {}
        self._by_value: dict[int, list[str]] = {}

    def set(self, name: str, column: Column) -> None:
        self.forget(name)
        self.held[name] = column
        self._by_value.setdefault(id(column[0]), []).append(name)

    def forget(self, name: str) -> None:
        column = self.held.pop(name, None)
        if column is not None:
            self._by_value[id(column[0])].remove(name)

    def find(self, column: Column) -> str | None:
        """The variable that holds exactly these values, the youngest one first."""
        for name in reversed(self._by_value.get(id(column[0]), ())):
            if same(self.held[name], column):
                return name
        return None

    def is_copy(self, name: str) -> bool:
        """Whether another variable holds what this one holds."""
        column = self.held[name]
        others = self._by_value.get(id(column[0]), ())
        return any(same(self.held[other], column) for other in others if other != name)

    def copy(self) -> Variables:
        """The same variables, to go on with independently."""
        other = Variables()
        other.held = dict(self.held)
        other._by_value = {value: list(names) for value, names in self._by_value.items()}
        return other


@dataclass
class Frame:
    """One region under way.

    `graphs[k]` is the number of the specialisation that execution k belongs to; `iteration`
    gives, per printed loop around, the iteration each execution is in, and `loop_values` what the
    targets of these loops hold.  `statics` is what the names of static values print as.
    """

    regions: list[Region]
    graphs: list[int]
    variables: Variables
    statics: dict[str, Expr | None]
    iteration: dict[int, list[int]] = field(default_factory=dict)
    loop_values: dict[str, list[Any]] = field(default_factory=dict)
    deferred: dict[int, Deferred] = field(default_factory=dict)
    construct: list[Statement] = field(default_factory=list)
    build: list[Statement] = field(default_factory=list)
    compute: list[Statement] = field(default_factory=list)
    in_loop: bool = False
    outermost: bool = False

    def pick(self, chosen: list[int], regions: list[Region]) -> Frame:
        """A frame for some of the executions."""
        frame = Frame(
            regions,
            [self.graphs[k] for k in chosen],
            Variables(),
            dict(self.statics),
            {loop: [steps[k] for k in chosen] for loop, steps in self.iteration.items()},
            {name: [values[k] for k in chosen] for name, values in self.loop_values.items()},
            in_loop=self.in_loop,
        )
        for name, column in self.variables.held.items():
            frame.variables.set(name, [column[k] for k in chosen])
        return frame

    def variable(self, column: Column) -> Name | None:
        """The variable that holds exactly these values."""
        name = self.variables.find(column)
        return None if name is None else Name(name)

    def copy(self) -> Frame:
        """The frame as it is now."""
        return replace(
            self,
            variables=self.variables.copy(),
            statics=dict(self.statics),
            deferred=dict(self.deferred),
            construct=list(self.construct),
            build=list(self.build),
            compute=list(self.compute),
        )


ItemPrinter = Callable[["State", Frame, list[Any], Bind | None], None]
"""`(state, frame, column, destination)`: prints an item of all executions.

`destination` is the next binding of a tensor, whose name intermediate values may take.
"""


class ItemPrinters:
    """Functions that print items, by the item's class; `base` has those not registered here."""

    def __init__(self, base: ItemPrinters | None = None) -> None:
        self._base = base
        self._table: dict[type[Item], ItemPrinter] = {}

    def __call__(self, *classes: type[Item]) -> Callable[[ItemPrinter], ItemPrinter]:
        def register(function: ItemPrinter) -> ItemPrinter:
            self._table.update(dict.fromkeys(classes, function))
            return function

        return register

    def find(self, cls: type[Item]) -> ItemPrinter:
        """The function that prints items of a class."""
        if cls in self._table or self._base is None:
            return self._table[cls]
        return self._base.find(cls)


@dataclass(frozen=True)
class Inlined:
    """What a function of a script is printed with: `models` are what its layers are called, by
    path; `named` the tensors that its own text gives names to."""

    models: Mapping[str, Expr]
    named: frozenset[int]


@dataclass(eq=False)
class State:
    """What printing one class or function knows and has found so far.

    `names` are the variables of the forward function; `function` is None for a class.
    """

    graphs: Sequence[Graph]
    target: ClassTarget
    printers: ItemPrinters
    arguments: Arguments
    names: Names
    lists: LayerLists
    classes: PrintedClasses
    received: ReceivedLayers
    function: Inlined | None = None
    compiled: int = 1
    """How many of the graphs, the first ones, are of the model as it is compiled."""
    uses: Uses = field(default_factory=Uses)
    current: Sequence[Item] = ()
    """The item being printed, of all executions."""
    noted_shapes: tuple[str, ...] = ()
    """What the last comment said, not to be said again."""
    templates: dict[object, Template] = field(default_factory=dict)
    """Lowered once for all executions that are alike; nothing ever undoes it."""
    _siblings: dict[tuple[Op, ...], int] = field(default_factory=dict)
    built_ahead: dict[Layer | Instance, Making] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    loops: int = 0
    """The number of the last loop."""
    once: Once = field(default_factory=Once)
    bound_again: frozenset[str] = frozenset()
    """Names that the text binds in several places; known where something is computed once."""
    scalars: dict[int, Apply] = field(default_factory=dict)
    """The numbers among tensors, by their values."""
    constructed: dict[int, Expr] = field(default_factory=dict)
    """What is computed once, as the constructor has it, by value."""
    held: dict[int, Expr] = field(default_factory=dict)
    """The attributes that hold what is computed once, by value."""
    own: set[Layer | Instance] = field(default_factory=set)
    """What the class itself makes."""

    def __post_init__(self) -> None:
        for graph in self.graphs:
            self.uses.add(graph)
            self.own.update(i.made for i in graph.body.walk() if isinstance(i, Create))

    def number_of(self, siblings: tuple[Op, ...]) -> int:
        """What stands for these operations in keys: to hash thousands for each would not end."""
        return self._siblings.setdefault(siblings, len(self._siblings))

    def decide(self, span: Span, text: str, *, merged: bool) -> None:
        """Notes why the loop there is printed as it is."""
        self.decisions.append(Decision(self.graphs[0].block.name, span, text, merged))

    def snapshot(self, frame: Frame) -> Snapshot:
        """Everything as it is now, to come back to if what follows cannot be printed."""
        return Snapshot(
            frame.copy(),
            self.arguments.mark(),
            self.names.mark(),
            self.lists.copy(),
            self.current,
            self.noted_shapes,
            dict(self.built_ahead),
            len(self.decisions),
            self.loops,
        )

    def restore(self, frame: Frame, snapshot: Snapshot) -> None:
        """Forgets all that was printed since `snapshot` was taken of the same frame."""
        for name, value in vars(snapshot.frame.copy()).items():
            setattr(frame, name, value)
        self.arguments.rewind(snapshot.arguments)
        self.names.rewind(snapshot.names)
        self.lists.restore(snapshot.lists)
        self.current = snapshot.current
        self.noted_shapes = snapshot.noted_shapes
        self.built_ahead = dict(snapshot.built_ahead)
        del self.decisions[snapshot.decisions :]
        self.loops = snapshot.loops


def held_once(state: State, column: Column) -> Expr | None:
    """The attribute that holds these values in all executions, if one does."""
    found = {state.held.get(id(value)) for value in column} if state.held else {None}
    return found.pop() if len(found) == 1 else None


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The whole of a `State` and of a `Frame` at one moment."""

    frame: Frame
    arguments: Mark
    names: tuple[int, int]
    lists: LayerLists
    current: Sequence[Item]
    noted_shapes: tuple[str, ...]
    built_ahead: dict[Layer | Instance, Making]
    decisions: int
    loops: int
