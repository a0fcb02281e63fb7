"""What every target has: a table of lowerings by operation class; words for what it cannot do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from tercet.backends.draft import Draft
from tercet.codegen.script.style import FULL, Style
from tercet.codegen.specialised import layers_of
from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.training import Training
from tercet.compiler.ops.base import OPERATIONS, Op
from tercet.compiler.types import DType
from tercet.dsl.diagnostics import Diagnostic, DiagnosticError
from tercet.dsl.records import dataclass
from tercet.dsl.source import Span

F = TypeVar("F", bound=Callable[..., Any])


class Unsupported(Exception):
    """A target cannot express an operation as used here; raised inside lowerings.

    `rejected` turns it into the diagnostic that names the operation, the target and the line.
    """

    def __init__(self, reason: str, help: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.help = help


def rejected(target: str, op: Op, span: Span, problem: Unsupported) -> DiagnosticError:
    """The compile error for an operation that `target` cannot express."""
    return refused(target, f"`{op.name}` here", span, problem)


def refused(target: str, what: str, span: Span, problem: Unsupported) -> DiagnosticError:
    """The compile error for anything else that `target` cannot express: ``the input `x` ``."""
    message = f"{target} cannot express {what}: {problem.reason}"
    return DiagnosticError(Diagnostic("E0701", message, span, help=problem.help))


def layer_precision(model: Graph, target: str) -> DType | None:
    """That of all parameters where layers, which frameworks make in f32, have another; else None.

    Raises DiagnosticError where layers have another and parameters have several.
    """
    of_layers = {p.type.dtype for layer in layers_of(model) for p in layer.parameters}
    every = {p.type.dtype for _, p in model.parameters() if p.type.dtype.is_float}
    if {dtype for dtype in of_layers if dtype.is_float} <= {DType.F32}:
        return None
    if len(every) > 1:
        message = f"{target} cannot mix {' and '.join(sorted(every))} in parameters"
        raise DiagnosticError(Diagnostic("E0701", message, model.block.span))
    return every.pop()


def check_exact(training: Training | None, style: Style, target: str) -> None:
    """Mixed precision rounds in ways of each framework.  Raises DiagnosticError E0701."""
    if not style.exact or training is None or not training.is_mixed:
        return
    message = (
        f"{target} cannot express `precision = {training.precision}` in an exact script: "
        "frameworks round at different places"
    )
    span = training.places.get("precision", training.span)
    raise DiagnosticError(Diagnostic("E0701", message, span, help="train in f32"))


@dataclass(frozen=True)
class Exceptional:
    """What a target makes of NaN or infinity in an operation, other than its class says.

    `framework` and `file` tell whether the framework itself or its ONNX file in ONNX Runtime does.
    """

    what: str
    framework: bool = False
    file: bool = False

    def __str__(self) -> str:
        where = " and its ONNX file" if self.framework and self.file else ""
        return f"{where}: {self.what}" if self.framework else f"'s ONNX file: {self.what}"


@dataclass(frozen=True)
class Limit:
    """A use of operations that a target has no way to express, `where` they are, and why not."""

    where: str
    reason: str
    help: str | None = None

    def refusal(self) -> Unsupported:
        """What a lowering raises."""
        return Unsupported(self.reason, self.help)

    def __str__(self) -> str:
        return f" {self.where}: {self.reason}"


class Lowerings(Generic[F]):
    """The lowerings of one target, registered per operation class by decoration.

        lower = Lowerings[Lowering]("pytorch")

        @lower(Relu)
        def _relu(op: Relu, ...) -> ...:

    Subclasses of a registered class need their own registration: nothing is inherited silently.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self._table: dict[type[Op], F] = {}
        self._exact: dict[type[Op], F] = {}
        self._unsupported: dict[type[Op], str] = {}
        self._exceptions: dict[type[Op], list[Exceptional]] = {}
        self._limits: dict[type[Op], list[Limit]] = {}

    def __call__(self, *operations: type[Op]) -> Callable[[F], F]:
        return self._registering(self._table, operations)

    def exact(self, *operations: type[Op]) -> Callable[[F], F]:
        """Registers what stands in exact scripts, where training would differ otherwise."""
        return self._registering(self._exact, operations)

    def _registering(
        self, table: dict[type[Op], F], operations: tuple[type[Op], ...]
    ) -> Callable[[F], F]:
        def register(function: F) -> F:
            for cls in operations:
                if cls in table:
                    raise ValueError(f"{self.target}: {cls.__name__} has two lowerings")
                table[cls] = function
            return function

        return register

    def unsupported(self, reason: str, *operations: type[Op]) -> None:
        """States that this target has no way to express these operations, and why."""
        self._unsupported.update(dict.fromkeys(operations, reason))

    def limit(
        self, where: str, reason: str, *operations: type[Op], help: str | None = None
    ) -> Limit:
        """States in which uses these operations cannot be expressed; lowerings raise its refusal.

        `where` goes on from the operation's name, as in "with groups".
        """
        limit = Limit(where, reason, help)
        for cls in operations:
            self._limits.setdefault(cls, []).append(limit)
        return limit

    def limits(self, operation: type[Op]) -> tuple[Limit, ...]:
        """What `limit` has stated of an operation."""
        return tuple(self._limits.get(operation, ()))

    def exceptional(
        self, what: str, *operations: type[Op], framework: bool = False, file: bool = False
    ) -> None:
        """States what becomes of NaN or infinity here, where that is not what the class says."""
        for cls in operations:
            self._exceptions.setdefault(cls, []).append(Exceptional(what, framework, file))

    def exceptions(self, operation: type[Op]) -> tuple[Exceptional, ...]:
        """What `exceptional` has stated of an operation."""
        return tuple(self._exceptions.get(operation, ()))

    def __contains__(self, cls: type[Op]) -> bool:
        """Whether a class has a lowering of its own."""
        return cls in self._table

    def find(self, op: Op, *, exact: bool = False) -> F:
        """The lowering of an operation, in an exact script or another.  Raises Unsupported."""
        cls = type(op)
        if exact and cls in self._exact:
            return self._exact[cls]
        if cls in self._table:
            return self._table[cls]
        raise Unsupported(self._unsupported.get(cls, "it has no lowering for this target yet"))

    def coverage(self) -> dict[str, str | None]:
        """For every operation: None where it is lowered, else the reason why not."""
        return {
            name: None if cls in self._table else self._unsupported.get(cls, "missing")
            for name, cls in OPERATIONS.items()
        }


@dataclass(frozen=True)
class Place:
    """Where a script comes from and goes to: names and folders that its text mentions.

    `source_name` is the `.model` file's name; `model_folder` holds it, `script_folder` will hold
    the script, and only the way from one to the other is printed; where it is None, the script is
    run where it is and then gone, and names files by their whole paths.
    """

    source_name: str
    model_folder: Path
    script_folder: Path | None
    script_name: str


class Print(Protocol):
    """Prints a script for a model and, where the source has one, its training.

    `follow`: the model's parameters become arguments of its class; who only wants to know whether
    the target can express all of it need not wait for that.  Raises DiagnosticError for what it
    cannot express.
    """

    def __call__(
        self,
        model: Graph,
        training: Training | None,
        place: Place,
        style: Style = FULL,
        *,
        follow: bool = True,
    ) -> Draft: ...


@dataclass(frozen=True)
class Backend:
    """A target that prints training scripts."""

    name: str
    extra: str
    draft: Print

    def render(
        self,
        model: Graph,
        training: Training | None,
        place: Place,
        style: Style = FULL,
    ) -> str:
        """The text of a script.  Raises DiagnosticError for what the target cannot express."""
        from tercet.backends.finishing import finished  # `tercet check` prints drafts alone

        return finished([self.draft(model, training, place, style)])[0]
