"""Reporting: one sink of diagnostics, and the value that stands for what went wrong.

An error is raised as `DiagnosticError` where it is found and caught at the nearest expression or
statement, whose value becomes `POISON`; whatever depends on it then stays silent.  So several
independent errors come out of one run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tercet.compiler.elaborate import limits
from tercet.dsl.diagnostics import Diagnostic, DiagnosticError, Note
from tercet.dsl.source import Span
from tercet.dsl.syntax_hints import nearest


class Stop(Exception):
    """Ends elaboration at once: a limit was reached, and its diagnostic reported."""


class Sink:
    """Collects diagnostics, up to some errors; a second one of the same code at the same place is
    dropped."""

    def __init__(self, most: int = limits.ERRORS) -> None:
        self._most = most
        self.diagnostics: list[Diagnostic] = []
        self._seen: set[tuple[str, Span]] = set()
        self.errors = 0
        self._reported = 0

    def add(self, diagnostic: Diagnostic, chain: tuple[Note, ...] = ()) -> None:
        """Records a diagnostic, with the calls of blocks that led to it.  Raises Stop."""
        key = diagnostic.code, diagnostic.span
        is_error = diagnostic.severity == "error"
        self.errors += is_error
        if self.errors > limits.REPEATS:
            raise Stop
        if key in self._seen:
            return
        self._seen.add(key)
        self._reported += is_error
        self.diagnostics.append(replace(diagnostic, notes=(*diagnostic.notes, *chain)))
        if is_error and self._reported >= self._most:
            raise Stop


def error(
    code: str, message: str, span: Span, help: str | None = None, *notes: Note
) -> DiagnosticError:
    """The exception for one error."""
    return DiagnosticError(Diagnostic(code, message, span, help, notes))


def warning(
    code: str, message: str, span: Span, help: str | None = None, *notes: Note
) -> Diagnostic:
    """A warning, to be given to the sink."""
    return Diagnostic(code, message, span, help, notes, severity="warning")


def did_you_mean(name: str, names: Iterable[str]) -> str | None:
    """A help line with the nearest name, or None."""
    found = nearest(name, names)
    return None if found is None else f"did you mean `{found}`?"
