"""The way from a file to a program: reading, elaboration, then passes by name.

result = load(Path("digits.model"), parameters={"width": "32"})
program = result.program_or_raise()
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from tercet.compiler.elaborate import Overrides, elaborate
from tercet.compiler.graph.ir import Graph, Program
from tercet.dsl import nodes
from tercet.dsl.diagnostics import Diagnostic, DiagnosticError
from tercet.dsl.parser import read_source
from tercet.dsl.records import dataclass
from tercet.dsl.source import Source, Span
from tercet.dsl.syntax_hints import nearest


@dataclass(frozen=True)
class CompileResult:
    """The program, or None where there are errors; and every diagnostic, errors first."""

    source: Source
    program: Program | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.diagnostics if d.severity == "error")

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.diagnostics if d.severity == "warning")

    def program_or_raise(self) -> Program:
        """The program.  Raises DiagnosticError with every error."""
        if self.program is None:
            raise DiagnosticError(*self.errors)
        return self.program


def load(
    path_or_source: Path | str | Source,
    *,
    parameters: Mapping[str, nodes.Expr | str] | None = None,
    training: Mapping[str, nodes.Expr | str] | None = None,
    model: str | None = None,
    after: str | None = None,
    inference: bool = False,
    float64: bool = False,
) -> CompileResult:
    """Compiles a file (or a text as a `Source`); never raises for what it says.

    `parameters` are the models' (`-P`), `training` settings of `train` by dotted path (`-T`), both
    as text of the language or already parsed; `model` restricts the program to one model.  All
    passes of `PASSES` are run, or those up to the one named `after`.  For `inference`, what the
    file says about training is not read: it need not fit, and its data need not be there.
    With `float64` the program is its twin in which f32 is f64.
    """
    if isinstance(path_or_source, Source):
        source = path_or_source
    else:
        try:
            source = read_source(Path(path_or_source))
        except DiagnosticError as problem:
            found = problem.diagnostics
            return CompileResult(found[0].span.source, None, found)
    program, diagnostics = elaborate(source, parameters, training, model, inference=inference)
    if program is not None:
        impossible = _impossible(program)
        if impossible:
            return CompileResult(source, None, (*impossible, *diagnostics))
        try:
            program = (TWIN if float64 else PASSES).run(program, after=after)
        except DiagnosticError as problem:
            return CompileResult(source, None, (*problem.diagnostics, *diagnostics))
    return CompileResult(source, program, diagnostics)


def _impossible(program: Program) -> list[Diagnostic]:
    """The errors of models that no sizes fit.  E0315."""
    found: list[Diagnostic] = []
    for graph in program.models.values():
        if graph.constraints:
            from tercet.compiler.sizing.sizes import require_some  # few models need a search

            try:
                require_some(graph)
            except DiagnosticError as problem:
                found += problem.diagnostics
    return found


def model_of(program: Program, source: Source, name: str | None = None) -> Graph:
    """The model of that name, or the only one.  Raises DiagnosticError E0206 or E0207."""
    names = list(program.models)
    place = Span(source, 0, 0)
    if name is None and len(names) == 1:
        return program.models[names[0]]
    if name is None:
        code = "E0207" if names else "E0206"
        message = (
            f"the file has several models: {', '.join(names)}"
            if names
            else "the file has no model that can be compiled"
        )
        help = f"choose one: `-m {names[0]}`" if names else None
        raise DiagnosticError(Diagnostic(code, message, place, help))
    if name not in program.models:
        close = nearest(name, names)
        help = f"did you mean `{close}`?" if close else f"the models are {', '.join(names)}"
        message = f"there is no model `{name}` in this file"
        raise DiagnosticError(Diagnostic("E0206", message, place, help))
    return program.models[name]


# ----------------------------------------------------------------------------------------- passes


def _float64(program: Program) -> Program:
    from tercet.compiler.float64 import float64  # most runs do without

    return float64(program)


Pass = Callable[[Program], Program]
Hook = Callable[[str, Program], None]


@dataclass(frozen=True)
class Pipeline:
    """Passes by name, run in order."""

    passes: tuple[tuple[str, Pass], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What `--after` takes: `elaborate`, then every pass."""
        return ("elaborate", *(name for name, _ in self.passes))

    def run(
        self, program: Program, *, after: str | None = None, hook: Hook | None = None
    ) -> Program:
        """The program after all passes, or after the one named `after`.

        `hook` sees every intermediate program.  Raises KeyError for an unknown name.
        """
        if after is not None and after not in self.names:
            raise KeyError(after)
        _tell(hook, "elaborate", program)
        if after == "elaborate":
            return program
        for name, step in self.passes:
            program = step(program)
            _tell(hook, name, program)
            if name == after:
                break
        return program


def _tell(hook: Hook | None, name: str, program: Program) -> None:
    if hook is not None:
        hook(name, program)


def pipeline(passes: Iterable[tuple[str, Pass]] | Sequence[tuple[str, Pass]] = ()) -> Pipeline:
    """A pipeline of these passes."""
    return Pipeline(tuple(passes))


PASSES = pipeline()
"""What every program goes through between elaboration and the targets."""

TWIN = pipeline([("float64", _float64), *PASSES.passes])
"""The same where the twin in float64 was asked for."""

__all__ = [
    "PASSES",
    "TWIN",
    "CompileResult",
    "Hook",
    "Overrides",
    "Pass",
    "Pipeline",
    "load",
    "model_of",
    "pipeline",
]
