"""The constructor arguments of a class: what its instances differ in, under the source's names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import field
from functools import cached_property
from typing import Any

from tercet.codegen.decisions import CannotMerge
from tercet.codegen.expr import ArgumentName, Expr, Literal, SizeName, lift
from tercet.codegen.names import Names, size_argument
from tercet.codegen.tree import children, replace
from tercet.codegen.uses import bound_names
from tercet.compiler.graph.ir import Argument, Bind, Graph, Value
from tercet.compiler.graph.values import same_value
from tercet.dsl import nodes
from tercet.dsl.records import dataclass

Mark = tuple[int, int, tuple[int, int]]
"""How far the arguments of a class were found at a moment."""

Written = Sequence[Sequence[Argument]]
"""Per execution, the static arguments written at a site."""


@dataclass
class ClassArgument:
    """One argument: its value in each specialisation and the source's default, if any."""

    name: str
    values: list[Any]
    has_default: bool = False
    default: Any = None
    used: bool = False


@dataclass
class Arguments:
    """The arguments of the class that prints these graphs, found as they are needed."""

    graphs: Sequence[Graph]
    names: Names
    same_instance: Sequence[Sequence[int]] = ()
    """Specialisations of one and the same instance, which has one value of every argument."""
    base: int | None = None
    """How many of the graphs, the first ones, are of the model as it is compiled: the others are of
    the model at other values of its parameters.  None: all."""
    free: frozenset[str] | None = None
    """Of a model's own class, the parameters that are arguments: their defaults are the values
    compiled."""
    known: list[ClassArgument] = field(default_factory=list)
    expressions: list[tuple[Expr, dict[int, Any]]] = field(default_factory=list)
    """Expressions over arguments that were printed, with their values in each graph."""
    statics: dict[str, Expr | None] = field(default_factory=dict)
    """What the block's parameters and sizes print as, by their names in the source."""

    _sizes: dict[str, str] = field(default_factory=dict)
    """The sizes of inputs that arguments are, by their names in the source."""
    _locals: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._compiled = len(self.graphs) if self.base is None else self.base
        for name in self.graphs[0].dims:
            self._add_size(name)
        for parameter in self.graphs[0].block.parameters:
            self._add_parameter(parameter)

    def _add_size(self, name: str) -> None:
        values = [graph.dims[name] for graph in self.graphs]
        if any(not isinstance(v, int) for v in values):
            self.statics[name] = SizeName(name)
        elif all(v == values[0] for v in values):
            self.statics[name] = Literal(values[0])
        elif self._conflict(values):
            self.statics[name] = SizeName(name)
        else:
            argument = self.statics[name] = self._new(size_argument(name), values)
            self._sizes[argument.identifier] = name

    def _add_parameter(self, parameter: nodes.Parameter) -> None:
        values = [graph.arguments.get(parameter.name) for graph in self.graphs]
        if all(same_value(v, values[0]) for v in values):
            self.statics[parameter.name] = printable(values[0])
        elif self.free is not None and parameter.name not in self.free:
            self.statics[parameter.name] = None  # it follows from others
        elif all(printable(v) is not None for v in values):
            argument = self._new(parameter.name, values)
            self.statics[parameter.name] = argument
            if self.free is not None:
                self.known[-1].has_default = True
                self.known[-1].default = values[0]
            elif isinstance(parameter.default, nodes.Constant):
                self.known[-1].has_default = True
                self.known[-1].default = parameter.default.value
        else:
            self.statics[parameter.name] = None

    def _conflict(self, values: Sequence[Any]) -> bool:
        return any(values[g] != values[group[0]] for group in self.same_instance for g in group)

    def _new(self, preferred: str, values: list[Any]) -> ArgumentName:
        if self._conflict(values):
            raise CannotMerge(f"one instance would need several values of `{preferred}`")
        name = self.names.fresh(preferred)
        self.known.append(ClassArgument(name, values))
        return ArgumentName(name)

    def mark(self) -> Mark:
        """The arguments so far, for `rewind`."""
        return len(self.known), len(self.expressions), self.names.mark()

    def rewind(self, mark: Mark) -> None:
        """Forgets the arguments found since the mark."""
        del self.known[mark[0] :]
        del self.expressions[mark[1] :]
        self.names.rewind(mark[2])

    def find(self, values: Sequence[Any], graphs: Sequence[int]) -> ArgumentName | None:
        """An argument that has these values where the executions belong to these graphs."""
        for argument in self.known:
            if all(
                type(argument.values[g]) is type(v) and argument.values[g] == v
                for g, v in zip(graphs, values, strict=True)
            ):
                return ArgumentName(argument.name)
        return None

    def local(self, name: str, graph: int) -> Any:
        """The static value that a name assigned once in the block has in a specialisation."""
        while len(self._locals) < len(self.graphs):
            self._locals.append(_locals(self.graphs[len(self._locals)]))
        return self._locals[graph].get(name)

    def add(self, preferred: str, values: Sequence[Any], graphs: Sequence[int]) -> ArgumentName:
        """A new argument for what neither the source's names nor a literal can print.

        Raises CannotMerge where one graph would need two values, and where it would differ only
        because a parameter of the model does: then it is no argument but follows from others.
        """
        column: list[Any] = [None] * len(self.graphs)
        filled: set[int] = set()
        for graph, value in zip(graphs, values, strict=True):
            if graph in filled and column[graph] != value:
                raise CannotMerge(
                    f"no expression of the source gives {column[graph]} at one execution and "
                    f"{value} at another"
                )
            filled.add(graph)
            column[graph] = value
        compiled = {column[g] for g in filled if g < self._compiled}
        if self._compiled < len(self.graphs) and len(compiled) < 2:
            raise CannotMerge(f"nothing that can be printed gives {_listed(values)}")
        return self._new(preferred, column)

    def follows(self, expr: Expr) -> bool:
        """Whether an expression changes with a parameter of the model."""
        if isinstance(expr, ArgumentName):
            values = next(a.values for a in self.known if a.name == expr.identifier)
            return any(v not in values[: self._compiled] for v in values[self._compiled :])
        return self._compiled < len(self.graphs) and any(map(self.follows, children(expr)))

    def read_from_inputs(self, expr: Expr) -> Expr:
        """The expression with the sizes of inputs that follow parameters read at run time."""

        def read(part: Expr) -> Expr | None:
            match part:
                case ArgumentName(identifier) if identifier in self._sizes and self.follows(part):
                    size = self._sizes[identifier]
                    return SizeName(size) if size in self._readable else None
            return None

        return replace(expr, read)

    @cached_property
    def _readable(self) -> set[str]:
        declared = [size for entry in self.graphs[0].inputs for size in entry.declared]
        return {size.id for size in declared if isinstance(size, nodes.Name)}

    def note(self, expr: Expr, values: Sequence[Any], graphs: Sequence[int]) -> None:
        """Takes up what an expression that is printed gives in each graph."""
        column = dict(zip(graphs, values, strict=True))
        if len(column) == len(graphs):
            self.expressions.append((expr, column))

    def use(self, name: str) -> None:
        """Notes that the generated class reads an argument."""
        for argument in self.known:
            if argument.name == name:
                argument.used = True

    @property
    def used(self) -> list[ClassArgument]:
        """The arguments of the constructor, those with a default last."""
        return sorted((a for a in self.known if a.used), key=lambda a: a.has_default)


def _listed(values: Sequence[Any]) -> str:
    found = list(dict.fromkeys(map(str, values)))
    return ", ".join(found[:4]) + (", ..." if len(found) > 4 else "")


def printable(value: Any) -> Expr | None:
    """A static value as a literal, if Python has one."""
    if isinstance(value, tuple | list):
        items = [printable(v) for v in value]
        return None if any(i is None for i in items) else lift(list(items))
    if isinstance(value, bool | int | float | str) or value is None:
        return Literal(value)
    return None


def _locals(graph: Graph) -> dict[str, Any]:
    """The static values of the names that a block's body assigns once, at its top."""
    binds = [i for i in graph.body.items if isinstance(i, Bind)]
    once = Counter(name for i in binds for name in bound_names(i.target, i.value))
    return {
        name: value
        for i in binds
        for name, value in bound_names(i.target, i.value).items()
        if once[name] == 1 and not isinstance(value, Value)
    }
