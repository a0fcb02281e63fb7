"""Finished classes, and how instances of them are made and applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from tercet.codegen.arguments import ClassArgument
from tercet.codegen.expr import Expr, Name, lift
from tercet.codegen.expr import Optional as OptionalExpr
from tercet.codegen.render import render
from tercet.codegen.target import ClassTarget
from tercet.codegen.writer import Statement
from tercet.compiler.graph.ir import Graph, Instance
from tercet.dsl.records import dataclass


@dataclass(frozen=True)
class ClassCode:
    """A class ready to be written in a target's frame.

    `construct` assigns the layers (the arguments that `forward` needs first), `compute` goes from
    the inputs' names to the `return`; `build` is for targets that make raw parameters when a class
    is first applied.  `received` are the forward function's arguments for layers of other classes,
    by the block's parameters.  `attributes` gives the source's site name of every attribute,
    `notes` are comments on the class, `sequences` the attributes whose innermost lists are called.
    """

    name: str
    graphs: tuple[Graph, ...]
    documentation: str | None
    arguments: tuple[ClassArgument, ...]
    inputs: tuple[str, ...]
    construct: tuple[Statement, ...]
    compute: tuple[Statement, ...]
    build: tuple[Statement, ...] = ()
    received: Mapping[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    sequences: frozenset[str] = frozenset()

    @property
    def signature(self) -> tuple[str, ...]:
        """The constructor's parameters, as written."""
        return tuple(
            f"{a.name}={render(lift(a.default))}" if a.has_default else a.name
            for a in self.arguments
        )


class PrintedClasses:
    """The classes of a model that are printed so far, by the graphs they print."""

    def __init__(self, target: ClassTarget) -> None:
        self._target = target
        self._class_of: dict[Graph, tuple[ClassCode, int]] = {}

    def add(self, code: ClassCode) -> None:
        self._class_of.update({graph: (code, k) for k, graph in enumerate(code.graphs)})

    def name(self, graph: Graph) -> str | None:
        """The name of the class that prints a graph, None where that is still to come."""
        return self._class_of[graph][0].name if graph in self._class_of else None

    def constructor(self, instance: Instance, graph: Graph) -> Expr | None:
        """The call that makes an instance of `graph`; None where it is never applied."""
        called = graph.instances[instance]
        if not called:
            return None
        code, number = self._class_of[called[0]]
        positional = tuple(lift(a.values[number]) for a in code.arguments if not a.has_default)
        keywords = tuple(
            (a.name, OptionalExpr(lift(a.values[number]), a.default))
            for a in code.arguments
            if a.has_default
        )
        return self._target.instance(Name(code.name), positional, keywords)

    def received(self, graph: Graph) -> Mapping[str, str]:
        """What the class of a graph calls the layers that it gets, by the block's parameters."""
        return self._class_of[graph][0].received if graph in self._class_of else {}
