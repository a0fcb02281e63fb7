"""Why classes and loops are printed as they are, for whoever asks (`tercet compile --why`)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from tercet.compiler.graph.ir import Graph
from tercet.dsl.records import dataclass
from tercet.dsl.source import Span


class CannotMerge(Exception):
    """Executions of one text that cannot be printed as one piece of code.

    `reason` says in words how they differ, `span` where in the source, once that is known;
    `graphs` are specialisations that differ from the first, where these are known.
    """

    def __init__(
        self, reason: str, span: Span | None = None, graphs: Collection[Graph] = ()
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.span = span
        self.graphs = graphs

    def __str__(self) -> str:
        return self.reason if self.span is None else f"{self.reason} ({place(self.span)})"


@dataclass(frozen=True)
class Decision:
    """How a class, or a loop of one, is printed, and why.  `subject` is the class's name.

    `merged`: as one class of its block, as a loop.
    """

    subject: str
    span: Span
    text: str
    merged: bool = True


def decision_lines(decisions: Iterable[Decision]) -> Iterator[str]:
    """One line for each decision, those of repeated printing once."""
    rows = dict.fromkeys((f"{place(d.span)}:", d.subject, d.text) for d in decisions)
    widths = [max((len(row[k]) for row in rows), default=0) for k in (0, 1)]
    for where, subject, text in rows:
        yield f"{where:{widths[0]}} {subject:{widths[1]}}  {text}"


def place(span: Span) -> str:
    """File and line, as editors take them."""
    return f"{span.source.name}:{span.line}"
