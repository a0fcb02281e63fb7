"""What went wrong, where, and what to write instead.  Rendering is in `render.py`."""

from __future__ import annotations

from typing import Literal

from tercet.dsl.records import dataclass
from tercet.dsl.source import Span

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Note:
    """A second place that is involved: where a dimension was bound, a block called, an import."""

    message: str
    span: Span


@dataclass(frozen=True)
class Diagnostic:
    """One finding.  `code` is a key of `dsl.codes.CODES` and has a page for `tercet explain`."""

    code: str
    message: str
    span: Span
    help: str | None = None
    notes: tuple[Note, ...] = ()
    severity: Severity = "error"

    def __str__(self) -> str:
        return f"{self.span}: {self.severity}[{self.code}]: {self.message}"


class DiagnosticError(Exception):
    """Ends the reading of what cannot be understood; carries every diagnostic collected so far."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("\n".join(map(str, diagnostics)))
        self.diagnostics = diagnostics
