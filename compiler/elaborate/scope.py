"""The state of elaborating one body: its names, its trace so far, the layers made in it.

Evaluators of expressions and executors of statements register by node class here, so that the
modules holding them need not know each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field
from typing import Any, Protocol, TypeVar

from tercet.compiler.constraints import Constraint
from tercet.compiler.dims import DimError, Size
from tercet.compiler.elaborate import limits
from tercet.compiler.elaborate.errors import error
from tercet.compiler.elaborate.modules import Constant, Found, ModuleScope
from tercet.compiler.elaborate.session import Session
from tercet.compiler.elaborate.sites import BodyText
from tercet.compiler.graph.ir import (
    Apply,
    Call,
    GraphInput,
    GraphOutput,
    Instance,
    Item,
    Layer,
    Region,
    Site,
    Value,
)
from tercet.compiler.graph.values import POISON
from tercet.compiler.habits import about_name
from tercet.compiler.types import TensorType
from tercet.dsl import nodes
from tercet.dsl.diagnostics import Diagnostic, DiagnosticError, Note
from tercet.dsl.records import dataclass
from tercet.dsl.source import Span

Evaluator = Callable[["Frame", Any], Any]
Executor = Callable[["Frame", Any], None]
F = TypeVar("F", bound=Callable[..., Any])

_EVALUATORS: dict[type[nodes.Node], Evaluator] = {}
_EXECUTORS: dict[type[nodes.Node], Executor] = {}


def evaluates(*classes: type[nodes.Node]) -> Callable[[F], F]:
    """Registers how expressions of these classes are evaluated."""

    def register(function: F) -> F:
        _EVALUATORS.update(dict.fromkeys(classes, function))
        return function

    return register


def executes(*classes: type[nodes.Node]) -> Callable[[F], F]:
    """Registers how statements of these classes are executed."""

    def register(function: F) -> F:
        _EXECUTORS.update(dict.fromkeys(classes, function))
        return function

    return register


@dataclass(frozen=True)
class Drawing:
    """What an initializer draws in the mapping of `synthetic`: a column of this type."""

    rows: int
    type: TensorType


class TrainingBody(Protocol):
    """What the body of a `train` does with the statements that only it has."""

    def assign(self, frame: Frame, statement: nodes.Assign) -> bool:
        """Takes a setting; False for an assignment like everywhere."""

    def target(self, frame: Frame, statement: nodes.Target) -> None:
        """Declares what data supply beside the inputs."""

    def input(self, frame: Frame, statement: nodes.Input) -> None:
        """Declares an input of a `train` that has models as parameters."""


@dataclass(frozen=True)
class Deferred:
    """A dimension with several unbound names, to be looked at when all inputs are bound."""

    dimension: nodes.Expr
    size: Size
    input: nodes.Input | nodes.Target
    given: Span


@dataclass
class Body:
    """The inputs and outputs of a body as its statements come by.

    `actual` are the types of the tensors a block is applied to, with the places where the caller
    wrote them, and None for each that it leaves out; None for a model that is compiled, whose
    inputs are as declared.  `declared` counts the inputs that came by, those left out too.
    """

    block: nodes.Block | None = None
    actual: Sequence[tuple[TensorType, Span] | None] | None = None
    inputs: list[GraphInput] = field(default_factory=list)
    declared: int = 0
    deferred: list[Deferred] = field(default_factory=list)
    outputs: list[tuple[str, Any, Span]] = field(default_factory=list)
    output: nodes.Output | None = None


class Frame:
    """One body being elaborated: a specialisation of a block, a loss, or a constant's value."""

    __slots__ = (
        "body",
        "chain",
        "constraints",
        "demanded",
        "dims",
        "dims_at",
        "drawing",
        "failed",
        "in_training",
        "indices",
        "items",
        "level",
        "made",
        "module",
        "names",
        "operations",
        "producers",
        "session",
        "text",
        "training",
        "unnamed",
    )

    def __init__(
        self,
        session: Session,
        module: ModuleScope,
        text: BodyText | None = None,
        chain: tuple[Note, ...] = (),
    ) -> None:
        self.session = session
        self.module = module
        self.text = text
        self.chain = chain
        self.in_training = False
        self.drawing: Drawing | None = None
        self.training: TrainingBody | None = None
        self.names: dict[str, Any] = {}
        self.dims: dict[str, Size] = {}
        self.dims_at: dict[str, Note] = {}
        self.items: list[Item] = []
        self.indices: tuple[int, ...] = ()
        self.made: list[tuple[Layer | Instance, Span]] = []
        self.constraints: list[Constraint] = []
        self.demanded: set[tuple[Size, str, Size]] = set()
        self.producers: dict[Value, Apply | Call] = {}
        self.unnamed: set[Value] = set()
        self.operations = 0
        self.level = 0
        self.failed = False
        self.body = Body()

    # ------------------------------------------------------------------------------ evaluation

    def evaluate(self, expression: nodes.Expr) -> Any:
        """The value of an expression; POISON where it, or what it depends on, is wrong."""
        try:
            value = _EVALUATORS[type(expression)](self, expression)
        except DiagnosticError as problem:
            return self.fail(problem)
        except DimError as problem:
            return self.fail(error("E0412", str(problem), expression.span))
        if value is POISON:
            self.failed = True
        return value

    def execute(self, statements: tuple[nodes.Statement, ...]) -> None:
        """Executes statements in order; a wrong one does not keep the next from being checked."""
        session = self.session
        for statement in statements:
            session.work(1, statement.span)
            try:
                _EXECUTORS[type(statement)](self, statement)
            except DiagnosticError as problem:
                self.fail(problem)
            except DimError as problem:
                self.fail(error("E0412", str(problem), statement.span))

    def fail(self, problem: DiagnosticError) -> Any:
        """Reports an error; the value of what failed is POISON."""
        self.failed = True
        for diagnostic in problem.diagnostics:
            self.session.sink.add(diagnostic, self.chain)
        return POISON

    def warn(self, diagnostic: Diagnostic) -> None:
        self.session.sink.add(diagnostic, self.chain)

    # ------------------------------------------------------------------------------------ names

    def lookup(self, name: str, span: Span) -> Any:
        """The value of a name: the body's own, the file's, or the language's.

        Raises DiagnosticError E0201 or E0217.
        """
        if name in self.names:
            return self.names[name]
        match self.module.lookup(name):
            case Found(value=value):
                return value
            case Constant() as constant:
                return self._constant(constant, span)
        raise self._undefined(name, span)

    def _constant(self, constant: Constant, span: Span) -> Any:
        """The value of a constant, evaluated once.  Raises DiagnosticError E0217."""
        if constant.value is None:
            if constant.running:
                message = f"`{constant.declaration.name}` depends on itself"
                at = Note("its declaration", constant.declaration.name_span)
                raise error("E0217", message, span, None, at)
            constant.running = True
            own = Frame(self.session, constant.scope)
            constant.value = Found(own.evaluate(constant.declaration.value))
            constant.running = False
        return constant.value.value

    def _undefined(self, name: str, span: Span) -> DiagnosticError:
        if self.text is not None and (assigned := self.text.assigned.get(name)) is not None:
            return error(
                "E0214",
                f"`{name}` has no value here",
                span,
                "give it a value before, on every way that leads here",
                Note("a value is given to it here", assigned),
            )
        help = about_name(name, [*self.names, *self.module.names()])
        return error("E0201", f"`{name}` is not defined", span, help)

    # ------------------------------------------------------------------------------------ trace

    @contextmanager
    def region(self) -> Iterator[list[Item]]:
        """Items go to a list of their own while inside."""
        outer, self.items = self.items, []
        try:
            yield self.items
        finally:
            self.items = outer

    def site(self, node: nodes.Node) -> Site:
        """The site of a call, pipe stage or declaration.  Raises DiagnosticError E0512."""
        site = None if self.text is None else self.text.sites.get(node)
        if site is None:
            raise error(
                "E0512",
                "a layer cannot be made here",
                node.span,
                "make it in the body of a block or model",
            )
        return site

    def apply(self, item: Apply) -> None:
        """Records an operation."""
        self.items.append(item)
        self.operate(len(item.outputs), item.span)
        for output in item.outputs:
            self.producers[output] = item
        self.unnamed.update(item.outputs)

    def operate(self, count: int, span: Span) -> None:
        """Counts operations and outputs of calls.  Raises Stop for too many."""
        self.operations += count
        if self.operations > limits.OPERATIONS:
            message = f"the model has more than {limits.OPERATIONS:,} operations"
            self.session.stop("E0409", message, span, "use fewer layers or fewer iterations")

    def give(self, outputs: Sequence[GraphOutput]) -> None:
        """Bounds the outputs of the body.  Raises Stop for too many."""
        if len(outputs) > limits.OPERATIONS:
            message = f"there are more than {limits.OPERATIONS:,} outputs"
            self.session.stop("E0409", message, outputs[-1].span, "use shorter lists")


def region_of(items: list[Item]) -> Region:
    return Region(tuple(items))
